"""The first page: an address, a password, one button."""

from __future__ import annotations

from dataclasses import replace

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from profiles.model import Protocol
from profiles.problems import Code, Problem, ProblemError
from webapp import presentation
from webapp.languages import gettext as _
from webapp.languages import language
from webapp.services import house, services
from webapp.setup import pages
from webapp.setup.devices import Device
from webapp.setup.forms import CHOICES, PORTS, SetupForm, fill_servers, preferred, setup_form
from webapp.setup.submission import Submission, look_up, name_problems, names_servers, read
from webapp.setup.suggestions import apply_suggestion

PATH = "/"


def start() -> Response | str | tuple[str, int]:
    """Show the form, look a provider up, or begin a check."""
    if request.method == "POST":
        return _submit()
    form = setup_form(PATH)
    form.protocol.data = request.args.get("protocol", "")
    form.incoming_protocol.data = preferred(form) or Protocol.IMAP
    return show(form, Submission())


def _submit() -> Response | str | tuple[str, int]:
    form = setup_form(PATH, request.form)
    apply_suggestion(form, request.form.get("suggestion", ""))
    find, search = services().directory.find, services().search
    if request.form.get("step") == "address":
        found = look_up(form, find, search)
        return show(form, found), _status(found, 200)
    wants_file = request.form.get("step") == "profile"
    if _only_address(form) and not wants_file:
        found = look_up(form, find, search)
        return show(form, found), _status(found)
    if not form.csrf_token.validate(form):
        found = look_up(form, find, search)
        expired = Problem(Code.FORM_EXPIRED)
        return show(form, _with(found, expired)), 422
    if wants_file:
        return _deliver(form, look_up(form, find, search))
    found = read(form, find, search)
    if not found.is_complete:
        return show(form, found), _status(found)
    try:
        token = _begin_check(form, found)
    except ProblemError as error:
        return show(form, _with(found, *error.problems)), 422
    return redirect(pages.check_url(token), 303)


def _begin_check(form: SetupForm, found: Submission) -> str:
    if found.settings is None or found.address is None:
        raise AssertionError("only a complete submission is checked")
    return services().checks.start(
        found.settings,
        found.address,
        (form.full_name.data or "").strip(),
        form.password.data,
        username=(form.username.data or "").strip() or None,
        include_password=bool(form.include_password.data),
        language=language(),
        client_address=request.remote_addr,
        prefer=preferred(form),
        compare="compare" in request.form,
    )


def _deliver(form: SetupForm, found: Submission) -> Response | tuple[str, int]:
    """The device's file of a service that takes no password: the device opens its sign-in page."""
    settings, address = found.settings, found.address
    if settings is None or address is None or not settings.needs_oauth:
        return show(form, found), _status(found)
    problems = tuple(name_problems(form))
    if problems:
        return show(form, _with(found, *problems)), 422
    made = services().checks.deliver_without_check(
        settings,
        address,
        (form.full_name.data or "").strip(),
        language=language(),
        client_address=request.remote_addr,
    )
    filename = made.file(".k9s" if pages.device() is Device.ANDROID else ".mobileconfig")
    if filename is None:
        return show(form, found), 422
    return redirect(url_for("delivery.deliver", token=made.token, filename=filename), 303)


def _status(found: Submission, status: int = 422) -> int:
    return 429 if found.is_over_budget else status


def _only_address(form: SetupForm) -> bool:
    # Without JavaScript the first press tells what the provider needs. A script that sends the password field
    # empty is told that it is missing.
    return bool(form.address.data) and "password" not in request.form


def _with(found: Submission, *problems: Problem) -> Submission:
    return replace(found, problems=problems, asks_servers=found.asks_servers and found.settings is None)


def show(form: SetupForm, found: Submission) -> str:
    """Render the form with what is known about the address."""
    settings = found.settings or house()
    presentation.belongs_to(settings)
    if found.address is not None:
        form.address.data = str(found.address)
    if found.found is not None and found.address is not None:
        form.found.data = f"{found.found.source} {found.address.domain}"
        if not names_servers(form):
            fill_servers(form, found.found.settings.account(found.address, prefer=preferred(form)))
    device = pages.device()
    return render_template(
        "setup/form.html",
        form=form,
        problems=found.problems,
        notes=found.notes,
        settings=found.settings,
        ask_servers=found.asks_servers,
        # Of a provider known by its MX, the hints apply also while its servers are being confirmed.
        hints=found.settings or (found.found.settings if found.found else None),
        found=found.found,
        found_reason=None if found.found is None else _(found.found.reason, where=found.found.where),
        unavailable=found.unavailable,
        preferred=preferred(form),
        offers_choice=settings is None or len({each.protocol for each in settings.incoming_servers}) > 1,
        password_label=pages.password_label(found.settings or (found.found.settings if found.found else None)),
        default_ports=PORTS,
        choices=CHOICES,
        device=device,
        asks_password=False,
        signer_is_public=services().signer_is_public(),
        chosen_device=pages.chosen_device(),
        is_ipad="iPad" in request.user_agent.string,
        device_links=tuple((d, url_for(".start", device=d.value)) for d in Device),
        **pages.browser_facts(),
    )
