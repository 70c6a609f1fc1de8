"""Trying the passwords of a list on the live servers without being a burden: a rate for each server, one attempt
for each row, and an end where a server says that it is too much.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

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

    @property
    def failed(self) -> bool:
        """Whether the account does not work."""
        return any(problem.is_error for problem in self.problems)


NOT_TRIED = Verdict(tried=False, problems=())


class GentleCheck:
    """The live check of a whole list. `clock` and `sleep` are the time."""

    def __init__(
        self,
        probe: Probe,
        *,
        rate: float = RATE,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._probe = probe
        self._pause = 1 / rate
        self._clock = clock
        self._sleep = sleep
        self._next: dict[str, float] = {}
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
        return [NOT_TRIED if future is None else self._verdict(future) for future in under_way]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Which servers were left alone before the end."""
        return tuple(
            Problem(Code.BATCH_CHECK_STOPPED, {"count": str(count)}, server=server)
            for server, count in self.stopped.items()
        )

    def _begin(self, employee: Employee) -> Future[Report] | None:
        account, password = employee.account, employee.password
        if password is None or not account.incoming:
            return None
        self._wait_for_turn(account.incoming_server.endpoint)
        return self._pool.submit(self._try, account, password)

    def _wait_for_turn(self, server: str) -> None:
        if server in self.stopped:
            return
        now = self._clock()
        turn = max(self._next.get(server, now), now)
        self._next[server] = turn + self._pause
        if turn > now:
            self._sleep(turn - now)

    def _try(self, account: MailAccount, password: str) -> Report:
        server = account.incoming_server.endpoint
        if server in self.stopped:
            return Report(account=account, problems=(Problem(Code.NOT_TRIED),))
        report = self._probe(account, password)
        if any(problem.code in TOO_MANY for problem in report.problems):
            # At once, before the next turn: the rows of this server that still wait are let be.
            self.stopped.setdefault(server, 0)
        return report

    def _verdict(self, future: Future[Report]) -> Verdict:
        report = future.result()
        codes = {problem.code for problem in report.problems}
        server = report.account.incoming_server.endpoint
        if codes & (TOO_MANY | {Code.NOT_TRIED}) and server in self.stopped:
            self.stopped[server] += 1
            return NOT_TRIED
        return Verdict(tried=True, problems=report.problems)
