"""Autodiscover V2: where the POX endpoint (or ActiveSync) of an address's domain is, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from profiles.autodiscover import (
    JSON_ADDRESS_MISSING,
    JSON_ADDRESS_UNKNOWN,
    JSON_CONTENT_TYPE,
    JSON_PROTOCOL_MISSING,
    json_error,
    json_protocol_unsupported,
)
from webapp.endpoints.answers import BAD_REQUEST, NOT_FOUND, Answer, personal
from webapp.endpoints.prepared import Prepared
from webapp.endpoints.questions import as_text, decoded, parameters

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PATH = "/autodiscover/autodiscover.json"
_ADDRESS_PATH = PATH + "/v1.0/"

_NO_ADDRESS = personal(BAD_REQUEST, JSON_CONTENT_TYPE, json_error(*JSON_ADDRESS_MISSING))
_NO_PROTOCOL = personal(BAD_REQUEST, JSON_CONTENT_TYPE, json_error(*JSON_PROTOCOL_MISSING))
_UNKNOWN_ADDRESS = personal(NOT_FOUND, JSON_CONTENT_TYPE, json_error(*JSON_ADDRESS_UNKNOWN))
_ONLY_POX = personal(BAD_REQUEST, JSON_CONTENT_TYPE, json_protocol_unsupported("AutodiscoverV1"))
_POX_OR_ACTIVESYNC = personal(
    BAD_REQUEST, JSON_CONTENT_TYPE, json_protocol_unsupported("AutodiscoverV1", "ActiveSync")
)


def matches(path: str) -> bool:
    """Whether a lower-case path is one of the two forms."""
    return path in (PATH, PATH + "/v1.0") or path.startswith(_ADDRESS_PATH)


def answer(environ: WSGIEnvironment, prepared: Prepared) -> Answer:
    """One URL, or an error that repeats nothing of the request."""
    asked = parameters(environ.get("QUERY_STRING") or "")
    address = prepared.address(_path_address(environ["PATH_INFO"]) or asked.get("email", ""))
    protocol = asked.get("protocol", "").strip().lower()
    if address is None:
        return _NO_ADDRESS
    if not protocol:
        return _NO_PROTOCOL
    domain = prepared.by_address[address.domain]
    if not domain:
        return _UNKNOWN_ADDRESS
    urls = prepared.json.get(protocol)
    found = None if urls is None else urls[domain]
    return found or (_POX_OR_ACTIVESYNC if prepared.json["activesync"][domain] else _ONLY_POX)


def _path_address(path: str) -> str:
    # The server has undone percent signs once; some clients encode the address twice.
    return decoded(as_text(path[len(_ADDRESS_PATH) :]))
