"""The clients, each with its own order of look-ups, as their code has it in 2026.

One function a client and one line in CLIENTS. What a client takes from a document is in strictness.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from urllib.parse import urlsplit

from profiles.model import DavService, Protocol, Server, SocketType
from profiles.problems import Code
from webapp.doctor import pox, strictness
from webapp.doctor.pacc import PATH as PACC_PATH
from webapp.doctor.pacc import pacc
from webapp.doctor.strictness import Setup
from webapp.doctor.visit import Visit
from webapp.doctor.walk import ISPDB_APPS, ISPDB_DESKTOP, LookUp, Outcome, Walk, World
from webapp.outbound import Srv

CONFIG = "/mail/config-v1.1.xml"
WELL_KNOWN = "/.well-known/autoconfig/mail/config-v1.1.xml"
# A DAV server without a log-in: it asks for one, or shows something.
_DAV_STATUSES = (200, 204, 207, 401, 405)


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
    return walk.end(setup or pox.by_pox(walk, pox.thunderbird_urls(walk), ends_with_200=True))


def thunderbird_android(world: World) -> Outcome:
    """Thunderbird for Android and K-9 Mail: never with the address, no Autodiscover, no SRV."""
    walk = Walk(world, "thunderbird-android", "Thunderbird Android, K-9")
    read = strictness.thunderbird_android
    setup = walk.autoconfig(https_urls(world.domain) + http_urls(world.domain), read)
    return walk.end(setup or walk.by_ispdb(read, ISPDB_APPS) or walk.by_mx(read, ISPDB_APPS))


def fairemail(world: World) -> Outcome:
    """FairEmail: SRV when it names both services, then autoconfig (which its Play build leaves out)."""
    walk = Walk(world, "fairemail", "FairEmail")
    read, query = strictness.fairemail, address_query(world)
    # It knows `_submission` alone, and takes STARTTLS on port 587 only.
    setup = _by_srv(walk, ("_imaps", "_imap"), ("_submission",))
    setup = setup or walk.autoconfig(https_urls(world.domain, query) + http_urls(world.domain, query)[:1], read)
    setup = setup or walk.by_ispdb(read, ISPDB_APPS) or pox.by_pox(walk, pox.outlook_urls(walk))
    return walk.end(setup or walk.by_mx(read, ISPDB_APPS))


def delta_chat(world: World) -> Outcome:
    """Delta Chat: autoconfig, with the address only at the first place; Autodiscover by GET; no MX, no SRV."""
    walk = Walk(world, "delta-chat", "Delta Chat")
    read = strictness.delta_chat
    setup = walk.autoconfig(https_urls(world.domain, address_query(world), ""), read)
    if setup is None:
        pox.look_by_get(walk)
    return walk.end(setup or walk.by_ispdb(read, ISPDB_APPS))


def evolution(world: World) -> Outcome:
    """Evolution: without the address but with its digest; goes on to MX only after a 404."""
    walk = Walk(world, "evolution", "Evolution")
    read, domain = strictness.evolution, world.domain
    digest = hashlib.md5(str(world.address).encode(), usedforsecurity=False).hexdigest()
    query = f"?emailaddress=EVOLUTIONUSER%40{domain}&emailmd5={digest}"
    first, well_known = https_urls(domain, query)
    plain_first, plain_well_known = http_urls(domain, query)
    setup = walk.autoconfig([first, plain_first, well_known, plain_well_known], read)
    setup = setup or walk.by_ispdb(read, ISPDB_APPS)
    if setup is None and (walk.last is None or walk.last.is_absent):
        setup = walk.by_mx(read, ISPDB_APPS)
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
    pox.ask_json(walk)
    return walk.end(pox.by_pox(walk, pox.outlook_urls(walk)))


def apple(world: World) -> Outcome:
    """Apple's calendar and contacts (RFC 6764): SRV with its TXT path, else /.well-known at the domain."""
    walk = Walk(world, "apple", "Apple (CalDAV, CardDAV)")
    account = world.expected
    _find_dav(walk, "caldav", None if account is None else account.calendar)
    _find_dav(walk, "carddav", None if account is None else account.addressbook)
    return walk.end(None, needs_settings=False)


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
        f"https://ua-auto-config.{domain}{PACC_PATH}",
        f"http://autodiscover.{domain}{pox.PATH}",
    ]


def _find_dav(walk: Walk, service: str, expected: DavService | None) -> None:
    label = f"_{service}s"
    name = f"{label}._tcp.{walk.world.domain}"
    records = walk.world.offered(label)
    walk.note(LookUp.SRV, f"SRV {name}", True if records else None, _srv_words(records))
    path = next((text[5:] for text in walk.world.txt(name) if text.startswith("path=/")), "") if records else ""
    places = [_dav_url(record, path or f"/.well-known/{service}") for record in records[:1]]
    for url in places or [f"https://{walk.world.domain}/.well-known/{service}"]:
        visit = walk.world.web.get_through(url)
        # An answer at the bare domain that nobody promised may be anything.
        found = visit.status in _DAV_STATUSES and (bool(places) or visit.url != url or visit.status == 401)
        nothing = not places and expected is None
        walk.note(LookUp.DAV, url, True if found else (None if nothing else False), visit.note)
        if places and not found:
            _report_dav(walk, url, visit)
        elif expected is not None and not found:
            walk.report(Code.CLIENT_FINDS_NOTHING)


def _report_dav(walk: Walk, url: str, visit: Visit) -> None:
    if visit.problem is not None:
        walk.report(Code.WEB_UNREACHABLE, url=url, reason=visit.note)
    else:
        walk.report(Code.WEB_STATUS, url=url, status=str(visit.status))


def _dav_url(record: Srv, path: str) -> str:
    port = "" if record.port == 443 else f":{record.port}"
    return urlsplit(f"https://{record.target}{port}{path}").geturl()


def _by_srv(walk: Walk, reading: tuple[str, ...], sending: tuple[str, ...]) -> Setup | None:
    incoming = _srv_server(walk, reading, Protocol.IMAP)
    outgoing = _srv_server(walk, sending, Protocol.SMTP)
    return Setup(incoming=incoming, outgoing=outgoing, knows_username=False) if incoming and outgoing else None


def _srv_server(walk: Walk, labels: tuple[str, ...], protocol: Protocol) -> Server | None:
    for label in labels:
        records = walk.world.offered(label)
        walk.note(
            LookUp.SRV,
            f"SRV {label}._tcp.{walk.world.domain}",
            True if records else None,
            _srv_words(records),
        )
        if records:
            first = records[0]
            return Server(
                protocol=protocol,
                hostname=first.target,
                port=first.port,
                socket_type=_socket_type(label, first.port, alone=len(labels) == 1),
                username=str(walk.world.address),
            )
    return None


def _socket_type(label: str, port: int, *, alone: bool) -> SocketType:
    if alone:
        return SocketType.STARTTLS if port == 587 else SocketType.SSL
    return SocketType.SSL if label.endswith("s") else SocketType.STARTTLS


def _srv_words(records: tuple[Srv, ...]) -> str:
    return ", ".join(f"{record.target}:{record.port}" for record in records)
