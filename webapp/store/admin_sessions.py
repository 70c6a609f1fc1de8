"""Rows of admins' sessions; their tokens stand here as hashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, or_, select, update

from webapp.store.tables import admin_sessions, admins


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """One session, and whose it is."""

    token_hash: bytes
    admin_id: int
    name: str
    role: str
    complete: bool
    created_at: float
    seen_at: float
    proved_at: float
    network: str
    browser: str


_OWN = ("token_hash", "admin_id", "complete", "created_at", "seen_at", "proved_at", "network", "browser")
_QUERY = select(*(admin_sessions.c[name] for name in _OWN), admins.c.name, admins.c.role).join(
    admins, admins.c.id == admin_sessions.c.admin_id
)


def add(
    connection: Connection,
    token_hash: bytes,
    admin_id: int,
    *,
    complete: bool,
    now: float,
    network: str,
    browser: str,
) -> None:
    """Begin a session."""
    connection.execute(
        insert(admin_sessions).values(
            token_hash=token_hash,
            admin_id=admin_id,
            complete=complete,
            created_at=now,
            seen_at=now,
            proved_at=now,
            network=network,
            browser=browser,
        )
    )


def get(
    connection: Connection, token_hash: bytes, *, seen_after: float, created_after: float
) -> SessionRow | None:
    """A session that is neither idle nor too old, of an admin who is not disabled."""
    columns = admin_sessions.c
    alive = (columns.seen_at > seen_after, columns.created_at > created_after, admins.c.disabled_at.is_(None))
    row = connection.execute(_QUERY.where(columns.token_hash == token_hash, *alive)).mappings().first()
    return None if row is None else SessionRow(**row)


def every(
    connection: Connection, admin_id: int | None, *, seen_after: float, created_after: float
) -> Sequence[SessionRow]:
    """The living sessions of one admin, or of all, the last used first."""
    columns = admin_sessions.c
    query = _QUERY.where(columns.seen_at > seen_after, columns.created_at > created_after, columns.complete)
    if admin_id is not None:
        query = query.where(columns.admin_id == admin_id)
    return [SessionRow(**row) for row in connection.execute(query.order_by(columns.seen_at.desc())).mappings()]


def touch(connection: Connection, token_hash: bytes, *, now: float) -> None:
    """The session is in use."""
    connection.execute(update(admin_sessions).where(admin_sessions.c.token_hash == token_hash).values(seen_at=now))


def prove(connection: Connection, token_hash: bytes, *, now: float) -> None:
    """Password and code were given again."""
    connection.execute(
        update(admin_sessions).where(admin_sessions.c.token_hash == token_hash).values(proved_at=now, seen_at=now)
    )


def end(connection: Connection, token_hash: bytes) -> bool:
    """End a session; False where there is none."""
    return (
        connection.execute(delete(admin_sessions).where(admin_sessions.c.token_hash == token_hash)).rowcount == 1
    )


def end_all(connection: Connection, admin_id: int) -> None:
    """End every session of an admin."""
    connection.execute(delete(admin_sessions).where(admin_sessions.c.admin_id == admin_id))


def purge(connection: Connection, *, seen_before: float, created_before: float) -> None:
    """Forget sessions whose time has ended."""
    columns = admin_sessions.c
    over = or_(columns.seen_at <= seen_before, columns.created_at <= created_before)
    connection.execute(delete(admin_sessions).where(over))
