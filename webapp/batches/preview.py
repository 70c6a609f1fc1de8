"""What the page of an uploaded list shows: how it was read, its first rows, its problems, what can be made of it.

One walk over the rows. The outcome is kept (sealed, by uploads.py), so that no page walks over a long list again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Protocol

from profiles.problems import Code, Problem, ProblemError, quoted
from webapp.batches.columns import LOOKED_AT, Columns, Field, examine_columns
from webapp.batches.encodings import Encoding
from webapp.batches.options import Mode
from webapp.batches.reading import Kind, ListFile, open_list
from webapp.batches.row import Row, column_letter
from webapp.batches.rows import SECRET, CellProblem, CheckedRow, FindSettings, Rules, check_rows
from webapp.batches.uploads import Choices

FIRST_ROWS = 20
SAMPLES = 3
KEPT_PROBLEMS = 1_000
"""Problems that are kept; to show those behind them, the list is read again."""
CHUNK = 500
_SHOWN = 80
DOTS = "•••••••"


class CountInvited(Protocol):
    """Counts who of these addresses has an invitation of this mode that still opens."""

    def __call__(self, address_keys: list[str], mode: Mode) -> int:
        """Count them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of the list."""

    letter: str
    heading: str
    """Empty where the list has no headings."""
    meaning: Field | None
    samples: tuple[str, ...] = field(default=(), repr=False)
    is_ours: bool = False
    """We added it to an earlier return of this list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRow:
    """One of the first rows, as it stands in the list."""

    number: int
    cells: tuple[str, ...] = field(default=(), repr=False)
    """Of the columns that mean something; secrets as dots."""
    wrong: tuple[int, ...] = ()
    """Which of these cells have an error."""
    is_good: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Everything its page shows of a list."""

    kind: Kind | None = None
    encoding: str | None = None
    """Codec of a text file."""
    delimiter: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    columns: tuple[Column, ...] = ()
    remarked: tuple[Problem, ...] = ()
    """What is to be said of the list as a whole."""
    unreadable: tuple[Problem, ...] = ()
    """Why its rows were not looked at."""
    total: int = 0
    good: int = 0
    invited: int = 0
    """Good rows whose address has a card that still works."""
    without_password: int = 0
    """Good rows without a password."""
    rows: tuple[SeenRow, ...] = ()
    errors: int = 0
    notes: int = 0
    problems: tuple[CellProblem, ...] = ()
    """The first errors, in the order of the rows."""
    remarks: tuple[CellProblem, ...] = ()
    """The first of what is not an error."""

    @property
    def bad(self) -> int:
        """Rows of which nothing can be made."""
        return self.total - self.good

    @property
    def encoding_name(self) -> str:
        """What people call the encoding."""
        return Encoding(self.encoding).name if self.encoding else ""

    @property
    def shown_columns(self) -> tuple[Column, ...]:
        """The columns that mean something, in the list's own order."""
        return tuple(column for column in self.columns if column.meaning)

    def has(self, which: Field) -> bool:
        """Whether a column means this."""
        return any(column.meaning is which for column in self.columns)


def open_chosen(path: Path, name: str, choices: Choices) -> ListFile:
    """Open a list as it was chosen to be read; raises ProblemError."""
    return open_list(path, name=name, encoding=choices.encoding, delimiter=choices.delimiter)


def chosen_columns(
    listing: ListFile, choices: Choices, head: Sequence[Row] | None = None
) -> tuple[Columns, tuple[Problem, ...]]:
    """The columns as they were found or said by hand, and what is wrong with them."""
    first = listing.rows() if head is None else head
    columns, problems = examine_columns(first, file=listing.name, decided=choices.fields)
    if choices.mode is Mode.READY_MADE and not columns.has(Field.PASSWORD):
        problems = (*problems, Problem(Code.LIST_PASSWORDS_MISSING, {"file": listing.name}, place=listing.name))
    return columns, problems


def rules(choices: Choices, find: FindSettings) -> Rules:
    """What the rows have to satisfy."""
    return Rules(find=find, needs_password=choices.mode is Mode.READY_MADE)


def preview(path: Path, name: str, choices: Choices, find: FindSettings, count_invited: CountInvited) -> Preview:
    """Look at a list. Whatever is wrong with it, there is something to show."""
    try:
        listing = open_chosen(path, name, choices)
    except ProblemError as error:
        return Preview(unreadable=error.problems)
    seen = Preview(
        kind=listing.kind,
        encoding=listing.encoding.codec if listing.encoding else None,
        delimiter=listing.delimiter,
        sheet=listing.sheet,
        remarked=listing.notes,
    )
    # Read once, from the first row to the last: opening a large workbook takes longer than anything else.
    following = listing.rows()
    head = list(islice(following, LOOKED_AT + SAMPLES))
    try:
        columns, problems = chosen_columns(listing, choices, head)
    except ProblemError as error:
        return replace(seen, unreadable=error.problems)
    seen = replace(seen, header_row=columns.header_row, columns=_described(head, columns), unreadable=problems)
    if problems:
        return seen
    walk = _Walk(columns, partial(count_invited, mode=choices.mode))
    walk.over(check_rows(listing, columns, rules(choices, find), rows=chain(head, following)))
    empty = () if walk.total else (Problem(Code.LIST_EMPTY, {"file": name}, place=name),)
    return replace(walk.told(seen, name), unreadable=empty)


def hidden_rows(count: int, file: str) -> tuple[Problem, ...]:
    """What is to be said of rows that somebody sees only here."""
    return (Problem(Code.LIST_ROWS_HIDDEN, {"count": str(count)}, place=file),) if count else ()


def bad_rows(listing: ListFile, columns: Columns, wanted: Rules) -> Iterator[CheckedRow]:
    """Every row of which nothing can be made."""
    return (checked for checked in check_rows(listing, columns, wanted) if not checked.is_good)


def page_of_problems(
    listing: ListFile, columns: Columns, wanted: Rules, *, first: int, most: int
) -> tuple[CellProblem, ...]:
    """Errors from the `first` (counted from 0), in the order of the rows."""
    errors = (
        found for row in check_rows(listing, columns, wanted) for found in _in_order(row) if found.problem.is_error
    )
    return tuple(islice(errors, first, first + most))


def _in_order(checked: CheckedRow) -> list[CellProblem]:
    """From left to right, as one reads the row."""
    return sorted(checked.problems, key=lambda found: -1 if found.column is None else found.column)


class _Walk:
    """The one walk over the rows."""

    def __init__(self, columns: Columns, count_invited: Callable[[list[str]], int]) -> None:
        self._columns = columns
        self._count_invited = count_invited
        self._shown = sorted((index, which) for which, index in columns.fields if _is_shown(which))
        self._keys: list[str] = []
        self.total = self.good = self.invited = self.without_password = self.errors = self.notes = 0
        self._hidden = 0
        self.rows: list[SeenRow] = []
        self.problems: list[CellProblem] = []
        self.remarks: list[CellProblem] = []

    def over(self, checked_rows: Iterator[CheckedRow]) -> None:
        for checked in checked_rows:
            self.total += 1
            self._hidden += checked.row.is_hidden
            if len(self.rows) < FIRST_ROWS:
                self.rows.append(self._seen(checked))
            self._note(checked)
            if checked.employee is not None:
                self.good += 1
                self.without_password += checked.employee.password is None
                self._keys.append(checked.employee.address.key)
            if len(self._keys) >= CHUNK:
                self._look_up()
        self._look_up()

    def told(self, seen: Preview, file: str) -> Preview:
        """What was seen before, with what the rows are."""
        return replace(
            seen,
            remarked=(*seen.remarked, *hidden_rows(self._hidden, file)),
            total=self.total,
            good=self.good,
            invited=self.invited,
            without_password=self.without_password,
            rows=tuple(self.rows),
            errors=self.errors,
            notes=self.notes,
            problems=tuple(self.problems),
            remarks=tuple(self.remarks),
        )

    def _note(self, checked: CheckedRow) -> None:
        for found in _in_order(checked):
            kept = self.problems if found.problem.is_error else self.remarks
            if len(kept) < KEPT_PROBLEMS:
                kept.append(found)
            if found.problem.is_error:
                self.errors += 1
            else:
                self.notes += 1

    def _look_up(self) -> None:
        if self._keys:
            self.invited += self._count_invited(self._keys)
            self._keys.clear()

    def _seen(self, checked: CheckedRow) -> SeenRow:
        wrong = {found.column for found in checked.problems if found.problem.is_error}
        return SeenRow(
            number=checked.row.number,
            cells=tuple(_shown(_cell(checked.row, index), which) for index, which in self._shown),
            wrong=tuple(place for place, (index, _) in enumerate(self._shown) if index in wrong),
            is_good=checked.is_good,
        )


def _is_shown(which: Field) -> bool:
    return which not in (Field.PROBLEM, Field.ADVICE)


def _described(head: Sequence[Row], columns: Columns) -> tuple[Column, ...]:
    """The columns with what stands in the first rows of each."""
    meanings = {index: which for which, index in columns.fields if _is_shown(which)}
    ours = {columns.index(Field.PROBLEM), columns.index(Field.ADVICE)} if columns.comes_back else set()
    readable = (row for row in head if row.number >= columns.first_row and row.problem is None)
    first = list(islice(readable, SAMPLES))
    return tuple(
        Column(
            letter=column_letter(index),
            heading=quoted(heading, _SHOWN) if columns.header_row is not None else "",
            meaning=meanings.get(index),
            samples=_samples(first, index, meanings.get(index)),
            is_ours=index in ours,
        )
        for index, heading in enumerate(columns.headings)
    )


def _samples(rows: Sequence[Row], index: int, which: Field | None) -> tuple[str, ...]:
    cells = (_cell(row, index).strip() for row in rows)
    return tuple(_shown(cell, which) if which else _unknown(cell) for cell in cells if cell)


def _cell(row: Row, index: int) -> str:
    return row.cells[index] if index < len(row.cells) else ""


def _shown(cell: str, which: Field) -> str:
    if which in SECRET:
        return DOTS if cell else ""
    return quoted(cell.strip(), _SHOWN)


def _unknown(cell: str) -> str:
    """A cell of a column that means nothing yet: enough to know the column by, too little to read a password."""
    if cell.isascii() and not cell.isdigit() and "@" not in cell and " " not in cell:
        return cell[:2] + DOTS if len(cell) > 2 else DOTS
    return quoted(cell, _SHOWN)
