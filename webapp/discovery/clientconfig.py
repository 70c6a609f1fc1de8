"""Reads other people's Mozilla autoconfig documents (clientConfig 1.1 and 1.2) into ServiceSettings.

Tolerant as Thunderbird desktop is: a server entry that cannot be used is left out, the others stay. What is left
out on purpose is anything without TLS.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from profiles.address import Address, to_ascii
from profiles.model import (
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

_AUTHENTICATION = {
    **{member.value.lower(): member for member in Authentication},
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
    except (ParseError, DefusedXmlException, ValueError):
        return None
    provider = root.find("emailProvider")
    if root.tag != "clientConfig" or provider is None:
        return None
    incoming = tuple(_servers(provider, "incomingServer", domain))
    outgoing = tuple(_servers(provider, "outgoingServer", domain))
    if not incoming or not outgoing:
        return None
    name = _text(provider, "displayName") or domain
    oauth_only = all(server.needs_oauth for server in incoming)
    return ServiceSettings(
        id=domain,
        display_name=_clean(name, 60),
        display_short_name=_clean(_text(provider, "displayShortName") or name, 20),
        domains=(domain,),
        incoming_servers=incoming,
        outgoing_servers=outgoing,
        documentation=_documentation(provider),
        sign_in=SignIn.OAUTH if oauth_only else SignIn.PASSWORD,
        source=source,
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
    hostname = to_ascii(_text(element, "hostname").replace("%EMAILDOMAIN%", domain))
    username = _text(element, "username") or "%EMAILADDRESS%"
    if hostname is None or not 1 <= port <= 65535 or not _is_username(username):
        return None
    return Server(
        protocol=protocol,
        hostname=hostname,
        port=port,
        socket_type=socket_type,
        authentication=_authentication(element),
        username=username,
    )


def _authentication(element: Element) -> tuple[Authentication, ...]:
    words = ((child.text or "").strip().lower() for child in element.findall("authentication"))
    known = tuple(dict.fromkeys(_AUTHENTICATION[word] for word in words if word in _AUTHENTICATION))
    return known or (Authentication.PASSWORD_CLEARTEXT,)


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
        (child.get("lang", "en"), _clean(child.text or "", 120))
        for child in element.findall("descr")
        if child.text
    )
    return Link(url=url, title=LocalizedText(texts=titles or (("en", url),)))


def _text(element: Element, tag: str) -> str:
    return (element.findtext(tag) or "").strip()


def _clean(text: str, limit: int) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:limit]
