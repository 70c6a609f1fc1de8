"""The audit log: who did what to whom, each row bound to all rows before it.

A row is written in the transaction of the change that it tells of, so a change without its row cannot be. The
chain is keyed, so that whoever can write the database alone cannot write a new chain. No secret ever comes here.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from profiles.problems import Code, Problem, quoted
from webapp.store import Connection, Store
from webapp.store import audit as rows

MOST_SUBJECT = 320


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row as a page shows it."""

    number: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: Mapping[str, str]


class Audit:
    """The log of one database."""

    def __init__(self, store: Store, *, key: bytes, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._key = hashlib.sha256(b"hagaki audit " + key).digest()
        self._now = now

    def record(self, connection: Connection, actor: str, action: str, subject: str = "", **details: str) -> None:
        """Add a row in the caller's transaction."""
        self.record_each(connection, actor, action, [(subject, details)])

    def record_each(
        self, connection: Connection, actor: str, action: str, told: Sequence[tuple[str, Mapping[str, str]]]
    ) -> None:
        """Add a row for each subject with its details, in the caller's transaction, in few statements."""
        before, digest = rows.last(connection)
        added = []
        for number, (subject, details) in enumerate(told, before + 1):
            row = rows.AuditRow(
                number=number,
                at=self._now(),
                actor=actor,
                action=action,
                subject=quoted(subject, MOST_SUBJECT),
                details=json.dumps(details, ensure_ascii=False, sort_keys=True),
                digest=b"",
            )
            digest = self._digest(digest, row)
            added.append(replace(row, digest=digest))
        if added:
            rows.add(connection, added)

    def newest(self, *, before: int | None = None, most: int = 100) -> tuple[Entry, ...]:
        """A page of the log, newest first."""
        with self._store.read() as connection:
            return tuple(map(_entry, rows.newest(connection, before=before, most=most)))

    def verify(self) -> tuple[int, tuple[Problem, ...]]:
        """How many rows there are, and every row that was changed or is missing."""
        with self._store.read() as connection:
            found = list(self._faults(rows.every(connection), rows.counted(connection)))
            count = rows.last(connection)[0]
        return count, tuple(found)

    def _faults(self, every: Iterator[rows.AuditRow], counted: int) -> Iterator[Problem]:
        number, previous = 0, b""
        for row in every:
            yield from (_missing(lost) for lost in range(number + 1, row.number))
            # Behind a gap the digest that this row stands on is gone: only the gap is told.
            follows = row.number == number + 1
            if follows and not hmac.compare_digest(self._digest(previous, row), row.digest):
                yield Problem(Code.AUDIT_ROW_CHANGED, {"number": str(row.number)}, place=f"row {row.number}")
            number, previous = row.number, row.digest
        yield from (_missing(lost) for lost in range(number + 1, counted + 1))

    def _digest(self, previous: bytes, row: rows.AuditRow) -> bytes:
        told = [row.number, repr(row.at), row.actor, row.action, row.subject, row.details]
        return hmac.digest(self._key, previous + json.dumps(told).encode(), "sha256")


def _missing(number: int) -> Problem:
    return Problem(Code.AUDIT_ROW_MISSING, {"number": str(number)}, place=f"row {number}")


def _entry(row: rows.AuditRow) -> Entry:
    return Entry(
        number=row.number,
        at=datetime.fromtimestamp(row.at, UTC),
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        details=json.loads(row.details),
    )
