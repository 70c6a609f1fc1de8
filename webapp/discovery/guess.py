"""The last resort: usual host names and ports that answer as mail servers, with TLS and without any log-in."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from profiles.model import Protocol, Server, SocketType, Source
from profiles.problems import N_, ProblemError
from webapp.discovery.candidates import Trust
from webapp.discovery.found import Found, Question, named_server, settings_of

BY_ANSWER = N_("A mail server answers under a usual name (%(where)s). This is a guess.")

Ways = tuple[tuple[Protocol, int, SocketType], ...]

# TLS from the start before STARTTLS; no plain text, so no other ports.
INCOMING: Ways = (
    (Protocol.IMAP, 993, SocketType.SSL),
    (Protocol.IMAP, 143, SocketType.STARTTLS),
    (Protocol.POP3, 995, SocketType.SSL),
)
OUTGOING: Ways = ((Protocol.SMTP, 465, SocketType.SSL), (Protocol.SMTP, 587, SocketType.STARTTLS))
_INCOMING_NAMES = ("imap.{}", "mail.{}", "pop.{}", "{}")
_OUTGOING_NAMES = ("smtp.{}", "mail.{}", "{}")
_AT_ONCE = 12


def guess(question: Question) -> Iterator[Found]:
    """Settings out of the first incoming and the first outgoing server that answer.

    The host that receives the domain's mail is asked too: at small hosters it is the one whose name its
    certificate holds.
    """
    exchanger = _exchanger(question)
    incoming = [name.format(question.domain) for name in _INCOMING_NAMES] + exchanger
    outgoing = [name.format(question.domain) for name in _OUTGOING_NAMES] + exchanger
    with ThreadPoolExecutor(2, thread_name_prefix="guess") as pool:
        sides = [
            pool.submit(first_answering, incoming, INCOMING, question),
            pool.submit(first_answering, outgoing, OUTGOING, question),
        ]
    servers = [server for side in sides for server in side.result()]
    settings = settings_of(question.domain, servers, Source.GUESS)
    if settings is not None:
        where = servers[0].endpoint
        yield Found(source=Source.GUESS, trust=Trust.GUESS, reason=BY_ANSWER, where=where, settings=settings)


def first_answering(hosts: list[str], ways: Ways, question: Question) -> list[Server]:
    """The most usual server among the hosts that answers, alone; empty where none does."""
    named = (
        named_server(protocol, socket_type, host, port) for protocol, port, socket_type in ways for host in hosts
    )
    tried = [server for server in dict.fromkeys(named) if server is not None]
    pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="guess")
    try:
        answered = [(server, pool.submit(question.answers, server, question.deadline)) for server in tried]
        # The rest is not waited for: those that drop packets take their whole time.
        return next(([server] for server, answer in answered if answer.result()), [])
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _exchanger(question: Question) -> list[str]:
    try:
        records = question.outbound.mx(question.domain, question.deadline)
    except ProblemError:
        return []
    return [record.exchange for record in records[:1] if record.exchange]
