"""The page of a printed link: the form with the address in it. A password is typed, and the check is the proof.

The link holds no secret, so opening it or sending an empty form uses nothing up. A ready-made link asks for a PIN
instead (webapp.setup.pin).
"""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from profiles.address import Address
from profiles.model import ServiceSettings
from profiles.problems import Code, Problem, ProblemError
from webapp import presentation
from webapp.batches.invitations import Invited
from webapp.batches.options import Mode
from webapp.discovery.candidates import Discovery
from webapp.handouts import card_digits
from webapp.languages import language
from webapp.links import SAMPLE_TOKEN
from webapp.services import house, services
from webapp.setup import pages
from webapp.setup.devices import Device
from webapp.setup.forms import SetupForm, confirm_form, setup_form
from webapp.setup.onward import onward
from webapp.setup.pin import ready_made
from webapp.setup.submission import name_problems, read


def invitation(token: str, device: str | None = None) -> Response | str | tuple[str, int]:
    """Show the form, or begin the check and go on to its page."""
    del device  # read by pages.device()
    presentation.belongs_to(house())
    if token == SAMPLE_TOKEN:
        return render_template("setup/sample.html")
    invited = services().invitations.find(token)  # raises for a link that never was or has ended
    settings = services().directory.find(invited.address.domain)
    if settings is None:
        raise ProblemError(Problem(Code.LINK_EXPIRED))
    if invited.mode is Mode.READY_MADE and not settings.needs_oauth:
        return ready_made(token, invited, settings)
    form = _form(token, invited)
    if request.method == "POST":
        return _submit(token, form, invited, settings)
    return _page(form, invited, settings, ())


def opened(token: str) -> Response:
    """The page's own script says that somebody looks at it; whoever only fetches the page, a preview, does not."""
    form = confirm_form(f"/s/{token}")
    if not form.csrf_token.validate(form):
        raise ProblemError(Problem(Code.FORM_EXPIRED))
    services().invitations.opened(token)
    return Response(status=204)


def _form(token: str, invited: Invited) -> SetupForm:
    form = setup_form(f"/s/{token}", request.form if request.method == "POST" else None)
    # Whoever holds a card sets up its address and no other, whatever the form says.
    form.address.data = str(invited.address)
    form.full_name.data = invited.full_name or form.full_name.data
    form.username.data = form.username.data or invited.username
    return form


def _submit(
    token: str, form: SetupForm, invited: Invited, settings: ServiceSettings
) -> Response | tuple[str, int]:
    if not form.csrf_token.validate(form):
        return _page(form, invited, settings, (Problem(Code.FORM_EXPIRED),)), 422
    if settings.needs_oauth:
        return _deliver(token, form, invited, settings)
    found = read(form, lambda domain: settings if settings.serves(domain) else None, _nothing)
    if not found.is_complete:
        return _page(form, invited, settings, found.problems), 422
    try:
        check = _begin_check(token, form, invited, settings)
    except ProblemError as error:
        return _page(form, invited, settings, error.problems), 422
    return onward(check)


def _begin_check(token: str, form: SetupForm, invited: Invited, settings: ServiceSettings) -> str:
    return services().checks.start(
        settings,
        invited.address,
        (form.full_name.data or "").strip(),
        form.password.data,
        username=(form.username.data or "").strip() or None,
        include_password=bool(form.include_password.data),
        language=language(),
        client_address=request.remote_addr,
        compare="compare" in request.form,
        invitation=token,
        form=f"/s/{token}",
    )


def _deliver(
    token: str, form: SetupForm, invited: Invited, settings: ServiceSettings
) -> Response | tuple[str, int]:
    """The device's file of a service that takes no password: the device opens its sign-in page."""
    problems = tuple(name_problems(form))
    if problems:
        return _page(form, invited, settings, problems), 422
    name = (form.full_name.data or "").strip()
    made = services().checks.deliver_without_check(
        settings,
        invited.address,
        name,
        language=language(),
        client_address=request.remote_addr,
        invitation=token,
    )
    filename = made.file(".k9s" if pages.device() is Device.ANDROID else ".mobileconfig")
    if filename is None:
        return _page(form, invited, settings, ()), 422
    return redirect(url_for("delivery.deliver", token=made.token, filename=filename), 303)


def _nothing(address: Address) -> Discovery:
    """No search: the settings of an invitation are known."""
    del address
    return Discovery()


def _page(form: SetupForm, invited: Invited, settings: ServiceSettings, problems: tuple[Problem, ...]) -> str:
    presentation.belongs_to(settings)
    token = (request.view_args or {})["token"]
    return render_template(
        "setup/invitation.html",
        form=form,
        found=None,
        problems=problems,
        invited=invited,
        number=card_digits(invited.number),
        valid_until=invited.expires_at,
        settings=settings,
        hints=settings,
        page_path=url_for(".invitation", token=token),
        opened_path=url_for(".opened", token=token),
        mine_url=url_for(".mine", token=token),
        password_label=pages.password_label(settings),
        device=pages.device(),
        chosen_device=pages.chosen_device(),
        is_ipad="iPad" in request.user_agent.string,
        device_links=tuple((d, url_for(".invitation", token=token, device=d.value)) for d in Device),
        signer_is_public=services().signer_is_public(),
        **pages.browser_facts(),
    )
