"""Mozilla autoconfig: GET and HEAD, with or without an address, the same answer for every mailbox of a domain."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from webapp.endpoints.answers import NOT_SERVED, Answer, conditional, redirect
from webapp.endpoints.prepared import Prepared
from webapp.endpoints.questions import decoded, parameters

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PATHS = (
    "/mail/config-v1.1.xml",
    "/.well-known/autoconfig/mail/config-v1.1.xml",
    "/v1.1/mail/config-v1.1.xml",  # Nine for Android
)
_HARMLESS_QUERY = re.compile(r"[A-Za-z0-9%&=@._~!$'*+,;:/?-]*\Z")


def answer(environ: WSGIEnvironment, prepared: Prepared) -> Answer:
    """The domain's configuration. Nothing of the request is repeated in it."""
    query = environ.get("QUERY_STRING")
    found = _usual(query, prepared) if query else None
    if found is None:
        domain = _asked_domain(environ, prepared)
        found = prepared.autoconfig[domain] if domain else None
    return NOT_SERVED if found is None else conditional(found, environ.get("HTTP_IF_NONE_MATCH"))


def _usual(query: str, prepared: Prepared) -> Answer | None:
    """One parameter with one address of a domain that was asked for before: nearly every request."""
    name, _, value = query.partition("=")
    local, _, domain = value.replace("%40", "@").partition("@")
    return prepared.autoconfig.get(domain) if name == "emailaddress" and local else None


def redirect_to_https(environ: WSGIEnvironment, prepared: Prepared) -> Answer:
    """What plain http gets. Host is lost on the way to BASE_URL, so the query must say which domain is meant."""
    domain = _asked_domain(environ, prepared)
    if not domain:
        return NOT_SERVED
    query = environ.get("QUERY_STRING") or ""
    if not _domain_in(query, prepared) or not _HARMLESS_QUERY.match(query):
        query = f"emailaddress=EVOLUTIONUSER@{domain}"
    path = environ["PATH_INFO"].lower()
    return redirect("301 Moved Permanently", f"{prepared.base_url}{path}?{query}")


def _asked_domain(environ: WSGIEnvironment, prepared: Prepared) -> str:
    """The address's domain, or Host's where there is no address or a malformed one."""
    query = environ.get("QUERY_STRING")
    if query:
        domain = _domain_in(query, prepared)
        if domain is not None:
            return domain
    return prepared.by_host[environ.get("HTTP_HOST") or ""]


def _domain_in(query: str, prepared: Prepared) -> str | None:
    address = parameters(query).get("emailaddress", "")
    if "@" not in address:
        address = decoded(address)  # some clients encode it twice
    return prepared.domain_of_address(address.strip())
