"""Trying the passwords of a list on the live servers without being a burden: a rate for each server, one attempt
for each row, and an end where a server says that it is too much.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from profiles.model import MailAccount
from profiles.problems import Code, Problem
from webapp.batches.rows import Employee
from webapp.probes.report import Report

RATE = 2.0
"""Log-ins that begin at one server in a second."""
AT_ONCE = 8
TOO_MANY = frozenset({Code.AUTH_RATE_LIMITED, Code.AUTH_CONNECTION_LIMIT, Code.AUTH_IP_BLOCKED})
"""What a server says when we should stop."""

Probe = Callable[[MailAccount, str], Report]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the live check of one row found."""

    tried: bool
    problems: tuple[Problem, ...] = ()
    postponed: bool = False
    """Its turn did not come before the work was stopped: it is for somebody else, later."""

    @property
    def failed(self) -> bool:
        """Whether the account does not work."""
        return any(problem.is_error for problem in self.problems)


NOT_TRIED = Verdict(tried=False, problems=())
POSTPONED = Verdict(tried=False, postponed=True)


class Halted(Exception):
    """The work is to stop before this turn came."""


class Turns(Protocol):
    """Whose turn it is at each server, and which servers are left alone."""

    def wait(self, server: str) -> None:
        """Return when a log-in at this server may begin; raises Halted where it is not to begin any more."""

    def stop(self, server: str, code: Code) -> None:
        """Leave this server alone from now on: it said that it is too much."""

    def is_stopped(self, server: str) -> bool:
        """Whether this server is left alone."""


class OwnTurns:
    """Turns among the rows of one list alone. `clock` and `sleep` are the time."""

    def __init__(
        self,
        rate: float = RATE,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pause = 1 / rate
        self._clock = clock
        self._sleep = sleep
        self._next: dict[str, float] = {}
        self._stopped: set[str] = set()

    def wait(self, server: str) -> None:
        """Sleep until it is time."""
        now = self._clock()
        turn = max(self._next.get(server, now), now)
        self._next[server] = turn + self._pause
        if turn > now:
            self._sleep(turn - now)

    def stop(self, server: str, code: Code) -> None:
        """Leave this server alone."""
        del code
        self._stopped.add(server)

    def is_stopped(self, server: str) -> bool:
        """Whether this server is left alone."""
        return server in self._stopped


class GentleCheck:
    """The live check of a list, or of some rows of it."""

    def __init__(
        self,
        probe: Probe,
        *,
        rate: float = RATE,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        turns: Turns | None = None,
    ) -> None:
        self._probe = probe
        self._turns = turns or OwnTurns(rate, clock=clock, sleep=sleep)
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="batch-check")
        self.stopped: dict[str, int] = {}
        """Server -> how many rows were not tried because it said too many."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def check(self, employees: Sequence[Employee]) -> list[Verdict]:
        """Try those who have a password, in their order."""
        under_way = [self._begin(employee) for employee in employees]
        return [one if isinstance(one, Verdict) else self._verdict(one) for one in under_way]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Which servers were left alone before the end."""
        return tuple(
            Problem(Code.BATCH_CHECK_STOPPED, {"count": str(count)}, server=server)
            for server, count in self.stopped.items()
        )

    def _begin(self, employee: Employee) -> Future[Report] | Verdict:
        account, password = employee.account, employee.password
        if password is None or not account.incoming:
            return NOT_TRIED
        server = account.incoming_server.endpoint
        if not self._turns.is_stopped(server):
            try:
                self._turns.wait(server)
            except Halted:
                return POSTPONED
        return self._pool.submit(self._try, account, password)

    def _try(self, account: MailAccount, password: str) -> Report:
        server = account.incoming_server.endpoint
        if self._turns.is_stopped(server):
            return Report(account=account, problems=(Problem(Code.NOT_TRIED),))
        report = self._probe(account, password)
        said = next((problem.code for problem in report.problems if problem.code in TOO_MANY), None)
        if said is not None:
            # At once, before the next turn: the rows of this server that still wait are let be.
            self._turns.stop(server, said)
        return report

    def _verdict(self, future: Future[Report]) -> Verdict:
        report = future.result()
        codes = {problem.code for problem in report.problems}
        server = report.account.incoming_server.endpoint
        if codes & (TOO_MANY | {Code.NOT_TRIED}) and self._turns.is_stopped(server):
            self.stopped[server] = self.stopped.get(server, 0) + 1
            return NOT_TRIED
        return Verdict(tried=True, problems=report.problems)
