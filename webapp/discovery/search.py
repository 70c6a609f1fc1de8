"""Asks all sources at once, each with its deadline, and ranks what they say."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from profiles.address import Address
from profiles.model import ServiceSettings
from profiles.problems import Code, Problem, ProblemError
from webapp.discovery import sources
from webapp.discovery.candidates import Candidate, Discovery, Trust, ranked
from webapp.discovery.guess import Answers, guess
from webapp.discovery.sources import Found
from webapp.outbound import Outbound

_UNKNOWN_NAME = (Code.DNS_NXDOMAIN, Code.DNS_NO_ADDRESS)
"""A source whose host name does not exist simply has nothing to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Seconds per question and for everything; guessing starts only when the others found nothing."""

    question: float = 4.0
    total: float = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Searcher:
    """How to search. `providers` are known by their MX, `answers` tries a guessed server without logging in."""

    outbound: Outbound
    providers: tuple[ServiceSettings, ...] = ()
    answers: Answers | None = None
    """None: no guessing."""
    ispdb_url: str = sources.ISPDB_URL
    deadlines: Deadlines = field(default_factory=Deadlines)

    def search(self, address: Address) -> Discovery:
        """Find settings for an address; what could not be asked is told, never raised."""
        ends = time.monotonic() + self.deadlines.total
        found, problems = self._ask_all(self._sources(address.domain), ends)
        if not found and self.answers is not None:
            found, more = self._ask_all(self._guess(address.domain, self.answers), ends)
            problems += more
        candidates = [_candidate(each, address) for each in found]
        if not candidates:
            problems.append(Problem(Code.NOTHING_FOUND, {"domain": address.domain}))
        return Discovery(candidates=ranked(candidates), problems=tuple(problems))

    def _sources(self, domain: str) -> dict[str, Callable[[], Iterator[Found]]]:
        outbound, seconds = self.outbound, self.deadlines.question
        return {
            "autoconfig": lambda: sources.own_autoconfig(domain, outbound, seconds),
            "ispdb": lambda: sources.ispdb(domain, outbound, seconds, self.ispdb_url),
            "pacc": lambda: sources.pacc(domain, outbound, seconds),
            "srv": lambda: sources.srv(domain, outbound, seconds),
            "mx": lambda: sources.mx(domain, outbound, seconds, self.providers, self.ispdb_url),
            "jmap": lambda: sources.jmap(domain, outbound, seconds),
        }

    def _guess(self, domain: str, answers: Answers) -> dict[str, Callable[[], Iterator[Found]]]:
        return {"guess": lambda: guess(domain, self.outbound, self.deadlines.question, answers)}

    def _ask_all(
        self, questions: dict[str, Callable[[], Iterator[Found]]], ends: float
    ) -> tuple[list[Found], list[Problem]]:
        pool = ThreadPoolExecutor(max_workers=len(questions), thread_name_prefix="discovery")
        running: dict[Future[list[Found]], str] = {
            pool.submit(_listed, question): name for name, question in questions.items()
        }
        found: list[Found] = []
        problems: list[Problem] = []
        waiting = set(running)
        while waiting:
            left = ends - time.monotonic()
            done, waiting = wait(waiting, timeout=max(0.0, left), return_when=FIRST_COMPLETED)
            if not done:
                break
            for future in done:
                _collect(future, running[future], found, problems)
        problems += [_unavailable(running[future], "time-out") for future in waiting]
        # A question that overran ends by its own deadline; nobody waits for it.
        pool.shutdown(wait=False, cancel_futures=True)
        return found, problems


def _listed(question: Callable[[], Iterator[Found]]) -> list[Found]:
    return list(question())


def _collect(future: Future[list[Found]], name: str, found: list[Found], problems: list[Problem]) -> None:
    try:
        found += future.result()
    except ProblemError as error:
        if error.problems[0].code not in _UNKNOWN_NAME:
            problems.append(_unavailable(name, error.problems[0].code))
    except (OSError, http.client.HTTPException) as error:
        problems.append(_unavailable(name, type(error).__name__))


def _unavailable(name: str, reason: str) -> Problem:
    return Problem(Code.SOURCE_UNAVAILABLE, {"source": name, "reason": reason}, place=name)


def _candidate(found: Found, address: Address) -> Candidate:
    return Candidate(
        source=found.source,
        trust=found.trust,
        reason=found.reason,
        where=found.where,
        settings=found.settings,
        account=found.settings.account(address),
    )


def known(settings: ServiceSettings, address: Address, *, reason: str) -> Candidate:
    """The candidate of a hosted domain or known provider: no network is asked."""
    return Candidate(
        source=settings.source,
        trust=Trust.OWN if settings.source == "domain" else Trust.PROVIDER,
        reason=reason,
        where=settings.id,
        settings=settings,
        account=settings.account(address),
    )


class Cache:
    """Keeps discoveries for some minutes, so that a retry or a second person does not ask again."""

    def __init__(
        self, *, seconds: float = 300.0, size: int = 1000, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds, self._size, self._now = seconds, size, now
        self._kept: dict[str, tuple[float, Discovery]] = {}
        self._lock = threading.Lock()

    def get(self, domain: str) -> Discovery | None:
        """What was found for a domain, while it is fresh."""
        with self._lock:
            entry = self._kept.get(domain)
            return entry[1] if entry is not None and entry[0] > self._now() else None

    def put(self, domain: str, discovery: Discovery) -> None:
        """Keep a discovery; one that could not ask every source is not kept."""
        if any(problem.code is Code.SOURCE_UNAVAILABLE for problem in discovery.problems):
            return
        with self._lock:
            if len(self._kept) >= self._size:
                self._kept.clear()
            self._kept[domain] = (self._now() + self._seconds, discovery)


def readdressed(discovery: Discovery, address: Address) -> Discovery:
    """The same candidates for another person of the domain."""
    return Discovery(candidates=tuple(_readdressed(discovery.candidates, address)), problems=discovery.problems)


def _readdressed(candidates: Iterable[Candidate], address: Address) -> Iterator[Candidate]:
    for c in candidates:
        yield Candidate(
            source=c.source,
            trust=c.trust,
            reason=c.reason,
            where=c.where,
            settings=c.settings,
            account=c.settings.account(address),
        )
