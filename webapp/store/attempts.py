"""Rows of log-in attempts, counted per subject (an account, a network, a domain: as keyed hashes)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from webapp.store.engine import lock
from webapp.store.tables import attempts

_ATTEMPTS_LOCK = 0x4174_7465


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One attempt; `pending` while its outcome is unknown."""

    at: float
    pending: bool


def begin(connection: Connection) -> None:
    """Let nobody else count until this transaction ends: counting and adding are one step."""
    lock(connection, _ATTEMPTS_LOCK)


def since(connection: Connection, subject: bytes, start: float) -> list[AttemptRow]:
    """The attempts of a subject after `start`, oldest first."""
    rows = connection.execute(
        select(attempts.c.at, attempts.c.pending)
        .where(attempts.c.subject == subject, attempts.c.at > start)
        .order_by(attempts.c.at)
    )
    return [AttemptRow(at=row.at, pending=row.pending) for row in rows]


def add(
    connection: Connection, ticket: bytes, subjects: Iterable[bytes], *, at: float, pending: bool = True
) -> None:
    """Count one attempt for each subject."""
    connection.execute(
        insert(attempts),
        [{"ticket": ticket, "subject": subject, "at": at, "pending": pending} for subject in subjects],
    )


def settle(connection: Connection, ticket: bytes) -> None:
    """The attempt failed: it stays counted."""
    connection.execute(update(attempts).where(attempts.c.ticket == ticket).values(pending=False))


def withdraw(connection: Connection, ticket: bytes) -> None:
    """Count the attempt no longer."""
    connection.execute(delete(attempts).where(attempts.c.ticket == ticket))


def forgive(connection: Connection, subjects: Iterable[bytes]) -> None:
    """Forget the failures of these subjects. Attempts still under way stay counted."""
    for subject in subjects:
        connection.execute(delete(attempts).where(attempts.c.subject == subject, attempts.c.pending.is_(False)))


def purge(connection: Connection, before: float) -> None:
    """Forget what no limit looks at any more."""
    connection.execute(delete(attempts).where(attempts.c.at < before))
