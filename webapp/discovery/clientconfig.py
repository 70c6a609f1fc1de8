"""Reads other people's Mozilla autoconfig documents (clientConfig 1.1 and 1.2) into ServiceSettings.

Tolerant as Thunderbird desktop is: a server entry that cannot be used is left out, the others stay. What is left
out on purpose is anything without TLS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from profiles.address import Address
from profiles.model import (
    ADDRESS,
    DOMAIN,
    Authentication,
    Link,
    LocalizedText,
    Protocol,
    Server,
    ServiceSettings,
    SignIn,
    SocketType,
    Source,
    fill_username,
)
from webapp.discovery.found import named_server, settings_of

_AUTHENTICATION = {
    "password-cleartext": Authentication.PASSWORD_CLEARTEXT,
    "password-encrypted": Authentication.PASSWORD_ENCRYPTED,
    "oauth2": Authentication.OAUTH2,
    "plain": Authentication.PASSWORD_CLEARTEXT,  # deprecated words of format 1.0
    "secure": Authentication.PASSWORD_ENCRYPTED,
    "oauth": Authentication.OAUTH2,  # draft -06 writes both words
}


def parse(document: bytes, domain: str, source: Source) -> ServiceSettings | None:
    """Return the settings a document states for `domain`, None when it states none that can be used.

    `domain` fills %EMAILDOMAIN% in host names; user names keep their templates.
    """
    try:
        root = fromstring(document, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        # LookupError: an encoding that nobody knows
        return None
    provider = root.find("emailProvider")
    if root.tag != "clientConfig" or provider is None:
        return None
    servers = [*_servers(provider, "incomingServer", domain), *_servers(provider, "outgoingServer", domain)]
    settings = settings_of(domain, servers, source, name=cleaned(_text(provider, "displayName"), 60))
    if settings is None:
        return None
    short = cleaned(_text(provider, "displayShortName"), 20)
    oauth_only = all(server.needs_oauth for server in settings.incoming_servers)
    return replace(
        settings,
        display_short_name=short or settings.display_short_name,
        documentation=_documentation(provider),
        sign_in=SignIn.OAUTH if oauth_only else SignIn.PASSWORD,
    )


def _servers(provider: Element, tag: str, domain: str) -> Iterator[Server]:
    for element in provider.findall(tag):
        server = _server(element, domain)
        if server is not None and (server.protocol is Protocol.SMTP) == (tag == "outgoingServer"):
            yield server


def _server(element: Element, domain: str) -> Server | None:
    try:
        protocol = Protocol(element.get("type", "").strip().lower())
        socket_type = SocketType(_text(element, "socketType").upper())
        port = int(_text(element, "port"))
    except ValueError:
        return None
    server = named_server(protocol, socket_type, _text(element, "hostname").replace(DOMAIN, domain), port)
    username = _text(element, "username") or ADDRESS
    authentication = _authentication(element)
    if server is None or not authentication or not _is_username(username):
        return None
    return replace(server, authentication=authentication, username=username)


def _authentication(element: Element) -> tuple[Authentication, ...]:
    """The ways to sign in that we can use; empty where there is none."""
    words = [(child.text or "").strip().lower() for child in element.findall("authentication")]
    usable = tuple(dict.fromkeys(_AUTHENTICATION[word] for word in words if word in _AUTHENTICATION))
    return usable if words else (Authentication.PASSWORD_CLEARTEXT,)


def _is_username(template: str) -> bool:
    """Whether a user name holds known placeholders and plain characters only (ISPDB holds typing errors)."""
    filled = fill_username(template, Address("a", "example.com"))
    return filled.isascii() and filled.isprintable() and "%" not in filled and len(template) <= 320


def _documentation(provider: Element) -> Link | None:
    element = provider.find("documentation")
    url = "" if element is None else element.get("url", "").strip()
    if element is None or not url.startswith("https://"):
        return None
    titles = tuple(
        (child.get("lang", "en"), cleaned(child.text or "", 120))
        for child in element.findall("descr")
        if child.text
    )
    return Link(url=url, title=LocalizedText(texts=titles or (("en", url),)))


def _text(element: Element, tag: str) -> str:
    return (element.findtext(tag) or "").strip()


def cleaned(text: str, limit: int) -> str:
    """A stranger's text as one short printable line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:limit]
