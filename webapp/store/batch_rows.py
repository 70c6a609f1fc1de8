"""Rows of durable batches. A row belongs to whoever holds its lease; every change of a claimed row asks for it.

`claim` is one UPDATE … RETURNING, so that no row is ever given to two workers; what a worker writes counts only
while the lease is still its own, so a worker that was thought dead changes nothing when it wakes up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import (
    ColumnElement,
    Connection,
    Update,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from webapp.store.batches import FUTURE_SECONDS
from webapp.store.engine import lock
from webapp.store.tables import batch_rows, batch_servers, invitations

_SERVERS_LOCK = 0x5374_6F70


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRow:
    """A row as it is taken from a list. Problems are text of webapp.store.values."""

    id: bytes
    batch_id: int
    row: int
    state: str
    address_key: str
    address: str
    full_name: str
    department: str
    employee_number: str
    username: str | None
    notify: str | None
    has_password: bool
    sealed: bytes | None = field(repr=False)
    problems: str | None = field(repr=False)
    done_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkRow:
    """A claimed row."""

    id: bytes
    row: int
    claims: int
    address: str
    full_name: str
    department: str
    employee_number: str
    username: str | None
    notify: str | None
    has_password: bool
    sealed: bytes | None = field(repr=False)
    problems: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRow:
    """What became of a claimed row."""

    id: bytes
    state: str
    problems: str | None = field(repr=False)
    keeps_secrets: bool = False
    """For another try."""
    tried: bool = False
    invitation_id: bytes | None = None
    mail_state: str | None = None
    mail_kind: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCounts:
    """How many rows and mails of a batch are in each state."""

    states: dict[str, int]
    mails: dict[str, int]


def add(connection: Connection, rows: Iterable[NewRow]) -> None:
    """Write rows of a list."""
    values = [{name: getattr(row, name) for name in NewRow.__dataclass_fields__} for row in rows]
    if values:
        connection.execute(insert(batch_rows), values)


def claim(
    connection: Connection, batch_id: int, *, lease: bytes, until: float, most: int, claims: range
) -> Sequence[WorkRow]:
    """Take so many waiting rows that were claimed so often before; whoever asks at the same time gets others."""
    waiting = (
        select(batch_rows.c.id)
        .where(
            batch_rows.c.batch_id == batch_id,
            batch_rows.c.state == "waiting",
            batch_rows.c.claims.between(claims.start, claims.stop - 1),
        )
        .limit(most)
        .with_for_update(skip_locked=True)
        # As a subquery PostgreSQL may run it anew for every row and find others each time, without any limit.
        .cte("next_rows")
    )
    taken = (
        update(batch_rows)
        .where(batch_rows.c.id.in_(select(waiting.c.id)), batch_rows.c.state == "waiting")
        .values(state="working", lease=lease, lease_until=until, claims=batch_rows.c.claims + 1)
        .returning(*(batch_rows.c[name] for name in WorkRow.__dataclass_fields__))
    )
    found = connection.execute(taken).mappings()
    return sorted((WorkRow(**row) for row in found), key=lambda row: row.row)


def renew(connection: Connection, leases: Sequence[bytes], *, until: float) -> None:
    """Say that these rows are still being worked on."""
    held = batch_rows.c.lease.in_(leases)
    connection.execute(update(batch_rows).where(held, batch_rows.c.state == "working").values(lease_until=until))


def hold(connection: Connection, lease: bytes) -> set[bytes]:
    """The rows that are still ours; nobody can take them from now on until this transaction ends."""
    ours = and_(batch_rows.c.lease == lease, batch_rows.c.state == "working")
    kept = update(batch_rows).where(ours).values(lease=lease).returning(batch_rows.c.id)
    return set(connection.execute(kept).scalars())


def end(connection: Connection, lease: bytes, rows: Iterable[EndedRow], *, at: float) -> None:
    """Write what became of rows that `hold` gave."""
    for keeps in (True, False):
        values = [
            {
                "which": row.id,
                "new_state": row.state,
                "new_problems": row.problems,
                "new_tried": row.tried,
                "new_invitation": row.invitation_id,
                "new_mail": row.mail_state,
                "new_kind": row.mail_kind,
            }
            for row in rows
            if row.keeps_secrets is keeps
        ]
        if values:
            connection.execute(_ending(keeps=keeps, lease=lease, at=at), values)


def _ending(*, keeps: bool, lease: bytes, at: float) -> Update:
    forgotten = {} if keeps else {"sealed": None}
    return (
        update(batch_rows)
        .where(batch_rows.c.id == bindparam("which"), batch_rows.c.lease == lease)
        .values(
            state=bindparam("new_state"),
            problems=bindparam("new_problems"),
            tried=bindparam("new_tried"),
            invitation_id=bindparam("new_invitation"),
            mail_state=bindparam("new_mail"),
            mail_kind=bindparam("new_kind"),
            lease=None,
            lease_until=None,
            done_at=at,
            **forgotten,
        )
    )


def let_go(connection: Connection, lease: bytes, *, counts: bool) -> None:
    """Give back what was claimed and not worked on; the claim `counts`, or it is as if it had never been."""
    connection.execute(
        update(batch_rows)
        .where(batch_rows.c.lease == lease, batch_rows.c.state == "working")
        .values(state="waiting", lease=None, lease_until=None, claims=batch_rows.c.claims - (0 if counts else 1))
    )


def not_mailed(connection: Connection, invitation_ids: Sequence[bytes]) -> set[bytes]:
    """Those of these invitations whose person never got a mail."""
    ids = invitations.c.id.in_(invitation_ids)
    query = select(invitations.c.id).where(ids, invitations.c.mailed_at.is_(None))
    return set(connection.execute(query).scalars())


def free_lapsed(connection: Connection, batch_id: int, *, now: float) -> int:
    """Let rows wait again whose worker gave no sign of life."""
    until = batch_rows.c.lease_until
    lapsed = and_(
        batch_rows.c.batch_id == batch_id,
        batch_rows.c.state == "working",
        or_(until <= now, until > now + FUTURE_SECONDS),
    )
    freed = update(batch_rows).where(lapsed).values(state="waiting", lease=None, lease_until=None)
    return connection.execute(freed).rowcount


def counts(connection: Connection, batch_ids: Sequence[int]) -> dict[int, RowCounts]:
    """How the rows of these batches stand."""
    found = {batch_id: RowCounts(states={}, mails={}) for batch_id in batch_ids}
    for batch_id, state, count in _counted(connection, batch_rows.c.state, batch_ids):
        found[batch_id].states[state or ""] = count
    for batch_id, mail_state, count in _counted(connection, batch_rows.c.mail_state, batch_ids):
        if mail_state is not None:
            found[batch_id].mails[mail_state] = count
    return found


def _counted(
    connection: Connection, column: ColumnElement[str], batch_ids: Sequence[int]
) -> list[tuple[int, str | None, int]]:
    query = select(batch_rows.c.batch_id, column, func.count())
    query = query.where(batch_rows.c.batch_id.in_(batch_ids)).group_by(batch_rows.c.batch_id, column)
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def done_since(connection: Connection, batch_id: int, since: float) -> tuple[int, float | None]:
    """How many rows ended since then, and when the first of them did."""
    query = select(func.count(), func.min(batch_rows.c.done_at)).where(
        batch_rows.c.batch_id == batch_id,
        batch_rows.c.state.in_(("made", "failed")),
        batch_rows.c.done_at >= since,
    )
    row = connection.execute(query).one()
    return int(row[0]), row[1]


def count_open(connection: Connection, batch_id: int) -> int:
    """How many rows wait or are being worked on."""
    query = select(func.count()).where(
        batch_rows.c.batch_id == batch_id, batch_rows.c.state.in_(("waiting", "working"))
    )
    return int(connection.execute(query).scalar_one())


def with_problems(
    connection: Connection, batch_id: int, *, most: int
) -> Sequence[tuple[bytes, int, str | None, bytes | None]]:
    """Rows with problems or notes, in the order of the list: id, row, problems, sealed."""
    query = (
        select(batch_rows.c.id, batch_rows.c.row, batch_rows.c.problems, batch_rows.c.sealed)
        .where(batch_rows.c.batch_id == batch_id, batch_rows.c.problems.isnot(None))
        .order_by(batch_rows.c.row)
        .limit(most)
    )
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]


def cancel(connection: Connection, batch_id: int, *, at: float, most: int) -> int:
    """Give up so many rows that are not done; return how many there were."""
    open_rows = (
        select(batch_rows.c.id)
        .where(batch_rows.c.batch_id == batch_id, batch_rows.c.state.in_(("waiting", "working")))
        .limit(most)
    )
    given_up = (
        update(batch_rows)
        .where(batch_rows.c.id.in_(open_rows.scalar_subquery()))
        .values(state="cancelled", lease=None, lease_until=None, sealed=None, done_at=at)
    )
    return connection.execute(given_up).rowcount


def withdraw_mails(connection: Connection, batch_id: int) -> None:
    """Let mails that still wait be."""
    waiting = and_(batch_rows.c.batch_id == batch_id, batch_rows.c.mail_state == "waiting")
    connection.execute(update(batch_rows).where(waiting).values(mail_state=None))


def retry(connection: Connection, batch_id: int) -> int:
    """Let failed rows wait again, but those whose password is forgotten; return how many."""
    usable = or_(batch_rows.c.has_password.is_(False), batch_rows.c.sealed.isnot(None))
    again = (
        update(batch_rows)
        .where(batch_rows.c.batch_id == batch_id, batch_rows.c.state == "failed", usable)
        .values(state="waiting", claims=0, done_at=None)
    )
    return connection.execute(again).rowcount


def forget_secrets(connection: Connection, *, done_before: float, most: int) -> int:
    """Empty what so many failed and bad rows hold since before then; return how many there were."""
    old = select(batch_rows.c.id).where(_holds_old_secrets(done_before)).limit(most).scalar_subquery()
    return connection.execute(update(batch_rows).where(batch_rows.c.id.in_(old)).values(sealed=None)).rowcount


def has_old_secrets(connection: Connection, *, done_before: float) -> bool:
    """Whether `forget_secrets` would find one; looking holds up no writer."""
    query = select(batch_rows.c.id).where(_holds_old_secrets(done_before)).limit(1)
    return connection.execute(query).first() is not None


def _holds_old_secrets(done_before: float) -> ColumnElement[bool]:
    return and_(
        batch_rows.c.state.in_(("failed", "bad", "cancelled")),
        batch_rows.c.sealed.isnot(None),
        batch_rows.c.done_at < done_before,
    )


def remove(connection: Connection, batch_id: int, *, most: int) -> int:
    """Delete so many rows of a batch."""
    some = select(batch_rows.c.id).where(batch_rows.c.batch_id == batch_id).limit(most)
    return connection.execute(delete(batch_rows).where(batch_rows.c.id.in_(some.scalar_subquery()))).rowcount


# mail servers that a batch leaves alone


def stop_server(connection: Connection, batch_id: int, server: str, *, code: str, at: float) -> None:
    """Leave this server alone for the rest of the batch."""
    known = (batch_servers.c.batch_id == batch_id, batch_servers.c.server == server)
    lock(connection, _SERVERS_LOCK)
    if connection.execute(select(batch_servers.c.server).where(*known)).first() is None:
        values = {"batch_id": batch_id, "server": server, "stopped_at": at, "code": code}
        connection.execute(insert(batch_servers).values(**values))


def stopped_servers(connection: Connection, batch_ids: Sequence[int]) -> list[tuple[int, str, str]]:
    """Servers that are left alone: batch, server, code of what it said."""
    query = select(batch_servers.c.batch_id, batch_servers.c.server, batch_servers.c.code)
    query = query.where(batch_servers.c.batch_id.in_(batch_ids)).order_by(batch_servers.c.stopped_at)
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def forgive_servers(connection: Connection, batch_id: int) -> None:
    """Try every server again."""
    connection.execute(delete(batch_servers).where(batch_servers.c.batch_id == batch_id))
