"""PACC's document, the /.well-known redirects of calendar, contacts and JMAP, robots.txt, and the TLS question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from profiles.address import to_ascii
from webapp.endpoints.answers import NOT_SERVED, OK, PLAIN_TEXT, Answer, conditional, personal, storable
from webapp.endpoints.prepared import SERVICE_PREFIXES, Prepared
from webapp.endpoints.questions import parameters

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PACC_PATH = "/.well-known/user-agent-configuration.json"
SERVICE_PATHS = ("/.well-known/caldav", "/.well-known/carddav", "/.well-known/jmap")
ROBOTS_PATH = "/robots.txt"
TLS_ASK_PATH = "/internal/tls-ask"

_ROBOTS = storable(PLAIN_TEXT, b"User-agent: *\nDisallow: /\n")
_YES = personal(OK, PLAIN_TEXT, b"yes\n")
_LONGEST_NAME = 255


def pacc(environ: WSGIEnvironment, prepared: Prepared) -> Answer:
    """The domain's document, byte for byte as its digest in DNS says."""
    domain = prepared.by_host[environ.get("HTTP_HOST") or ""]
    found = prepared.pacc[domain] if domain else None
    return NOT_SERVED if found is None else conditional(found, environ.get("HTTP_IF_NONE_MATCH"))


def service(environ: WSGIEnvironment, prepared: Prepared) -> Answer:
    """The redirect of RFC 6764 or RFC 8620, where the domain has the service."""
    domain = prepared.by_host[environ.get("HTTP_HOST") or ""]
    services = prepared.well_known[environ["PATH_INFO"].lower()]
    return (services[domain] if domain else None) or NOT_SERVED


def robots(environ: WSGIEnvironment, _prepared: Prepared) -> Answer:
    """Nothing here is for search engines."""
    return conditional(_ROBOTS, environ.get("HTTP_IF_NONE_MATCH"))


def tls_ask(environ: WSGIEnvironment, prepared: Prepared) -> Answer:
    """Whether a proxy with on-demand certificates may get one for this name."""
    asked = parameters(environ.get("QUERY_STRING") or "").get("domain", "").strip().lower()
    return _YES if _is_ours(asked, prepared) else NOT_SERVED


def _is_ours(name: str, prepared: Prepared) -> bool:
    if not name or len(name) > _LONGEST_NAME:
        return False
    if name == prepared.base_host:
        return True
    ascii_name = to_ascii(name) or ""
    prefix, _, domain = ascii_name.partition(".")
    return ascii_name == prepared.base_host or (prefix in SERVICE_PREFIXES and bool(prepared.by_address[domain]))
