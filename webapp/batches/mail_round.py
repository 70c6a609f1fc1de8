"""Some seconds of sending the mails of one batch: settle the mail before, claim the next, hand it over.

Settling and claiming are one transaction, so a process that dies leaves one mail "unsure" at most, and each mail
costs one wait for the disk.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event

from profiles.problems import Code, Problem
from webapp.batches.letters import Letters
from webapp.batches.options import MailState
from webapp.mails import Fate, Handed, Kind, Letter, Passage, Passages, Postman, compose, note
from webapp.store import Connection, Store
from webapp.store import batch_mails as table
from webapp.store.batch_mails import MailEnd, MailLink, MailRow
from webapp.store.values import to_text

log = logging.getLogger(__name__)

PUT_OFF_SECONDS = (60, 300, 900, 3600, 7200, 14400, 28800, 28800)
"""How long a mail waits after each time that it was put off; then it is given up."""
PAUSE_SECONDS = (10, 30, 60, 120, 300)
"""How long all mails wait while the relay cannot be used."""
ELSEWHERE_SECONDS = 60.0
DAY = 24 * 3600.0
LOOK_SECONDS = 6.0
"""That a round waits at its end to learn how its mails travel (webapp/mails/passage.py)."""
LONG_TURN = 1.0
"""Nobody waits longer for a turn; further off, all mails are held up."""


@dataclass(slots=True, kw_only=True)
class Pauses:
    """How long nothing goes out while the relay cannot be used: longer each time, until it can."""

    now: Callable[[], float]
    _count: int = 0

    def begin(self, connection: Connection, problem: Problem) -> None:
        """Let all mails of all workers wait."""
        pause = PAUSE_SECONDS[min(self._count, len(PAUSE_SECONDS) - 1)]
        self._count += 1
        table.pause_until(connection, self.now() + pause)
        log.warning("event=mails_wait code=%s seconds=%d", problem.code, pause)

    def end(self) -> None:
        """It can be used."""
        self._count = 0

    def is_on(self, connection: Connection) -> bool:
        """Whether mails wait."""
        return table.paused_until(connection) > self.now() + LONG_TURN


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast mails go, and how long one may take."""

    rate: float
    """Mails in a second, over all workers."""
    lease_seconds: float
    halted: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claimed:
    """A mail that is ours to hand over."""

    row: MailRow
    lease: bytes
    letter: Letter
    at: float
    """When it may go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Handed:
    """A mail that was handed over, which is not written yet."""

    claimed: _Claimed
    handed: Handed


class Round:
    """One round."""

    def __init__(
        self,
        store: Store,
        batch_id: int,
        letters: Letters,
        postman: Postman,
        *,
        passages: Passages,
        pauses: Pauses,
        pace: Pace,
    ) -> None:
        self._store = store
        self._batch_id = batch_id
        self._letters = letters
        self._postman = postman
        self._passages = passages
        self._pauses = pauses
        self._pace = pace
        self._now = pauses.now
        self._on_the_way: list[tuple[bytes, str]] = []
        """Rows whose mail went out to domains that were not seen yet."""

    def run(self, until: float) -> bool:
        """Send until that moment of the monotonic clock; whether more may go at once."""
        handed: _Handed | None = None
        while True:
            goes_on = time.monotonic() < until and not self._pace.halted.is_set()
            claimed = self._next(handed, goes_on=goes_on) if handed or goes_on else None
            if claimed is None:
                break
            handed = self._hand_over(claimed)
        self._note_the_rest()
        with self._store.read() as connection:
            return not self._pauses.is_on(connection) and table.is_due(connection, self._batch_id, now=self._now())

    def _next(self, handed: _Handed | None, *, goes_on: bool) -> _Claimed | None:
        with self._store.write() as connection:
            if handed is not None:
                self._settle(connection, handed)
                self._note_seen(connection)
            if not goes_on or self._pauses.is_on(connection):
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
        letter = self._letters.write(row, link, kind) if link and end is None else None
        if letter is None:
            table.settle(connection, row.id, end or _failed(Code.MAIL_LINK_ENDED, row), lease=None)
            return None
        now, lease = self._now(), secrets.token_bytes(16)
        at = table.take_turn(connection, pause=1 / self._pace.rate, now=now)
        table.begin_sending(connection, row.id, lease=lease, until=now + self._pace.lease_seconds)
        return _Claimed(row=row, lease=lease, letter=letter, at=at)

    def _needless(self, connection: Connection, row: MailRow, link: MailLink | None, kind: Kind) -> MailEnd | None:
        """How a mail ends that must not go; None for one that goes."""
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

    def _hand_over(self, claimed: _Claimed) -> _Handed:
        time.sleep(min(LONG_TURN, max(0.0, claimed.at - self._now())))
        recipient = claimed.letter.recipient
        self._passages.look(recipient.domain)
        try:
            message = compose(claimed.letter, now=datetime.fromtimestamp(self._now(), UTC))
        except Exception as error:  # noqa: BLE001  one odd row must not hold up the others
            number = secrets.token_hex(4)
            log.error("event=incident number=%s type=%s in=mail", number, type(error).__name__)
            incident = Problem(Code.INCIDENT, {"incident": number})
            return _Handed(claimed=claimed, handed=Handed(fate=Fate.REFUSED, problem=incident))
        return _Handed(claimed=claimed, handed=self._postman.hand_over(message, recipient))

    def _note_seen(self, connection: Connection) -> None:
        """Note on rows how their mails travel, as far as that is known by now."""
        unseen = []
        for row_id, domain in self._on_the_way:
            passage = self._passages.seen(domain)
            if passage is None:
                unseen.append((row_id, domain))
            else:
                _add_note(connection, row_id, domain, passage)
        self._on_the_way = unseen

    def _note_the_rest(self) -> None:
        """Wait a little for what is not known yet; no mail waits with us."""
        if not self._on_the_way:
            return
        give_up = time.monotonic() + (0.0 if self._pace.halted.is_set() else LOOK_SECONDS)
        for domain in {domain for _, domain in self._on_the_way}:
            self._passages.seen(domain, wait=max(0.0, give_up - time.monotonic()))
        with self._store.write() as connection:
            for row_id, domain in self._on_the_way:
                _add_note(connection, row_id, domain, self._passages.seen(domain))
        self._on_the_way = []

    def _settle(self, connection: Connection, done: _Handed) -> None:
        row, handed, now = done.claimed.row, done.handed, self._now()
        if handed.concerns_all and handed.problem is not None:
            self._pauses.begin(connection, handed.problem)
        else:
            self._pauses.end()
        end = _end_of(done, now)
        if table.settle(connection, row.id, end, lease=done.claimed.lease) and handed.fate is Fate.SENT:
            reminded = done.claimed.letter.kind is Kind.REMINDER
            table.note_mailed(connection, row.invitation_id, at=now, reminded=reminded)
            self._on_the_way.append((row.id, done.claimed.letter.recipient.domain))
        code = handed.problem.code if handed.problem else ""
        log.info("event=mail batch=%d row=%d fate=%s code=%s", self._batch_id, row.row, handed.fate, code)


def _end_of(done: _Handed, now: float) -> MailEnd:
    handed, row = done.handed, done.claimed.row
    problems = (handed.problem,) if handed.problem is not None else ()
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


def _add_note(connection: Connection, row_id: bytes, domain: str, passage: Passage | None) -> None:
    found = note(domain, passage)
    if found is not None:
        table.add_note(connection, row_id, to_text((found,)))


def _given_up(problems: tuple[Problem, ...], row: MailRow) -> tuple[Problem, ...]:
    last = problems[0]
    params = {**last.params, "count": str(row.mail_tries + 1)}
    return (Problem(Code.MAIL_GIVEN_UP, params, server=last.server, server_text=last.server_text),)


def _failed(code: Code, row: MailRow, *, state: MailState = MailState.FAILED) -> MailEnd:
    params = {"address": row.notify or row.address}
    return MailEnd(state=state, problems=to_text((Problem(code, params),)))
