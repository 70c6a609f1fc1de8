"""What several employee pages need to know about the request: the device, the browser, the company."""

from __future__ import annotations

from typing import Any

from flask import request, url_for

from profiles.model import ServiceSettings
from webapp.checks import CheckView
from webapp.handouts import card_digits
from webapp.languages import gettext as _
from webapp.languages import language
from webapp.services import services
from webapp.setup.devices import Device, detect, in_app_browser


def chosen_device() -> Device | None:
    """The device chosen by hand: in the path, in the query, or carried on by the form."""
    chosen = (request.view_args or {}).get("device") or request.args.get("device") or request.form.get("device")
    return Device(chosen) if chosen in set(Device) else None


def device() -> Device:
    """The device of this page: chosen, else guessed."""
    return chosen_device() or detect(request.user_agent.string)


def is_ipad() -> bool:
    """Whether the browser says so; an iPad that asks for pages of a desk calls itself a Mac."""
    return "iPad" in request.user_agent.string


def browser_facts() -> dict[str, Any]:
    """Which browser this is, where it matters, and the link to copy out of it."""
    return {
        "in_app": in_app_browser(request.user_agent.string),
        "page_url": services().config.base_url + request.path,
    }


def check_url(token: str) -> str:
    """The page of a check, with the device chosen by hand."""
    device = chosen_device()
    return url_for(".check", token=token, device=device.value) if device else url_for(".check", token=token)


def card(view: CheckView) -> dict[str, Any]:
    """The card by which a person came to a check: its number, and the person's own pages; None without one."""
    set_ups = services().set_ups
    token = set_ups.link_of_check(view.token) if view.is_invited else None
    if token is None:
        return {"number": None, "mine_url": None, "forgotten_url": None}
    return {
        "number": card_digits(set_ups.view(token).number),
        "mine_url": url_for(".mine", token=token),
        "forgotten_url": url_for(".password_changed", token=token),
    }


def password_label(settings: ServiceSettings | None) -> str:
    """What the provider calls the password."""
    if settings is None or settings.password_label is None:
        return _("Password")
    return settings.password_label.get(language())
