"""What one service's check has to report: its stages with their times, its problems. No network."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from profiles.model import Protocol, Server, SocketType
from profiles.problems import Code, Problem
from webapp.probes.dialogue import Failure, Plan, Remark
from webapp.probes.report import Stage, StageName
from webapp.probes.verdicts import clean

_WITH_LOGIN = {
    Protocol.IMAP: (StageName.MAILBOX, StageName.NAMESPACE, StageName.QUOTA),
    Protocol.POP3: (StageName.MAILBOX,),
    Protocol.SMTP: (StageName.SUBMIT,),
}


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of one service."""

    stages: list[Stage] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    failed: Code | None = None
    held_back: Code | None = None
    """Why the password was not sent, although nothing failed here."""


class Record:
    """Writes stages and problems down as they come."""

    def __init__(self, plan: Plan, on_stage: Callable[[Stage], None]) -> None:
        self.outcome = Outcome()
        self.stage = StageName.RESOLVE
        self.detail = ""
        self._plan = plan
        self._on_stage = on_stage
        self._started = time.monotonic()
        self._code: Code | None = None
        self._has_failed = False

    def enter(self, stage: StageName) -> None:
        """The next stage begins; the present one ends as it is."""
        self.end()
        self.stage = stage
        self.restart_clock()
        self.detail, self._code, self._has_failed = "", None, False

    def end(self) -> None:
        """The present stage ends. A log-in that was not wanted or not allowed was not tried."""
        if self.stage is StageName.LOGIN and (self._plan.credentials is None or self.outcome.held_back):
            return
        self._tell(self.stage, ok=not self._has_failed, code=self._code)

    def restart_clock(self) -> None:
        """The time until now is not this server's."""
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long the present stage has taken."""
        return time.monotonic() - self._started

    def remark(self, remark: Remark) -> None:
        """Note a problem that does not end the dialogue."""
        self._code = self._code or remark.code
        self._has_failed = self._has_failed or remark.fails
        self._add_problem(remark.code, remark.params, remark.server_text)

    def fail(self, failure: Failure, params: dict[str, Any]) -> None:
        """The present stage ends the check; what follows was not tried."""
        self.outcome.failed = failure.code
        self._add_problem(failure.code, failure.params | params, failure.server_text)
        for also in failure.also:
            self._add_problem(also.code, also.params, also.server_text)
        self._tell(self.stage, ok=False, code=failure.code)

    def leave_rest(self) -> None:
        """Say of every stage without a result that it was not tried, and why."""
        told = {stage.stage for stage in self.outcome.stages}
        for stage in stages_of(self._plan.server, envelope=self._plan.envelope):
            if stage not in told:
                self._tell(stage, ok=None, code=Code.NOT_TRIED)

    def _add_problem(self, code: Code, params: Mapping[str, Any], server_text: str | None) -> None:
        server, who = self._plan.server, self._plan.credentials
        basic = {
            "server": server.endpoint,
            "host": server.hostname,
            "port": str(server.port),
            "security": server.socket_type.value,
            "protocol": server.protocol.upper(),
            "username": server.username,
            "address": self._plan.sender,
        }
        shown = None if server_text is None else clean(server_text, who.secrets if who else ())
        self.outcome.problems.append(
            Problem(code, basic | dict(params), server=server.endpoint, server_text=shown)
        )

    def _tell(self, stage: StageName, *, ok: bool | None, code: Code | None) -> None:
        tried = ok is not None
        told = Stage(
            service=self._plan.server.protocol.value,
            stage=stage,
            ok=ok,
            code=code,
            server=self._plan.server.endpoint,
            milliseconds=round(self.seconds * 1000) if tried else 0,
            detail=self.detail if tried else "",
            because=None if tried else self.outcome.held_back or self.outcome.failed,
        )
        self.outcome.stages.append(told)
        self._on_stage(told)


def stages_of(server: Server, *, envelope: bool = True) -> tuple[StageName, ...]:
    """Every stage of a service, in order."""
    begin = (StageName.RESOLVE, StageName.CONNECT)
    if server.socket_type is SocketType.SSL:
        middle: tuple[StageName, ...] = (StageName.TLS, StageName.GREETING)
    else:
        middle = (StageName.GREETING, StageName.STARTTLS, StageName.TLS)
    after = _WITH_LOGIN[server.protocol] if envelope or server.protocol is not Protocol.SMTP else ()
    return (*begin, *middle, StageName.CAPABILITY, StageName.LOGIN, *after)
