"""Who may open a page: said by a decorator beside its route, decided here, refused by default.

A session is a token in a cookie and a row in the database; the forms of an admin carry a token made from that of
the session, so they need no second cookie, and `Referrer-Policy: no-referrer` breaks nothing (Flask-WTF's strict
mode refuses every POST without a Referer over https).
"""

from __future__ import annotations

import base64
import hmac
import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, NoReturn, ParamSpec, TypeVar

from cryptography.fernet import Fernet, InvalidToken
from flask import (
    Response,
    abort,
    current_app,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from wtforms.csrf.core import CSRF, CSRFTokenField
from wtforms.validators import ValidationError

from webapp.accounts import Role, Scope, Session, Token
from webapp.accounts.login import Client
from webapp.links import read_token
from webapp.services import services

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")

SECURE_COOKIE = "__Host-hagaki_admin"
LOCAL_COOKIE = "hagaki_admin"
"""Browsers take a __Host- cookie over https only; plain http is for a trial on one's own machine."""
CARRIED_SECONDS = 3600
"""How long a log-in may take until it leads on to the page that asked for it."""
_OWN_PATH = re.compile(r"/(?:(?:ja|en)/)?admin(?:/[A-Za-z0-9._-]+)*/?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Who may open a page."""

    roles: frozenset[Role] = frozenset()
    is_sensitive: bool = False
    """Needs password and code from the last minutes."""
    is_file: bool = False
    """A download: who had to log in for it first is led to the page that offers it."""
    scope: Scope | None = None
    """For the API: what the token must be allowed."""
    open_because: str = ""
    """Why this page is open to everybody."""


def policy_of(view: Callable[..., Any]) -> Policy | None:
    """The policy beside a view."""
    found: Policy | None = getattr(view, "policy", None)
    return found


def allow(
    *roles: Role, sensitive: bool = False, file: bool = False
) -> Callable[[Callable[Parameters, Answer]], Callable[Parameters, Answer | Response]]:
    """Open a page to admins of these roles."""
    policy = Policy(roles=frozenset(roles), is_sensitive=sensitive, is_file=file)
    return _guarded(policy, lambda: _refuse_admin(policy))


def allow_token(scope: Scope) -> Callable[[Callable[Parameters, Answer]], Callable[Parameters, Answer | Response]]:
    """Open a path of the API to tokens of this scope."""
    return _guarded(Policy(scope=scope), lambda: _refuse_token(scope))


def open_to_everybody(
    because: str,
) -> Callable[[Callable[Parameters, Answer]], Callable[Parameters, Answer | Response]]:
    """Open a page to everybody, with the reason."""
    return _guarded(Policy(open_because=because), lambda: None)


def _guarded(
    policy: Policy, refuse: Callable[[], Response | None]
) -> Callable[[Callable[Parameters, Answer]], Callable[Parameters, Answer | Response]]:
    def decorate(view: Callable[Parameters, Answer]) -> Callable[Parameters, Answer | Response]:
        @wraps(view)
        def guarded(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer | Response:
            refusal = refuse()
            return refusal if refusal is not None else view(*args, **kwargs)

        guarded.policy = policy  # type: ignore[attr-defined]  # read by policy_of
        return guarded

    return decorate


def _refuse_admin(policy: Policy) -> Response | None:
    session = find_session()
    if session is None or not session.is_complete:
        return _go_by(".log_in", policy)
    g.admin = session
    if session.role not in policy.roles:
        abort(_refused("role"))
    if policy.is_sensitive and not session.is_fresh:
        return _go_by(".prove_again", policy)
    return None


def _go_by(endpoint: str, policy: Policy) -> Response:
    """Go to a log-in or a proof. It leads on to this page, and says where something has to be done once more."""
    is_page = request.method != "POST" and not policy.is_file
    return _go(url_for(endpoint, next=carried(page_of_this()), lost=None if is_page else "1"))


def refuse_form() -> NoReturn:
    """Refuse a form that another session's page sent."""
    abort(_refused("form"))


def _refused(why: str) -> Response:
    return make_response(render_template("admin/refused.html", why=why, page=page_of_this()), 403)


def _refuse_token(scope: Scope) -> Response | None:
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    token = services().accounts.tokens.find(text.strip()) if kind.lower() == "bearer" else None
    if token is None:
        answer = jsonify(code="HTTP 401", summary="A token is needed.", advice="Send “Authorization: Bearer …”.")
        answer.status_code, answer.headers["WWW-Authenticate"] = 401, "Bearer"
        return answer
    g.token = token
    if scope not in token.scopes:
        answer = jsonify(
            code="HTTP 403", summary=f"This token lacks the scope {scope}.", advice="Make another one."
        )
        answer.status_code = 403
        return answer
    return None


def _go(where: str) -> Response:
    answer: Response = redirect(where, 303)  # type: ignore[assignment]  # Flask's own response class
    return answer


def page_of_this() -> str | None:
    """The page that this request belongs to: itself, or for a form's target or a file the nearest page above."""
    routes = current_app.create_url_adapter(request)
    path = own_path(request.path)
    while path and routes:
        rule, _ = routes.match(path, "GET") if routes.test(path, "GET") else (None, {})
        if rule and not _is_file(rule):
            return path
        path = own_path(path.rpartition("/")[0])
    return path


def _is_file(endpoint: str) -> bool:
    policy = policy_of(current_app.view_functions[endpoint])
    return policy is not None and policy.is_file


def own_path(given: str | None) -> str | None:
    """A path to go on to, where it is one of these pages and not somebody else's address."""
    path = given if not given or given.startswith("/") else _opened(given)
    return path if path and _OWN_PATH.match(path) else None


def carried(path: str | None) -> str | None:
    """A path as it may stand in a query: one that holds a token is closed, for queries end up in logs of proxies
    and in histories.
    """
    if path is None or not any(map(read_token, path.split("/"))):
        return path
    return _closing().encrypt(path.encode()).decode()


def _opened(closed: str) -> str | None:
    try:
        return _closing().decrypt(closed, ttl=CARRIED_SECONDS).decode()
    except (InvalidToken, ValueError):  # not ASCII, or nothing that we closed
        return None


def _closing() -> Fernet:
    key = hmac.digest(services().config.secret_key, b"hagaki admin next", "sha256")
    return Fernet(base64.urlsafe_b64encode(key))


# the session


def find_session() -> Session | None:
    """The session of this request, complete or waiting for the code. What a page asks by itself says so in its
    query and is no use of the session: nobody may be sitting there.
    """
    if "session" not in g:
        g.session = services().accounts.sessions.find(session_token(), unattended="unattended" in request.args)
    found: Session | None = g.session
    return found


def session_token() -> str:
    """The session's token as the browser sent it."""
    name = cookie_name()
    return request.cookies.get(name, "") if name else ""


def admin() -> Session:
    """Whose request this is; only behind `allow`."""
    found: Session = g.admin
    return found


def token() -> Token:
    """Whose request this is; only behind `allow_token`."""
    found: Token = g.token
    return found


def client() -> Client:
    """Where this request comes from."""
    return Client(address=request.remote_addr, browser=browser_name(request.user_agent.string))


def cookie_name() -> str | None:
    """The cookie of this connection; None over plain http from another machine, where none is set."""
    if request.is_secure or services().config.base_url.startswith("https://"):
        # A proxy that says nothing of https is not trusted in TRUSTED_PROXIES; the browser decides then.
        return LOCAL_COOKIE if not request.is_secure and _is_local() else SECURE_COOKIE
    return LOCAL_COOKIE if _is_local() else None


def _is_local() -> bool:
    host = request.host.rpartition(":")[0] if request.host[-1:].isdigit() and ":" in request.host else request.host
    return _is_loopback(host) and _is_loopback(request.remote_addr or "")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def set_cookie(answer: Response, token: str) -> None:
    """Give the browser its session."""
    name = cookie_name()
    if name is None:
        abort(403)
    answer.set_cookie(name, token, path="/", secure=name == SECURE_COOKIE, httponly=True, samesite="Lax")


def forget_cookie(answer: Response) -> None:
    """Take the session away from the browser."""
    name = cookie_name()
    if name is not None:
        answer.delete_cookie(name, path="/", secure=name == SECURE_COOKIE, httponly=True, samesite="Lax")


_BROWSERS = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip


def browser_name(text: str) -> str:
    """What a person recognises of a User-Agent: browser and system."""
    found = [next((name for sign, name in table if sign in text), "") for table in (_BROWSERS, _SYSTEMS)]
    return ", ".join(filter(None, found))


# forms


def session_form_token() -> str:
    """The form token of this session."""
    key = services().config.secret_key
    return hmac.digest(key, b"hagaki admin form " + session_token().encode(), "sha256").hex()


class SessionToken(CSRF):  # type: ignore[misc]  # WTForms ships no types
    """WTForms' CSRF by a token made from the session's."""

    def setup_form(self, form: Any) -> Sequence[tuple[str, Any]]:
        """Nothing to remember: the session is the request's."""
        return list(super().setup_form(form))

    def generate_csrf_token(self, csrf_token_field: CSRFTokenField) -> str:
        """Make the token of this session."""
        del csrf_token_field
        return session_form_token()

    def validate_csrf_token(self, form: Any, field: CSRFTokenField) -> None:
        """Accept only the token of this session."""
        del form
        if not hmac.compare_digest(self.generate_csrf_token(field).encode(), (field.data or "").encode()):
            raise ValidationError("form token")
