"""The clients, each with its own order of look-ups (autoconfig.md and autodiscover.md name the sources).

One function a client and one line in CLIENTS. What a client takes from a document is in strictness.py.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable
from xml.etree.ElementTree import Element, SubElement, tostring

from profiles.model import DEFAULT_PORTS, Protocol, Server, SocketType
from profiles.problems import N_, Code
from webapp.doctor import strictness
from webapp.doctor.reading import RawProtocol, json_object, pox_protocols
from webapp.doctor.strictness import Setup
from webapp.doctor.visit import Visit
from webapp.doctor.walk import ISPDB_APPS, ISPDB_DESKTOP, Outcome, Walk, World

CONFIG = "/mail/config-v1.1.xml"
WELL_KNOWN = "/.well-known/autoconfig/mail/config-v1.1.xml"
POX = "/autodiscover/autodiscover.xml"
PACC = "/.well-known/user-agent-configuration.json"

SSL_NOT_ON = N_("SSL is not “on”, which Thunderbird takes for plain text")
ENCRYPTION_WRONG = N_("Encryption does not fit the port")
LOGIN_NAME_MISSING = N_("LoginName is missing or empty")
SPA_NOT_OFF = N_("SPA is not “off”, so Outlook tries another kind of log-in")
POX_INCOMPLETE = N_("IMAP or POP3 and SMTP with Server and Port are not all there")


def https_urls(domain: str, query: str = "", well_known_query: str | None = None) -> list[str]:
    """The two https places of autoconfig."""
    second = query if well_known_query is None else well_known_query
    return [f"https://autoconfig.{domain}{CONFIG}{query}", f"https://{domain}{WELL_KNOWN}{second}"]


def http_urls(domain: str, query: str = "") -> list[str]:
    """The same over plain http."""
    return [f"http://autoconfig.{domain}{CONFIG}{query}", f"http://{domain}{WELL_KNOWN}{query}"]


def address_query(world: World) -> str:
    """How clients name the address."""
    return f"?emailaddress={world.address}"


def thunderbird(world: World) -> Outcome:
    """Thunderbird on a computer."""
    walk = Walk(world, "thunderbird", "Thunderbird")
    query, read = address_query(world), strictness.thunderbird
    setup = walk.autoconfig(https_urls(world.domain, query) + http_urls(world.domain, query), read)
    setup = setup or walk.by_ispdb(read, ISPDB_DESKTOP) or walk.by_mx(read, ISPDB_DESKTOP)
    return walk.end(setup or _by_pox(walk))


def thunderbird_android(world: World) -> Outcome:
    """Thunderbird for Android and K-9 Mail: never with the address, no Autodiscover, no SRV."""
    walk = Walk(world, "thunderbird-android", "Thunderbird for Android, K-9 Mail")
    read = strictness.thunderbird_android
    setup = walk.autoconfig(https_urls(world.domain) + http_urls(world.domain), read)
    return walk.end(setup or walk.by_ispdb(read, ISPDB_APPS) or walk.by_mx(read, ISPDB_APPS))


def fairemail(world: World) -> Outcome:
    """FairEmail: SRV when it names both services, then autoconfig."""
    walk = Walk(world, "fairemail", "FairEmail")
    read, query = strictness.fairemail, address_query(world)
    setup = _by_srv(walk, ("_imaps", "_imap"), ("_submissions", "_submission"))
    setup = setup or walk.autoconfig(https_urls(world.domain, query), read)
    return walk.end(setup or walk.by_ispdb(read, ISPDB_APPS) or _by_pox(walk) or walk.by_mx(read, ISPDB_APPS))


def delta_chat(world: World) -> Outcome:
    """Delta Chat: autoconfig, with the address only at the first place."""
    walk = Walk(world, "delta-chat", "Delta Chat")
    read = strictness.delta_chat
    setup = walk.autoconfig(https_urls(world.domain, address_query(world), ""), read)
    return walk.end(setup or walk.by_ispdb(read, ISPDB_APPS))


def evolution(world: World) -> Outcome:
    """Evolution: its digest of the address stands beside it; goes on to MX only after a 404."""
    walk = Walk(world, "evolution", "Evolution")
    read, domain = strictness.evolution, world.domain
    digest = hashlib.md5(str(world.address).encode(), usedforsecurity=False).hexdigest()
    query = f"?emailaddress=EVOLUTIONUSER%40{domain}&emailmd5={digest}"
    first, well_known = https_urls(domain, query)
    plain_first, plain_well_known = http_urls(domain, query)
    setup = walk.autoconfig([first, plain_first, well_known, plain_well_known], read)
    setup = setup or walk.by_ispdb(read, ISPDB_APPS) or walk.by_mx(read, ISPDB_APPS)
    return walk.end(setup or _by_srv(walk, ("_imaps", "_imap"), ("_submissions", "_submission")))


def kmail(world: World) -> Outcome:
    """KMail: Thunderbird's database first, then autoconfig without a query."""
    walk = Walk(world, "kmail", "KMail")
    read = strictness.kmail
    (first, well_known), (plain, _) = https_urls(world.domain), http_urls(world.domain)
    setup = walk.by_ispdb(read, ISPDB_APPS) or walk.autoconfig([first, plain, well_known], read)
    return walk.end(setup)


def outlook(world: World) -> Outcome:
    """Classic Outlook: the V2 question, then POX at the domain, at autodiscover., by SRV, by the http redirect."""
    walk = Walk(world, "outlook", "Outlook")
    _ask_json(walk)
    return walk.end(_by_pox(walk))


def apple(world: World) -> Outcome:
    """Apple's calendar and contacts: SRV with its TXT path, then the well-known redirect there."""
    walk = Walk(world, "apple", "Apple Calendar and Contacts")
    for label, path in (("_caldavs", "caldav"), ("_carddavs", "carddav")):
        records = world.offered(label)
        walk.note(f"SRV {label}._tcp.{world.domain}", True if records else None, _srv_words(records))
        for record in records[:1]:
            port = "" if record.port == 443 else f":{record.port}"
            visit = world.web.get(f"https://{record.target}{port}/.well-known/{path}")
            good = visit.status in (200, 204, 207, 301, 302, 303, 307, 308, 401, 405)
            walk.note(visit.url, good, visit.note)
            if not good:
                walk.report(Code.WEB_STATUS, url=visit.url, status=visit.note)
    return walk.end(None, needs_settings=False)


def pacc(world: World) -> Outcome:
    """A PACC reader: the document counts only when its digest stands in DNS."""
    walk = Walk(world, "pacc", "PACC")
    url = f"https://ua-auto-config.{world.domain}{PACC}"
    visit = world.web.get(url)
    document = json_object(visit) if visit.status == 200 else None
    if document is None:
        walk.note(url, None if visit.status == 404 or visit.has_no_name else False, visit.note)
        return walk.end(None, needs_settings=False)
    name = f"_ua-auto-config.{world.domain}"
    records = [text for text in world.outbound.txt(name) if "UAAC1" in text.replace(" ", "")]
    digest = b64encode(hashlib.sha256(visit.body).digest()).decode()
    matches = any(f"d={digest}" in record.replace(" ", "") for record in records)
    walk.note(url, True, visit.note)
    walk.note(f"TXT {name}", matches, "; ".join(records))
    if not matches:
        walk.report(
            Code.PACC_DIGEST_STALE if records else Code.PACC_DIGEST_MISSING, url=url, name=name, digest=digest
        )
    return walk.end(_pacc_setup(document, world), needs_settings=False)


Client = Callable[[World], Outcome]
CLIENTS: tuple[Client, ...] = (
    thunderbird,
    thunderbird_android,
    fairemail,
    delta_chat,
    evolution,
    kmail,
    outlook,
    apple,
    pacc,
)
"""Every client that is played, in the order of the report."""


def urls(domain: str, query: str) -> list[str]:
    """What most clients ask, to be fetched side by side before they walk."""
    return [
        *https_urls(domain, query),
        *https_urls(domain),
        *http_urls(domain, query),
        *http_urls(domain),
        f"https://ua-auto-config.{domain}{PACC}",
        f"http://autodiscover.{domain}{POX}",
    ]


def request_body(address: str) -> bytes:
    """The question as Outlook and Thunderbird send it."""
    root = Element(
        "Autodiscover", xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
    )
    request = SubElement(root, "Request")
    SubElement(request, "EMailAddress").text = address
    schema = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
    SubElement(request, "AcceptableResponseSchema").text = schema
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root)


def _by_pox(walk: Walk) -> Setup | None:
    world = walk.world
    for url in _pox_urls(walk):
        visit = world.web.post(url, request_body(str(world.address)))
        protocols = pox_protocols(visit)
        if protocols is None:
            # A 200 that is no answer ends the search of Thunderbird; a 404 lets every client go on.
            walk.note(url, None if visit.status == 404 or visit.has_no_name else False, visit.note)
            continue
        setup = _pox_setup(walk, url, protocols)
        walk.note(url, setup is not None, visit.note)
        if setup is not None:
            return setup
    return None


def _pox_urls(walk: Walk) -> list[str]:
    domain = walk.world.domain
    found = [f"https://{domain}{POX}", f"https://autodiscover.{domain}{POX}"]
    for record in walk.world.offered("_autodiscover"):
        walk.note(f"SRV _autodiscover._tcp.{domain}", record.port == 443, f"{record.target}:{record.port}")
        found.append(f"https://{record.target}{POX}")
    visit = walk.world.web.get(f"http://autodiscover.{domain}{POX}")
    if visit.location.startswith("https://"):
        walk.note(visit.url, True, visit.note)
        found.append(visit.location)
    return list(dict.fromkeys(found))


def _pox_setup(walk: Walk, url: str, protocols: tuple[RawProtocol, ...]) -> Setup | None:
    by_type = {protocol.type.strip().upper(): protocol for protocol in reversed(protocols)}
    reading, sending = by_type.get("IMAP") or by_type.get("POP3"), by_type.get("SMTP")
    if reading is None or sending is None or not all((reading.server, reading.port, sending.server, sending.port)):
        walk.report(Code.POX_FAULTY, url=url, reason=POX_INCOMPLETE)
        return None
    for protocol in (reading, sending):
        reason = _pox_fault(protocol)
        if reason is not None:
            walk.report(Code.POX_FAULTY, url=url, reason=reason)
            return None
    return Setup(incoming=_pox_server(reading), outgoing=_pox_server(sending))


def _pox_fault(protocol: RawProtocol) -> str | None:
    if protocol.ssl != "on":
        return SSL_NOT_ON
    direct = protocol.port in ("993", "995", "465")
    known = protocol.port in ("993", "995", "465", "143", "110", "587")
    if protocol.encryption is None or (known and protocol.encryption != ("SSL" if direct else "TLS")):
        return ENCRYPTION_WRONG
    if not (protocol.login_name or "").strip():
        return LOGIN_NAME_MISSING
    return SPA_NOT_OFF if protocol.spa != "off" else None


def _pox_server(protocol: RawProtocol) -> Server:
    return Server(
        protocol=Protocol(protocol.type.strip().lower()),
        hostname=(protocol.server or "").strip().lower(),
        port=int((protocol.port or "0").strip() or 0),
        socket_type=SocketType.SSL if protocol.encryption == "SSL" else SocketType.STARTTLS,
        username=(protocol.login_name or "").strip(),
    )


def _ask_json(walk: Walk) -> None:
    domain = walk.world.domain
    path = f"/autodiscover/autodiscover.json?Email=user%40{domain}&Protocol=Autodiscoverv1&RedirectCount=1"
    visit = walk.world.web.get(f"https://autodiscover.{domain}{path}")
    answer = json_object(visit) if visit.status == 200 else None
    good = answer is not None and str(answer.get("Url", "")).startswith("https://")
    walk.note(visit.url, True if good else (None if _is_absent(visit) else False), visit.note)


def _is_absent(visit: Visit) -> bool:
    return visit.status == 404 or visit.has_no_name


def _by_srv(walk: Walk, reading: tuple[str, ...], sending: tuple[str, ...]) -> Setup | None:
    incoming = _srv_server(walk, reading, Protocol.IMAP)
    outgoing = _srv_server(walk, sending, Protocol.SMTP)
    return Setup(incoming=incoming, outgoing=outgoing) if incoming and outgoing else None


def _srv_server(walk: Walk, labels: tuple[str, ...], protocol: Protocol) -> Server | None:
    for label, kind in zip(labels, (SocketType.SSL, SocketType.STARTTLS), strict=True):
        records = walk.world.offered(label)
        walk.note(f"SRV {label}._tcp.{walk.world.domain}", True if records else None, _srv_words(records))
        if records:
            first = records[0]
            return Server(
                protocol=protocol,
                hostname=first.target,
                port=first.port,
                socket_type=kind,
                username=str(walk.world.address),
            )
    return None


def _srv_words(records: tuple[object, ...]) -> str:
    return ", ".join(f"{getattr(record, 'target', '')}:{getattr(record, 'port', '')}" for record in records)


def _pacc_setup(document: dict[str, object], world: World) -> Setup | None:
    protocols = document.get("protocols")
    if not isinstance(protocols, dict):
        return None
    incoming = _pacc_server(protocols, ("imap", "pop3"), world)
    outgoing = _pacc_server(protocols, ("submit", "smtp"), world)
    return Setup(incoming=incoming, outgoing=outgoing) if incoming and outgoing else None


def _pacc_server(protocols: dict[str, object], keys: tuple[str, ...], world: World) -> Server | None:
    for key in keys:
        entry = protocols.get(key)
        if isinstance(entry, dict) and isinstance(entry.get("host"), str):
            protocol = Protocol.SMTP if key in ("submit", "smtp") else Protocol(key)
            return Server(
                protocol=protocol,
                hostname=str(entry["host"]).lower(),
                port=DEFAULT_PORTS[protocol, SocketType.SSL],
                socket_type=SocketType.SSL,
                username=str(world.address),
            )
    return None
