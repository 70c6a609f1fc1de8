"""Durable batches: taken from a list, made by workers, shown, cancelled, tried again, deleted.

The rows in the database are the truth. What the queue says only makes it quicker: every worker also looks by
itself for batches that nobody goes on with.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from profiles.problems import Code, Problem, ProblemError
from webapp.batches.columns import Columns
from webapp.batches.options import BatchOptions, BatchState, Mode
from webapp.batches.reading import ListFile
from webapp.batches.record import Record
from webapp.batches.rows import CellProblem, FindSettings, Rules, check_rows
from webapp.batches.sealing import open_row
from webapp.batches.taking import Taking
from webapp.batches.views import ACTIVE, BatchView, Speed, StoppedServer, view_of
from webapp.config import Config
from webapp.store import Connection, Store, batch_rows, batches, invitations, uploads
from webapp.store.batches import BatchRow
from webapp.store.values import from_text, to_text

log = logging.getLogger(__name__)

READING_SECONDS = 60.0
"""Without a sign of life for so long, the process that read a list is gone."""
STALLED_SECONDS = 8.0
"""Without one for so long, nobody works on a batch."""
TASKS, TASKS_CHECKED = 4, 2
"""How many workers may share a batch; few where all of them knock at the same mail servers."""
SPEED_SECONDS = 20.0
"""The speed is that of the last seconds."""
SECRETS_SECONDS = 7 * 24 * 3600.0
"""How long rows that failed keep what another try, or the list of bad rows, needs."""
MOST_PAGE = 200
_DAY = 24 * 3600.0
_AT_ONCE = 2_000
"""Rows that one transaction deletes or cancels, so that nobody waits for long."""
_ENDED = frozenset({BatchState.DONE, BatchState.CANCELLED, BatchState.STOPPED})
HOUSE = "hagaki"
"""The actor of what happens by itself."""


class _Ended(Exception):
    """Somebody ended the batch while its list was read."""


class Batches:
    """The batches of one database. `now` is the clock, in seconds since the epoch."""

    def __init__(
        self,
        store: Store,
        find: FindSettings,
        *,
        link_key: bytes,
        record: Record,
        enqueue: Callable[[int, int], None],
        retention_days: int = 90,
        stalled_seconds: float = STALLED_SECONDS,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._find = find
        self._link_key = link_key
        self._record = record
        self._enqueue = enqueue
        self._retention = retention_days * _DAY
        self._stalled_after = stalled_seconds
        self._now = now

    # taking a list

    def take(
        self,
        listing: ListFile,
        columns: Columns,
        options: BatchOptions,
        *,
        mode: Mode,
        actor: str,
        upload_hash: bytes | None = None,
        name: str | None = None,
    ) -> int:
        """Take every row of a list and let workers begin; return the batch's id.

        `name` is what admins know it by, the file's unless it is given. The same upload gives the same batch,
        however often "make" is pressed. Should this process die on the way,
        nothing is made, and the list can be taken again.
        """
        options = _as_read(options, listing, columns)
        batch_id, is_new = self._begin(
            name or listing.name, options, mode=mode, actor=actor, upload_hash=upload_hash
        )
        if not is_new:
            return batch_id
        try:
            self._read(batch_id, listing, columns, options, mode=mode, actor=actor)
        except _Ended:
            self.view(batch_id)  # deleted meanwhile, or cancelled: then it stands there as that
            return batch_id
        except BaseException:
            self._give_up_reading(batch_id)
            raise
        self._call_workers(batch_id, TASKS_CHECKED if options.check else TASKS)
        return batch_id

    def _begin(
        self, name: str, options: BatchOptions, *, mode: Mode, actor: str, upload_hash: bytes | None
    ) -> tuple[int, bool]:
        with self._store.write() as connection:
            if upload_hash is not None:
                known = batches.batch_of_upload(connection, upload_hash)
                if known is not None and not self._is_dead(known):
                    return known.id, False
            batch_id = batches.add_batch(
                connection,
                name=name[:255],
                mode=mode,
                state=BatchState.READING,
                total=0,
                at=self._now(),
                actor=actor,
                options=to_text(options),
            )
            if upload_hash is not None:
                batches.link_upload(connection, upload_hash, batch_id)
        return batch_id, True

    def _is_dead(self, row: BatchRow) -> bool:
        silent = self._now() - (row.touched_at or row.created_at)
        return row.state == BatchState.READING and silent > READING_SECONDS

    def _read(
        self,
        batch_id: int,
        listing: ListFile,
        columns: Columns,
        options: BatchOptions,
        *,
        mode: Mode,
        actor: str,
    ) -> None:
        rules = Rules(find=self._find, needs_password=mode is Mode.READY_MADE)
        taking = Taking(
            batch_id=batch_id,
            link_key=self._link_key,
            mode=mode,
            options=options,
            columns=columns,
            at=self._now(),
        )
        for chunk in taking.rows(check_rows(listing, columns, rules)):
            with self._store.write() as connection:
                if not batches.touch(connection, batch_id, state=BatchState.READING, at=self._now()):
                    raise _Ended
                batch_rows.add(connection, chunk)
        if not taking.total:
            raise ProblemError(Problem(Code.LIST_EMPTY, {"file": listing.name}, place=listing.name))
        self._open(batch_id, listing.name, taking, actor=actor)

    def _open(self, batch_id: int, name: str, taking: Taking, *, actor: str) -> None:
        now = self._now()
        with self._store.write() as connection:
            if not batches.open_batch(connection, batch_id, state=BatchState.WAITING, total=taking.total, at=now):
                raise _Ended
            if not taking.good:
                batches.finish_if_done(connection, batch_id, state=BatchState.DONE, at=now)
            rows = {"rows": str(taking.total), "good": str(taking.good)}
            self._record(
                connection, actor, "batch.take", _subject(batch_id), name=name, mode=taking.mode.value, **rows
            )

    def _give_up_reading(self, batch_id: int) -> None:
        """Leave nothing of a list that could not be read to its end."""
        try:
            with self._store.write() as connection:
                given_up = batches.set_state(
                    connection, batch_id, known=(BatchState.READING,), state=BatchState.DELETING, at=self._now()
                )
            if given_up:
                self._remove(batch_id)
        except ProblemError as error:
            log.warning("event=reading_not_given_up batch=%d code=%s", batch_id, error.problems[0].code)

    def _call_workers(self, batch_id: int, tasks: int) -> None:
        """Tell the workers; where that fails they find the batch by themselves, some seconds later."""
        try:
            self._enqueue(batch_id, tasks)
        except ProblemError as error:
            log.warning("event=not_enqueued batch=%d code=%s", batch_id, error.problems[0].code)

    # looking

    def view(self, batch_id: int) -> BatchView:
        """How a batch stands; BATCH_UNKNOWN where there is none."""
        with self._store.read() as connection:
            row = batches.get(connection, batch_id)
            if row is None:
                raise _unknown(batch_id)
            return self._views(connection, [row])[0]

    def every(self, *, before: int | None = None, most: int = 50) -> tuple[BatchView, ...]:
        """A page of batches, newest first: those with an id below `before`."""
        with self._store.read() as connection:
            rows = batches.newest(connection, before=before, most=min(most, MOST_PAGE))
            return self._views(connection, rows)

    def problems(self, batch_id: int, most: int = 1_000, *, quotes: bool = True) -> tuple[CellProblem, ...]:
        """What is wrong with its rows, in the order of the list.

        What a bad row says is shown as long as it is kept; afterwards, and without `quotes`, a sign stands in its
        place.
        """
        self.view(batch_id)
        with self._store.read() as connection:
            rows = batch_rows.with_problems(connection, batch_id, most=most)
        found: list[CellProblem] = []
        for row_id, _, text, sealed in rows:
            kept = open_row(self._link_key, row_id, sealed) if quotes else None
            found += kept.problems if kept and kept.problems else from_text(tuple[CellProblem, ...], text or "[]")
        return tuple(found[:most])

    def _views(self, connection: Connection, rows: Sequence[BatchRow]) -> tuple[BatchView, ...]:
        ids = [row.id for row in rows]
        counts = batch_rows.counts(connection, ids)
        stopped: dict[int, list[StoppedServer]] = {}
        for batch_id, server, code in batch_rows.stopped_servers(connection, ids):
            stopped.setdefault(batch_id, []).append(StoppedServer(server=server, code=code))
        views = []
        for row in rows:
            speed = self._speed(connection, row.id) if row.state == BatchState.MAKING else None
            left_alone = tuple(stopped.get(row.id, ()))
            views.append(view_of(row, counts[row.id], now=self._now(), speed=speed, stopped=left_alone))
        return tuple(views)

    def _speed(self, connection: Connection, batch_id: int) -> Speed | None:
        now = self._now()
        ended, first = batch_rows.done_since(connection, batch_id, now - SPEED_SECONDS)
        if first is None:
            return None
        left = batch_rows.count_open(connection, batch_id)
        rate = ended / max(now - first, 0.5)
        return Speed(rows_per_second=round(rate, 1), seconds_left=round(left / rate))

    # what an admin does

    def cancel(self, batch_id: int, actor: str) -> None:
        """Stop a batch: what is made stays, what is not is never made, and no more mail goes out."""
        with self._store.write() as connection:
            self._known(connection, batch_id)
            stopped = batches.set_state(
                connection, batch_id, known=ACTIVE, state=BatchState.CANCELLED, at=self._now()
            )
            batch_rows.withdraw_mails(connection, batch_id)
            self._record(connection, actor, "batch.cancel", _subject(batch_id))
        if stopped:
            self._end_rows(batch_id)

    def delete(self, batch_id: int, actor: str) -> None:
        """Delete a batch with its rows, links, and all that came of them.

        Its links end in the first transaction. An invitation that a row of another batch stands for passes to it:
        the person's card is still wanted there.
        """
        self._delete(batch_id, actor, "batch.delete")

    def retry(self, batch_id: int, actor: str) -> int:
        """Let the failed rows of an ended batch be made again; return how many. Every server is tried anew."""
        with self._store.write() as connection:
            row = self._known(connection, batch_id)
            if row.state not in _ENDED:
                return 0
            count = batch_rows.retry(connection, batch_id)
            if count:
                batch_rows.forgive_servers(connection, batch_id)
                batches.set_state(connection, batch_id, known=_ENDED, state=BatchState.WAITING, at=None)
            self._record(connection, actor, "batch.retry", _subject(batch_id), rows=str(count))
        if count:
            self._call_workers(batch_id, TASKS_CHECKED)
        return count

    def _known(self, connection: Connection, batch_id: int) -> BatchRow:
        row = batches.get(connection, batch_id)
        if row is None:
            raise _unknown(batch_id)
        return row

    def _delete(self, batch_id: int, actor: str, action: str) -> None:
        with self._store.write() as connection:
            row = self._known(connection, batch_id)
            states = frozenset(BatchState) - {BatchState.DELETING}
            batches.set_state(connection, batch_id, known=states, state=BatchState.DELETING, at=self._now())
            passed = batches.pass_on_invitations(connection, batch_id)
            batches.end_links(connection, batch_id)
            self._record(connection, actor, action, _subject(batch_id), name=row.name, passed_on=str(passed))
        self._remove(batch_id)

    def _end_rows(self, batch_id: int) -> None:
        """Cancel what is open, in short transactions; the sweep goes on where this process dies."""
        while True:
            with self._store.write() as connection:
                if not batch_rows.cancel(connection, batch_id, at=self._now(), most=_AT_ONCE):
                    batches.count_made(connection, batch_id)
                    return

    def _remove(self, batch_id: int) -> None:
        """Delete what hangs on a deleted batch, in short transactions."""
        for remove in (batches.remove_invitations, batch_rows.remove):
            while True:
                with self._store.write() as connection:
                    if not remove(connection, batch_id, most=_AT_ONCE):
                        break
        with self._store.write() as connection:
            batches.remove(connection, batch_id)

    # what happens by itself

    def sweep(self) -> tuple[int, ...]:
        """Tidy up, and return the batches that somebody should go on with. Any process may do it at any time."""
        now = self._now()
        with self._store.read() as connection:
            dead = batches.dead_readings(connection, silent_since=now - READING_SECONDS)
            cancelled = batches.unfinished(connection, BatchState.CANCELLED)
            deleted = batches.unfinished(connection, BatchState.DELETING)
            outlived = batches.outlived(connection, finished_before=now - self._retention, now=now)
        for batch_id in dead:
            self._give_up_reading(batch_id)
        for batch_id in cancelled:
            self._end_rows(batch_id)
        for batch_id in deleted:
            self._remove(batch_id)
        for batch_id in outlived:
            self._delete(batch_id, HOUSE, "batch.expire")
        return self._stalled(now)

    def forget(self) -> None:
        """Forget secrets and lists whose time is over."""
        now = self._now()
        old = now - SECRETS_SECONDS
        with self._store.read() as connection:
            more = batch_rows.has_old_secrets(connection, done_before=old)
        while more:
            with self._store.write() as connection:
                more = bool(batch_rows.forget_secrets(connection, done_before=old, most=_AT_ONCE))
        with self._store.write() as connection:
            invitations.forget_ended(connection, now=now)
            uploads.purge(connection, now=now)
            batches.forget_turns(connection, before=now - _DAY)

    def _stalled(self, now: float) -> tuple[int, ...]:
        silent_since = now - self._stalled_after
        with self._store.read() as connection:
            if not batches.is_any_stalled(connection, silent_since=silent_since):
                return ()
        with self._store.write() as connection:
            return tuple(batches.stalled(connection, silent_since=silent_since, now=now))


def open_batches(
    store: Store,
    find: FindSettings,
    config: Config,
    *,
    record: Record,
    enqueue: Callable[[int, int], None],
    stalled_seconds: float = STALLED_SECONDS,
) -> Batches:
    """The batches of this host."""
    return Batches(
        store,
        find,
        link_key=config.link_key,
        record=record,
        enqueue=enqueue,
        retention_days=config.retention_days,
        stalled_seconds=stalled_seconds,
    )


def _as_read(options: BatchOptions, listing: ListFile, columns: Columns) -> BatchOptions:
    """The options with what was found out about the list: its bad rows go back as they came."""
    return replace(
        options,
        encoding=listing.encoding.codec if listing.encoding else options.encoding,
        delimiter=listing.delimiter or options.delimiter,
        headings=columns.headings if columns.header_row is not None else (),
        fields=columns.fields,
    )


def _subject(batch_id: int) -> str:
    return f"batch {batch_id}"


def _unknown(batch_id: int) -> ProblemError:
    return ProblemError(Problem(Code.BATCH_UNKNOWN, {"id": str(batch_id)}))
