"""A test mail from a person to the same person: sent by SMTP, seen by IMAP, timed, removed.

Only on request: it is the one thing a check does that leaves a trace, should the removal fail.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

from profiles.model import MailAccount, Protocol, Server
from profiles.problems import Code, Problem
from webapp.outbound import Deadline, Outbound, StreamTimeout
from webapp.probes import imap, smtp
from webapp.probes.credentials import Credentials, credentials
from webapp.probes.deadlines import Deadlines
from webapp.probes.dialogue import Dialogue, Enter, Facts, Failure, Line, Pause, Plan, Run, Send, Step, Wait, begin
from webapp.probes.driver import Probe
from webapp.probes.imap_words import read_response
from webapp.probes.record import Outcome
from webapp.probes.report import Stage, StageName
from webapp.probes.verdicts import Situation

WAIT_SECONDS = 30.0
POLL_SECONDS = 2.0
_HEADROOM = 25.0

_Factory = Callable[[Plan], Dialogue[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrip:
    """What became of the test mail."""

    seconds: float | None
    """From SMTP's agreement until IMAP showed it; None when it was not seen."""
    is_removed: bool
    stages: tuple[Stage, ...]
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether it came."""
        return self.seconds is not None


def send_to_self(
    account: MailAccount,
    password: str,
    *,
    outbound: Outbound,
    wait: float = WAIT_SECONDS,
    subject: str = "Hagaki",
    text: str = "",
    outgoing_password: str | None = None,
) -> RoundTrip:
    """Send one message through the account's first outgoing server and wait for it on its first IMAP server.

    Raises ProblemError where the password cannot be sent. Each service gets one log-in.
    """
    reader = next(server for server in account.incoming if server.protocol is Protocol.IMAP)
    sender = account.outgoing[0]
    trip = _Trip(account, outbound, wait, _message(account, subject, text))
    trip.run(
        reader,
        credentials(reader.username, password),
        sender,
        credentials(sender.username, outgoing_password or password),
    )
    return trip.result()


def can_send_to_self(account: MailAccount) -> bool:
    """Whether the account has what the test needs. POP3 shows a mailbox as it was at the log-in, so it cannot."""
    return bool(account.outgoing) and any(server.protocol is Protocol.IMAP for server in account.incoming)


def _message(account: MailAccount, subject: str, text: str) -> EmailMessage:
    message = EmailMessage()
    address = str(account.address)
    message["From"] = message["To"] = address
    message["Subject"] = subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{secrets.token_hex(16)}@{account.address.domain}>"
    # No vacation note and no ticket may answer (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(text or subject)
    return message


@dataclass(slots=True)
class _Trip:
    account: MailAccount
    outbound: Outbound
    wait: float
    message: EmailMessage
    sent_at: float | None = None
    seen_at: float | None = None
    is_removed: bool = False
    outcomes: list[Outcome] = field(default_factory=list)

    def run(self, reader: Server, read_as: Credentials, sender: Server, send_as: Credentials) -> None:
        """IMAP first, so that nothing is sent that nobody would see arrive; SMTP while it is open."""
        total = Deadline(self.wait + _HEADROOM)
        send = self._probe(sender, send_as, total, self._sending)
        self.outcomes.append(self._probe(reader, read_as, total, lambda plan: self._reading(plan, send)).run())

    def _probe(self, server: Server, who: Credentials, total: Deadline, dialogue: _Factory) -> Probe:
        plan = Plan(server=server, credentials=who, facts=Facts(), sender=str(self.account.address))
        return Probe(
            plan,
            outbound=self.outbound,
            policy=self.account.settings.tls,
            deadlines=Deadlines(),
            total=total,
            gate=lambda: None,
            refine=_as_it_is,
            on_stage=_untold,
            on_tls=_untold,
            on_accepted=lambda: None,
            dialogue=dialogue,
        )

    def result(self) -> RoundTrip:
        """What happened, as a value."""
        problems = [problem for outcome in self.outcomes for problem in outcome.problems]
        seconds = None if self.sent_at is None or self.seen_at is None else self.seen_at - self.sent_at
        if self.sent_at is not None and seconds is None and not problems:
            endpoint = self.account.incoming[0].endpoint
            params = {"seconds": f"{self.wait:.0f}", "server": endpoint, "address": str(self.account.address)}
            problems.append(Problem(Code.TEST_MAIL_NOT_SEEN, params, server=endpoint))
        return RoundTrip(
            seconds=seconds,
            is_removed=self.is_removed,
            stages=tuple(stage for outcome in self.outcomes for stage in outcome.stages if stage.ok is not None),
            problems=tuple(problems),
        )

    # SMTP

    def _sending(self, plan: Plan) -> Dialogue[None]:
        talk = smtp.Talk(plan)
        yield from begin(plan, talk)
        yield Enter(StageName.LOGIN)
        assert plan.credentials is not None
        yield from talk.log_in(talk.choose_mechanism(), plan.credentials)
        yield Enter(StageName.SUBMIT)
        address = plan.sender.encode()
        for command, kind in (
            (b"MAIL FROM:<" + address + b">", "2"),
            (b"RCPT TO:<" + address + b">", "2"),
            (b"DATA", "3"),
            (_transparent(self.message.as_bytes()) + b".", "2"),
        ):
            yield Send(command + b"\r\n")
            yield from talk.expect(kind, Situation.SUBMIT)
        self.sent_at = time.monotonic()
        yield Send(b"QUIT\r\n")

    # IMAP

    def _reading(self, plan: Plan, send: Probe) -> Dialogue[None]:
        talk = imap.Talk(plan)
        yield from begin(plan, talk)
        yield Enter(StageName.LOGIN)
        assert plan.credentials is not None
        yield from talk.log_in(talk.choose_mechanism(), plan.credentials)
        yield Enter(StageName.MAILBOX)
        yield from talk.ask_capabilities()
        yield from _command(talk, b"SELECT INBOX")
        yield Run(lambda: self.outcomes.append(send.run()))
        if self.sent_at is not None:
            yield Wait(self.wait)
            yield from self._wait_for_it(talk)
        yield Send(talk.tagged(b"LOGOUT"))

    def _wait_for_it(self, talk: imap.Talk) -> Generator[Step, bytes, None]:
        """Search, wait for news, search again, until the time is up."""
        found = yield from self._search(talk)
        try:
            while not found:
                yield from _wait_for_news(talk)
                found = yield from self._search(talk)
        except StreamTimeout:
            return
        self.seen_at = time.monotonic()
        yield Wait(8.0)
        yield from self._remove(talk, found)

    def _search(self, talk: imap.Talk) -> Generator[Step, bytes, bytes]:
        """The UID of the message, empty when it is not there."""
        message_id = str(self.message["Message-ID"]).encode()
        yield Send(talk.tagged(b'UID SEARCH HEADER Message-ID "' + message_id + b'"'))
        found = b""
        while True:
            response = yield from talk.response()
            if response.word == "SEARCH" and response.rest.split():
                found = response.rest.split()[-1]
            if response.tag == talk.tag:
                talk.demand_ok(response, Situation.MAILBOX)
                return found

    def _remove(self, talk: imap.Talk, uid: bytes) -> Generator[Step, bytes, None]:
        """Delete this one message. Without UIDPLUS it stays flagged: EXPUNGE would take others with it."""
        if not uid.isdigit():
            return
        yield from _command(talk, b"UID STORE " + uid + b" +FLAGS.SILENT (\\Deleted \\Seen)")
        if "UIDPLUS" in talk.capabilities:
            yield from _command(talk, b"UID EXPUNGE " + uid)
            self.is_removed = True


def _command(talk: imap.Talk, command: bytes) -> Generator[Step, bytes, None]:
    yield Send(talk.tagged(command))
    yield from talk.result(Situation.MAILBOX)


def _wait_for_news(talk: imap.Talk) -> Generator[Step, bytes, None]:
    """Return when something is new (IDLE), or after a pause."""
    if "IDLE" not in talk.capabilities:
        yield Pause(POLL_SECONDS)
        return
    yield Send(talk.tagged(b"IDLE"))
    while read_response((yield Line())).rest.upper() != b"EXISTS":
        pass
    yield Send(b"DONE\r\n")
    yield from talk.result(Situation.MAILBOX)


def _transparent(message: bytes) -> bytes:
    """CRLF line ends, and dots doubled at the beginning of a line (RFC 5321 4.5.2)."""
    lines = message.splitlines()
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines)


def _as_it_is(failure: Failure) -> Failure:
    return failure


def _untold(_: object) -> None:
    """Nobody waits for single steps here."""
