"""Drives one dialogue over a real connection: stages, deadlines, TLS, and what every failure is called.

Only this module and the second looks of `diagnosis` touch the network here, both through `Outbound`. Exceptions
never carry what was sent.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from profiles.model import Protocol, Server, SocketType, TlsPolicy
from profiles.problems import Code, Problem, ProblemError
from webapp.outbound import Deadline, Outbound, Stream, StreamClosed, StreamTimeout, Target
from webapp.probes import imap, pop3, smtp, tls
from webapp.probes.certificates import EXPIRES_SOON_DAYS
from webapp.probes.deadlines import Deadlines
from webapp.probes.diagnosis import Looker, suggest
from webapp.probes.dialogue import (
    Detail,
    Dialogue,
    Enter,
    Exactly,
    Failure,
    Line,
    Pause,
    Permission,
    Plan,
    Remark,
    Run,
    Send,
    StartTls,
    Step,
    Wait,
)
from webapp.probes.report import Stage, StageName
from webapp.probes.verdicts import clean
from webapp.probes.wire import TooMuch, Wire

DIALOGUES: Mapping[Protocol, Callable[[Plan], Dialogue[None]]] = {
    Protocol.IMAP: imap.dialogue,
    Protocol.POP3: pop3.dialogue,
    Protocol.SMTP: smtp.dialogue,
}

_WITH_LOGIN = {
    Protocol.IMAP: (StageName.MAILBOX, StageName.NAMESPACE, StageName.QUOTA),
    Protocol.POP3: (StageName.MAILBOX,),
    Protocol.SMTP: (StageName.SUBMIT,),
}

# what the end of the connection means in each stage; anything later is the server's own trouble
_ENDED = {
    StageName.TLS: Code.CLOSED_EARLY,
    StageName.GREETING: Code.CLOSED_EARLY,
    StageName.MAILBOX: Code.MAILBOX_UNAVAILABLE,
    StageName.NAMESPACE: Code.MAILBOX_UNAVAILABLE,
    StageName.QUOTA: Code.MAILBOX_UNAVAILABLE,
}

# the port may be the wrong one: look whether the other usual port answers
_PERHAPS_WRONG_PORT = frozenset(
    (
        Code.CONNECT_REFUSED,
        Code.CONNECT_TIMEOUT,
        Code.CONNECT_RESET,
        Code.CLOSED_EARLY,
        Code.NO_GREETING,
        Code.NOT_A_MAIL_SERVER,
        Code.WRONG_PROTOCOL,
        Code.STARTTLS_NOT_OFFERED,
        Code.AUTH_NOT_OFFERED,
    )
)

NETWORK_ERRORS = (StreamTimeout, StreamClosed, TooMuch, ssl.SSLError)
Gate = Callable[[], Code | None]
"""Asked before the password is sent; a code says why it must not be."""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of one service."""

    stages: list[Stage] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    failed: Code | None = None
    held_back: Code | None = None
    """Why the password was not sent, although nothing failed here."""


class Probe:
    """One service's check. `run` once."""

    def __init__(
        self,
        plan: Plan,
        *,
        outbound: Outbound,
        policy: TlsPolicy,
        deadlines: Deadlines,
        total: Deadline,
        gate: Gate,
        on_stage: Callable[[Stage], None],
        refine: Callable[[Failure], Failure],
        on_tls: Callable[[Code | None], None],
        on_accepted: Callable[[], None],
        dialogue: Callable[[Plan], Dialogue[None]] | None = None,
    ) -> None:
        self.plan = plan
        self.server = plan.server
        self.outcome = Outcome()
        self._outbound = outbound
        self._policy = policy
        self._deadlines = deadlines
        self._total = total
        self._gate = gate
        self._on_stage = on_stage
        self._refine = refine
        self._on_tls = on_tls
        self._on_accepted = on_accepted
        self._dialogue = dialogue or DIALOGUES[plan.server.protocol]
        self._stage = StageName.RESOLVE
        self._started = time.monotonic()
        self._deadline = total.within(deadlines.resolve)
        self._detail = ""
        self._code: Code | None = None
        self._stage_failed = False
        self._looker: Looker | None = None

    def run(self) -> Outcome:
        """Check the service; every way it can fail ends as a stage with a code."""
        try:
            self._converse()
            self._end_stage()
        except Failure as failure:
            self._fail(failure)
        except ProblemError as error:
            found = error.problems[0]
            self._fail(Failure(found.code, params=found.params))
        except NETWORK_ERRORS as error:
            self._fail(self._failure_of(error))
        self._leave_untried()
        return self.outcome

    # the way to the first line

    def _converse(self) -> None:
        target = self._outbound.target(self.server.hostname, self.server.port, self._deadline)
        self._detail = ", ".join((*target.aliases, *target.addresses))
        self._looker = Looker(outbound=self._outbound, target=target, server=self.server, policy=self._policy)
        self._enter(StageName.CONNECT)
        with self._connected(target) as stream:
            self._detail = stream.peer
            if self.server.socket_type is SocketType.SSL:
                self._begin_tls(stream)
            self._drive(self._dialogue(self.plan), Wire(stream))

    def _connected(self, target: Target) -> Stream:
        return self._outbound.connect(target, self._deadline)

    def _begin_tls(self, stream: Stream) -> None:
        self._enter(StageName.TLS)
        stream.start_tls(self._outbound.context(self._policy), self.server.hostname, self._deadline)
        sock = stream.tls
        assert sock is not None
        self._detail = tls.describe(sock)
        self._look_at_certificate(tls.days_left(sock))
        if tls.is_old_cipher(sock):
            self._remark(Remark(code=Code.TLS_OLD_CIPHER, params={"cipher": (sock.cipher() or ("",))[0]}))
        self._on_tls(None)

    def _look_at_certificate(self, days: int | None) -> None:
        if days is None:
            return
        self.plan.facts.certificate_days = days
        self._detail += f", {days} days"
        if days <= EXPIRES_SOON_DAYS:
            self._remark(Remark(code=Code.CERT_EXPIRES_SOON, params={"days": str(days)}))

    # the dialogue

    def _drive(self, dialogue: Dialogue[None], wire: Wire) -> None:
        try:
            step = next(dialogue)
            while True:
                try:
                    answer = self._take(step, wire)
                except NETWORK_ERRORS as error:
                    step = dialogue.throw(error)
                else:
                    step = dialogue.send(answer)
        except StopIteration:
            return

    def _take(self, step: Step, wire: Wire) -> bytes:
        match step:
            case Line():
                return self._line(wire)
            case Exactly(count):
                return wire.exactly(count, self._deadline)
            case Send(data):
                wire.stream.send(data, self._deadline)
            case StartTls():
                self._start_tls(wire)
            case Permission():
                return self._ask_permission(wire)
            case _:
                self._take_note(step, wire)
        return b""

    def _take_note(self, step: Step, wire: Wire) -> None:
        match step:
            case Enter(stage):
                self._enter(stage)
                wire.stream.listen_anew()
            case Remark():
                self._remark(step)
            case Detail(text):
                self._detail = clean(text)
            case Wait(seconds):
                self._deadline = self._total.within(seconds)
            case Pause(seconds):
                time.sleep(self._deadline.within(seconds).remaining)
            case Run(action):
                action()

    def _line(self, wire: Wire) -> bytes:
        if self._stage is not StageName.GREETING or self.server.socket_type is SocketType.SSL:
            return wire.line(self._deadline)
        try:
            return wire.line(self._deadline.within(self._deadlines.silence))
        except StreamTimeout as timeout:
            # Silence in clear: a TLS port waits for us. The first connection keeps what comes meanwhile.
            if not timeout.heard and self._looks().speaks_tls(self._look_deadline()):
                return self._line_after_all(wire)
            return wire.line(self._deadline)

    def _line_after_all(self, wire: Wire) -> bytes:
        try:
            return wire.line(Deadline(0))
        except (StreamTimeout, StreamClosed):
            suggested = {"suggested_port": str(self.server.port), "suggested_security": SocketType.SSL.value}
            raise Failure(Code.PORT_SPEAKS_TLS, params=suggested) from None

    def _start_tls(self, wire: Wire) -> None:
        if wire.has_more:
            # Would be read as if it had come through TLS.
            raise Failure(Code.STARTTLS_INJECTION)
        self._begin_tls(wire.stream)

    def _ask_permission(self, wire: Wire) -> bytes:
        self.outcome.held_back = self._gate()
        if self.outcome.held_back is not None:
            return b""
        # Waiting for the other service is not this server's time.
        self._started = time.monotonic()
        self._deadline = self._total.within(self._deadlines.of(self._stage))
        wire.stream.listen_anew()
        return b"yes"

    # failures

    def _failure_of(self, error: Exception) -> Failure:
        """The one table of foreign exceptions."""
        if isinstance(error, ssl.SSLError):
            return self._tls_failure(error)
        if isinstance(error, TooMuch):
            after_login = self._stage in (StageName.MAILBOX, StageName.NAMESPACE, StageName.QUOTA)
            return Failure(Code.MAILBOX_UNAVAILABLE if after_login else Code.NOT_A_MAIL_SERVER)
        if isinstance(error, StreamClosed):
            return self._end_failure(error)
        assert isinstance(error, StreamTimeout)
        silent = not error.heard and self._stage in (StageName.TLS, StageName.GREETING)
        return Failure(Code.NO_GREETING if silent else Code.SERVER_TOO_SLOW, params=self._time_used())

    def _end_failure(self, error: StreamClosed) -> Failure:
        code = _ENDED.get(self._stage, Code.SERVER_UNAVAILABLE)
        if code is not Code.CLOSED_EARLY:
            return Failure(code)
        if self._stage is StageName.GREETING and self._is_inside_tls():
            asked = self._looks().wants_client_certificate(self._look_deadline())
            return Failure(Code.TLS_CLIENT_CERT if asked else code)
        if self._stage is StageName.TLS and self.server.socket_type is SocketType.SSL:
            return self._looks().after_early_end(error, self._look_deadline())
        code = Code.CONNECT_RESET if error.reset else code
        return Failure(code if self._stage is StageName.GREETING else Code.TLS_FAILED)

    def _is_inside_tls(self) -> bool:
        return self.server.socket_type is SocketType.SSL

    def _tls_failure(self, error: ssl.SSLError) -> Failure:
        deadline = self._look_deadline()
        if isinstance(error, ssl.SSLCertVerificationError):
            return self._looks().after_certificate_error(error, deadline)
        if not tls.is_plain_text(error):
            return self._looks().after_tls_error(error, deadline)
        if self.server.socket_type is SocketType.SSL:
            return self._looks().after_plain_text(deadline)
        # Clear text where TLS had to begin, sent after the answer to STARTTLS.
        return Failure(Code.STARTTLS_INJECTION)

    def _looks(self) -> Looker:
        assert self._looker is not None, "nothing is looked at before it is resolved"
        return self._looker

    def _look_deadline(self) -> Deadline:
        return self._total.within(self._deadlines.look)

    def _time_used(self) -> dict[str, str]:
        return {"seconds": f"{time.monotonic() - self._started:.0f}"}

    # stages and problems

    def _enter(self, stage: StageName) -> None:
        self._end_stage()
        self._stage = stage
        self._started = time.monotonic()
        self._deadline = self._total.within(self._deadlines.of(stage))
        self._detail, self._code, self._stage_failed = "", None, False
        if self.plan.facts.accepted:
            self._on_accepted()

    def _end_stage(self) -> None:
        if self._is_login_untried():
            return
        self._tell(self._stage, ok=not self._stage_failed, code=self._code)

    def _is_login_untried(self) -> bool:
        """Whether the present stage is a log-in that was not allowed or not wanted."""
        no_login = self.plan.credentials is None or self.outcome.held_back is not None
        return self._stage is StageName.LOGIN and no_login

    def _remark(self, remark: Remark) -> None:
        self._code = self._code or remark.code
        self._stage_failed = self._stage_failed or remark.fails
        self._add_problem(remark.code, remark.params, remark.server_text)

    def _fail(self, failure: Failure) -> None:
        if self._stage is StageName.LOGIN:
            failure = self._refine(failure)
        params = dict(failure.params)
        if failure.code in _PERHAPS_WRONG_PORT and self._looker is not None:
            params |= suggest(self._outbound, self._looker.target, self.server, self._look_deadline())
        self.outcome.failed = failure.code
        self._on_tls(failure.code)
        self._code = self._code or failure.code
        self._add_problem(failure.code, params, failure.server_text)
        for also in failure.also:
            self._add_problem(also.code, also.params, also.server_text)
        self._tell(self._stage, ok=False, code=failure.code)

    def _add_problem(self, code: Code, params: Mapping[str, Any], server_text: str | None) -> None:
        server = self.server
        basic = {
            "server": server.endpoint,
            "host": server.hostname,
            "port": str(server.port),
            "security": server.socket_type.value,
            "protocol": server.protocol.upper(),
            "username": server.username,
            "address": self.plan.sender,
        }
        who = self.plan.credentials
        shown = None if server_text is None else clean(server_text, who.secrets if who else ())
        self.outcome.problems.append(
            Problem(code, basic | dict(params), server=server.endpoint, server_text=shown)
        )

    def _leave_untried(self) -> None:
        tried = {stage.stage for stage in self.outcome.stages}
        because = self.outcome.held_back or self.outcome.failed
        for stage in stages_of(self.server, envelope=self.plan.envelope):
            if stage not in tried:
                self._tell(stage, ok=None, code=Code.NOT_TRIED, because=because)

    def _tell(self, stage: StageName, *, ok: bool | None, code: Code | None, because: Code | None = None) -> None:
        told = Stage(
            service=self.server.protocol.value,
            stage=stage,
            ok=ok,
            code=code,
            server=self.server.endpoint,
            milliseconds=0 if ok is None else round((time.monotonic() - self._started) * 1000),
            detail="" if ok is None else self._detail,
            because=because,
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
