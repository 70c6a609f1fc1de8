"""The first page: an address, a password, one button."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from profiles.problems import Code, Problem, ProblemError
from webapp import presentation
from webapp.languages import language
from webapp.services import services
from webapp.setup import pages
from webapp.setup.devices import Device
from webapp.setup.forms import CHOICES, PORTS, SetupForm, fill_servers, setup_form
from webapp.setup.submission import Submission, look_up, read
from webapp.setup.suggestions import apply_suggestion

PATH = "/"


def start() -> Response | str | tuple[str, int]:
    """Show the form, look a provider up, or begin a check."""
    if request.method == "POST":
        return _submit()
    return show(setup_form(PATH), Submission())


def _submit() -> Response | str | tuple[str, int]:
    form = setup_form(PATH, request.form)
    apply_suggestion(form, request.form.get("suggestion", ""))
    find, search = services().directory.find, services().search
    if request.form.get("step") == "address":
        return show(form, look_up(form, find, search))
    if _only_address(form):
        return show(form, look_up(form, find, search)), 422
    if not form.csrf_token.validate(form):
        found = look_up(form, find, search)
        expired = Problem(Code.FORM_EXPIRED)
        return show(form, _with(found, expired)), 422
    found = read(form, find, search)
    if not found.is_complete:
        return show(form, found), 422
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
        compare="compare" in request.form,
    )


def _only_address(form: SetupForm) -> bool:
    # Without JavaScript the first press tells what the provider needs. A script that sends the password field
    # empty is told that it is missing.
    return bool(form.address.data) and "password" not in request.form


def _with(found: Submission, *problems: Problem) -> Submission:
    return Submission(
        address=found.address,
        settings=found.settings,
        found=found.found,
        asks_servers=found.asks_servers and found.settings is None,
        problems=problems,
        notes=found.notes,
    )


def show(form: SetupForm, found: Submission) -> str:
    """Render the form with what is known about the address."""
    settings = found.settings or pages.house()
    presentation.belongs_to(settings)
    if found.address is not None:
        form.address.data = str(found.address)
    if found.found is not None:
        fill_servers(form, found.found.account)
    device = pages.device()
    return render_template(
        "setup/form.html",
        form=form,
        problems=found.problems,
        notes=found.notes,
        settings=found.settings,
        ask_servers=found.asks_servers,
        found_where=None if found.found is None else found.found.where,
        password_label=pages.password_label(found.settings),
        default_ports=PORTS,
        choices=CHOICES,
        device=device,
        chosen_device=pages.chosen_device(),
        is_ipad="iPad" in request.user_agent.string,
        device_links=tuple((d, url_for(".start", device=d.value)) for d in Device),
        **pages.browser_facts(),
    )
