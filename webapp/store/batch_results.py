"""What of a batch goes into documents and tables: its rows, page after page.

Only reads. A page is a short transaction of its own, so that a download that takes an hour holds nothing up.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from webapp.store.tables import batch_rows, batches


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchHead:
    """A batch without its rows. The options are text of webapp.store.values."""

    id: int
    name: str
    mode: str
    state: str
    options: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    """One row of a batch. Its problems are text of webapp.store.values."""

    id: bytes
    row: int
    state: str
    address: str
    full_name: str
    department: str
    employee_number: str
    username: str | None
    notify: str | None
    has_password: bool
    sealed: bytes | None = field(repr=False)
    problems: str | None = field(repr=False)
    tried: bool
    invitation_id: bytes | None
    mail_state: str | None
    mail_problems: str | None


_COLUMNS = tuple(batch_rows.c[name] for name in ResultRow.__dataclass_fields__)


def head(connection: Connection, batch_id: int) -> BatchHead | None:
    """The batch, whatever its state."""
    columns = [batches.c[name] for name in BatchHead.__dataclass_fields__]
    found = connection.execute(select(*columns).where(batches.c.id == batch_id)).mappings().first()
    return None if found is None else BatchHead(**found)


def page(
    connection: Connection,
    batch_id: int,
    *,
    after: int,
    most: int,
    states: Collection[str] = (),
    rows: Collection[int] = (),
) -> list[ResultRow]:
    """The next rows by their number; `states` and `rows` choose among them where they are given."""
    query = (
        select(*_COLUMNS)
        .where(batch_rows.c.batch_id == batch_id, batch_rows.c.row > after)
        .order_by(batch_rows.c.row)
        .limit(most)
    )
    if states:
        query = query.where(batch_rows.c.state.in_(states))
    if rows:
        query = query.where(batch_rows.c.row.in_(rows))
    return [ResultRow(**row) for row in connection.execute(query).mappings()]


def row_behind(connection: Connection, batch_id: int, *, state: str, skipped: int) -> int:
    """The number of the row with which the first `skipped` rows of a state end."""
    if not skipped:
        return 0
    numbers = (
        select(batch_rows.c.row)
        .where(batch_rows.c.batch_id == batch_id, batch_rows.c.state == state)
        .order_by(batch_rows.c.row)
        .limit(skipped)
        .subquery()
    )
    return int(connection.execute(select(func.max(numbers.c.row))).scalar() or 0)


def count(connection: Connection, batch_id: int, *, state: str) -> int:
    """How many rows are in a state."""
    query = select(func.count()).where(batch_rows.c.batch_id == batch_id, batch_rows.c.state == state)
    return int(connection.execute(query).scalar_one())


def has_mails(connection: Connection, batch_id: int) -> bool:
    """Whether any of its people was to get a mail."""
    query = select(batch_rows.c.id).where(batch_rows.c.batch_id == batch_id, batch_rows.c.mail_state.is_not(None))
    return connection.execute(query.limit(1)).first() is not None
