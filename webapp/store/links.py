"""Rows of deliveries and hand-overs. Every claim is one UPDATE … RETURNING: what it returns was won, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Select, delete, insert, or_, select, update

from webapp.store.tables import deliveries, handovers

_TO_END = (handovers, deliveries)
"""In this order: a claim on its way makes a delivery of a hand-over, and has to be waited for first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """One file to fetch."""

    filename: str
    fetches: int
    expires_at: float
    revoked: bool
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What one fetch got."""

    sealed: bytes = field(repr=False)
    group_hash: bytes
    fetches: int
    """This one included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverRow:
    """One hand-over to claim."""

    claimed_at: float | None
    expires_at: float
    revoked: bool
    sealed: bytes = field(repr=False)


def put_delivery(
    connection: Connection,
    token_hash: bytes,
    group_hash: bytes,
    *,
    filename: str,
    sealed: bytes,
    expires_at: float,
) -> None:
    """Lay one file ready."""
    connection.execute(
        insert(deliveries).values(
            token_hash=token_hash,
            group_hash=group_hash,
            filename=filename,
            sealed=sealed,
            fetches=0,
            expires_at=expires_at,
            revoked=False,
        )
    )


def put_handover(
    connection: Connection, token_hash: bytes, group_hash: bytes, *, sealed: bytes, expires_at: float
) -> None:
    """Lay a hand-over ready."""
    connection.execute(
        insert(handovers).values(
            token_hash=token_hash, group_hash=group_hash, sealed=sealed, expires_at=expires_at, revoked=False
        )
    )


def fetch(connection: Connection, token_hash: bytes, *, filename: str, now: float, most: int) -> Fetched | None:
    """Count one fetch; None where none is left."""
    won = (
        update(deliveries)
        .where(
            deliveries.c.token_hash == token_hash,
            deliveries.c.filename == filename,
            deliveries.c.fetches < most,
            deliveries.c.expires_at > now,
            deliveries.c.revoked.is_(False),
        )
        .values(fetches=deliveries.c.fetches + 1)
        .returning(deliveries.c.sealed, deliveries.c.group_hash, deliveries.c.fetches)
    )
    row = connection.execute(won).first()
    if row is None:
        return None
    return Fetched(sealed=row.sealed, group_hash=row.group_hash, fetches=row.fetches)


def claim(connection: Connection, token_hash: bytes, *, now: float) -> tuple[bytes, bytes] | None:
    """Claim a hand-over: its group and sealed bytes, None where it was claimed before or has ended."""
    won = (
        update(handovers)
        .where(
            handovers.c.token_hash == token_hash,
            handovers.c.claimed_at.is_(None),
            handovers.c.expires_at > now,
            handovers.c.revoked.is_(False),
        )
        .values(claimed_at=now)
        .returning(handovers.c.group_hash, handovers.c.sealed)
    )
    row = connection.execute(won).first()
    return None if row is None else (row.group_hash, row.sealed)


def group_of(connection: Connection, token_hash: bytes) -> bytes | None:
    """What stands above a delivery."""
    query = select(deliveries.c.group_hash).where(deliveries.c.token_hash == token_hash).limit(1)
    found: bytes | None = connection.execute(query).scalar()
    return found


def delivery(connection: Connection, token_hash: bytes) -> Sequence[DeliveryRow]:
    """The files of a delivery, whatever became of them."""
    query = select(deliveries).where(deliveries.c.token_hash == token_hash)
    rows = connection.execute(query.order_by(deliveries.c.filename))
    return [
        DeliveryRow(
            filename=row.filename,
            fetches=row.fetches,
            expires_at=row.expires_at,
            revoked=row.revoked,
            sealed=row.sealed,
        )
        for row in rows
    ]


def handover(connection: Connection, token_hash: bytes) -> HandoverRow | None:
    """A hand-over, whatever became of it."""
    row = connection.execute(select(handovers).where(handovers.c.token_hash == token_hash)).first()
    if row is None:
        return None
    return HandoverRow(
        claimed_at=row.claimed_at, expires_at=row.expires_at, revoked=row.revoked, sealed=row.sealed
    )


def revoke(connection: Connection, group_hash: bytes) -> None:
    """End everything of one group and forget its bytes."""
    for table in _TO_END:
        connection.execute(update(table).where(table.c.group_hash == group_hash).values(revoked=True, sealed=b""))


def revoke_groups(connection: Connection, group_hashes: Select[tuple[bytes]]) -> None:
    """End everything of the groups that a query names."""
    for table in _TO_END:
        named = table.c.group_hash.in_(group_hashes.scalar_subquery())
        connection.execute(update(table).where(named).values(revoked=True, sealed=b""))


def purge(connection: Connection, *, now: float, most: int, forgotten_before: float) -> None:
    """Forget the bytes of what has ended, and after a while that it ever was."""
    ended = or_(deliveries.c.expires_at <= now, deliveries.c.fetches >= most)
    connection.execute(update(deliveries).where(ended, deliveries.c.sealed != b"").values(sealed=b""))
    ended_handover = handovers.c.expires_at <= now
    connection.execute(update(handovers).where(ended_handover, handovers.c.sealed != b"").values(sealed=b""))
    for table in (deliveries, handovers):
        connection.execute(delete(table).where(table.c.expires_at < forgotten_before))
