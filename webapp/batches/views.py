"""A batch as pages, the API and the command line show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from webapp.batches.options import BatchOptions, BatchState, MailState, Mode, RowState
from webapp.store.batch_rows import RowCounts
from webapp.store.batches import BatchRow
from webapp.store.values import from_text

ACTIVE = frozenset({BatchState.READING, BatchState.WAITING, BatchState.MAKING})
"""States in which something still happens by itself."""

SILENT_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppedServer:
    """A mail server that said "too many": it is left alone, and its rows are made without a check."""

    server: str
    """Host and port."""
    code: str
    """Of what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """How fast rows end at the moment."""

    rows_per_second: float
    seconds_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchView:
    """One batch at one moment."""

    id: int
    name: str
    mode: Mode
    state: BatchState
    actor: str
    options: BatchOptions | None
    """None for a batch that the command line made in one go."""
    created_at: datetime
    finished_at: datetime | None
    total: int
    waiting: int
    """Also those that are being worked on."""
    made: int
    failed: int
    """Nothing was made of them: by the live check or a format, or because the list is wrong (`bad`)."""
    bad: int
    cancelled: int
    mails: Mapping[MailState, int] = field(default_factory=dict)
    speed: Speed | None = None
    """While it is being made, once something is known."""
    stopped: tuple[StoppedServer, ...] = ()
    is_stalled: bool = False
    """Something is to be done, and for a while nobody has given a sign of life: no worker runs."""

    @property
    def done(self) -> int:
        """Rows that nothing more happens to."""
        return self.made + self.failed + self.cancelled

    @property
    def is_active(self) -> bool:
        """Whether something still happens by itself."""
        return self.state in ACTIVE

    @property
    def is_kept(self) -> bool:
        """Whether its rows are known: only then its documents can be made again, and it can be tried again."""
        return self.options is not None

    @property
    def rows_per_second(self) -> float | None:
        """How fast it is."""
        return None if self.speed is None else self.speed.rows_per_second

    @property
    def seconds_left(self) -> int | None:
        """How long it may still take."""
        return None if self.speed is None else self.speed.seconds_left


def view_of(
    row: BatchRow,
    counts: RowCounts,
    *,
    now: float,
    speed: Speed | None = None,
    stopped: tuple[StoppedServer, ...] = (),
) -> BatchView:
    """What is known of a batch."""
    states = {RowState(state): count for state, count in counts.states.items()}
    kept = bool(row.options)
    silent = now - (row.touched_at or row.created_at)
    ended_at_once = row.finished_at is not None and not kept
    bad = states.get(RowState.BAD, 0)
    return BatchView(
        id=row.id,
        name=row.name,
        mode=Mode(row.mode),
        state=BatchState(row.state),
        actor=row.actor,
        options=from_text(BatchOptions, row.options) if kept else None,
        created_at=_moment(row.created_at),
        finished_at=None if row.finished_at is None else _moment(row.finished_at),
        # While the list is read, its rows so far.
        total=max(row.total, sum(states.values())),
        waiting=states.get(RowState.WAITING, 0) + states.get(RowState.WORKING, 0),
        made=states.get(RowState.MADE, 0) if kept else row.made,
        failed=states.get(RowState.FAILED, 0) + bad + (row.total - row.made if ended_at_once else 0),
        bad=bad,
        cancelled=states.get(RowState.CANCELLED, 0),
        mails={MailState(state): count for state, count in counts.mails.items()},
        speed=speed,
        stopped=stopped,
        is_stalled=kept and row.state in ACTIVE and silent > SILENT_SECONDS,
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
