"""The last resort: usual host names and ports that answer as mail servers, with TLS and without any log-in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from profiles.model import Protocol, Server, ServiceSettings, SocketType, Source
from profiles.problems import ProblemError
from webapp.discovery.candidates import Trust
from webapp.discovery.sources import BY_ANSWER, Found
from webapp.outbound import Outbound

Answers = Callable[[Server], bool]
"""Whether a server greets as its protocol does, with a verified certificate; passed in (probes are siblings)."""

# Usual ports first with TLS from the start; no plain text, so no other ports.
_INCOMING = (
    (Protocol.IMAP, 993, SocketType.SSL),
    (Protocol.IMAP, 143, SocketType.STARTTLS),
    (Protocol.POP3, 995, SocketType.SSL),
)
_OUTGOING = ((Protocol.SMTP, 465, SocketType.SSL), (Protocol.SMTP, 587, SocketType.STARTTLS))
_NAMES = {
    Protocol.IMAP: ("imap.{}", "mail.{}", "{}"),
    Protocol.POP3: ("pop.{}", "pop3.{}", "mail.{}", "{}"),
    Protocol.SMTP: ("smtp.{}", "mail.{}", "{}"),
}


def guess(domain: str, outbound: Outbound, deadline: float, answers: Answers) -> Iterator[Found]:
    """Settings out of the first incoming and the first outgoing server that answer."""
    tried = [*_servers(domain, _INCOMING), *_servers(domain, _OUTGOING)]
    names = {server.hostname for server in tried}
    known = {name for name in names if _resolves(name, outbound, deadline)}
    with ThreadPoolExecutor(max_workers=8) as pool:
        asked: list[tuple[Server, Future[bool]]] = [
            (server, pool.submit(answers, server)) for server in tried if server.hostname in known
        ]
        good = [server for server, answer in asked if answer.result()]
    incoming = tuple(server for server in good if server.protocol is not Protocol.SMTP)
    outgoing = tuple(server for server in good if server.protocol is Protocol.SMTP)
    if incoming and outgoing:
        settings = ServiceSettings(
            id=domain,
            display_name=domain,
            display_short_name=domain[:20],
            domains=(domain,),
            incoming_servers=incoming[:1],
            outgoing_servers=outgoing[:1],
            source=Source.GUESS,
        )
        where = incoming[0].endpoint
        yield Found(source=Source.GUESS, trust=Trust.GUESS, reason=BY_ANSWER, where=where, settings=settings)


def _servers(domain: str, ways: tuple[tuple[Protocol, int, SocketType], ...]) -> Iterator[Server]:
    for protocol, port, socket_type in ways:
        for name in _NAMES[protocol]:
            yield Server(protocol=protocol, hostname=name.format(domain), port=port, socket_type=socket_type)


def _resolves(name: str, outbound: Outbound, deadline: float) -> bool:
    try:
        return bool(outbound.addresses(name, deadline).addresses)
    except ProblemError:
        return False
