"""Rows of checks and their stages. No password ever comes here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from webapp.store.tables import check_stages, checks

OF_DELETED = 0.0
"""The end of a check whose batch was deleted: nothing of it is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """One check; account, options and outcome are texts of webapp.store.values."""

    state: str
    account: str
    options: str
    started_at: float
    heartbeat_at: float
    finished_at: float | None
    outcome: str | None
    generation: int
    unchecked: bool
    invitation_id: bytes | None
    expires_at: float


def put(
    connection: Connection,
    token_hash: bytes,
    *,
    state: str,
    address_key: str,
    account: str,
    options: str,
    at: float,
    expires_at: float,
    invitation_id: bytes | None = None,
) -> None:
    """Begin a check."""
    connection.execute(
        insert(checks).values(
            token_hash=token_hash,
            state=state,
            address_key=address_key,
            account=account,
            options=options,
            started_at=at,
            heartbeat_at=at,
            generation=0,
            unchecked=False,
            invitation_id=invitation_id,
            expires_at=expires_at,
        )
    )


def get(connection: Connection, token_hash: bytes) -> CheckRow | None:
    """One check."""
    columns = [checks.c[name] for name in CheckRow.__dataclass_fields__]
    row = connection.execute(select(*columns).where(checks.c.token_hash == token_hash)).mappings().first()
    return None if row is None else CheckRow(**row)


def recent(connection: Connection, address_key: str, *, most: int) -> Sequence[tuple[bytes, CheckRow]]:
    """The last checks of an address, newest first, each with the hash of its token."""
    names = tuple(CheckRow.__dataclass_fields__)
    query = select(checks.c.token_hash, *(checks.c[name] for name in names))
    query = query.where(checks.c.address_key == address_key).order_by(checks.c.started_at.desc()).limit(most)
    found = connection.execute(query).mappings()
    return [(row["token_hash"], CheckRow(**{name: row[name] for name in names})) for row in found]


def stages(connection: Connection, token_hash: bytes) -> Sequence[str]:
    """The stages of a check in the order in which they ended."""
    query = select(check_stages.c.stage).where(check_stages.c.check_hash == token_hash)
    return connection.execute(query.order_by(check_stages.c.number)).scalars().all()


def add_stage(connection: Connection, token_hash: bytes, *, stage: str, now: float) -> None:
    """Write a stage that has ended; also a sign of life."""
    beat(connection, [token_hash], now=now)
    number = select(func.count()).where(check_stages.c.check_hash == token_hash).scalar_subquery()
    connection.execute(insert(check_stages).values(check_hash=token_hash, number=number, stage=stage))


def beat(connection: Connection, token_hashes: Iterable[bytes], *, now: float) -> None:
    """Say that these checks are being worked on."""
    for token_hash in token_hashes:
        connection.execute(update(checks).where(checks.c.token_hash == token_hash).values(heartbeat_at=now))


def finish(
    connection: Connection,
    token_hash: bytes,
    *,
    state: str,
    account: str,
    outcome: str,
    generation: int,
    now: float,
    unchecked: bool = False,
) -> bool:
    """Write the end of a check; False where it was revoked, or issued unchecked, meanwhile."""
    done = connection.execute(
        update(checks)
        .where(checks.c.token_hash == token_hash, checks.c.generation == 0, checks.c.expires_at > now)
        .values(
            state=state,
            account=account,
            outcome=outcome,
            generation=generation,
            unchecked=unchecked,
            finished_at=now,
        )
    )
    return bool(done.rowcount)


def expire(connection: Connection, token_hash: bytes, *, now: float) -> None:
    """End a check before its time."""
    connection.execute(update(checks).where(checks.c.token_hash == token_hash).values(expires_at=now))


def next_generation(connection: Connection, token_hash: bytes, *, known: int, unchecked: bool, now: float) -> bool:
    """Take the next generation of links; False where another request took it, or the check has ended."""
    won = (
        update(checks)
        .where(checks.c.token_hash == token_hash, checks.c.generation == known, checks.c.expires_at > now)
        .values(generation=known + 1, unchecked=unchecked)
        .returning(checks.c.generation)
    )
    return connection.execute(won).first() is not None


def purge(connection: Connection, *, now: float, begun_before: float) -> None:
    """Forget checks whose time has ended, with their stages.

    One that was ended before its time is known as ended until then, unless its batch was deleted.
    """
    is_old = or_(checks.c.started_at <= begun_before, checks.c.expires_at == OF_DELETED)
    connection.execute(delete(checks).where(checks.c.expires_at <= now, is_old))
