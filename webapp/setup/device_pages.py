"""The pages of a finished check: what to do on each device, and the code to go on with on another one."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from flask import render_template, url_for
from markupsafe import Markup

from profiles import qr
from profiles.model import Source
from profiles.outlook_sheet import Outlook
from profiles.problems import Severity
from profiles.settings_sheet import Section
from webapp.checks import CheckView
from webapp.languages import clock, language
from webapp.languages import gettext as _
from webapp.services import services
from webapp.setup import files, pages, values
from webapp.setup.devices import Device
from webapp.setup.forms import confirm_form
from webapp.setup.mailing import mail_test
from webapp.setup.stamp import stamp

CODE_LEVEL = "M"


def show_device(view: CheckView) -> str:
    """Render the page of the person's device."""
    device = pages.device()
    template, special = _PAGES.get(device, ("setup/computer.html", _computer))
    return render_template(
        template,
        view=view,
        account=view.account,
        device=device,
        is_ipad=pages.is_ipad(),
        device_links=tuple((d, url_for(".check", token=view.token, device=d.value)) for d in Device),
        unchecked=view.unchecked,
        warnings=[problem for problem in view.problems if problem.severity is Severity.WARNING],
        finished_at=view.finished_at or view.started_at,
        done_words=_took(view),
        asks_password=not view.includes_password,
        download_url=_download_url(view),
        no_profile=files.refusal(view, "mobileconfig"),
        renew_url=url_for(".renew", token=view.token),
        renew_form=confirm_form(f"/c/{view.token}/renew"),
        signer_is_public=services().signer_is_public(),
        is_hosted=view.source in (Source.DOMAIN, Source.PROVIDER),
        mail_test=mail_test(view),
        # A profile brings the password along; every other app asks for what the list alone knows.
        password_url=url_for(".show_password", token=view.token, device=pages.chosen_device())
        if view.options.ready_made and device is not Device.IPHONE
        else None,
        password_form=confirm_form(f"/c/{view.token}/show-password"),
        works_url=url_for(".works", token=view.token, device=pages.chosen_device()),
        works_form=confirm_form(f"/c/{view.token}/works"),
        calendars=values.calendars(view.account, files.options(view, language())),
        removes_itself=files.removal(view),
        add_url=url_for(".add_account", token=view.token) if view.can_add_account else None,
        **pages.card(view),
        **pages.browser_facts(),
        **special(view),
        **_handover(view),
    )


def _took(view: CheckView) -> Markup:
    if view.options.ready_made:
        return Markup(_("Signing in was tried before the profile was made, and it worked."))  # noqa: S704
    seconds = f"{view.milliseconds / 1000:.1f}"
    said = _("Signing in worked for incoming and outgoing mail. It took %(seconds)s seconds.", seconds=seconds)
    return Markup(said)  # noqa: S704 - our own text and a number


def _download_url(view: CheckView) -> str | None:
    if view.delivery is None or not view.delivery.alive:
        return None
    filename = view.delivery.file(".mobileconfig")
    return filename and url_for("delivery.deliver", token=view.delivery.token, filename=filename)


def _iphone(view: CheckView) -> dict[str, Any]:
    return {"phone_values": _by_hand(view)}


def _android(view: CheckView) -> dict[str, Any]:
    codes = files.thunderbird_texts(view)
    settings_file = files.render_if_possible(view, "k9s")
    return {
        "thunderbird_codes": tuple((address, thunderbird_code(text)) for address, text in codes),
        "k9s_name": None if settings_file is None else settings_file.filename,
        "k9s_url": None
        if settings_file is None
        else url_for(".download_k9s", token=view.token, name=settings_file.filename.removesuffix(".k9s")),
        "phone_values": _by_hand(view),
    }


def _by_hand(view: CheckView) -> tuple[Section, ...]:
    """The values of every account, told apart where there are several."""
    if len(view.accounts) == 1:
        return values.by_hand(view.account, values.PHONE)
    return tuple(
        replace(section, title=f"{section.title}, {account.address}")
        for account in view.accounts
        for section in values.by_hand(account, values.PHONE)
    )


def thunderbird_code(text: str) -> Markup:
    """Thunderbird's own code, which its app reads and no camera opens."""
    label = _("QR code for Thunderbird. It holds no password.")
    return Markup(qr.svg(qr.matrix(text, CODE_LEVEL), label=label))  # noqa: S704 - built by ElementTree


def _computer(view: CheckView) -> dict[str, Any]:
    rendering = files.options(view, language())
    return {
        "thunderbird_values": values.by_hand(view.account, values.THUNDERBIRD),
        "evolution_values": values.by_hand(view.account, values.EVOLUTION),
        "classic_values": values.outlook(view.account, Outlook.CLASSIC, rendering),
        "new_values": values.outlook(view.account, Outlook.NEW, rendering),
    }


def _handover(view: CheckView) -> dict[str, Any]:
    base_url = services().config.base_url
    facts: dict[str, Any] = {"handover_is_local": is_local(base_url), "handover_origin": base_url}
    link = view.handover
    if link is None or not link.alive:
        return facts | {"handover_stamp": None}
    url = f"{base_url}/h/{link.token}"
    code = stamp(
        qr.matrix(url, CODE_LEVEL),
        label=_("QR code to go on with the phone"),
        left=_("Go on"),
        right=_("until %(time)s", time=clock(link.expires_at)),
    )
    return facts | {"handover_stamp": code, "handover_url": url, "handover_until": link.expires_at}


def is_local(url: str) -> bool:
    """Whether only this machine can open `url`, so that a phone cannot follow its code."""
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


_PAGES: Mapping[Device, tuple[str, Callable[[CheckView], dict[str, Any]]]] = {
    Device.IPHONE: ("setup/iphone.html", _iphone),
    Device.ANDROID: ("setup/android.html", _android),
}
