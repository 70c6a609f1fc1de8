"""The page of a ready-made link: a PIN opens the password of the host's list.

Without the PIN the page says whose it is and nothing else, and opening it or sending it empty uses nothing up.
"""

from __future__ import annotations

from flask import render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import HiddenField, StringField

from profiles.model import ServiceSettings
from profiles.problems import Code, Problem, ProblemError
from webapp import presentation
from webapp.batches.invitations import Invited, Opened
from webapp.batches.pins import PIN_DIGITS
from webapp.handouts import card_digits
from webapp.languages import language
from webapp.services import services
from webapp.setup import pages
from webapp.setup.devices import Device
from webapp.setup.forms import EmployeeForm
from webapp.setup.onward import onward

GONE = 410


class PinForm(EmployeeForm):
    """Six digits."""

    pin = StringField()
    device = HiddenField()


def ready_made(token: str, invited: Invited, settings: ServiceSettings) -> Response | tuple[str, int]:
    """Ask for the PIN, or go on with what it opens."""
    is_sent = request.method == "POST"
    form = PinForm(request.form if is_sent else None, meta={"csrf_context": f"/s/{token}"})
    if invited.is_locked:
        return _page(token, form, invited, settings, Problem(Code.PIN_LOCKED)), GONE
    if not is_sent:
        return _page(token, form, invited, settings, None), 200
    if not form.csrf_token.validate(form):
        return _page(token, form, invited, settings, Problem(Code.FORM_EXPIRED)), 422
    try:
        opened = services().invitations.open_ready_made(token, form.pin.data or "")
    except ProblemError as error:
        return _refused(token, form, invited, settings, error)
    return onward(_issue(token, opened, settings))


def _refused(
    token: str, form: PinForm, invited: Invited, settings: ServiceSettings, error: ProblemError
) -> tuple[str, int]:
    problem = error.problems[0]
    if problem.code not in (Code.PIN_INVALID, Code.PIN_WRONG, Code.PIN_LOCKED):
        raise error
    status = GONE if problem.code is Code.PIN_LOCKED else 422
    return _page(token, form, invited, settings, problem), status


def _issue(token: str, opened: Opened, settings: ServiceSettings) -> str:
    invited = opened.invited
    account = settings.account(invited.address, invited.full_name, username=invited.username)
    return services().checks.issue_ready_made(
        account, opened.password, tried=opened.tried, language=language(), invitation=token
    )


def _page(token: str, form: PinForm, invited: Invited, settings: ServiceSettings, problem: Problem | None) -> str:
    presentation.belongs_to(settings)
    is_locked = problem is not None and problem.code is Code.PIN_LOCKED
    return render_template(
        "setup/pin.html",
        form=form,
        problems=[] if problem is None else [problem],
        is_locked=is_locked,
        digits=PIN_DIGITS,
        invited=invited,
        number=card_digits(invited.number),
        valid_until=None if is_locked else invited.expires_at,
        page_path=url_for(".invitation", token=token),
        opened_path=url_for(".opened", token=token),
        mine_url=url_for(".mine", token=token),
        device=pages.device(),
        chosen_device=pages.chosen_device(),
        device_links=tuple((d, url_for(".invitation", token=token, device=d.value)) for d in Device),
        **pages.browser_facts(),
    )
