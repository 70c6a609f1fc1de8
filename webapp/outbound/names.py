"""Names to addresses and records: as the system resolves them, or by a given DNS server.

Addresses follow the system (hosts file included) unless a DNS server is given; records (SRV, MX, TXT) always come
from DNS. What can go wrong becomes a code here.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TypeVar

import dns.exception
import dns.flags
import dns.name
import dns.resolver

from profiles.problems import Code, Problem, ProblemError
from webapp.outbound.deadline import Deadline

RESOLUTION_DELAY = 0.25
"""How long the slower of A and AAAA is waited for once the other has answered."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The addresses of a name, and the names its CNAMEs led through."""

    addresses: tuple[str, ...]
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The records of one name and type; empty where the name has none of that type or does not exist."""

    records: tuple[str, ...] = ()
    """In presentation format, names without their last dot."""
    aliases: tuple[str, ...] = ()
    is_authenticated: bool = False
    """The resolver says that DNSSEC proved it."""


class Names:
    """Resolves names within a deadline."""

    def __init__(self, resolver: tuple[str, int] | None) -> None:
        self._given = resolver
        self._lock = threading.Lock()
        self._resolver: dns.resolver.Resolver | None = None

    def addresses(self, host: str, deadline: Deadline) -> Resolved:
        """Return every address of `host`, in the order to try them; raise ProblemError with a DNS_ code."""
        if _is_literal(host):
            return Resolved(addresses=(host,))
        # localhost never leaves this machine (RFC 6761), also where a DNS server is given.
        if self._given is None or host == "localhost" or host.endswith(".localhost"):
            return in_time(lambda: _from_system(host), deadline, host)
        return self._from_dns(host, deadline)

    def records(self, name: str, kind: str, deadline: Deadline) -> Answer:
        """Return the records of `name`; no such name or no such record is an empty answer."""
        try:
            return self._ask(name, kind, deadline)
        except ProblemError as error:
            if error.problems[0].code is Code.DNS_NXDOMAIN:
                return Answer()
            raise

    def _from_dns(self, host: str, deadline: Deadline) -> Resolved:
        answers: queue.SimpleQueue[Answer | ProblemError] = queue.SimpleQueue()
        for kind in ("AAAA", "A"):
            threading.Thread(target=self._put, args=(answers, host, kind, deadline), daemon=True).start()
        first = _next(answers, deadline, host)
        has_addresses = isinstance(first, Answer) and bool(first.records)
        second = _next(answers, deadline.within(RESOLUTION_DELAY) if has_addresses else deadline, host)
        found = [answer for answer in (first, second) if isinstance(answer, Answer)]
        addresses = tuple(record for answer in found for record in answer.records)
        if addresses:
            ordered = sorted(addresses, key=lambda address: ":" not in address)
            return Resolved(addresses=tuple(ordered), aliases=found[0].aliases)
        failed = [answer for answer in (first, second) if isinstance(answer, ProblemError)]
        if failed:
            raise failed[0]
        raise problem(Code.DNS_NO_ADDRESS, host)

    def _put(
        self, answers: queue.SimpleQueue[Answer | ProblemError], host: str, kind: str, deadline: Deadline
    ) -> None:
        try:
            answers.put(self._ask(host, kind, deadline))
        except ProblemError as error:
            answers.put(error)

    def _ask(self, name: str, kind: str, deadline: Deadline) -> Answer:
        try:
            resolver = self._ready()
            answer = resolver.resolve(
                name, kind, raise_on_no_answer=False, lifetime=max(deadline.remaining, 0.01), search=False
            )
        except dns.resolver.NXDOMAIN as error:
            dead = str(error.canonical_name).rstrip(".").lower()
            raise problem(Code.DNS_NXDOMAIN, name, target=dead) from None
        except dns.exception.DNSException as error:
            raise problem(_code_of(error), name) from None
        except (ValueError, OSError):
            raise problem(Code.DNS_SERVFAIL, name) from None
        canonical = str(answer.canonical_name).rstrip(".").lower()
        records = () if answer.rrset is None else tuple(record.to_text() for record in answer.rrset)
        return Answer(
            records=records,
            aliases=() if canonical == name else (canonical,),
            is_authenticated=bool(answer.response.flags & dns.flags.AD),
        )

    def _ready(self) -> dns.resolver.Resolver:
        with self._lock:
            if self._resolver is None:
                self._resolver = _make_resolver(self._given)
            return self._resolver


def problem(code: Code, host: str, **params: str) -> ProblemError:
    """A failure to resolve `host`."""
    return ProblemError(Problem(code, {"host": host, "target": host, "name": host} | params))


def in_time(work: Callable[[], T], deadline: Deadline, host: str) -> T:
    """Run what has no time limit of its own (the system's resolver) and stop waiting at the deadline."""
    answers: queue.SimpleQueue[T | ProblemError] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put(work())
        except ProblemError as error:
            answers.put(error)

    threading.Thread(target=run, daemon=True, name="resolve").start()
    answer = _next(answers, deadline, host)
    if isinstance(answer, ProblemError):
        raise answer
    return answer


def _next(answers: queue.SimpleQueue[T | ProblemError], deadline: Deadline, host: str) -> T | ProblemError:
    try:
        return answers.get(timeout=max(deadline.remaining, 0.001))
    except queue.Empty:
        return problem(Code.DNS_TIMEOUT, host)


_SYSTEM_CODES = {
    socket.EAI_NONAME: Code.DNS_NXDOMAIN,
    getattr(socket, "EAI_NODATA", -5): Code.DNS_NO_ADDRESS,
    getattr(socket, "EAI_ADDRFAMILY", -9): Code.DNS_NO_ADDRESS,
}


def _from_system(host: str) -> Resolved:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_CANONNAME)
    except socket.gaierror as error:
        # EAI_AGAIN is also a DNS server that does not answer; within our deadline it is one that fails.
        raise problem(_SYSTEM_CODES.get(error.errno, Code.DNS_SERVFAIL), host) from None
    except (UnicodeError, OSError):
        raise problem(Code.DNS_NXDOMAIN, host) from None
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    canonical = found[0][3].rstrip(".").lower() if found and found[0][3] else host
    return Resolved(addresses=addresses, aliases=() if canonical == host else (canonical,))


def _code_of(error: dns.exception.DNSException) -> Code:
    if isinstance(error, dns.exception.Timeout):
        return Code.DNS_TIMEOUT
    if isinstance(error, dns.resolver.NoAnswer):
        return Code.DNS_NO_ADDRESS
    return Code.DNS_SERVFAIL


def _make_resolver(given: tuple[str, int] | None) -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=given is None)
    if given is not None:
        resolver.nameservers = [given[0]]
        resolver.port = given[1]
    resolver.cache = None
    resolver.flags = dns.flags.RD | dns.flags.AD
    return resolver


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
