"""The rows of a durable batch as its results need them: whose they are, their links, what is wrong with them.

They are read page after page, each in a short transaction of its own: nothing is held while a page is worked on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from profiles.address import Address
from profiles.problems import Code, Problem, ProblemError
from webapp.batches.archive import Writable
from webapp.batches.columns import Field, field_of
from webapp.batches.documents import Wanted
from webapp.batches.invitations import Invitation, Invitations
from webapp.batches.options import BatchOptions, BatchState, Mode, Part, RowState
from webapp.batches.returned import ReturnedRows, Shape
from webapp.batches.rows import CellProblem, Employee, FindSettings
from webapp.batches.sealing import RowSecrets, open_row
from webapp.handouts import Layout
from webapp.store import Store
from webapp.store import batch_results as table
from webapp.store.batch_results import ResultRow
from webapp.store.values import from_text

PAGE = 100
"""Rows that are read and worked on together."""
NOT_MADE = (RowState.FAILED, RowState.BAD)
_NO_FIELDS = (
    Field.ADDRESS,
    Field.FULL_NAME,
    Field.DEPARTMENT,
    Field.EMPLOYEE_NUMBER,
    Field.USERNAME,
    Field.PASSWORD,
    Field.PIN,
)
"""The order of cells where nobody knows any more what the columns were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch and what is wanted of it."""

    id: int
    name: str
    options: BatchOptions
    wanted: Wanted
    has_mails: bool
    """Whether any of its people was to get a mail."""

    @property
    def is_ready_made(self) -> bool:
        """Whether its documents hold passwords."""
        return self.wanted.mode is Mode.READY_MADE

    def returned_rows(self, target: Writable) -> ReturnedRows:
        """The list of bad rows, written as the list was."""
        options = self.options
        shape = Shape(
            codec=options.encoding,
            delimiter=options.delimiter,
            headings=options.headings,
            width=len(options.headings),
        )
        return ReturnedRows(target, shape, describe=self.wanted.describe, translate=self.wanted.translate)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultLine:
    """One row with everything that is known of it now."""

    stored: ResultRow
    state: RowState
    employee: Employee | None
    """None where nothing was made, or its domain is no longer served here."""
    invitation: Invitation | None
    """None where nothing was made, or the link has ended."""
    problems: tuple[Problem, ...]
    mail_problems: tuple[Problem, ...]
    """What became of its mail, where that was not simply sent."""
    unchecked: bool
    secrets: RowSecrets
    """Of a row that was not made, as long as they are kept."""

    @property
    def number(self) -> int:
        """Of the row in the list."""
        return self.stored.row

    @property
    def address(self) -> str:
        """As far as it could be read."""
        return self.stored.address or self.secrets.address

    def cells(self, options: BatchOptions) -> tuple[str, ...]:
        """The row as the list said it, or the part of it that was kept."""
        if self.secrets.cells:
            return self.secrets.cells
        stored = self.stored
        said = {
            Field.ADDRESS: stored.address,
            Field.FULL_NAME: stored.full_name,
            Field.DEPARTMENT: stored.department,
            Field.EMPLOYEE_NUMBER: stored.employee_number,
            Field.USERNAME: stored.username or "",
            Field.PASSWORD: self.secrets.password or "",
            Field.PIN: self.secrets.pin or "",
            Field.NOTIFY: stored.notify or "",
        }
        columns = dict(_columns(options))
        width = max((*columns, len(options.headings) - 1), default=-1) + 1
        meanings = (columns.get(index) for index in range(width))
        return tuple("" if one is None else said.get(one, "") for one in meanings)


class ResultRows:
    """Reads the rows of the batches of one database."""

    def __init__(
        self,
        store: Store,
        invitations: Invitations,
        *,
        find: FindSettings,
        link_key: bytes,
        base_url: str,
        timezone: tzinfo,
    ) -> None:
        self._store = store
        self._invitations = invitations
        self._find = find
        self._link_key = link_key
        self._base_url = base_url
        self._timezone = timezone

    def open(self, batch_id: int, *, parts: Collection[Part] = (), layout: Layout | None = None) -> Batch:
        """A batch by its id; BATCH_UNKNOWN where there is none. `parts` and `layout` stand in for its own."""
        with self._store.read() as connection:
            head = table.head(connection, batch_id)
            has_mails = table.has_mails(connection, batch_id)
        if head is None or head.state == BatchState.DELETING:
            raise ProblemError(Problem(Code.BATCH_UNKNOWN, {"id": str(batch_id)}))
        options = from_text(BatchOptions, head.options) if head.options else BatchOptions(expires_at=0)
        wanted = Wanted(
            mode=Mode(head.mode),
            base_url=self._base_url,
            language=options.language,
            timezone=self._timezone,
            expires_at=datetime.fromtimestamp(options.expires_at, UTC),
            parts=frozenset(parts or options.parts),
            layout=layout or options.layout,
            company=options.company,
            help=options.help,
        )
        return Batch(id=head.id, name=head.name, options=options, wanted=wanted, has_mails=has_mails)

    def made(self, batch_id: int) -> int:
        """How many rows something was made of."""
        with self._store.read() as connection:
            return table.count(connection, batch_id, state=RowState.MADE)

    def behind(self, batch_id: int, *, made: int) -> int:
        """The number of the row with which so many rows that were made end."""
        with self._store.read() as connection:
            return table.row_behind(connection, batch_id, state=RowState.MADE, skipped=made)

    def read(
        self, batch: Batch, *, chosen: Collection[int] = (), states: Collection[RowState] = (), after: int = 0
    ) -> Iterator[ResultLine]:
        """The rows in the order of the list: all of them, or the chosen numbers."""
        if chosen:
            numbers = sorted(set(chosen))
            for start in range(0, len(numbers), PAGE):
                yield from self._page(batch, states=states, after=after, rows=numbers[start : start + PAGE])
            return
        while found := self._page(batch, states=states, after=after):
            yield from found
            after = found[-1].number

    def _page(
        self, batch: Batch, *, states: Collection[RowState], after: int, rows: Collection[int] = ()
    ) -> list[ResultLine]:
        with self._store.read() as connection:
            found = table.page(connection, batch.id, after=after, most=PAGE, states=states, rows=rows)
            ids = [row.invitation_id for row in found if row.invitation_id is not None]
            links = self._invitations.again(connection, ids)
        return [self._line(batch, row, links.get(row.invitation_id or b"")) for row in found]

    def _line(self, batch: Batch, row: ResultRow, invitation: Invitation | None) -> ResultLine:
        state = RowState(row.state)
        held = open_row(self._link_key, row.id, row.sealed) if state in NOT_MADE else None
        return ResultLine(
            stored=row,
            state=state,
            employee=self._employee(row) if state is RowState.MADE else None,
            invitation=invitation,
            problems=_problems(row, held),
            mail_problems=from_text(tuple[Problem, ...], row.mail_problems) if row.mail_problems else (),
            unchecked=batch.options.check and row.has_password and not row.tried,
            secrets=held or RowSecrets(),
        )

    def _employee(self, row: ResultRow) -> Employee | None:
        local, _, domain = row.address.rpartition("@")
        settings = self._find(domain)
        if settings is None:
            return None
        return Employee(
            row=row.row,
            address=Address(local, domain),
            settings=settings,
            full_name=row.full_name,
            department=row.department,
            employee_number=row.employee_number,
            username=row.username,
        )


def _problems(row: ResultRow, held: RowSecrets | None) -> tuple[Problem, ...]:
    """In full where they are sealed with the row, else as they stand in the open."""
    found = held.problems if held is not None else ()
    if not found and row.problems:
        found = from_text(tuple[CellProblem, ...], row.problems)
    return tuple(one.problem for one in found)


def _columns(options: BatchOptions) -> Iterator[tuple[int, Field]]:
    """Which field is in which column, as far as that is known."""
    if options.fields:
        yield from ((index, field) for field, index in options.fields)
    elif options.headings:
        for index, heading in enumerate(options.headings):
            field = field_of(heading)
            if field is not None:
                yield index, field
    else:
        yield from enumerate(_NO_FIELDS)
