"""Another address of the same person: an alias or a shared mailbox, also with a user name of its own.

From "my set-up" it gets files of its own. From a finished check it joins that check's accounts in the same files,
for a device keeps only one downloaded profile at a time. Either is checked live like any first address.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from profiles.address import Address
from profiles.model import ServiceSettings
from profiles.problems import Code, Problem, ProblemError
from webapp import presentation
from webapp.checks import CheckView
from webapp.discovery.candidates import Discovery
from webapp.languages import gettext as _
from webapp.languages import language
from webapp.services import services
from webapp.setup import mine, pages
from webapp.setup.forms import CHOICES, PORTS, SetupForm, fill_servers, preferred, setup_form
from webapp.setup.submission import Find, Search, Submission, look_up, names_servers, read
from webapp.setup.suggestions import apply_suggestion


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one of the two forms is about."""

    path: str
    """Where it is posted to, without a language."""
    url: str
    full_name: str
    find: Find
    search: Search
    service: ServiceSettings | None = None
    """The only service whose addresses are taken; None where any is."""
    invitation: str | None = None
    beside: str | None = None
    shown: dict[str, Any]
    """What the page says besides the form."""


def another_address(token: str) -> Response | str | tuple[str, int]:
    """The form of "my set-up"."""
    here = services().set_ups.view(token)
    found = mine.context(token, here)
    settings: ServiceSettings = found["settings"]
    asked = Asked(
        path=f"/s/{token}/address",
        url=url_for(".another_address", token=token),
        full_name=here.full_name,
        find=partial(_only, settings),
        search=_nothing,
        service=settings,
        invitation=token,
        shown={"number": found["number"], "valid_until": found["valid_until"], "urls": found["urls"]},
    )
    return _answer(asked)


def add_account(token: str) -> Response | str | tuple[str, int]:
    """The form of a finished check."""
    view = services().checks.view(token)
    if not view.can_add_account:
        raise ProblemError(Problem(Code.LINK_EXPIRED))
    presentation.belongs_to(view.account.settings)
    asked = Asked(
        path=f"/c/{token}/add",
        url=url_for(".add_account", token=token),
        full_name=view.account.full_name,
        find=services().directory.find,
        search=services().search,
        invitation=services().set_ups.link_of_check(token),
        beside=token,
        shown={"view": view, "back_url": pages.check_url(token), "asks_again": _asks_again(view)},
    )
    return _answer(asked)


def _asks_again(view: CheckView) -> bool:
    """Whether the device will ask for the passwords of the earlier accounts: they are kept for a while only."""
    return view.holds_secrets and not services().checks.keeps_passwords(view.token)


def _answer(asked: Asked) -> Response | str | tuple[str, int]:
    if request.method != "POST":
        form = setup_form(asked.path)
        form.full_name.data = asked.full_name
        return _page(form, Submission(), asked)
    form = setup_form(asked.path, request.form)
    apply_suggestion(form, request.form.get("suggestion", ""))
    if request.form.get("step") == "address":
        found = look_up(form, asked.find, asked.search)
        return _page(form, found, asked), 429 if found.is_over_budget else 200
    if not form.csrf_token.validate(form):
        found = look_up(form, asked.find, asked.search)
        return _page(form, _with(found, Problem(Code.FORM_EXPIRED)), asked), 422
    found = read(form, asked.find, asked.search)
    if asked.service is not None and found.address is not None and found.settings is None:
        found = Submission(address=found.address, problems=(_elsewhere(found.address, asked.service),))
    if not found.is_complete:
        return _page(form, found, asked), 429 if found.is_over_budget else 422
    try:
        token = _begin_check(form, found, asked)
    except ProblemError as error:
        if error.problems[0].code is Code.LINK_EXPIRED:
            raise
        return _page(form, _with(found, *error.problems), asked), 422
    return redirect(pages.check_url(token), 303)


def _begin_check(form: SetupForm, found: Submission, asked: Asked) -> str:
    if found.settings is None or found.address is None:
        raise AssertionError("only a complete submission is checked")
    username = (form.username.data or "").strip() or None
    return services().checks.start(
        # The person knows better than the service what a shared mailbox signs in with.
        found.settings.asking_username() if username else found.settings,
        found.address,
        (form.full_name.data or "").strip(),
        form.password.data,
        username=username,
        include_password=bool(form.include_password.data),
        language=language(),
        client_address=request.remote_addr,
        prefer=preferred(form),
        compare="compare" in request.form,
        invitation=asked.invitation,
        beside=asked.beside,
        form=asked.path,
    )


def _only(settings: ServiceSettings, domain: str) -> ServiceSettings | None:
    return settings if settings.serves(domain) else None


def _nothing(address: Address) -> Discovery:
    """No search: the service is known."""
    del address
    return Discovery()


def _elsewhere(address: Address, service: ServiceSettings) -> Problem:
    domains = ", ".join(service.domains[:3])
    return Problem(Code.ADDRESS_ELSEWHERE, {"address": str(address), "domains": domains}, place="address")


def _with(found: Submission, *problems: Problem) -> Submission:
    return replace(found, problems=problems, asks_servers=found.asks_servers and found.settings is None)


def _page(form: SetupForm, found: Submission, asked: Asked) -> str:
    candidate = found.found
    hints = found.settings or (candidate.settings if candidate else None) or asked.service
    if found.address is not None:
        form.address.data = str(found.address)
    if candidate is not None and found.address is not None:
        form.found.data = f"{candidate.source} {found.address.domain}"
        if not names_servers(form):
            fill_servers(form, candidate.settings.account(found.address, prefer=preferred(form)))
    return render_template(
        "setup/again.html",
        form=form,
        form_url=asked.url,
        beside=asked.beside,
        problems=found.problems,
        notes=found.notes,
        settings=found.settings or asked.service,
        ask_servers=found.asks_servers and asked.service is None,
        hints=hints,
        found=candidate,
        found_reason=None if candidate is None else _(candidate.reason, where=candidate.where),
        unavailable=found.unavailable,
        password_label=pages.password_label(hints),
        default_ports=PORTS,
        choices=CHOICES,
        device=pages.device(),
        chosen_device=pages.chosen_device(),
        asks_password=False,
        signer_is_public=services().signer_is_public(),
        is_ipad=pages.is_ipad(),
        **asked.shown,
    )
