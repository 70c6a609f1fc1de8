"""Invitation mails and reminders of batches: each claimed before it is handed over, and settled after.

A mail goes out at most once. Its claim is committed before the relay hears of it, together with what became of the
mail before; a process that dies in between leaves one mail "unsure", which only an admin sends again.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from profiles.address import Address
from profiles.model import ServiceSettings
from profiles.problems import Code, Problem, ProblemError
from webapp.batches.invitations import derive_token
from webapp.batches.options import BatchOptions, MailState, Mode
from webapp.config import Config
from webapp.directory import Directory
from webapp.handouts.card import card_name
from webapp.links import hash_token
from webapp.mails import Fate, Handed, Kind, Letter, Passages, Postman, compose, read_relay, sender_of
from webapp.outbound import Outbound
from webapp.store import Connection, Store
from webapp.store import batch_mails as table
from webapp.store.batch_mails import MailEnd, MailLink, MailRow
from webapp.store.values import from_text, to_text

log = logging.getLogger(__name__)

RATE = 20.0
"""Mails in a second, over all workers."""
LEASE_SECONDS = 300.0
"""Longer than any mail takes (webapp.mails.postman.SECONDS): afterwards its sender is taken for dead."""
PUT_OFF_SECONDS = (60, 300, 900, 3600, 7200, 14400, 28800, 28800)
"""How long a mail waits after each time that it was put off; then it is given up."""
PAUSE_SECONDS = (10, 30, 60, 120, 300)
"""How long all mails wait while the relay cannot be used."""
ELSEWHERE_SECONDS = 60.0
DAY = 24 * 3600.0
LOOK_SECONDS = 10.0
"""That one round of sending waits in all to learn how mails travel (webapp/mails/passage.py)."""
LONG_TURN = 1.0


class Record(Protocol):
    """Writes a row of the audit log in the caller's transaction."""

    def __call__(self, connection: Connection, actor: str, action: str, subject: str = "", **details: str) -> None:
        """Who did what to which batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """What came of an admin's wish to mail people."""

    mails: int
    """Will go out."""
    reminded_today: int = 0
    """Were left out, because they were reminded less than a day ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claimed:
    """A mail that is ours to hand over."""

    row: MailRow
    lease: bytes
    letter: Letter
    at: float
    """When it may go."""


@dataclass(slots=True, kw_only=True)
class _Settling:
    """What became of the mail before, not written yet."""

    claimed: _Claimed
    handed: Handed
    note: Problem | None = None


class Mailing:
    """The mails of all batches of one database. `now` is the clock, in seconds since the epoch."""

    def __init__(
        self,
        store: Store,
        config: Config,
        directory: Directory,
        *,
        record: Record,
        wake: Callable[[int], None],
        now: Callable[[], float] = time.time,
        rate: float = RATE,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._store = store
        self._config = config
        self._directory = directory
        self._record = record
        self._wake = wake
        self._now = now
        self._rate = rate
        self._lease_seconds = lease_seconds
        self._troubles = 0
        self._passages: Passages | None = None

    def close(self) -> None:
        """Begin no further look at anybody's mail exchanger."""
        if self._passages is not None:
            self._passages.close()
            self._passages = None

    # looking

    def missing(self) -> Problem | None:
        """Which setting is missing for mails, if one is."""
        try:
            sender_of(read_relay(self._config.smtp_url), self._config.mail_from)
        except ProblemError as error:
            return error.problems[0]
        return None

    def due(self) -> tuple[int, ...]:
        """Batches with mails that may go now; any process may ask at any time."""
        self._settle_lapsed()
        with self._store.read() as connection:
            if table.paused_until(connection) > self._now() + LONG_TURN:
                return ()
            return tuple(table.due(connection, now=self._now()))

    def trouble(self, batch_id: int) -> Problem | None:
        """Why the mails of a batch wait, where something holds them up."""
        with self._store.read() as connection:
            text = table.waiting_problem(connection, batch_id)
        return None if text is None else next(iter(from_text(tuple[Problem, ...], text)), None)

    # sending

    def send_waiting(self, batch_id: int, *, until: float) -> bool:
        """Send mails of a batch until that moment of the monotonic clock; whether more may go at once."""
        self._settle_lapsed()
        with self._store.read() as connection:
            text = table.batch_options(connection, batch_id)
        if not text:
            return False
        # Of the same batch all mails speak alike; only whom they go to differs.
        writing = _Writing(self._config, self._directory, from_text(BatchOptions, text))
        outbound = Outbound.unrestricted(resolver=self._config.resolver, ca_file=self._config.ca_file)
        try:
            relay = read_relay(self._config.smtp_url)
            sender = sender_of(relay, self._config.mail_from)
        except ProblemError as error:
            self._hold_up(batch_id, error.problems[0])
            return False
        with Postman(relay, outbound, sender, own_name=self._config.hostname) as postman:
            return _Round(self, batch_id, writing, postman, sender).run(until)

    def _settle_lapsed(self) -> None:
        now = self._now()
        with self._store.read() as connection:
            found = table.lapsed(connection, now=now)
        for row_id, lease, address in found:
            problems = to_text((Problem(Code.MAIL_UNSURE, {"address": address}),))
            with self._store.write() as connection:
                table.mark_unsure(connection, row_id, lease=lease, problems=problems)
            log.warning("event=mail_unsure reason=lease")

    def _hold_up(self, batch_id: int, problem: Problem) -> None:
        """Let all mails wait, and write why on one that does."""
        with self._store.write() as connection:
            row = table.next_mail(connection, batch_id, now=self._now())
            if row is not None:
                end = MailEnd(state=MailState.WAITING, problems=to_text((problem,)), tries=row.mail_tries)
                table.settle(connection, row.id, end, lease=None)
            self._pause(connection, problem)

    def _pause(self, connection: Connection, problem: Problem) -> None:
        pause = PAUSE_SECONDS[min(self._troubles, len(PAUSE_SECONDS) - 1)]
        self._troubles += 1
        table.pause_until(connection, self._now() + pause)
        log.warning("event=mails_wait code=%s seconds=%d", problem.code, pause)

    # what an admin asks for

    def remind(self, batch_id: int, rows: Sequence[int] | None, *, actor: str) -> Queued:
        """Remind people who have not set up their mail: these rows, or all who have not opened their link.

        Nobody is reminded twice within a day.
        """
        since = self._now() - DAY
        with self._store.write() as connection:
            _known(connection, batch_id)
            found = table.to_remind(connection, batch_id, rows, now=self._now())
            wanted = [row_id for row_id, _, reminded_at in found if reminded_at is None or reminded_at <= since]
            queued = Queued(
                mails=table.queue(connection, wanted, kind=Kind.REMINDER),
                reminded_today=len(found) - len(wanted),
            )
            self._record(connection, actor, "batch.remind", f"batch {batch_id}", mails=str(queued.mails))
        self._call(batch_id, queued)
        return queued

    def send_again(self, batch_id: int, rows: Sequence[int] | None, *, actor: str) -> Queued:
        """Send the invitation mail anew: to these rows, or to all whose mail failed or is unsure."""
        with self._store.write() as connection:
            _known(connection, batch_id)
            wanted = table.to_send(connection, batch_id, rows)
            table.forget_sent(connection, wanted)
            queued = Queued(mails=table.queue(connection, wanted, kind=Kind.INVITATION))
            self._record(connection, actor, "batch.mail", f"batch {batch_id}", mails=str(queued.mails))
        self._call(batch_id, queued)
        return queued

    def _call(self, batch_id: int, queued: Queued) -> None:
        if not queued.mails:
            return
        try:
            self._wake(batch_id)
        except ProblemError as error:
            # Every worker also looks by itself (`due`), some seconds later.
            log.warning("event=not_enqueued batch=%d code=%s", batch_id, error.problems[0].code)

    def _looks(self) -> Passages:
        if self._passages is None:
            config = self._config
            outbound = Outbound(
                allow_networks=config.allow_networks, resolver=config.resolver, ca_file=config.ca_file
            )
            self._passages = Passages(outbound)
        return self._passages


@dataclass(frozen=True, slots=True)
class _Writing:
    """Writes the letters of one batch."""

    config: Config
    directory: Directory
    options: BatchOptions
    found: dict[str, ServiceSettings | None] = field(default_factory=dict)

    def letter(self, row: MailRow, link: MailLink, kind: Kind, sender: Address) -> Letter | None:
        """The letter about a link; None where the link cannot be made again."""
        token = derive_token(self.config.link_key, link.id, link.generation)
        if hash_token(token) != link.token_hash:
            return None  # the link key was replaced since
        address = _address(row.address)
        settings = self._settings(address.domain)
        language = self.options.language
        help_desk = settings.help.get(language) if settings and settings.help else ""
        company = settings.organization or settings.display_name if settings else address.domain
        return Letter(
            kind=kind,
            language=language,
            sender=sender,
            company=self.options.company or company,
            recipient=_address(row.notify or link.notify or row.address),
            reference=_reference(row, link, kind),
            address=address,
            full_name=row.full_name,
            link=f"{self.config.base_url}/s/{token}",
            expires_at=datetime.fromtimestamp(link.expires_at, UTC),
            timezone=self.config.timezone,
            number=card_name(link.number),
            help=self.options.help or help_desk,
            needs_pin=link.mode == Mode.READY_MADE,
        )

    def _settings(self, domain: str) -> ServiceSettings | None:
        if domain not in self.found:
            self.found[domain] = self.directory.find(domain)
        return self.found[domain]


class _Round:
    """Some seconds of sending, over one connection."""

    def __init__(
        self, mailing: Mailing, batch_id: int, writing: _Writing, postman: Postman, sender: Address
    ) -> None:
        self._mailing = mailing
        self._store = mailing._store
        self._now = mailing._now
        self._batch_id = batch_id
        self._writing = writing
        self._postman = postman
        self._sender = sender
        self._paused = False
        self._look_seconds = LOOK_SECONDS

    def run(self, until: float) -> bool:
        """Send; whether more may go at once."""
        settling: _Settling | None = None
        while True:
            claims_more = time.monotonic() < until
            claimed = self._next(settling, claims_more=claims_more)
            if claimed is None:
                break
            settling = self._hand_over(claimed)
        with self._store.read() as connection:
            return not self._paused and table.is_due(connection, self._batch_id, now=self._now())

    def _next(self, settling: _Settling | None, *, claims_more: bool) -> _Claimed | None:
        """Settle the mail before and claim the next one, in one transaction."""
        if settling is None and not claims_more:
            return None
        with self._store.write() as connection:
            if settling is not None:
                self._settle(connection, settling)
            self._paused = table.paused_until(connection) > self._now() + LONG_TURN
            if self._paused or not claims_more:
                return None
            while (row := table.next_mail(connection, self._batch_id, now=self._now())) is not None:
                claimed = self._claim(connection, row)
                if claimed is not None:
                    return claimed
        return None

    def _claim(self, connection: Connection, row: MailRow) -> _Claimed | None:
        """Claim a mail, or settle it at once where it must not go."""
        kind = Kind(row.mail_kind or Kind.INVITATION)
        link = table.link_of(connection, row)
        end = self._needless(connection, row, link, kind)
        letter = self._writing.letter(row, link, kind, self._sender) if link and end is None else None
        if letter is None:
            table.settle(connection, row.id, end or _failed(Code.MAIL_LINK_ENDED, row), lease=None)
            return None
        now, lease = self._now(), secrets.token_bytes(16)
        at = table.take_turn(connection, pause=1 / self._mailing._rate, now=now)
        table.begin_sending(connection, row.id, lease=lease, until=now + self._mailing._lease_seconds)
        return _Claimed(row=row, lease=lease, letter=letter, at=at)

    def _needless(self, connection: Connection, row: MailRow, link: MailLink | None, kind: Kind) -> MailEnd | None:
        """Why a mail does not go, if there is a reason."""
        if link is None or link.revoked or link.expires_at <= self._now():
            return _failed(Code.MAIL_LINK_ENDED, row)
        if kind is Kind.REMINDER:
            reminded_at = table.last_reminder(connection, row.address_key)
            if link.is_begun or (reminded_at is not None and reminded_at > self._now() - DAY):
                return MailEnd(state=MailState.SENT if row.mailed_at else None)
            return None
        if link.mailed_at is not None:
            note = to_text((Problem(Code.MAIL_SENT_BEFORE),))
            return MailEnd(state=MailState.SENT, problems=note, mailed_at=link.mailed_at)
        elsewhere = table.states_elsewhere(connection, row)
        if MailState.SENDING in elsewhere:
            return MailEnd(state=MailState.WAITING, tries=row.mail_tries, after=self._now() + ELSEWHERE_SECONDS)
        if MailState.UNSURE in elsewhere:
            return _failed(Code.MAIL_UNSURE, row, state=MailState.UNSURE)
        return None

    def _hand_over(self, claimed: _Claimed) -> _Settling:
        time.sleep(min(LONG_TURN, max(0.0, claimed.at - self._now())))
        recipient = claimed.letter.recipient
        looks = self._mailing._looks()
        looks.look(recipient.domain)
        message = compose(claimed.letter, now=datetime.fromtimestamp(self._now(), UTC))
        handed = self._postman.hand_over(message, recipient)
        note = self._note(recipient.domain) if handed.fate is Fate.SENT else None
        return _Settling(claimed=claimed, handed=handed, note=note)

    def _note(self, domain: str) -> Problem | None:
        start = time.monotonic()
        note = self._mailing._looks().note(domain, wait=self._look_seconds)
        self._look_seconds = max(0.0, self._look_seconds - (time.monotonic() - start))
        return note

    def _settle(self, connection: Connection, settling: _Settling) -> None:
        claimed, handed, now = settling.claimed, settling.handed, self._now()
        row, kind = claimed.row, claimed.letter.kind
        if handed.concerns_all and handed.problem is not None:
            self._mailing._pause(connection, handed.problem)
        elif handed.fate is not Fate.LATER:
            self._mailing._troubles = 0
        end = _end_of(settling, now)
        if table.settle(connection, row.id, end, lease=claimed.lease) and handed.fate is Fate.SENT:
            reminded = kind is Kind.REMINDER
            table.note_mailed(connection, row.invitation_id, at=now, reminded=reminded)
        code = handed.problem.code if handed.problem else ""
        log.info("event=mail batch=%d row=%d fate=%s code=%s", self._batch_id, row.row, handed.fate, code)


def _end_of(settling: _Settling, now: float) -> MailEnd:
    handed, row = settling.handed, settling.claimed.row
    problems = tuple(problem for problem in (handed.problem, settling.note) if problem is not None)
    text = to_text(problems) if problems else None
    match handed.fate:
        case Fate.SENT:
            return MailEnd(state=MailState.SENT, problems=text, mailed_at=now)
        case Fate.REFUSED:
            return MailEnd(state=MailState.FAILED, problems=text)
        case Fate.UNSURE:
            return MailEnd(state=MailState.UNSURE, problems=text)
    if handed.concerns_all:
        return MailEnd(state=MailState.WAITING, problems=text, tries=row.mail_tries)
    if row.mail_tries >= len(PUT_OFF_SECONDS):
        return MailEnd(state=MailState.FAILED, problems=to_text(_given_up(problems, row)))
    after = now + PUT_OFF_SECONDS[row.mail_tries]
    return MailEnd(state=MailState.WAITING, problems=text, tries=row.mail_tries + 1, after=after)


def _given_up(problems: tuple[Problem, ...], row: MailRow) -> tuple[Problem, ...]:
    last = problems[0]
    params = {**last.params, "count": str(row.mail_tries + 1)}
    return (Problem(Code.MAIL_GIVEN_UP, params, server=last.server, server_text=last.server_text),)


def _failed(code: Code, row: MailRow, *, state: MailState = MailState.FAILED) -> MailEnd:
    params = {"address": row.notify or row.address}
    return MailEnd(state=state, problems=to_text((Problem(code, params),)))


def _reference(row: MailRow, link: MailLink, kind: Kind) -> bytes:
    """The same for a mail that is tried again, another one for the next mail about the same link."""
    before = link.reminded_at if kind is Kind.REMINDER else row.mailed_at
    return row.id + link.generation.to_bytes(4, "big") + repr(before).encode()


def _address(text: str) -> Address:
    """An address that was read when the list was taken."""
    local, _, domain = text.rpartition("@")
    return Address(local, domain)


def _known(connection: Connection, batch_id: int) -> None:
    if table.batch_options(connection, batch_id) is None:
        raise ProblemError(Problem(Code.BATCH_UNKNOWN, {"id": str(batch_id)}))
