"""Invitation mails and reminders of batches: each claimed before it is handed over, and settled after.

A mail goes out at most once. Its claim is committed before the relay hears of it; a process that dies after that
leaves the mail "unsure", and only an admin sends it again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event, Lock

from profiles.problems import Code, Problem, ProblemError
from webapp.batches.letters import Letters
from webapp.batches.mail_round import DAY, Pace, Pauses, Round
from webapp.batches.options import BatchOptions, MailState
from webapp.batches.record import Record
from webapp.batches.rows import FindSettings
from webapp.config import Config
from webapp.mails import Kind, Passages, Postman, read_relay, sender_of
from webapp.outbound import Outbound
from webapp.store import Connection, Store
from webapp.store import batch_mails as table
from webapp.store.batch_mails import MailEnd
from webapp.store.chunks import chunks
from webapp.store.values import from_text, to_text

log = logging.getLogger(__name__)

RATE = 20.0
LEASE_SECONDS = 300.0
"""Longer than any mail takes (webapp.mails.postman.SECONDS): afterwards its sender is taken for dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """What came of an admin's wish to mail people."""

    mails: int
    """Will go out."""
    reminded_today: int = 0
    """Were left out, because they were reminded less than a day ago."""


class Mailing:
    """The mails of all batches of one database. `now` is the clock, in seconds since the epoch."""

    def __init__(
        self,
        store: Store,
        config: Config,
        find: FindSettings,
        *,
        record: Record,
        wake: Callable[[int], None],
        halted: Event | None = None,
        now: Callable[[], float] = time.time,
        rate: float = RATE,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._store = store
        self._config = config
        self._find = find
        self._record = record
        self._wake = wake
        self._now = now
        self._pace = Pace(rate=rate, lease_seconds=lease_seconds, halted=halted or Event())
        self._pauses = Pauses(now=now)
        self._passages: Passages | None = None
        self._opening = Lock()

    def close(self) -> None:
        """Begin no further look at anybody's mail exchanger."""
        with self._opening:
            passages, self._passages = self._passages, None
        if passages is not None:
            passages.close()

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
            if self._pauses.is_on(connection):
                return ()
            return tuple(table.due(connection, now=self._now()))

    def trouble(self, batch_id: int) -> Problem | None:
        """Why the mails of a batch wait, where something holds them all up."""
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
        config = self._config
        try:
            relay = read_relay(config.smtp_url)
            sender = sender_of(relay, config.mail_from)
        except ProblemError as error:
            self._hold_up(batch_id, error.problems[0])
            return False
        letters = Letters(config, self._find, from_text(BatchOptions, text), sender)
        # The relay is the host's own choice: it may stand anywhere, also in this very machine.
        outbound = Outbound.unrestricted(resolver=config.resolver, ca_file=config.ca_file)
        with Postman(relay, outbound, sender, own_name=config.hostname) as postman:
            sending = Round(
                self._store,
                batch_id,
                letters,
                postman,
                passages=self._looks(),
                pauses=self._pauses,
                pace=self._pace,
            )
            return sending.run(until)

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
        """Let all mails wait, and write why on one of them."""
        with self._store.write() as connection:
            row = table.next_mail(connection, batch_id, now=self._now())
            if row is not None:
                end = MailEnd(state=MailState.WAITING, problems=to_text((problem,)), tries=row.mail_tries)
                table.settle(connection, row.id, end, lease=None)
                self._pauses.begin(connection, problem)

    def _looks(self) -> Passages:
        with self._opening:
            if self._passages is None:
                config = self._config
                outbound = Outbound(
                    allow_networks=config.allow_networks, resolver=config.resolver, ca_file=config.ca_file
                )
                self._passages = Passages(outbound)
            return self._passages

    # what an admin asks for

    def remind(self, batch_id: int, rows: Sequence[int] | None, *, actor: str) -> Queued:
        """Remind people who have not set up their mail: these rows, or all who have not opened their link.

        Nobody is reminded twice within a day.
        """
        since = self._now() - DAY
        with self._store.read() as connection:
            _demand_batch(connection, batch_id)
            found = table.to_remind(connection, batch_id, rows, now=self._now())
        wanted = [row_id for row_id, reminded_at in found if reminded_at is None or reminded_at <= since]
        mails = self._queue(batch_id, wanted, Kind.REMINDER, "batch.remind", actor)
        return Queued(mails=mails, reminded_today=len(found) - len(wanted))

    def send_again(self, batch_id: int, rows: Sequence[int] | None, *, actor: str) -> Queued:
        """Send the invitation mail anew: to these rows, or to all whose mail failed or is unsure."""
        with self._store.read() as connection:
            _demand_batch(connection, batch_id)
            wanted = table.to_send(connection, batch_id, rows)
        return Queued(mails=self._queue(batch_id, wanted, Kind.INVITATION, "batch.mail", actor))

    def _queue(self, batch_id: int, row_ids: Sequence[bytes], kind: Kind, action: str, actor: str) -> int:
        """Let mails wait, a few hundred at a time, so that nobody waits long for the database; return how many.

        Who has set up the mail meanwhile gets none: that is looked at once more when it is sent.
        """
        queued = 0
        for part in chunks(row_ids) or [()]:
            with self._store.write() as connection:
                idle = table.idle(connection, part)
                if kind is Kind.INVITATION:
                    table.forget_sent(connection, idle)
                table.queue(connection, idle, kind=kind)
                self._record(connection, actor, action, f"batch {batch_id}", mails=str(len(idle)))
            queued += len(idle)
        if queued:
            self._wake_up(batch_id)
        return queued

    def _wake_up(self, batch_id: int) -> None:
        try:
            self._wake(batch_id)
        except ProblemError as error:
            # Every worker also looks by itself (`due`), some seconds later.
            log.warning("event=not_enqueued batch=%d code=%s", batch_id, error.problems[0].code)


def _demand_batch(connection: Connection, batch_id: int) -> None:
    if table.batch_options(connection, batch_id) is None:
        raise ProblemError(Problem(Code.BATCH_UNKNOWN, {"id": str(batch_id)}))
