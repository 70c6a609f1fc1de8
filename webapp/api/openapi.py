"""The description of this API, OpenAPI 3.1: paths, methods, words and scopes are those of the routes themselves.

What the code cannot tell, bodies and answers, stands in the table DETAILS beside it; a route without an entry
there does not start, and a test compares answers with these schemas.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from flask import Flask, Response, current_app, jsonify
from werkzeug.routing import Rule

from profiles.codes import Severity
from webapp.api import batch_form
from webapp.api.documents import BATCH_KEYS, LISTED_KEYS
from webapp.batches.options import BatchState
from webapp.policy import Policy, open_to_everybody, policy_of

Schema = dict[str, Any]
_JSON = "application/json"
_VARIABLE = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer of an operation."""

    words: str
    schema: str | None = None
    """Name of a schema; None for an answer without a JSON body."""
    content_type: str = _JSON
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What a route takes and answers, besides what its view and its policy say."""

    answers: Mapping[int, Answer]
    query: tuple[tuple[str, Schema, str], ...] = ()
    """Name, schema and words."""
    headers: tuple[tuple[str, Schema, str], ...] = ()
    body: Callable[[], Schema] | None = None


_PROBLEMS = Answer(words="What is wrong, every problem of it. Nothing was changed.", schema="Problems")
_UNKNOWN = Answer(words="There is none of this name or number.", schema="Problems")
_MOST = {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}


def _toml(words: str) -> Answer:
    return Answer(words=words, schema="Toml", content_type="application/toml")


def _file(words: str, content_type: str, *, part: bool = False) -> Detail:
    query = (
        ("part", {"type": "integer", "minimum": 1, "default": 1}, "Which file, where the cards fill several."),
    )
    return Detail(
        query=query if part else (),
        answers={200: Answer(words=words, schema="File", content_type=content_type), 404: _UNKNOWN},
    )


def _toml_body() -> Schema:
    return {"required": True, "content": {"application/toml": {"schema": {"type": "string"}}}}


def _batch_body() -> Schema:
    return {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": batch_form.schema(),
                "encoding": {name: {"style": "form", "explode": True} for name in batch_form.REPEATED},
            }
        },
    }


_BATCH = Answer(words="The batch as it stands.", schema="Batch")

DETAILS: Mapping[str, Detail] = {
    "list_domains": Detail(answers={200: Answer(words="Every entry with its domains.", schema="Domains")}),
    "show_domain": Detail(answers={200: _toml("The entry as it was written."), 404: _UNKNOWN}),
    "put_domain": Detail(
        body=_toml_body,
        answers={200: Answer(words="The entry is in use.", schema="DomainPut"), 422: _PROBLEMS},
    ),
    "remove_domain": Detail(answers={204: Answer(words="It is gone."), 404: _UNKNOWN}),
    "create_batch": Detail(
        body=_batch_body,
        headers=(
            (
                "Idempotency-Key",
                {"type": "string", "minLength": 1, "maxLength": batch_form.LONGEST_KEY},
                "The same key of the same token within a day means the same batch: the answer is that of the "
                "first request, and nothing is made twice.",
            ),
        ),
        answers={
            202: Answer(
                words="The list was read; its rows are being made.",
                schema="Batch",
                headers=(("Location", "Where its progress is."),),
            ),
            413: Answer(words="The request or the list is too large.", schema="TooLarge"),
            422: Answer(words="The list or a field cannot be used. Nothing was made.", schema="Problems"),
        },
    ),
    "list_batches": Detail(
        query=(
            ("before", {"type": "integer", "minimum": 1}, "Only batches older than this one."),
            ("most", _MOST, "How many at most."),
        ),
        answers={200: Answer(words="The batches, newest first.", schema="Batches")},
    ),
    "show_batch": Detail(answers={200: _BATCH, 404: _UNKNOWN}),
    "cancel_batch": Detail(
        answers={200: Answer(words="It was stopped; what was made stays.", schema="Batch"), 404: _UNKNOWN}
    ),
    "delete_batch": Detail(
        answers={204: Answer(words="Its rows, links and files are gone at once."), 404: _UNKNOWN}
    ),
    "batch_zip": _file("Profiles, codes, cards and both tables.", "application/zip"),
    "batch_results": _file("What became of each row.", "text/csv"),
    "batch_problems": _file(
        "The bad rows, with what is wrong and how to mend it, in the list’s own encoding.", "text/csv"
    ),
    "batch_handouts": _file("The cards to print.", "application/pdf", part=True),
    "batch_pins": _file("The PINs of ready-made links. Never send them the way the links go.", "text/csv"),
    "openapi": Detail(answers={200: Answer(words="This description.", schema="Description")}),
}
"""By the name of the view."""

_TEXT: Schema = {"type": "string"}
_MAYBE: Schema = {"type": ["string", "null"]}
_NUMBER: Schema = {"type": "integer", "minimum": 0}

_PROBLEM_FIELDS: Mapping[str, Schema] = {
    "code": {"type": "string", "description": "Stable; docs/troubleshooting.md has a heading for each."},
    "severity": {"enum": list(Severity)},
    "summary": _TEXT,
    "advice": _TEXT,
    "server": {"type": ["string", "null"], "description": "Host and port, of what a mail server said."},
    "place": _MAYBE,
}
_CELL_FIELDS: Mapping[str, Schema] = {
    **_PROBLEM_FIELDS,
    "row": {"type": ["integer", "null"], "description": "As a spreadsheet numbers it."},
    "column": {"type": ["string", "null"], "description": "Its letter."},
    "heading": _MAYBE,
    "value": {"type": ["string", "null"], "description": "The cell as it is written; never a password."},
}
_BATCH_FIELDS: Mapping[str, Schema] = {
    "id": {"type": "integer"},
    "name": _TEXT,
    "mode": _TEXT,
    "state": {"enum": list(BatchState)},
    "created_at": {"type": "string", "format": "date-time"},
    "total": {**_NUMBER, "description": "Rows of the list."},
    "done": {**_NUMBER, "description": "Rows that are made, failed or bad."},
    "failed": {**_NUMBER, "description": "Rows that nothing was made of."},
    "problems": {
        "type": "array",
        "items": {"$ref": "#/components/schemas/CellProblem"},
        "description": "The first 1,000; problems.csv has all.",
    },
    "results": {"type": ["string", "null"], "description": "Path of the ZIP; null until the batch is finished."},
}


def _object(fields: Mapping[str, Schema], required: tuple[str, ...] | None = None) -> Schema:
    return {
        "type": "object",
        "properties": dict(fields),
        "required": list(fields if required is None else required),
        "additionalProperties": False,
    }


def _list_of(name: str, items: Schema) -> Schema:
    return _object({name: {"type": "array", "items": items}})


def _named(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _schemas() -> dict[str, Schema]:
    names: Schema = {"type": "array", "items": _TEXT}
    return {
        "Problem": _object(_PROBLEM_FIELDS),
        "CellProblem": _object(_CELL_FIELDS),
        "Problems": _object(
            {
                "ok": {"const": False},
                "problems": {"type": "array", "items": {"anyOf": [_named("CellProblem"), _named("Problem")]}},
            }
        ),
        "Error": _object(
            {"code": _TEXT, "summary": _TEXT, "advice": _TEXT, "incident": _MAYBE}, ("code", "summary", "advice")
        ),
        "TooLarge": {"anyOf": [_named("Error"), _named("Problems")]},
        "Batch": _object({key: _BATCH_FIELDS[key] for key in BATCH_KEYS}),
        "Batches": _list_of("batches", _object({key: _BATCH_FIELDS[key] for key in LISTED_KEYS})),
        "Domains": _list_of("domains", _object({"id": _TEXT, "displayName": _TEXT, "domains": names})),
        "DomainPut": _object({"id": _TEXT, "domains": names}),
        "Toml": {"type": "string", "description": "A domain as the operator guide writes it."},
        "File": {"type": "string", "contentEncoding": "binary"},
        "Description": {"type": "object"},
    }


@open_to_everybody("it describes the API and holds nothing of this host but its address")
def openapi() -> Response:
    """Describe this API."""
    return jsonify(description(current_app))


def description(app: Flask) -> Schema:
    """The whole description."""
    paths: dict[str, Schema] = {}
    for rule, method in _operations(app):
        paths.setdefault(_path(rule), {})[method.lower()] = _operation(app, rule)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Hagaki", "version": version("hagaki"), "summary": "Domains and lists, for programs."},
        "servers": [{"url": app.extensions["hagaki"].config.base_url}],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of this host; the scopes that an operation needs stand beside it.",
                }
            },
        },
    }


def _operations(app: Flask) -> Iterator[tuple[Rule, str]]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if rule.endpoint.startswith("api."):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method


def _path(rule: Rule) -> str:
    return _VARIABLE.sub(lambda found: f"{{{found['name']}}}", rule.rule)


def _operation(app: Flask, rule: Rule) -> Schema:
    view = app.view_functions[rule.endpoint]
    policy = policy_of(view)
    name = rule.endpoint.removeprefix("api.")
    detail = DETAILS[name]
    summary, _, more = (view.__doc__ or "").strip().partition("\n")
    found: Schema = {
        "operationId": name,
        "summary": summary.rstrip("."),
        "tags": [
            "domains" if "/domains" in rule.rule else "batches" if "/batches" in rule.rule else "description"
        ],
        "parameters": [*_path_parameters(rule), *_parameters(detail)],
        "security": _security(policy),
        "responses": _responses(detail, policy),
    }
    if more.strip():
        found["description"] = " ".join(more.split())
    if detail.body is not None:
        found["requestBody"] = detail.body()
    return found


def _path_parameters(rule: Rule) -> list[Schema]:
    return [
        {
            "name": found["name"],
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": 1} if found["kind"] == "int" else _TEXT,
        }
        for found in _VARIABLE.finditer(rule.rule)
    ]


def _parameters(detail: Detail) -> list[Schema]:
    places = (("query", detail.query), ("header", detail.headers))
    return [
        {"name": name, "in": place, "required": False, "schema": schema, "description": words}
        for place, parameters in places
        for name, schema, words in parameters
    ]


def _security(policy: Policy | None) -> list[Schema]:
    # OpenAPI 3.1 lets a scheme that is not OAuth name the roles it asks for.
    return [{"token": [policy.scope]}] if policy is not None and policy.scope else []


def _responses(detail: Detail, policy: Policy | None) -> Schema:
    answers = dict(detail.answers)
    if policy is not None and policy.scope:
        answers[401] = Answer(words="There is no living token.", schema="Error")
        answers[403] = Answer(words=f"The token lacks the scope {policy.scope}.", schema="Error")
    answers[503] = Answer(words="The database does not answer; try again in a minute.", schema="Problems")
    return {str(status): _response(answers[status]) for status in sorted(answers)}


def _response(answer: Answer) -> Schema:
    found: Schema = {"description": answer.words}
    if answer.headers:
        found["headers"] = {name: {"description": words, "schema": _TEXT} for name, words in answer.headers}
    if answer.schema:
        found["content"] = {answer.content_type: {"schema": _named(answer.schema)}}
    return found
