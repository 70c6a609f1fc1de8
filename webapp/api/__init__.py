"""The API under /api/v1: for scripts, with a token, in JSON; domains go in and out as TOML, lists as files.

It parses, calls one function and answers. A change is written to the log of what admins did before it is made, so
that none can happen unseen.
"""

from __future__ import annotations

from flask import Blueprint, Flask, Response, jsonify, request

from profiles.catalogue import parse
from profiles.problems import Code, Problem, ProblemError
from webapp import policy
from webapp.accounts import Scope
from webapp.api import batches, openapi
from webapp.api.documents import problem_document
from webapp.policy import allow_token
from webapp.services import services

TOML = "application/toml"
_STATUS = {
    Code.DOMAIN_UNKNOWN: 404,
    Code.BATCH_UNKNOWN: 404,
    Code.LIST_TOO_LARGE: 413,
    Code.DATABASE_UNAVAILABLE: 503,
}

api = Blueprint("api", __name__, url_prefix="/api/v1")


@api.get("/domains")
@allow_token(Scope.DOMAINS_READ)
def list_domains() -> Response:
    """Name every entry with its domains."""
    entries = services().directory.export()
    return jsonify(
        domains=[
            {
                "id": entry.settings.id,
                "displayName": entry.settings.display_name,
                "domains": list(entry.settings.domains),
            }
            for entry in entries
        ]
    )


@api.get("/domains/<entry>")
@allow_token(Scope.DOMAINS_READ)
def show_domain(entry: str) -> Response:
    """Return one entry as it was written."""
    (found,) = services().directory.export(entry)
    return Response(found.toml, content_type=f"{TOML}; charset=utf-8")


@api.put("/domains/<entry>")
@allow_token(Scope.DOMAINS_WRITE)
def put_domain(entry: str) -> Response:
    """Add or replace one entry by the TOML of the body; every process answers by it within a second."""
    _record("domain.put", entry)
    settings = services().directory.add(_body(entry), place=entry, replace=True)
    return jsonify(id=settings.id, domains=list(settings.domains))


@api.delete("/domains/<entry>")
@allow_token(Scope.DOMAINS_WRITE)
def remove_domain(entry: str) -> Response:
    """Take one entry out."""
    _record("domain.remove", entry)
    services().directory.remove(entry)
    return Response(status=204)


@api.errorhandler(ProblemError)
def refuse(error: ProblemError) -> Response:
    """Name every problem; what was there before stays."""
    answer = jsonify(ok=False, problems=[problem_document(problem) for problem in error.problems])
    answer.status_code = _STATUS.get(error.problems[0].code, 422)
    return answer


for _method, _path, _view in batches.ROUTES:
    api.add_url_rule(_path, view_func=_view, methods=[_method])
api.add_url_rule("/openapi.json", view_func=openapi.openapi)


def init_app(app: Flask) -> None:
    """Open the API."""
    app.register_blueprint(api)
    openapi.description(app)


def _body(entry: str) -> str:
    try:
        text = request.get_data().decode()
    except UnicodeDecodeError:
        raise ProblemError(Problem(Code.TOML_SYNTAX, {"reason": "not UTF-8"}, place=entry)) from None
    settings, _ = parse(text, place=entry)
    if settings is not None and settings.id != entry:
        raise ProblemError(Problem(Code.VALUE_INVALID, {"key": "id", "value": settings.id}, place=f"{entry}: id"))
    return text


def _record(action: str, subject: str) -> None:
    accounts = services().accounts
    with accounts.store.write() as connection:
        accounts.audit.record(connection, policy.token().actor, action, subject)
