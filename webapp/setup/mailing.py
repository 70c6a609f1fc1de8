"""The test mail to oneself: a form on the page of a finished check, and what became of it.

The result comes back signed in the page's own address: nothing has to be stored, and a reload sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app, redirect, request, url_for
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from profiles.problems import Code, Problem, ProblemError
from webapp.checks import CheckView
from webapp.languages import gettext as _
from webapp.probes.test_mail import RoundTrip
from webapp.services import services
from webapp.setup import pages
from webapp.setup.forms import PasswordForm, password_form
from webapp.setup.submission import password_problems

SHOWN_SECONDS = 3600
_ARGUMENT = "mail"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailTest:
    """What the page shows of it."""

    url: str
    form: PasswordForm
    arrived: str | None = None
    """One sentence, once it came."""
    problem: Problem | None = None


def mail_test(view: CheckView) -> MailTest | None:
    """The form of a finished check, with the result of the last mail; None where none can be sent."""
    if not view.can_send_test_mail:
        return None
    seconds, removed, problem = _result(view.token)
    return MailTest(
        url=url_for(".send_test_mail", token=view.token, device=pages.chosen_device()),
        form=password_form(_path(view.token)),
        arrived=None if seconds is None else _arrived(seconds, removed=removed),
        problem=problem,
    )


def send_test_mail(token: str) -> Response:
    """Send it, wait, and lead back to the page."""
    form = password_form(_path(token))
    try:
        trip = _send(token, form)
    except ProblemError as error:
        return _back(token, None, False, error.problems[0])
    return _back(token, trip.seconds, trip.is_removed, trip.problems[0] if trip.problems else None)


def _send(token: str, form: PasswordForm) -> RoundTrip:
    if not form.csrf_token.validate(form):
        raise ProblemError(Problem(Code.FORM_EXPIRED))
    password = form.password.data or ""
    problems = password_problems(password, as_typed=True)
    if problems:
        raise ProblemError(problems)
    return services().checks.send_test_mail(
        token,
        password,
        subject=_("Test mail"),
        text=_("Hagaki sent this mail to see whether mail arrives. It removes it again."),
        client_address=request.remote_addr,
    )


def _arrived(seconds: float, *, removed: bool) -> str:
    shown = f"{seconds:.1f}"
    if removed:
        return _("Your test mail arrived after %(seconds)s seconds. It has been removed again.", seconds=shown)
    return _("Your test mail arrived after %(seconds)s seconds. You may delete it.", seconds=shown)


def _back(token: str, seconds: float | None, removed: bool, problem: Problem | None) -> Response:
    told: Any = None
    if problem is not None:
        params = {name: value for name, value in problem.params.items() if isinstance(value, str)}
        told = [problem.code.value, params, problem.server]
    result = _serializer(token).dumps([seconds, removed, told])
    return redirect(f"{pages.check_url(token)}?{_ARGUMENT}={result}#test-mail", 303)


def _result(token: str) -> tuple[float | None, bool, Problem | None]:
    try:
        seconds, removed, told = _serializer(token).loads(request.args.get(_ARGUMENT, ""), max_age=SHOWN_SECONDS)
    except BadSignature:
        return None, False, None
    problem = None if told is None else Problem(Code(told[0]), told[1], server=told[2])
    return seconds, removed, problem


def _serializer(token: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt=f"test mail {token}")


def _path(token: str) -> str:
    return f"/c/{token}/test-mail"
