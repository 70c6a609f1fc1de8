"""Reads answers as raw as the clients do, without mending anything."""

from __future__ import annotations

import json
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from webapp.doctor.visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class RawServer:
    """One incomingServer or outgoingServer, its texts untouched."""

    outgoing: bool
    type: str
    hostname: str
    port: str
    socket_type: str
    authentication: tuple[str, ...]
    username: str
    children: tuple[str, ...]
    """The names of its elements in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawDocument:
    """One clientConfig."""

    id: str
    domains: tuple[str, ...]
    servers: tuple[RawServer, ...]
    last_username: str
    """The last user name of the whole document, also of a calendar."""

    @property
    def has_only_pop3(self) -> bool:
        """Whether mail is offered by POP3 alone, which some clients do not speak."""
        kinds = {server.type for server in self.servers if not server.outgoing}
        return "pop3" in kinds and "imap" not in kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class RawProtocol:
    """One Protocol of an Autodiscover POX answer; None where the element is missing."""

    type: str
    server: str | None
    port: str | None
    login_name: str | None
    ssl: str | None
    encryption: str | None
    spa: str | None
    domain_required: str | None


def client_config(visit: Visit) -> RawDocument | None:
    """The autoconfig document of an answer, None where it is none."""
    root = _xml(visit.body) if visit.status == 200 else None
    provider = None if root is None else root.find("emailProvider")
    if root is None or root.tag != "clientConfig" or provider is None:
        return None
    names = [element.text or "" for element in root.iter("username")]
    return RawDocument(
        id=provider.get("id", ""),
        domains=tuple(element.text or "" for element in provider.findall("domain")),
        servers=tuple(
            _server(element) for element in provider if element.tag in ("incomingServer", "outgoingServer")
        ),
        last_username=names[-1] if names else "",
    )


def _server(element: Element) -> RawServer:
    def text(tag: str) -> str:
        return element.findtext(tag) or ""

    return RawServer(
        outgoing=element.tag == "outgoingServer",
        type=element.get("type", ""),
        hostname=text("hostname"),
        port=text("port"),
        socket_type=text("socketType"),
        authentication=tuple(child.text or "" for child in element.findall("authentication")),
        username=text("username"),
        children=tuple(child.tag for child in element),
    )


def is_pox_answer(visit: Visit) -> bool:
    """Whether an answer is a POX document, with settings or with an error."""
    root = _xml(visit.body)
    return root is not None and _local(root.tag) == "Autodiscover"


def pox_protocols(visit: Visit) -> tuple[RawProtocol, ...]:
    """The protocols of a POX answer; none where it is an error, a redirect or no such answer at all."""
    root = _xml(visit.body) if visit.status == 200 else None
    if root is None or _local(root.tag) != "Autodiscover":
        return ()
    return tuple(_protocol(element) for element in root.iter() if _local(element.tag) == "Protocol")


def _protocol(element: Element) -> RawProtocol:
    texts = {_local(child.tag): child.text or "" for child in element}
    return RawProtocol(
        type=texts.get("Type", ""),
        server=texts.get("Server"),
        port=texts.get("Port"),
        login_name=texts.get("LoginName"),
        ssl=texts.get("SSL"),
        encryption=texts.get("Encryption"),
        spa=texts.get("SPA"),
        domain_required=texts.get("DomainRequired"),
    )


def json_object(visit: Visit) -> dict[str, object] | None:
    """The JSON object of an answer, None where it is none."""
    try:
        value = json.loads(visit.body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def looks_like_xml(visit: Visit) -> bool:
    """Whether it means to be XML; a web page is not."""
    head = visit.body.lstrip(b"\xef\xbb\xbf \t\r\n")[:400].lower()
    return head.startswith((b"<?xml", b"<clientconfig", b"<autodiscover")) and b"<html" not in head


def _xml(body: bytes) -> Element | None:
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return None
    return root


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
