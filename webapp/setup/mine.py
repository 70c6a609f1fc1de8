"""My set-up: what was set up where, and what to do when something about it changes. Looking changes nothing.

Whoever holds the card opens these pages, so they name device families and dates and never a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import render_template, url_for
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from profiles.model import ServiceSettings, SignIn
from profiles.problems import Code, Problem, ProblemError
from webapp import presentation
from webapp.batches.options import Mode
from webapp.batches.set_ups import MySetUp
from webapp.handouts import card_digits
from webapp.services import services
from webapp.setup import pages
from webapp.setup.devices import Device
from webapp.setup.names import DEVICE_NAMES

KINDS: Mapping[str, LazyString] = {
    "mobileconfig": _l("Profile"),
    "k9s": _l("Settings file"),
    "txt": _l("Values to enter"),
}
"""What a person fetched."""


def mine(token: str) -> str:
    """What was set up, and where to go from here."""
    here = services().set_ups.view(token)
    return render_template("setup/mine.html", **context(token, here))


def password_changed(token: str, device: str | None = None) -> str:
    """What to do on each device once the password is another one."""
    del device  # read by pages.device()
    here = services().set_ups.view(token)
    found = context(token, here)
    device_here = pages.device().value
    # A ready-made link knows the list's password alone, which is the old one now.
    if here.mode is Mode.READY_MADE:
        again_url = url_for(".start", device=device_here)
    else:
        again_url = url_for(".invitation", token=token, device=device_here)
    return render_template(
        "setup/password_changed.html",
        **found,
        again_url=again_url,
        **_devices(token, ".password_changed"),
        # The provider's own words for a password that its servers refuse.
        advice=found["settings"].refusal_advice,
        takes_app_password=found["settings"].sign_in is SignIn.APP_PASSWORD,
    )


def remove(token: str, device: str | None = None) -> str:
    """How the account goes away from each device again."""
    del device  # read by pages.device()
    here = services().set_ups.view(token)
    return render_template("setup/mine_remove.html", **context(token, here), **_devices(token, ".remove"))


def context(token: str, here: MySetUp) -> dict[str, Any]:
    """What all of these pages show."""
    settings = settings_of(here)
    presentation.belongs_to(settings)
    return {
        "here": here,
        "settings": settings,
        "set_ups": here.set_ups,
        "kinds": KINDS,
        "number": card_digits(here.number),
        "valid_until": None if here.is_over else here.expires_at,
        "device": pages.device(),
        "is_ipad": pages.is_ipad(),
        "urls": {
            "set_up": url_for(".invitation", token=token),
            "mine": url_for(".mine", token=token),
            "password": url_for(".password_changed", token=token),
            "address": url_for(".another_address", token=token),
            "remove": url_for(".remove", token=token),
            "lost": url_for(".lost", token=token),
        },
    }


def settings_of(here: MySetUp) -> ServiceSettings:
    """The service of the person's address; a host that no longer serves it has ended the link."""
    settings = services().directory.find(here.address.domain)
    if settings is None:
        raise ProblemError(Problem(Code.LINK_EXPIRED))
    return settings


def _devices(token: str, endpoint: str) -> dict[str, Any]:
    return {
        "device_links": tuple((d, url_for(endpoint, token=token, device=d.value)) for d in Device),
        "device_name": DEVICE_NAMES[pages.device()],
    }
