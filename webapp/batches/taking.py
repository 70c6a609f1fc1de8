"""From a list to rows in the database: read once, in chunks, each written in a short transaction."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from webapp.batches.columns import Columns, Field
from webapp.batches.options import BatchOptions, Mode, RowState
from webapp.batches.pins import PIN_DIGITS, new_pin
from webapp.batches.rows import CellProblem, CheckedRow, Employee
from webapp.batches.sealing import RowSecrets, seal_row, without_quotes
from webapp.store.batch_rows import NewRow
from webapp.store.values import to_text

CHUNK = 500
_MOST_NAME = 255


@dataclass(slots=True, kw_only=True)
class Taking:
    """Makes rows of a batch out of checked rows of a list."""

    batch_id: int
    link_key: bytes = field(repr=False)
    mode: Mode
    options: BatchOptions
    columns: Columns
    at: float
    total: int = 0
    good: int = 0
    _pins: bytearray = field(default_factory=lambda: bytearray(10**PIN_DIGITS), repr=False)
    """Which PINs are taken: as large for ten rows as for a hundred thousand."""

    def rows(self, checked: Iterable[CheckedRow]) -> Iterator[list[NewRow]]:
        """Chunks of rows, as they are to be written."""
        every = iter(checked)
        while chunk := [self._row(row) for row in islice(every, CHUNK)]:
            yield chunk

    def _row(self, checked: CheckedRow) -> NewRow:
        self.total += 1
        if checked.employee is None:
            return self._bad(checked)
        self.good += 1
        return self._good(checked.employee, checked.problems)

    def _good(self, employee: Employee, problems: tuple[CellProblem, ...]) -> NewRow:
        row_id, address = secrets.token_bytes(16), str(employee.address)
        kept = self._secrets(employee)
        return NewRow(
            id=row_id,
            batch_id=self.batch_id,
            row=employee.row,
            state=RowState.WAITING,
            address_key=employee.address.key,
            address=address,
            full_name=employee.full_name[:_MOST_NAME],
            department=employee.department,
            employee_number=employee.employee_number,
            username=employee.username,
            notify=str(employee.notify) if employee.notify else None,
            has_password=employee.password is not None,
            sealed=None if kept is None else seal_row(self.link_key, row_id, kept),
            problems=to_text(without_quotes(problems, address)) if problems else None,
            done_at=None,
        )

    def _secrets(self, employee: Employee) -> RowSecrets | None:
        """What is needed of a row later on: a password that nobody will use is not kept, not even sealed."""
        if self.mode is Mode.READY_MADE:
            return RowSecrets(password=employee.password, pin=employee.pin, spare_pin=self._spare_pin(employee))
        used = self.options.check and employee.password is not None
        return RowSecrets(password=employee.password) if used else None

    def _spare_pin(self, employee: Employee) -> str | None:
        """A PIN that no row before has, for whoever has none in the list."""
        if employee.pin is not None:
            self._pins[int(employee.pin)] = True
            return None
        while True:
            pin = new_pin(employee.employee_number)
            if not self._pins[int(pin)]:
                self._pins[int(pin)] = True
                return pin

    def _bad(self, checked: CheckedRow) -> NewRow:
        row_id = secrets.token_bytes(16)
        # Where the address itself is wrong, its cell may hold anything, also a password of shifted columns.
        column = self.columns.index(Field.ADDRESS)
        doubtful = checked.row.problem is not None or any(
            found.column == column and found.problem.is_error for found in checked.problems
        )
        address = "" if doubtful else checked.address
        kept = RowSecrets(cells=checked.row.cells, address=checked.address, problems=checked.problems)
        return NewRow(
            id=row_id,
            batch_id=self.batch_id,
            row=checked.row.number,
            state=RowState.BAD,
            address_key=address.lower(),
            address=address,
            full_name="",
            department="",
            employee_number="",
            username=None,
            notify=None,
            has_password=False,
            sealed=seal_row(self.link_key, row_id, kept),
            problems=to_text(without_quotes(checked.problems, address)),
            done_at=self.at,
        )
