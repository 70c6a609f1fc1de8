"""The places that may know an unknown domain: each asks one of them and returns what it says, or nothing.

A source that cannot be reached is a SourceFailed; a source that answers "not known" returns nothing. No source
gets the local part of the address and none ever gets a password.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from profiles.address import to_ascii
from profiles.model import DEFAULT_PORTS, Protocol, Server, ServiceSettings, SocketType, Source
from profiles.problems import N_, ProblemError
from webapp.discovery.candidates import Trust
from webapp.discovery.clientconfig import parse
from webapp.discovery_names import mx_names
from webapp.outbound import Outbound

ISPDB_URL = "https://live.thunderbird.net/autoconfig/v1.1/"
_PATH = "mail/config-v1.1.xml"

BY_DOMAIN = N_("The domain itself publishes these settings over https (%(where)s).")
BY_ISPDB = N_("Thunderbird's database of mail providers lists this domain (%(where)s).")
BY_PACC = N_("The domain publishes these servers over https (%(where)s), confirmed by its DNS record.")
BY_PACC_UNCONFIRMED = N_("The domain publishes these servers over https (%(where)s).")
BY_SRV = N_("The domain's DNS names these servers (%(where)s).")
BY_SRV_SIGNED = N_("The domain's DNS, signed with DNSSEC, names these servers (%(where)s).")
BY_MX_PROVIDER = N_("The domain's mail is received by a provider we know (%(where)s).")
BY_MX_CONFIG = N_("The service that receives the domain's mail (%(where)s) publishes these settings.")
BY_JMAP = N_("The domain's DNS names a JMAP server (%(where)s); mail servers are supposed on the same host.")
BY_ANSWER = N_("A mail server answers under a usual name (%(where)s). This is a guess.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Settings as one source states them."""

    source: Source
    trust: Trust
    reason: str
    where: str
    settings: ServiceSettings


def own_autoconfig(domain: str, outbound: Outbound, deadline: float) -> Iterator[Found]:
    """The domain's own document: `autoconfig.` first, then /.well-known; https only.

    One that cannot be asked does not keep us from the other; only when both fail is that told.
    """
    urls = (f"https://autoconfig.{domain}/{_PATH}", f"https://{domain}/.well-known/autoconfig/{_PATH}")
    yield from _first_answer(urls, domain, Source.AUTOCONFIG, BY_DOMAIN, outbound, deadline)


def ispdb(domain: str, outbound: Outbound, deadline: float, base_url: str = ISPDB_URL) -> Iterator[Found]:
    """Thunderbird's database."""
    settings = _document(base_url + domain, domain, Source.ISPDB, outbound, deadline)
    if settings is not None:
        yield _authenticated(Source.ISPDB, BY_ISPDB, base_url + domain, settings)


def pacc(domain: str, outbound: Outbound, deadline: float) -> Iterator[Found]:
    """The domain's PACC document; its digest in DNS is compared where there is one."""
    url = f"https://ua-auto-config.{domain}/.well-known/user-agent-configuration.json"
    body = _body(url, outbound, deadline)
    servers = None if body is None else _pacc_servers(body)
    if body is None or servers is None:
        return
    digests = _pacc_digests(outbound.txt(f"_ua-auto-config.{domain}", deadline))
    if digests and b64encode(sha256(body).digest()).decode() not in digests:
        return  # stale or forged: a reader must not use it
    reason = BY_PACC if digests else BY_PACC_UNCONFIRMED
    yield _authenticated(Source.PACC, reason, url, _settings(domain, *servers, source=Source.PACC))


def srv(domain: str, outbound: Outbound, deadline: float) -> Iterator[Found]:
    """RFC 6186 and RFC 8314: SRV records; a target of "." means that the domain does not offer the service."""
    servers: dict[bool, list[Server]] = {True: [], False: []}
    signed = True
    for label, protocol, kind in _SRV:
        name = f"_{label}._tcp.{domain}"
        offered = [service for service in outbound.srv(name, deadline) if service.target]
        signed = signed and (not offered or outbound.records(name, "SRV", deadline).is_authenticated)
        for service in offered:
            server = _server(protocol, kind, service.target, service.port)
            if server is not None:
                servers[protocol is not Protocol.SMTP].append(server)
    if servers[True] and servers[False]:
        settings = _settings(domain, tuple(servers[True]), tuple(servers[False]), source=Source.SRV)
        trust, reason = (Trust.AUTHENTICATED, BY_SRV_SIGNED) if signed else (Trust.DNS, BY_SRV)
        yield Found(
            source=Source.SRV, trust=trust, reason=reason, where=f"_imaps._tcp.{domain}", settings=settings
        )


def mx(
    domain: str,
    outbound: Outbound,
    deadline: float,
    providers: Iterable[ServiceSettings],
    ispdb_url: str = ISPDB_URL,
) -> Iterator[Found]:
    """Who receives the domain's mail: a provider we know, or what that service publishes about itself.

    Plain DNS names the MX, so nothing found this way is trusted more than DNS, unless the answer was signed.
    """
    records = outbound.mx(domain, deadline)
    if not records or not records[0].exchange:
        return
    host = records[0].exchange
    signed = outbound.records(domain, "MX", deadline).is_authenticated
    trust = Trust.AUTHENTICATED if signed else Trust.DNS
    for provider in providers:
        if any(host == suffix or host.endswith("." + suffix) for suffix in provider.mx_suffixes):
            settings = replace(provider, domains=(domain,), source=Source.MX)
            yield Found(source=Source.MX, trust=trust, reason=BY_MX_PROVIDER, where=host, settings=settings)
            return
    yield from _published_by_mx(domain, host, trust, outbound, deadline, ispdb_url)


def _published_by_mx(
    domain: str, host: str, trust: Trust, outbound: Outbound, deadline: float, ispdb_url: str
) -> Iterator[Found]:
    for name in mx_names(host):
        if name == domain:
            continue  # already asked
        urls = (f"https://autoconfig.{name}/{_PATH}", ispdb_url + name)
        for found in _first_answer(urls, domain, Source.MX, BY_MX_CONFIG, outbound, deadline):
            yield replace(found, trust=trust)
            return


def jmap(domain: str, outbound: Outbound, deadline: float) -> Iterator[Found]:
    """RFC 8620: a JMAP service is a hint that its host is the mail host; it is only named, never set up."""
    for service in outbound.srv(f"_jmap._tcp.{domain}", deadline)[:1]:
        incoming = _server(Protocol.IMAP, SocketType.SSL, service.target, 993)
        outgoing = _server(Protocol.SMTP, SocketType.SSL, service.target, 465)
        if incoming is not None and outgoing is not None:
            settings = _settings(domain, (incoming,), (outgoing,), source=Source.JMAP)
            yield Found(
                source=Source.JMAP,
                trust=Trust.GUESS,
                reason=BY_JMAP,
                where=f"_jmap._tcp.{domain}",
                settings=settings,
            )


_SRV = (
    ("imaps", Protocol.IMAP, SocketType.SSL),
    ("imap", Protocol.IMAP, SocketType.STARTTLS),
    ("pop3s", Protocol.POP3, SocketType.SSL),
    ("pop3", Protocol.POP3, SocketType.STARTTLS),
    ("submissions", Protocol.SMTP, SocketType.SSL),
    ("submission", Protocol.SMTP, SocketType.STARTTLS),
)


def _first_answer(
    urls: tuple[str, ...], domain: str, source: Source, reason: str, outbound: Outbound, deadline: float
) -> Iterator[Found]:
    errors: list[ProblemError] = []
    for url in urls:
        try:
            settings = _document(url, domain, source, outbound, deadline)
        except ProblemError as error:
            errors.append(error)
            continue
        if settings is not None:
            yield _authenticated(source, reason, url, settings)
            return
    if len(errors) == len(urls):
        raise errors[0]


def _document(
    url: str, domain: str, source: Source, outbound: Outbound, deadline: float
) -> ServiceSettings | None:
    body = _body(url, outbound, deadline)
    return None if body is None else parse(body, domain, source)


def _body(url: str, outbound: Outbound, deadline: float) -> bytes | None:
    """The body of a 200; one redirect is followed, vetted like the first question."""
    answer = outbound.https_get(url, deadline=deadline, redirects=1)
    return answer.body if answer.status == 200 else None


def _pacc_servers(body: bytes) -> tuple[tuple[Server, ...], tuple[Server, ...]] | None:
    try:
        protocols: Any = json.loads(body)["protocols"]
        names = {
            key: str(protocols[key]["host"]) for key in ("imap", "pop3", "submit", "smtp") if key in protocols
        }
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    incoming = [
        _server(protocol, SocketType.SSL, names[protocol.value], DEFAULT_PORTS[protocol, SocketType.SSL])
        for protocol in (Protocol.IMAP, Protocol.POP3)
        if protocol.value in names
    ]
    # The drafts' key changed from `smtp` (-02) to `submit` (-03).
    outgoing = _server(Protocol.SMTP, SocketType.SSL, names.get("submit") or names.get("smtp", ""), 465)
    found = tuple(server for server in incoming if server is not None)
    return (found, (outgoing,)) if found and outgoing is not None else None


def _pacc_digests(records: Iterable[str]) -> set[str]:
    digests = set()
    for record in records:
        tags = dict(part.strip().split("=", 1) for part in record.split(";") if "=" in part)
        if tags.get("v", "").strip() == "UAAC1" and tags.get("a", "sha256").strip() == "sha256":
            digests.add(tags.get("d", "").strip())
    return digests - {""}


def _server(protocol: Protocol, socket_type: SocketType, hostname: str, port: int) -> Server | None:
    name = to_ascii(hostname)
    if name is None or "." not in name or not 1 <= port <= 65535:
        return None
    return Server(protocol=protocol, hostname=name, port=port, socket_type=socket_type)


def _settings(
    domain: str, incoming: tuple[Server, ...], outgoing: tuple[Server, ...], *, source: Source
) -> ServiceSettings:
    return ServiceSettings(
        id=domain,
        display_name=domain,
        display_short_name=domain[:20],
        domains=(domain,),
        incoming_servers=tuple(sorted(incoming, key=lambda s: s.protocol is not Protocol.IMAP)),
        outgoing_servers=outgoing,
        source=source,
    )


def _authenticated(source: Source, reason: str, where: str, settings: ServiceSettings) -> Found:
    return Found(source=source, trust=Trust.AUTHENTICATED, reason=reason, where=where, settings=settings)
