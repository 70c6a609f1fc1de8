"""The ways in and out: set-up link, password, code, the proof again before what is sensitive, log-out."""

from __future__ import annotations

from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from profiles import qr
from profiles.problems import Code, Problem, ProblemError
from webapp import policy
from webapp.accounts import Role, SecretsOnce, Session, Setup, passwords
from webapp.accounts import second_factor as factor
from webapp.admin.forms import AdminForm, CodeForm, EntryForm, entry_form, sent
from webapp.languages import gettext as _
from webapp.policy import allow, open_to_everybody
from webapp.services import services

SETUP, LOG_IN = "/admin/setup/", "/admin/log-in"
Page = str | Response | BaseResponse | tuple[str, int]


@open_to_everybody("only the link's holder knows its token")
def set_up(token: str) -> Page:
    """Choose name and password, scan the code, type one: then the link is used."""
    accounts, form = services().accounts, entry_form(SETUP + token)
    setup = accounts.people.look_at_link(token)
    if policy.cookie_name() is None:
        return _insecure()
    if request.method != "POST":
        return _setup_page(form, setup, ())
    if not form.csrf_token.validate(form):
        return _setup_page(form, setup, (Problem(Code.FORM_EXPIRED),)), 422
    try:
        once = accounts.people.claim(token, form.name.data or "", form.password.data or "", form.code.data or "")
    except ProblemError as error:
        if error.problems[0].code == Code.SETUP_LINK_ENDED:
            raise
        return _setup_page(form, setup, error.problems), 422
    accounts.forget_first_link()
    return _welcome(once)


def _setup_page(form: EntryForm, setup: Setup, problems: tuple[Problem, ...]) -> str:
    name = setup.name or passwords_name(form)
    host = services().config.hostname
    uri = factor.app_uri(setup.secret, name=name or "admin", host=host)
    return render_template(
        "admin/setup.html",
        form=form,
        setup=setup,
        problems=problems,
        offer=passwords.offer(),
        shortest=passwords.SHORTEST,
        secret=factor.as_text(setup.secret),
        code_picture=qr.svg(qr.matrix(uri), label=_("Code for the authenticator app")),
    )


def passwords_name(form: EntryForm) -> str:
    """The name typed so far."""
    return (form.name.data or "").strip()


def _welcome(once: SecretsOnce) -> Response:
    # Answered without a redirect: the recovery codes are shown here and never again.
    answer = make_response(render_template("admin/recovery.html", codes=once.recovery_codes, name=once.name))
    policy.set_cookie(answer, services().accounts.login.begin_after_setup(once.name, policy.client()))
    return answer


@open_to_everybody("the way in")
def log_in() -> Page:
    """Ask for name and password."""
    form, going_to = entry_form(LOG_IN), policy.own_path(request.values.get("next"))
    if policy.cookie_name() is None:
        return _insecure()
    if request.method != "POST":
        session = policy.find_session()
        if session is not None and session.is_complete:
            return redirect(going_to or url_for(".start"), 303)
        has_ended = session is None and bool(policy.session_token())
        return render_template("admin/log_in.html", form=form, problems=(), going_to=going_to, has_ended=has_ended)
    problems: tuple[Problem, ...] = (Problem(Code.FORM_EXPIRED),)
    if form.csrf_token.validate(form):
        try:
            token = services().accounts.login.give_password(
                form.name.data or "", form.password.data or "", policy.client()
            )
        except ProblemError as error:
            problems = error.problems
        else:
            return _with_session(token, url_for(".second_factor", next=policy.carried(going_to)))
    return render_template("admin/log_in.html", form=form, problems=problems, going_to=going_to), _status(problems)


@open_to_everybody("opens only with the session that the password began")
def second_factor() -> Page:
    """Ask for the code."""
    session, going_to = policy.find_session(), policy.own_path(request.values.get("next"))
    if session is None or session.is_complete:
        return redirect(url_for(".start" if session else ".log_in"), 303)
    form = CodeForm(request.form)
    if request.method != "POST":
        return render_template("admin/code.html", form=form, problems=(), going_to=going_to)
    sent(form)
    try:
        token = services().accounts.login.give_code(
            policy.session_token(), session, form.code.data or "", policy.client()
        )
    except ProblemError as error:
        page = render_template("admin/code.html", form=form, problems=error.problems, going_to=going_to)
        return page, _status(error.problems)
    return _with_session(token, going_to or url_for(".start"))


@allow(*Role)
def prove_again() -> Page:
    """Ask for password and code once more before something sensitive."""
    going_to, form = policy.own_path(request.values.get("next")), CodeForm(request.form)
    is_lost = "lost" in request.values
    if request.method != "POST":
        return render_template("admin/again.html", form=form, problems=(), going_to=going_to, is_lost=is_lost)
    sent(form)
    session: Session = policy.admin()
    try:
        services().accounts.login.prove_again(
            policy.session_token(), session, form.password.data or "", form.code.data or "", policy.client()
        )
    except ProblemError as error:
        page = render_template(
            "admin/again.html", form=form, problems=error.problems, going_to=going_to, is_lost=is_lost
        )
        return page, _status(error.problems)
    return redirect((going_to or url_for(".start")) + ("?proved=1" if is_lost else ""), 303)


@open_to_everybody("ends nothing but the session that asks for it")
def log_out() -> Page:
    """End this session, if it has not ended by itself."""
    if policy.find_session() is not None:
        sent(AdminForm(request.form))
    services().accounts.sessions.log_out(policy.session_token())
    answer = make_response(redirect(url_for(".log_in"), 303))
    policy.forget_cookie(answer)
    return answer


def _with_session(token: str, where: str) -> Response:
    answer = make_response(redirect(where, 303))
    policy.set_cookie(answer, token)
    return answer


def _status(problems: tuple[Problem, ...]) -> int:
    return 429 if problems[0].code in (Code.TOO_MANY_ATTEMPTS, Code.BUSY) else 422


def _insecure() -> tuple[str, int]:
    return render_template("admin/insecure.html"), 403
