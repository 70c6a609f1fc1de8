"""Drives one dialogue over a real connection: stages, deadlines, TLS, and what every failure is called.

Only this module and the second looks of `diagnosis` touch the network here, both through `Outbound`. Exceptions
never carry what was sent.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping

from profiles.model import Protocol, SocketType, TlsPolicy
from profiles.problems import Code, ProblemError
from webapp.outbound import Deadline, Outbound, Stream, StreamClosed, StreamTimeout
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
from webapp.probes.record import Outcome, Record
from webapp.probes.report import Stage, StageName
from webapp.probes.verdicts import clean
from webapp.probes.wire import TooMuch, Wire

DIALOGUES: Mapping[Protocol, Callable[[Plan], Dialogue[None]]] = {
    Protocol.IMAP: imap.dialogue,
    Protocol.POP3: pop3.dialogue,
    Protocol.SMTP: smtp.dialogue,
}

# what the end of the connection means in each stage; anything later is the server's own trouble
_ENDED = {
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
        self._record = Record(plan, on_stage)
        self._outbound = outbound
        self._policy = policy
        self._deadlines = deadlines
        self._total = total
        self._gate = gate
        self._refine = refine
        self._on_tls = on_tls
        self._on_accepted = on_accepted
        self._dialogue = dialogue or DIALOGUES[plan.server.protocol]
        self._deadline = total.within(deadlines.resolve)
        self._looker: Looker | None = None

    def run(self) -> Outcome:
        """Check the service; every way it can fail ends as a stage with a code."""
        try:
            self._converse()
            self._record.end()
        except Failure as failure:
            self._fail(failure)
        except ProblemError as error:
            found = error.problems[0]
            self._fail(Failure(found.code, params=found.params))
        except NETWORK_ERRORS as error:
            self._fail(self._failure_of(error))
        self._record.leave_rest()
        return self._record.outcome

    # the way to the first line

    def _converse(self) -> None:
        target = self._outbound.target(self.server.hostname, self.server.port, self._deadline)
        self._record.detail = ", ".join((*target.aliases, *target.addresses))
        self._looker = Looker(outbound=self._outbound, target=target, server=self.server, policy=self._policy)
        self._enter(StageName.CONNECT)
        with self._outbound.connect(target, self._deadline) as stream:
            self._record.detail = stream.peer
            if self._is_tls_first:
                self._begin_tls(stream)
            self._drive(self._dialogue(self.plan), Wire(stream))

    def _begin_tls(self, stream: Stream) -> None:
        self._enter(StageName.TLS)
        stream.start_tls(self._outbound.context(self._policy), self.server.hostname, self._deadline)
        sock = stream.tls
        assert sock is not None
        self._record.detail = tls.describe(sock)
        self._look_at_certificate(tls.days_left(sock))
        if tls.is_old_cipher(sock):
            self._record.remark(Remark(code=Code.TLS_OLD_CIPHER, params={"cipher": (sock.cipher() or ("",))[0]}))
        self._on_tls(None)

    def _look_at_certificate(self, days: int | None) -> None:
        if days is None:
            return
        self.plan.facts.certificate_days = days
        self._record.detail += f", {days} days"
        if days <= EXPIRES_SOON_DAYS:
            self._record.remark(Remark(code=Code.CERT_EXPIRES_SOON, params={"days": str(days)}))

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
                self._record.remark(step)
            case Detail(text):
                self._record.detail = clean(text)
            case Wait(seconds):
                self._deadline = self._total.within(seconds)
            case Pause(seconds):
                time.sleep(self._deadline.within(seconds).remaining)
            case Run(action):
                action()

    def _line(self, wire: Wire) -> bytes:
        if self._record.stage is not StageName.GREETING or self._is_tls_first:
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
        held_back = self._record.outcome.held_back = self._gate()
        if held_back is not None:
            return b""
        # Waiting for the other service is not this server's time.
        self._record.restart_clock()
        self._deadline = self._total.within(self._deadlines.of(self._record.stage))
        wire.stream.listen_anew()
        return b"yes"

    # failures

    def _failure_of(self, error: Exception) -> Failure:
        """The one table of foreign exceptions."""
        if isinstance(error, ssl.SSLError):
            return self._tls_failure(error)
        if isinstance(error, TooMuch):
            after_login = self._record.stage in (StageName.MAILBOX, StageName.NAMESPACE, StageName.QUOTA)
            return Failure(Code.MAILBOX_UNAVAILABLE if after_login else Code.NOT_A_MAIL_SERVER)
        if isinstance(error, StreamClosed):
            return self._end_failure(error)
        assert isinstance(error, StreamTimeout)
        first = StageName.TLS if self._is_tls_first else StageName.GREETING
        silent = not error.heard and self._record.stage in (first, StageName.GREETING)
        return Failure(Code.NO_GREETING if silent else Code.SERVER_TOO_SLOW, params=self._time_used())

    def _end_failure(self, error: StreamClosed) -> Failure:
        stage = self._record.stage
        code = _ENDED.get(stage, Code.SERVER_UNAVAILABLE)
        after_tls = StageName.GREETING if self._is_tls_first else StageName.CAPABILITY
        if stage is after_tls and self._looks().wants_client_certificate(self._look_deadline()):
            return Failure(Code.TLS_CLIENT_CERT)
        if stage is StageName.TLS:
            if self._is_tls_first:
                return self._looks().after_early_end(error, self._look_deadline())
            return Failure(Code.TLS_FAILED)
        if stage is StageName.GREETING and error.reset and not self._is_tls_first:
            return Failure(Code.CONNECT_RESET)
        return Failure(code)

    @property
    def _is_tls_first(self) -> bool:
        return self.server.socket_type is SocketType.SSL

    def _tls_failure(self, error: ssl.SSLError) -> Failure:
        deadline = self._look_deadline()
        if isinstance(error, ssl.SSLCertVerificationError):
            return self._looks().after_certificate_error(error, deadline)
        if not tls.is_plain_text(error):
            return self._looks().after_tls_error(error, deadline)
        if self._is_tls_first:
            return self._looks().after_plain_text(deadline)
        # Clear text where TLS had to begin, sent after the answer to STARTTLS.
        return Failure(Code.STARTTLS_INJECTION)

    def _looks(self) -> Looker:
        assert self._looker is not None, "nothing is looked at before it is resolved"
        return self._looker

    def _look_deadline(self) -> Deadline:
        return self._total.within(self._deadlines.look)

    def _time_used(self) -> dict[str, str]:
        return {"seconds": f"{self._record.seconds:.0f}"}

    # stages

    def _enter(self, stage: StageName) -> None:
        self._record.enter(stage)
        self._deadline = self._total.within(self._deadlines.of(stage))
        if self.plan.facts.accepted:
            self._on_accepted()

    def _fail(self, failure: Failure) -> None:
        if self._record.stage is StageName.LOGIN:
            failure = self._refine(failure)
        params: dict[str, str] = {}
        if failure.code in _PERHAPS_WRONG_PORT and self._looker is not None:
            params = suggest(self._outbound, self._looker.target, self.server, self._look_deadline())
        self._on_tls(failure.code)
        self._record.fail(failure, params)
