"""Asks all sources at once, each with its deadline, and ranks what they say."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from profiles.address import Address
from profiles.model import ServiceSettings
from profiles.problems import Code, Problem, ProblemError
from webapp.discovery.candidates import Discovery, candidate, ranked
from webapp.discovery.found import ISPDB_URL, Answers, Ask, Found, Question
from webapp.discovery.guess import guess
from webapp.discovery.pacc import pacc
from webapp.discovery.published import SAYS_NOTHING, ispdb, own_autoconfig
from webapp.discovery.records import jmap, mx, srv
from webapp.outbound import Deadline, Outbound

SOURCES: Mapping[str, Ask] = {
    "autoconfig": own_autoconfig,
    "ISPDB": ispdb,
    "PACC": pacc,
    "SRV": srv,
    "MX": mx,
    "JMAP": jmap,
}
"""By the name under which a failure is told. All are asked at once."""
LAST_RESORT: Mapping[str, Ask] = {"guess": guess}
"""Only where the others found nothing."""
_GRACE = 0.5
"""A source ends by its own deadline; what takes longer is not waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Searcher:
    """How to search. `providers` are known by their MX, `answers` tries a server without logging in."""

    outbound: Outbound
    answers: Answers
    providers: tuple[ServiceSettings, ...] = ()
    seconds: float = 4.0
    """For all sources together, and once more for the guess."""
    ispdb_url: str = ISPDB_URL

    def search(self, address: Address) -> Discovery:
        """Find settings for an address; what could not be asked is told, never raised."""
        found, problems = self._ask(SOURCES, address.domain)
        if not found:
            found, more = self._ask(LAST_RESORT, address.domain)
            problems += more
        if not found:
            problems.append(Problem(Code.NOTHING_FOUND, {"domain": address.domain}))
        candidates = ranked(
            candidate(
                each.settings,
                address,
                source=each.source,
                trust=each.trust,
                reason=each.reason,
                where=each.where,
            )
            for each in found
        )
        return Discovery(candidates=candidates, problems=tuple(problems))

    def _ask(self, sources: Mapping[str, Ask], domain: str) -> tuple[list[Found], list[Problem]]:
        question = Question(
            domain=domain,
            outbound=self.outbound,
            deadline=Deadline(self.seconds),
            providers=self.providers,
            answers=self.answers,
            ispdb_url=self.ispdb_url,
        )
        pool = ThreadPoolExecutor(len(sources), thread_name_prefix="discovery")
        asked = {name: pool.submit(_listed, ask, question) for name, ask in sources.items()}
        wait(asked.values(), timeout=self.seconds + _GRACE)
        pool.shutdown(wait=False)
        found: list[Found] = []
        problems: list[Problem] = []
        for name, answer in asked.items():
            _collect(name, answer, found, problems)
        return found, problems


def _listed(ask: Ask, question: Question) -> list[Found]:
    return list(ask(question))


def _collect(name: str, answer: Future[list[Found]], found: list[Found], problems: list[Problem]) -> None:
    if not answer.done():
        problems.append(_unavailable(name, Code.SERVER_TOO_SLOW))
        return
    try:
        found += answer.result()
    except ProblemError as error:
        if error.problems[0].code not in SAYS_NOTHING:
            problems.append(_unavailable(name, error.problems[0].code))


def _unavailable(name: str, reason: Code) -> Problem:
    return Problem(Code.SOURCE_UNAVAILABLE, {"source": name, "reason": reason.value}, place=name)
