"""Autodiscover as the clients play it: POX, the V2 JSON, SRV, the http redirect."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, tostring

from profiles.address import to_ascii
from profiles.model import Protocol, Server, SocketType
from profiles.problems import N_, Code
from webapp.doctor.reading import RawProtocol, json_object, pox_protocols
from webapp.doctor.strictness import Setup
from webapp.doctor.walk import LookUp, Walk, is_nothing

PATH = "/autodiscover/autodiscover.xml"
JSON_PATH = "/autodiscover/autodiscover.json"

SSL_NOT_ON = N_("SSL is not “on”, which Thunderbird takes for plain text")
ENCRYPTION_WRONG = N_("Encryption does not fit the port")
LOGIN_NAME_MISSING = N_("LoginName is missing or empty")
SPA_NOT_OFF = N_("SPA is not “off”, so Outlook tries another kind of log-in")
DOMAIN_REQUIRED = N_("DomainRequired is “on”, so Outlook asks for a Windows domain")
INCOMPLETE = N_("IMAP or POP3 and SMTP with Server and Port are not all there")
JSON_WITHOUT_URL = N_("the JSON names no https address of the XML")

_REQUEST_SCHEMA = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
_RESPONSE_SCHEMA = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
_DIRECT_PORTS, _STARTTLS_PORTS = ("993", "995", "465"), ("143", "110", "587")
_MAIL_TYPES = ("IMAP", "POP3", "SMTP")


def request_body(address: str) -> bytes:
    """The question as Outlook and Thunderbird send it."""
    root = Element("Autodiscover", xmlns=_REQUEST_SCHEMA)
    request = SubElement(root, "Request")
    SubElement(request, "EMailAddress").text = address
    SubElement(request, "AcceptableResponseSchema").text = _RESPONSE_SCHEMA
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root)


def outlook_urls(walk: Walk) -> Iterator[str]:
    """Where classic Outlook looks: the domain, autodiscover., SRV, the http redirect."""
    domain = walk.world.domain
    yield f"https://{domain}{PATH}"
    yield f"https://autodiscover.{domain}{PATH}"
    yield from _srv_urls(walk)
    yield from _http_urls(walk)


def thunderbird_urls(walk: Walk) -> Iterator[str]:
    """Where Thunderbird looks, autodiscover. first."""
    domain = walk.world.domain
    yield f"https://autodiscover.{domain}{PATH}"
    yield f"https://{domain}{PATH}"
    yield from _http_urls(walk)
    yield from _srv_urls(walk)


def by_pox(walk: Walk, urls: Iterator[str], *, ends_with_200: bool = False) -> Setup | None:
    """Post to each place; `ends_with_200`: the client takes any 200 for the end of its search."""
    asked = set()
    for url in urls:
        if url in asked:
            continue
        asked.add(url)
        visit = walk.world.web.post_through(url, request_body(str(walk.world.address)))
        protocols = [one for one in pox_protocols(visit) if one.type.strip().upper() in _MAIL_TYPES]
        if protocols:
            setup = _setup(walk, url, protocols)
            walk.note(LookUp.AUTODISCOVER, url, setup is not None, visit.note)
            if setup is not None:
                return setup
        else:
            walk.note(
                LookUp.AUTODISCOVER, url, None if is_nothing(visit, walk.world.domain) else False, visit.note
            )
        if ends_with_200 and visit.status == 200:
            break
    return None


def look_by_get(walk: Walk) -> None:
    """Delta Chat asks by GET, which good servers refuse."""
    domain = walk.world.domain
    for url in (f"https://{domain}{PATH}", f"https://autodiscover.{domain}{PATH}"):
        visit = walk.world.web.get_through(url)
        walk.note(LookUp.AUTODISCOVER, url, None if is_nothing(visit, domain) else False, visit.note)


def ask_json(walk: Walk) -> None:
    """Outlook's V2 questions: the old form and the one with the address in the path. A 404 is well."""
    domain = walk.world.domain
    query = "Protocol=Autodiscoverv1&RedirectCount=1"
    for tail in (f"?Email=user%40{domain}&{query}", f"/v1.0/user@{domain}?{query}"):
        url = f"https://autodiscover.{domain}{JSON_PATH}{tail}"
        visit = walk.world.web.get_through(url)
        answer = json_object(visit) if visit.status == 200 else None
        good = answer is not None and str(answer.get("Url", "")).startswith("https://")
        if answer is not None and not good:
            walk.report(Code.POX_FAULTY, url=url, reason=JSON_WITHOUT_URL)
        nothing = is_nothing(visit, domain) or visit.status == 400
        walk.note(LookUp.AUTODISCOVER, url, True if good else (None if nothing else False), visit.note)


def _srv_urls(walk: Walk) -> Iterator[str]:
    name = f"_autodiscover._tcp.{walk.world.domain}"
    for record in walk.world.offered("_autodiscover"):
        usual = record.port == 443
        walk.note(LookUp.SRV, f"SRV {name}", usual, f"{record.target}:{record.port}")
        if not usual:
            # Outlook and Thunderbird ignore the port and come to 443.
            found = f"{record.priority} {record.weight} {record.port} {record.target}."
            value = f"{record.priority} {record.weight} 443 {record.target}."
            walk.report(Code.RECORD_WRONG, name=name, type="SRV", found=found, value=value)
        yield f"https://{record.target}{PATH}"


def _http_urls(walk: Walk) -> Iterator[str]:
    visit = walk.world.web.get(f"http://autodiscover.{walk.world.domain}{PATH}")
    if visit.location.startswith("https://"):
        walk.note(LookUp.AUTODISCOVER, visit.url, True, visit.note)
        yield visit.location


def _setup(walk: Walk, url: str, protocols: list[RawProtocol]) -> Setup | None:
    by_type = {protocol.type.strip().upper(): protocol for protocol in reversed(protocols)}
    reading, sending = by_type.get("IMAP") or by_type.get("POP3"), by_type.get("SMTP")
    if reading is None or sending is None:
        walk.report(Code.POX_FAULTY, url=url, reason=INCOMPLETE)
        return None
    for protocol in (reading, sending):
        reason = _fault(protocol)
        if reason is not None:
            walk.report(Code.POX_FAULTY, url=url, reason=reason)
            return None
    return Setup(incoming=_server(reading), outgoing=_server(sending))


def _fault(protocol: RawProtocol) -> str | None:
    port = (protocol.port or "").strip()
    if to_ascii(protocol.server or "") is None or not (port.isascii() and port.isdigit() and len(port) <= 5):
        return INCOMPLETE
    if protocol.ssl != "on":
        return SSL_NOT_ON
    known = {**dict.fromkeys(_DIRECT_PORTS, "SSL"), **dict.fromkeys(_STARTTLS_PORTS, "TLS")}
    if protocol.encryption not in ("SSL", "TLS") or known.get(port, protocol.encryption) != protocol.encryption:
        return ENCRYPTION_WRONG
    if not (protocol.login_name or "").strip():
        return LOGIN_NAME_MISSING
    if (protocol.domain_required or "off") != "off":
        return DOMAIN_REQUIRED
    return SPA_NOT_OFF if protocol.spa != "off" else None


def _server(protocol: RawProtocol) -> Server:
    return Server(
        protocol=Protocol(protocol.type.strip().lower()),
        hostname=to_ascii(protocol.server or "") or "",
        port=int((protocol.port or "").strip()),
        socket_type=SocketType.SSL if protocol.encryption == "SSL" else SocketType.STARTTLS,
        username=(protocol.login_name or "").strip(),
    )
