"""Rows of the audit log. They are added, never changed; webapp/accounts/audit.py computes what links them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from webapp.store.engine import lock
from webapp.store.tables import audit_rows, counters

_AUDIT_LOCK = 0x4175_6469
_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One row; `details` is a JSON object."""

    number: int
    at: float
    actor: str
    action: str
    subject: str
    details: str
    digest: bytes


def last(connection: Connection) -> tuple[int, bytes]:
    """Number and digest of the last row; nobody else adds one until this transaction ends."""
    lock(connection, _AUDIT_LOCK)
    query = select(audit_rows.c.number, audit_rows.c.digest).order_by(audit_rows.c.number.desc()).limit(1)
    row = connection.execute(query).first()
    return (0, b"") if row is None else (row.number, row.digest)


def add(connection: Connection, rows: Sequence[AuditRow]) -> None:
    """Add rows, at least one, and count them."""
    values = [{name: getattr(row, name) for name in AuditRow.__dataclass_fields__} for row in rows]
    connection.execute(insert(audit_rows), values)
    connection.execute(update(counters).where(counters.c.name == "audit").values(value=rows[-1].number))


def counted(connection: Connection) -> int:
    """How many rows there should be."""
    return int(connection.execute(select(counters.c.value).where(counters.c.name == "audit")).scalar_one())


def every(connection: Connection) -> Iterator[AuditRow]:
    """Every row from the first on, a page at a time."""
    number = 0
    while True:
        query = select(audit_rows).where(audit_rows.c.number > number).order_by(audit_rows.c.number).limit(_PAGE)
        rows = [AuditRow(**row) for row in connection.execute(query).mappings()]
        yield from rows
        if len(rows) < _PAGE:
            return
        number = rows[-1].number


def newest(connection: Connection, *, before: int | None, most: int) -> Sequence[AuditRow]:
    """A page of the log, newest first."""
    query = select(audit_rows).order_by(audit_rows.c.number.desc()).limit(most)
    if before is not None:
        query = query.where(audit_rows.c.number < before)
    return [AuditRow(**row) for row in connection.execute(query).mappings()]
