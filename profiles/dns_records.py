"""The DNS records by which clients find a domain's settings, as values, zone-file text and a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from profiles import pacc
from profiles.model import DavService, Protocol, Server, ServiceSettings, SocketType
from profiles.problems import N_, ProblemError

TTL = 3600

FOR_AUTOCONFIG = N_("Thunderbird, K-9, Evolution and others look here for autoconfig")
FOR_AUTODISCOVER = N_("Outlook and Thunderbird look here for Autodiscover")
FOR_AUTODISCOVER_SRV = N_("Outlook's second way to Autodiscover, where the name above has no certificate")
FOR_PACC = N_("PACC readers look here")
FOR_PACC_DIGEST = N_("PACC readers trust the document only with this digest; publish a new one before a change")
FOR_MAIL = N_("FairEmail, Evolution, aerc and others look here for the mail servers")
FOR_NOT_OFFERED = N_("says that this service is not offered")
FOR_CALENDAR = N_("Apple, Thunderbird, DAVx5 and others look here for the calendar")
FOR_CONTACTS = N_("Apple, Thunderbird, DAVx5 and others look here for contacts")
FOR_JMAP = N_("JMAP apps look here")


class RecordType(StrEnum):
    """The types of record that Hagaki proposes."""

    CNAME = "CNAME"
    SRV = "SRV"
    TXT = "TXT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record. `name` is absolute without the final dot."""

    name: str
    type: RecordType
    value: str
    """As a zone file writes it, host names with their final dot; the bare text of a TXT record."""
    purpose: str
    """Who needs it: a text marked with N_."""
    required: bool = True
    """Whether clients fail without it; the others only help."""


_SERVICES = {
    (Protocol.IMAP, SocketType.SSL): "_imaps",
    (Protocol.IMAP, SocketType.STARTTLS): "_imap",
    (Protocol.POP3, SocketType.SSL): "_pop3s",
    (Protocol.POP3, SocketType.STARTTLS): "_pop3",
    (Protocol.SMTP, SocketType.SSL): "_submissions",
    (Protocol.SMTP, SocketType.STARTTLS): "_submission",
}
# RFC 6186: the target "." keeps clients from guessing. `_submission` has none: FairEmail asks only for that name.
_MAY_BE_DENIED = ("_imap", "_pop3s", "_pop3")


def records(settings: ServiceSettings, domain: str, service_host: str) -> tuple[Record, ...]:
    """Every record that `domain` should publish when `service_host` answers its look-ups."""
    here = settings.for_domain(domain)
    return (
        *_pointers(here, domain, service_host),
        *_mail(here, domain),
        *_dav("_caldavs", here.calendar, domain, FOR_CALENDAR),
        *_dav("_carddavs", here.addressbook, domain, FOR_CONTACTS),
        *_jmap(here, domain),
    )


def zone_file(records: Iterable[Record]) -> str:
    """The records as text to paste into a BIND zone; names are absolute, so `$ORIGIN` does not matter."""
    found = tuple(records)
    width = max((len(record.name) + 1 for record in found), default=0)
    lines = []
    purpose = None
    for record in found:
        if record.purpose != purpose:
            purpose = record.purpose
            lines.append(f"; {purpose}")
        lines.append(f"{record.name + '.':{width}} {TTL} IN {record.type:5} {zone_value(record)}")
    return "\n".join(lines) + "\n" if lines else ""


def table(records: Iterable[Record]) -> tuple[tuple[str, str, str], ...]:
    """Name, type and value of each record, for web forms of DNS hosters."""
    return tuple((record.name, record.type.value, record.value) for record in records)


def zone_value(record: Record) -> str:
    """The value as a zone file writes it: TXT in quotes, in strings of at most 255 bytes."""
    if record.type is not RecordType.TXT:
        return record.value
    pieces = [record.value[start : start + 255] for start in range(0, len(record.value), 255)]
    return " ".join('"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces)


def _pointers(settings: ServiceSettings, domain: str, service_host: str) -> list[Record]:
    found = [
        _cname(f"autoconfig.{domain}", service_host, FOR_AUTOCONFIG),
        _cname(f"autodiscover.{domain}", service_host, FOR_AUTODISCOVER),
        # Port 443 always: Outlook and Thunderbird ignore any other.
        _srv(f"_autodiscover._tcp.{domain}", (0, 0, 443), service_host, FOR_AUTODISCOVER_SRV, required=False),
    ]
    digest = _pacc_digest(settings, domain)
    if digest is not None:
        name = f"ua-auto-config.{domain}"
        text = Record(name=f"_{name}", type=RecordType.TXT, value=digest, purpose=FOR_PACC_DIGEST)
        found += [_cname(name, service_host, FOR_PACC), text]
    return [record for record in found if record.name != service_host]


def _pacc_digest(settings: ServiceSettings, domain: str) -> str | None:
    try:
        return pacc.txt_record(pacc.render_settings(settings, domain))
    except ProblemError:
        return None  # a domain that PACC cannot describe does not publish it


def _mail(settings: ServiceSettings, domain: str) -> list[Record]:
    offered = [*_offers(settings.incoming_servers, domain), *_offers(settings.outgoing_servers, domain)]
    names = {record.name for record in offered}
    denied = [f"{service}._tcp.{domain}" for service in _MAY_BE_DENIED]
    return offered + [_denial(name) for name in denied if name not in names]


def _offers(servers: tuple[Server, ...], domain: str) -> list[Record]:
    """Priorities keep the order of preference, also between protocols (RFC 6186, section 3.4)."""
    return [
        _srv(
            f"{_SERVICES[server.protocol, server.socket_type]}._tcp.{domain}",
            (10 * position, 1, server.port),
            server.hostname,
            FOR_MAIL,
        )
        for position, server in enumerate(servers)
    ]


def _denial(name: str) -> Record:
    return Record(name=name, type=RecordType.SRV, value="0 0 0 .", purpose=FOR_NOT_OFFERED, required=False)


def _dav(service: str, dav: DavService | None, domain: str, purpose: str) -> list[Record]:
    if dav is None:
        return []
    url = urlsplit(dav.url)
    name = f"{service}._tcp.{domain}"
    found = [_srv(name, (0, 1, url.port or 443), url.hostname or "", purpose)]
    if url.path not in {"", "/"}:
        found.append(Record(name=name, type=RecordType.TXT, value=f"path={url.path}", purpose=purpose))
    return found


def _jmap(settings: ServiceSettings, domain: str) -> list[Record]:
    if settings.jmap_url is None:
        return []
    url = urlsplit(settings.jmap_url)
    return [_srv(f"_jmap._tcp.{domain}", (0, 1, url.port or 443), url.hostname or "", FOR_JMAP)]


def _cname(name: str, target: str, purpose: str) -> Record:
    return Record(name=name, type=RecordType.CNAME, value=f"{target}.", purpose=purpose)


def _srv(name: str, numbers: tuple[int, int, int], target: str, purpose: str, *, required: bool = True) -> Record:
    priority, weight, port = numbers
    value = f"{priority} {weight} {port} {target}."
    return Record(name=name, type=RecordType.SRV, value=value, purpose=purpose, required=required)
