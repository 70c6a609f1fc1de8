"""Answers to what went wrong outside a form: no such page, a link that is used up, a bug of ours.

A bug gets an incident number; the number is in the log together with what happened, and on the page alone.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import HTTPException

from profiles.problems import Code, Problem, ProblemError
from webapp import access_log, i18n, languages, presentation
from webapp.services import house, services

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Words:
    """Heading and advice of one status."""

    heading: LazyString
    advice: LazyString


WORDS: dict[int, Words] = {
    400: Words(_l("The browser’s request was not understood"), _l("Go to the first page and start again.")),
    403: Words(
        _l("This request came from another site"), _l("Open this page yourself and press the button there.")
    ),
    404: Words(
        _l("This page does not exist"), _l("Check the link for a missing part, or start from the first page.")
    ),
    405: Words(_l("This page cannot be opened that way"), _l("Go to the first page and start again.")),
    410: Words(
        _l("This link no longer works"), _l("Ask for a new link, or check your mail again from the first page.")
    ),
    413: Words(_l("That was too large"), _l("Send less at once.")),
    429: Words(_l("Too many tries"), _l("Wait a quarter of an hour, then try again.")),
    503: Words(_l("Hagaki is busy at the moment"), _l("Wait a minute, then try again.")),
}
_INCIDENT = Words(
    _l("Something went wrong on our side"),
    _l("Try again. If it stays so, tell your help desk the incident number below."),
)
_STATUS: dict[Code, int] = {
    Code.LINK_UNKNOWN: 404,
    Code.LINK_EXPIRED: 410,
    Code.LINK_USED: 410,
    Code.PIN_LOCKED: 410,
    Code.SETUP_LINK_ENDED: 410,
    Code.ADMIN_UNKNOWN: 404,
    Code.BATCH_UNKNOWN: 404,
    Code.UPLOAD_ENDED: 410,
    Code.CHECK_LOST: 410,
    Code.FORM_EXPIRED: 422,
    Code.FORMAT_CANNOT_HOLD: 404,
    Code.TOO_MANY_ATTEMPTS: 429,
    Code.TOO_MANY_FILES: 429,
    Code.TOO_MANY_SEARCHES: 429,
    Code.BUSY: 503,
    Code.DATABASE_UNAVAILABLE: 503,
}


def init_app(app: Flask) -> None:
    """Answer problems, HTTP errors and bugs with a page in the person's language."""
    app.register_error_handler(ProblemError, answer_problem)
    app.register_error_handler(HTTPException, answer_http)
    app.register_error_handler(Exception, answer_bug)


def answer_problem(error: ProblemError) -> Response:
    """Answer a problem that no page took care of."""
    problem = error.problems[0]
    status = _STATUS.get(problem.code)
    if status is None:
        return answer_bug(error)
    return page(problem, status)


def page(problem: Problem, status: int) -> Response:
    """The page of one problem: a dead link, a busy service."""
    if domain := problem.params.get("domain"):
        presentation.belongs_to(services().directory.find(str(domain)))
    heading, advice = i18n.describe(problem, languages.language())
    return _answer(status, heading=heading, advice=advice, code=problem.code)


def answer_http(error: HTTPException) -> Response:
    """Answer an HTTP error of Flask or ours."""
    status = error.code or 500
    if status < 400:  # a redirect that routing raised
        return make_response(error.get_response(request.environ))
    words = WORDS.get(status, WORDS[400] if status < 500 else _INCIDENT)
    answer = _answer(status, heading=str(words.heading), advice=str(words.advice), code=f"HTTP {status}")
    for name, value in error.get_headers(request.environ):
        if name.lower() in ("allow", "retry-after"):
            answer.headers[name] = value
    return answer


def answer_bug(error: Exception) -> Response:
    """The outermost edge: name the incident, log it, tell nothing else."""
    number = secrets.token_hex(4)
    # The traceback shows code and types; values stay out, they may hold a password.
    log.error(
        "event=incident number=%s type=%s endpoint=%s at=%s",
        number,
        type(error).__name__,
        request.endpoint,
        access_log.where(error),
    )
    heading, advice = str(_INCIDENT.heading), str(_INCIDENT.advice)
    return _answer(500, heading=heading, advice=advice, code=Code.INCIDENT, incident=number)


def _answer(status: int, *, heading: str, advice: str, code: str, incident: str | None = None) -> Response:
    # Programs seldom say what they accept.
    is_api = request.path.startswith("/api/")
    if is_api or request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
        answer = jsonify(code=str(code), summary=heading, advice=advice, incident=incident)
    else:
        if "settings" not in g:
            presentation.belongs_to(house())  # whom to ask, also where nothing else is known
        answer = make_response(
            render_template(
                "errors/page.html",
                heading=heading,
                advice=advice,
                code=code,
                incident=incident,
                now=datetime.now(UTC),
                is_admins="admin" in request.path.split("/")[1:3],
            )
        )
    answer.status_code = status
    return answer
