"""Autodiscover POX: one POST, one XML answer. No answer depends on whether the mailbox exists."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from profiles.autodiscover import (
    ADDRESS_NOT_FOUND,
    CONTENT_TYPE,
    INVALID_REQUEST,
    MOBILESYNC_SCHEMA,
    OUTLOOK_SCHEMA,
    PROVIDER_NOT_AVAILABLE,
    error_answer,
)
from webapp.endpoints.answers import NOT_FOUND, OK, TOO_LARGE, Answer, personal, redirect, refused_method, unsized
from webapp.endpoints.pox_request import PoxRefused, PoxRequest, parse
from webapp.endpoints.prepared import POX_PATH, Prepared
from webapp.endpoints.questions import read_body

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PATHS = (POX_PATH, "/Autodiscover/Autodiscover.xml", "/AutoDiscover/AutoDiscover.xml")
"""The spellings in use; any other one is found as well."""

GET_REFUSED = refused_method("POST", CONTENT_TYPE, error_answer(*INVALID_REQUEST))
"""A GET that got a 200 with an error would end Thunderbird's search: 405, with words for people who look."""

_HEADERS = unsized(CONTENT_TYPE)


def answer(environ: WSGIEnvironment, prepared: Prepared) -> Answer:
    """The settings for the address in the body, or one of the errors."""
    body = read_body(environ)
    if body is None:
        return _error(INVALID_REQUEST, TOO_LARGE)
    try:
        return _answer(parse(body), prepared)
    except PoxRefused as refused:
        return _error(refused.error)


def redirect_to_https(_environ: WSGIEnvironment, prepared: Prepared) -> Answer:
    """What plain http gets: 302 is the one status that MS-OXDISCO lets clients follow."""
    return redirect("302 Found", prepared.base_url + POX_PATH)


def _answer(asked: PoxRequest, prepared: Prepared) -> Answer:
    address = prepared.address(asked.address)
    if address is None:
        return _error(ADDRESS_NOT_FOUND)
    domain = prepared.by_address[address.domain]
    if not domain:
        # A 200 would end the search of Thunderbird and Delta Chat before they ask the right server.
        return _error(ADDRESS_NOT_FOUND, NOT_FOUND)
    # Microsoft's pages print the names with https today; the real ones are http.
    schema = asked.schema.lower().replace("https://", "http://", 1)
    if schema == OUTLOOK_SCHEMA:
        template = prepared.pox[domain]
        if template is None:
            return _error(ADDRESS_NOT_FOUND, NOT_FOUND)
    else:
        template = prepared.mobilesync[domain] if schema == MOBILESYNC_SCHEMA else None
        if template is None:
            return _error(PROVIDER_NOT_AVAILABLE)
    body = template.fill(address.local)
    return Answer(status=OK, headers=(("Content-Length", str(len(body))), *_HEADERS), body=body)


def _error(error: tuple[int, str], status: str = OK) -> Answer:
    time = f"{datetime.now(UTC):%H:%M:%S.%f}0"
    return personal(status, CONTENT_TYPE, error_answer(*error, time=time))
