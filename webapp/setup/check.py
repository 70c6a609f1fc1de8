"""The page of one check: its stages while it runs, then what went wrong, or the way on for the person's device."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from flask import jsonify, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from profiles.model import Source
from profiles.problems import Code, Problem, ProblemError, Severity
from webapp import presentation
from webapp.checks import CheckState, CheckView
from webapp.languages import language
from webapp.probes.report import StageName
from webapp.services import services
from webapp.setup import entry, files, pages
from webapp.setup.device_pages import show_device
from webapp.setup.devices import detect
from webapp.setup.forms import CHOICES, PORTS, SetupForm, confirm_form, server_fields, setup_form
from webapp.setup.progress import Progress, progress
from webapp.setup.suggestions import suggestions

_AT_PASSWORD = frozenset(
    {Code.AUTH_WRONG_PASSWORD, Code.AUTH_APP_PASSWORD, Code.AUTH_WRONG_PASSWORD_OR_DISABLED, Code.AUTH_WEB_LOGIN}
)
"""Refusals that another password may cure: they also stand at the password field."""
_AT_SERVERS = (
    frozenset(code for code in Code if code.startswith(("DNS_", "CONNECT_", "CERT_", "TLS_")))
    | frozenset(code for code in Code if code.startswith(("STARTTLS_", "PORT_SPEAKS_")))
    | {Code.TARGET_NOT_ALLOWED, Code.CLOSED_EARLY, Code.NO_GREETING, Code.NOT_A_MAIL_SERVER, Code.WRONG_PROTOCOL}
    | {Code.SERVER_UNREACHABLE, Code.SERVER_TOO_SLOW, Code.AUTH_NEEDS_TLS, Code.AUTH_LOGIN_DISABLED}
    | {Code.AUTH_NOT_OFFERED, Code.AUTH_NO_COMMON_MECHANISM}
) - {Code.STARTTLS_INJECTION}
"""Faults of servers and of their settings: whoever cannot change those has nothing to correct."""
_WORSE_BY_TRYING = frozenset({Code.AUTH_ACCOUNT_LOCKED, Code.AUTH_RATE_LIMITED})
_SAID_BY_SERVER = frozenset({Code.AUTH_ACCOUNT_DISABLED, Code.SERVER_SAID_NO})
"""Problems whose advice is to read the server's own words."""


def check(token: str, device: str | None = None) -> str:
    """Show whatever the check has come to."""
    del device  # read by pages.device()
    view = services().checks.view(token)
    presentation.belongs_to(view.account.settings)
    if view.state is CheckState.EXPIRED:
        raise ProblemError(Problem(Code.LINK_EXPIRED))
    if view.state is CheckState.RUNNING:
        return _running(view)
    if view.state is CheckState.OK or view.unchecked:
        return show_device(view)
    return _failed(view)


def poll(token: str) -> Response:
    """The stages for the script of the page."""
    view = services().checks.view(token)
    if view.state is CheckState.EXPIRED:
        raise ProblemError(Problem(Code.LINK_EXPIRED))
    now = _progress(view)
    return jsonify(
        state=view.state,
        status=now.status,
        elapsed=now.elapsed,
        legs=[
            {
                "service": leg.service,
                "server": leg.server,
                "steps": [{"words": step.words, "state": step.state, "note": step.note} for step in leg.steps],
            }
            for leg in now.legs
        ],
        problems=[{"code": problem.code, "server": problem.server} for problem in view.problems],
    )


def issue_unchecked(token: str) -> Response:
    """Give the settings without a successful check, where the host allows that."""
    return _change(token, "unchecked", services().checks.issue_unchecked)


def renew(token: str) -> Response:
    """Make fresh links to the profile of a finished check."""
    return _change(token, "renew", partial(services().checks.renew, client_address=request.remote_addr))


def works(token: str) -> Response:
    """Note that the person says that mail arrives."""
    return _change(token, "works", services().checks.confirm)


def show_password(token: str) -> Response | str:
    """Show the password of a ready-made link to whoever has opened it: not every app takes it from a profile."""
    if request.method != "POST":
        return redirect(pages.check_url(token))  # the other language, or a reload: the button is there
    view = services().checks.view(token)
    presentation.belongs_to(view.account.settings)
    form = confirm_form(f"/c/{token}/show-password")
    if not form.csrf_token.validate(form):
        raise ProblemError(Problem(Code.FORM_EXPIRED))
    return render_template(
        "setup/show_password.html",
        account=view.account,
        password=services().checks.ready_made_password(token),
        password_label=pages.password_label(view.account.settings),
        check_url=pages.check_url(token),
    )


def _change(token: str, what: str, change: Any) -> Response:
    form = confirm_form(f"/c/{token}/{what}")
    if not form.csrf_token.validate(form):
        raise ProblemError(Problem(Code.FORM_EXPIRED))
    change(token)
    return redirect(pages.check_url(token), 303)


def download(token: str, name: str, format_name: str) -> Response:
    """A file of a finished check that holds no password."""
    del name
    view = services().checks.view(token)
    if not view.has_files:
        raise ProblemError(Problem(Code.LINK_EXPIRED if view.state is CheckState.EXPIRED else Code.LINK_UNKNOWN))
    artifact = files.render(view, format_name)
    if view.is_invited and format_name == "k9s" and request.method == "GET":
        services().checks.downloaded(token, artifact.filename, detect(request.user_agent.string))
    response = Response(artifact.data, content_type=artifact.content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{artifact.filename}"'
    return response


def _progress(view: CheckView) -> Progress:
    is_running = view.state is CheckState.RUNNING
    return progress(view.account, view.stages, running=is_running, milliseconds=view.milliseconds)


def _running(view: CheckView) -> str:
    return render_template(
        "setup/checking.html",
        progress=_progress(view),
        poll_url=url_for(".poll", token=view.token),
        page_path=pages.check_url(view.token),
        form_url=_form_url(view),
        **pages.card(view),
    )


def _failed(view: CheckView) -> str:
    errors = [problem for problem in view.problems if problem.is_error] or [Problem(Code.INCIDENT)]
    first, settings = errors[0], view.account.settings
    return render_template(
        "setup/failed.html",
        main_problem=first,
        other_problems=errors[1:],
        all_problems=view.problems,
        notes=[p for p in view.problems if p.severity is Severity.WARNING],
        not_to_correct=frozenset() if _by_hand(view) else _AT_SERVERS,
        may_try_again=first.code not in _WORSE_BY_TRYING,
        reads_server=first.code in _SAID_BY_SERVER,
        refusal_advice=_refusal_advice(view, first),
        settings=settings,
        settings_by_hand=_by_hand(view),
        shows_provider_pages=first.code in _AT_PASSWORD,
        progress=_progress(view),
        outgoing_tried=_was_tried(view, "smtp"),
        finished_at=view.finished_at,
        form=_retry_form(view),
        form_url=_form_url(view),
        # An invitation is to one address; an alias or a shared mailbox may sign in with a name of its own.
        is_fixed=view.form.startswith("/s/") and not _is_other(view),
        may_name_user=_is_other(view),
        problems=[replace(first, place="password")] if first.code in _AT_PASSWORD else [],
        brief=True,
        password_label=pages.password_label(settings),
        default_ports=PORTS,
        choices=CHOICES,
        device=pages.device(),
        chosen_device=pages.chosen_device(),
        attempts_left=view.attempts_left,
        can_compare=first.code in _AT_PASSWORD and not view.options.compare and not _was_tried(view, "smtp"),
        suggestions=suggestions(view.account, view.problems) if _by_hand(view) else (),
        can_issue_unchecked=view.can_issue_unchecked,
        unchecked_url=url_for(".issue_unchecked", token=view.token),
        unchecked_form=confirm_form(f"/c/{view.token}/unchecked"),
        **pages.card(view),
    )


def _by_hand(view: CheckView) -> bool:
    """Whether the servers are the person's to change: neither the host nor a provider vouches for them."""
    return view.source not in (Source.DOMAIN, Source.PROVIDER)


def _refusal_advice(view: CheckView, problem: Problem) -> str | None:
    advice = view.account.settings.refusal_advice
    # The probes already give the provider's words where they know that they fit.
    if advice is None or problem.code not in _AT_PASSWORD or "advice" in problem.params:
        return None
    return advice.get(language())


def _was_tried(view: CheckView, service: str) -> bool:
    return any(
        stage.service == service and stage.stage is StageName.LOGIN and stage.ok is not None
        for stage in view.stages
    )


def _retry_form(view: CheckView) -> SetupForm:
    """The form again, everything kept but the password."""
    account = view.account
    values = {"address": str(account.address), "full_name": account.full_name, "include_password_shown": "1"}
    if view.options.include_password:
        values["include_password"] = "1"
    values |= server_fields(account)
    if view.source not in (Source.DOMAIN, Source.PROVIDER, Source.OPTIONS):
        values["found"] = f"{view.source} {account.address.domain}"
    if account.incoming:
        values["protocol"] = account.incoming[0].protocol
    if account.settings.asks_username and account.incoming:
        values["username"] = account.incoming[0].username
    return setup_form(view.form or entry.PATH, MultiDict(values))


def _form_url(view: CheckView) -> str:
    """The form that led here, in this page's language."""
    return url_for(".start").rstrip("/") + (view.form or entry.PATH)


def _is_other(view: CheckView) -> bool:
    return view.form.endswith(("/address", "/add"))
