"""Batches as a whole: begun, touched, ended, deleted. Their rows are in batch_rows, the links in invitations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from webapp.store import links as link_rows
from webapp.store.checks import OF_DELETED
from webapp.store.engine import lock
from webapp.store.tables import (
    batch_rows,
    batches,
    checks,
    invitations,
    server_turns,
    uploads,
)

_TURNS_LOCK = 0x5475_726E
_ACTIVE = ("waiting", "making")
FUTURE_SECONDS = 600.0
"""No sign of life and no lease is so far ahead: where it seems so, the clock was set back since."""
DELETING = "deleting"
"""State of a batch that no page knows any more, and whose rows are on their way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRow:
    """A batch. Options are text of webapp.store.values, empty where the command line made it in one go."""

    id: int
    name: str
    mode: str
    state: str
    actor: str
    options: str
    created_at: float
    touched_at: float | None
    finished_at: float | None
    total: int
    made: int


_COLUMNS = tuple(batches.c[name] for name in BatchRow.__dataclass_fields__)


def add_batch(
    connection: Connection,
    *,
    name: str,
    mode: str,
    state: str,
    total: int,
    at: float,
    actor: str = "",
    options: str = "",
) -> int:
    """Begin a batch and return its id."""
    values = {"name": name, "mode": mode, "state": state, "total": total, "made": 0, "created_at": at}
    values |= {"actor": actor, "options": options, "touched_at": at}
    return int(connection.execute(insert(batches).values(values).returning(batches.c.id)).scalar_one())


def end_batch(connection: Connection, batch_id: int, *, state: str, made: int, at: float) -> None:
    """Write how a batch ended that was made in one go."""
    values = {"state": state, "made": made, "finished_at": at}
    connection.execute(update(batches).where(batches.c.id == batch_id).values(values))


def get(connection: Connection, batch_id: int) -> BatchRow | None:
    """One batch; None where it is unknown or deleted."""
    query = select(*_COLUMNS).where(batches.c.id == batch_id, batches.c.state != DELETING)
    row = connection.execute(query).mappings().first()
    return None if row is None else BatchRow(**row)


def newest(connection: Connection, *, before: int | None, most: int) -> Sequence[BatchRow]:
    """A page of batches, newest first."""
    query = select(*_COLUMNS).where(batches.c.state != DELETING).order_by(batches.c.id.desc()).limit(most)
    if before is not None:
        query = query.where(batches.c.id < before)
    return [BatchRow(**row) for row in connection.execute(query).mappings()]


def touch(connection: Connection, batch_id: int, *, state: str, at: float) -> bool:
    """Give a sign of life; False where the batch is in this state no more."""
    here = and_(batches.c.id == batch_id, batches.c.state == state)
    return bool(connection.execute(update(batches).where(here).values(touched_at=at)).rowcount)


def open_batch(connection: Connection, batch_id: int, *, state: str, total: int, at: float) -> bool:
    """End the reading in one statement: from now on workers see the batch. False where it was ended meanwhile."""
    here = and_(batches.c.id == batch_id, batches.c.state == "reading")
    values = {"state": state, "total": total, "touched_at": at}
    return bool(connection.execute(update(batches).where(here).values(values)).rowcount)


def begin_making(connection: Connection, batch_id: int, *, at: float) -> BatchRow | None:
    """Say that a worker is at it; None where nothing is to be made any more."""
    here = and_(batches.c.id == batch_id, batches.c.state.in_(_ACTIVE), batches.c.options != "")
    begun = update(batches).where(here).values(state="making", touched_at=at).returning(*_COLUMNS)
    row = connection.execute(begun).mappings().first()
    return None if row is None else BatchRow(**row)


def beat(connection: Connection, batch_ids: Iterable[int], *, at: float) -> None:
    """Say that these batches are being worked on."""
    here = and_(batches.c.id.in_(tuple(batch_ids)), batches.c.state == "making")
    connection.execute(update(batches).where(here).values(touched_at=at))


def finish_if_done(connection: Connection, batch_id: int, *, state: str, at: float) -> bool:
    """End a batch that has no open row; True where this very call did it."""
    row_of_it = batch_rows.c.batch_id == batch_id
    still_open = select(batch_rows.c.id).where(row_of_it, batch_rows.c.state.in_(("waiting", "working")))
    made = select(func.count()).select_from(batch_rows).where(row_of_it, batch_rows.c.state == "made")
    here = and_(batches.c.id == batch_id, batches.c.state.in_(_ACTIVE), ~still_open.exists())
    values = {"state": state, "finished_at": at, "made": made.scalar_subquery()}
    return bool(connection.execute(update(batches).where(here).values(values)).rowcount)


def set_state(
    connection: Connection, batch_id: int, *, known: Iterable[str], state: str, at: float | None
) -> bool:
    """Put a batch from one of the known states into another; `at` is its end, None where it goes on."""
    here = and_(batches.c.id == batch_id, batches.c.state.in_(tuple(known)))
    return bool(connection.execute(update(batches).where(here).values(state=state, finished_at=at)).rowcount)


def count_made(connection: Connection, batch_id: int) -> None:
    """Write how many rows of a batch are made."""
    made = select(func.count()).select_from(batch_rows)
    made = made.where(batch_rows.c.batch_id == batch_id, batch_rows.c.state == "made")
    connection.execute(update(batches).where(batches.c.id == batch_id).values(made=made.scalar_subquery()))


# uploads of which batches are made


def batch_of_upload(connection: Connection, upload_hash: bytes) -> BatchRow | None:
    """The batch of an upload; whoever asks at the same time waits until this transaction ends."""
    asked = select(uploads.c.batch_id).where(uploads.c.token_hash == upload_hash).with_for_update()
    batch_id = connection.execute(asked).scalar()
    return None if batch_id is None else get(connection, batch_id)


def link_upload(connection: Connection, upload_hash: bytes, batch_id: int) -> None:
    """Write which batch is made of an upload."""
    connection.execute(update(uploads).where(uploads.c.token_hash == upload_hash).values(batch_id=batch_id))


# the sweep


def dead_readings(connection: Connection, *, silent_since: float) -> Sequence[int]:
    """Batches whose reading gave no sign of life since then."""
    dead = and_(batches.c.state == "reading", batches.c.touched_at < silent_since)
    return connection.execute(select(batches.c.id).where(dead)).scalars().all()


def is_any_stalled(connection: Connection, *, silent_since: float) -> bool:
    """Whether `stalled` would find one; looking takes no turn from writers."""
    return connection.execute(select(batches.c.id).where(_silent(silent_since)).limit(1)).first() is not None


def stalled(connection: Connection, *, silent_since: float, now: float) -> Sequence[int]:
    """Take the batches that somebody should go on with: nobody asks for them again until they are silent anew."""
    taken = update(batches).where(_silent(silent_since)).values(touched_at=now).returning(batches.c.id)
    return connection.execute(taken).scalars().all()


def _silent(silent_since: float) -> ColumnElement[bool]:
    touched_at = batches.c.touched_at
    silent = or_(touched_at.is_(None), touched_at < silent_since, touched_at > silent_since + FUTURE_SECONDS)
    # A batch without options is made by a command that is still running, or died.
    return and_(batches.c.state.in_(_ACTIVE), batches.c.options != "", silent)


def unfinished(connection: Connection, state: str) -> Sequence[int]:
    """Batches in this state that still have rows to take leave of."""
    if state == DELETING:
        return connection.execute(select(batches.c.id).where(batches.c.state == DELETING)).scalars().all()
    left = select(batch_rows.c.id).where(
        batch_rows.c.batch_id == batches.c.id, batch_rows.c.state.in_(("waiting", "working"))
    )
    return connection.execute(select(batches.c.id).where(batches.c.state == state, left.exists())).scalars().all()


def outlived(connection: Connection, *, finished_before: float, now: float) -> Sequence[int]:
    """Batches that ended before then, and none of whose links opens any more."""
    opens = select(invitations.c.id).where(
        invitations.c.batch_id == batches.c.id, invitations.c.revoked.is_(False), invitations.c.expires_at > now
    )
    # A command that was killed while it made a list has written no end.
    ended = or_(
        batches.c.finished_at < finished_before,
        and_(batches.c.options == "", batches.c.created_at < finished_before),
    )
    over = and_(batches.c.state != DELETING, ended, ~opens.exists())
    return connection.execute(select(batches.c.id).where(over)).scalars().all()


# deleting


def pass_on_invitations(connection: Connection, batch_id: int) -> int:
    """Give invitations that rows of other batches also use to the newest of these; return how many."""
    query = (
        select(invitations.c.id, batch_rows.c.batch_id, batch_rows.c.row)
        .join(batch_rows, batch_rows.c.invitation_id == invitations.c.id)
        .join(batches, batches.c.id == batch_rows.c.batch_id)
        .where(invitations.c.batch_id == batch_id, batches.c.id != batch_id, batches.c.state != DELETING)
        .order_by(batch_rows.c.batch_id)
    )
    heirs = {row[0]: (row[1], row[2]) for row in connection.execute(query)}
    passed = update(invitations).where(invitations.c.id == bindparam("which"))
    passed = passed.values(batch_id=bindparam("heir"), row=bindparam("heir_row"))
    values = [{"which": which, "heir": heir, "heir_row": row} for which, (heir, row) in heirs.items()]
    if values:
        connection.execute(passed, values)
    return len(values)


def end_links(connection: Connection, batch_id: int) -> None:
    """End every link of a batch with all that came of it: checks, deliveries, hand-overs, secrets."""
    ours = invitations.c.batch_id == batch_id
    ids = select(invitations.c.id).where(ours).scalar_subquery()
    begun = checks.c.invitation_id.in_(ids)
    # In the order of webapp.store.invitations.
    connection.execute(update(invitations).where(ours).values(revoked=True, sealed=None))
    connection.execute(update(checks).where(begun).values(expires_at=OF_DELETED))
    for groups in (select(checks.c.token_hash).where(begun), select(invitations.c.token_hash).where(ours)):
        link_rows.revoke_groups(connection, groups)


def remove_invitations(connection: Connection, batch_id: int, *, most: int) -> int:
    """Delete so many invitations of a batch, with what was set up by them; return how many."""
    some = select(invitations.c.id).where(invitations.c.batch_id == batch_id).limit(most)
    return connection.execute(delete(invitations).where(invitations.c.id.in_(some.scalar_subquery()))).rowcount


def remove(connection: Connection, batch_id: int) -> None:
    """Delete a batch and whatever still hangs on it."""
    connection.execute(delete(batches).where(batches.c.id == batch_id))


# turns at mail servers


def take_turn(connection: Connection, server: str, *, pause: float, now: float) -> float:
    """When the next log-in at this server may begin, whoever works on whichever batch; the one after it waits."""
    taken = _next_turn(connection, server, pause=pause, now=now)
    if taken is None:
        lock(connection, _TURNS_LOCK)
        taken = _next_turn(connection, server, pause=pause, now=now)
    if taken is None:
        connection.execute(insert(server_turns).values(server=server, next_at=now + pause))
        return now
    return taken


def forget_turns(connection: Connection, *, before: float) -> None:
    """Forget servers that nobody waits for."""
    connection.execute(delete(server_turns).where(server_turns.c.next_at < before))


def _next_turn(connection: Connection, server: str, *, pause: float, now: float) -> float | None:
    turn = case((server_turns.c.next_at > now, server_turns.c.next_at), else_=now)
    mine = update(server_turns).where(server_turns.c.server == server).values(next_at=turn + pause)
    next_at: float | None = connection.execute(mine.returning(server_turns.c.next_at)).scalar()
    return None if next_at is None else next_at - pause
