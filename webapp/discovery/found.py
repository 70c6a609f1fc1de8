"""What a source is asked, and what it says: the two values between the search and its sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from profiles.address import to_ascii
from profiles.model import DavService, Protocol, Server, ServiceSettings, SocketType, Source
from webapp.discovery.candidates import Trust
from webapp.outbound import Deadline, Outbound

ISPDB_URL = "https://live.thunderbird.net/autoconfig/v1.1/"

Answers = Callable[[Server, Deadline], bool]
"""Whether a server greets as its protocol does, with a verified certificate, without any log-in.

Passed in, because probes are siblings of discovery.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One domain, and all that a source may use to find out about it."""

    domain: str
    outbound: Outbound
    deadline: Deadline
    """For everything this source does: each step shortens it for the next."""
    providers: tuple[ServiceSettings, ...]
    answers: Answers
    ispdb_url: str = ISPDB_URL


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Settings as one source states them."""

    source: Source
    trust: Trust
    reason: str
    """One English sentence (msgid of `messages`) that says why it is ranked so; `where` fills it."""
    where: str
    """URL, DNS name or server that said so."""
    settings: ServiceSettings


Ask = Callable[[Question], Iterator[Found]]
"""A source. It yields nothing where nothing is known, and raises ProblemError where it cannot be asked."""


def named_server(protocol: Protocol, socket_type: SocketType, hostname: str, port: int) -> Server | None:
    """A server as a stranger names it, None where that is no host name."""
    name = to_ascii(hostname)
    if name is None or "." not in name or not 1 <= port <= 65535:
        return None
    return Server(protocol=protocol, hostname=name, port=port, socket_type=socket_type)


def settings_of(
    domain: str,
    servers: list[Server],
    source: Source,
    *,
    name: str = "",
    calendar: DavService | None = None,
    addressbook: DavService | None = None,
) -> ServiceSettings | None:
    """Settings out of the servers of a domain, IMAP before POP3; None where one side is missing."""
    incoming = [server for server in servers if server.protocol is not Protocol.SMTP]
    outgoing = [server for server in servers if server.protocol is Protocol.SMTP]
    if not incoming or not outgoing:
        return None
    title = name or domain
    return ServiceSettings(
        id=domain,
        display_name=title[:60],
        display_short_name=title[:20],
        domains=(domain,),
        incoming_servers=tuple(sorted(incoming, key=lambda server: server.protocol is not Protocol.IMAP)),
        outgoing_servers=tuple(outgoing),
        calendar=calendar,
        addressbook=addressbook,
        source=source,
    )
