"""Which column means what: found by its heading in Japanese or English, or said by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from itertools import zip_longest

from profiles.address import parse_address
from profiles.problems import Code, Problem, ProblemError, quoted
from webapp.batches.headings import HEADINGS, Field, field_of, key_of
from webapp.batches.row import Row, column_letter

__all__ = [
    "HEADINGS",
    "LOOKED_AT",
    "Columns",
    "Field",
    "column_name",
    "examine_columns",
    "field_of",
    "find_columns",
    "hold_addresses",
]

LOOKED_AT = 10
"""Rows in which the headings are searched: a title or a date often stands above them."""


_PERHAPS_PHONES = frozenset({"連絡先", "contact"})
_SIGNS = re.compile(r"[,;:|^\t，、；]")
_SHOWN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What the columns of one list mean."""

    headings: tuple[str, ...]
    """As written; without a row of headings the columns' letters."""
    header_row: int | None
    """The row of headings; None where there is none."""
    first_row: int
    """The first row that stands for a person."""
    fields: tuple[tuple[Field, int], ...]
    """Which column (counted from 0) each field is in."""
    _indexes: dict[Field, int] = dataclass_field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Keep the columns at hand: every row asks for them a dozen times."""
        object.__setattr__(self, "_indexes", dict(self.fields))

    def index(self, field: Field) -> int | None:
        """The column of a field."""
        return self._indexes.get(field)

    def has(self, field: Field) -> bool:
        """Whether the list tells this."""
        return self.index(field) is not None

    @property
    def comes_back(self) -> bool:
        """Whether this is our list of bad rows, mended and sent again."""
        return self.has(Field.PROBLEM) and self.has(Field.ADVICE)

    def cell(self, row: Row, field: Field) -> str:
        """The cell of a field, empty where the list or the row has none."""
        index = self._indexes.get(field)
        return row.cells[index] if index is not None and index < len(row.cells) else ""

    def name_of(self, index: int) -> str:
        """`B (氏名)`."""
        return column_name(self.headings, index)


def find_columns(rows: Iterable[Row], *, file: str, given: Sequence[tuple[str, Field]] = ()) -> Columns:
    """Find the columns in the first rows; raises ProblemError where none holds the addresses.

    `given` are pairs of a column, by heading or letter, and the field it means; they go before the headings.
    """
    columns, problems = examine_columns(rows, file=file, given=given)
    if problems:
        raise ProblemError(problems)
    return columns


def examine_columns(
    rows: Iterable[Row],
    *,
    file: str,
    given: Sequence[tuple[str, Field]] = (),
    decided: Sequence[Field | None] | None = None,
) -> tuple[Columns, tuple[Problem, ...]]:
    """Find the columns as far as they can be told, and what is wrong with them.

    `decided` says of every column what it means, and what the headings say is not asked then. Raises ProblemError
    where there is no row to look at.
    """
    head = _head(rows, file)
    header = _header(head, given)
    first = head[0] if header is None else header
    width = max(len(row.cells) for row in head) if header is None else len(first.cells)
    headings = first.cells if header else tuple(column_letter(index) for index in range(width))
    people = [row for row in head if header is None or row.number > header.number]
    problems: list[Problem] = []
    if decided is not None and len(decided) == len(headings):
        fields = _decided(headings, decided, file, problems)
    else:
        fields = _given(headings, given, file, problems)
        _by_headings(headings, people, fields, file, problems)
        if header is None and Field.ADDRESS not in fields:
            _by_content(first, fields)
    if Field.ADDRESS not in fields:
        problems.append(_without_addresses(headings, people, file))
    columns = Columns(
        headings=tuple(heading.strip() for heading in headings),
        header_row=header.number if header else None,
        first_row=first.number + (header is not None),
        fields=tuple(fields.items()),
    )
    return columns, tuple(problems)


def hold_addresses(rows: Iterable[Row]) -> bool:
    """Whether a column of mail addresses can be told from these first rows."""
    try:
        columns, _ = examine_columns(rows, file="")
    except ProblemError:
        return False
    return columns.has(Field.ADDRESS)


def _without_addresses(headings: Sequence[str], people: Sequence[Row], file: str) -> Problem:
    first = headings[0] if headings else ""
    if all(len(row.cells) <= 1 for row in people) and len(headings) == 1 and _SIGNS.search(first):
        return Problem(Code.LIST_ONE_COLUMN, {"file": file, "value": quoted(first.strip())}, place=file)
    return Problem(Code.LIST_ADDRESS_COLUMN_MISSING, {"file": file, "columns": _list(headings)}, place=file)


def _head(rows: Iterable[Row], file: str) -> list[Row]:
    """The readable ones of the first rows."""
    looked_at = _first(rows, LOOKED_AT)
    head = [row for row in looked_at if row.problem is None]
    broken = [replace(row.problem, place=f"{file}: {row.number}") for row in looked_at if row.problem]
    if broken and not (head and head[0].number < min(row.number for row in looked_at if row.problem)):
        # Without a readable first row nothing can be said about the columns.
        raise ProblemError(broken)
    if not head:
        raise ProblemError(Problem(Code.LIST_EMPTY, {"file": file}, place=file))
    return head


def column_name(headings: Sequence[str], index: int) -> str:
    """`B (氏名)`; the letter alone where there is no heading."""
    letter = column_letter(index)
    heading = quoted(headings[index].strip(), _SHOWN) if index < len(headings) else ""
    return f"{letter} ({heading})" if heading and heading != letter else letter


def _first(rows: Iterable[Row], count: int) -> list[Row]:
    return [row for row, _ in zip(rows, range(count), strict=False)]


def _header(head: Sequence[Row], given: Sequence[tuple[str, Field]]) -> Row | None:
    """The row of headings: the one that names the most fields, and no addresses."""

    def named(row: Row) -> int:
        wanted = {key_of(column) for column, _ in given}
        return sum(field_of(cell) is not None or key_of(cell) in wanted for cell in row.cells if cell.strip())

    possible = [row for row in head if not any(_is_address(cell) for cell in row.cells)]
    best = max(possible, key=lambda row: (named(row), _names_addresses(row)), default=None)
    if best is not None and named(best):
        return _completed(best, possible)
    # Headings that say nothing to us are still headings, where the row below holds an address.
    return head[0] if head[0] in possible else None


def _names_addresses(row: Row) -> bool:
    return any(field_of(cell) is Field.ADDRESS for cell in row.cells)


def _names_something(cell: str) -> bool:
    return field_of(cell) is not None


def _completed(header: Row, possible: Sequence[Row]) -> Row:
    """Headings in two rows as one: "name" above "family" and "given"."""
    above = next((row for row in possible if row.number == header.number - 1), None)
    below = next((row for row in possible if row.number == header.number + 1), None)
    cells = list(header.cells)
    if below is not None and all(field_of(cell) for cell in below.cells if cell.strip()):
        pairs = zip_longest(cells, below.cells, fillvalue="")
        cells = [new if new.strip() else old for old, new in pairs]
        header = replace(header, number=below.number)
    named = sum(map(_names_something, above.cells)) if above is not None else 0
    for index, cell in enumerate(above.cells[: len(cells)] if above is not None and named > 1 else ()):
        field = field_of(cell)
        if field is not None and not cells[index].strip() and field not in map(field_of, cells):
            cells[index] = cell
    return replace(header, cells=tuple(cells))


def _given(
    headings: Sequence[str], given: Sequence[tuple[str, Field]], file: str, problems: list[Problem]
) -> dict[Field, int]:
    fields: dict[Field, int] = {}
    for column, field in given:
        index = _find(headings, column)
        if index is None:
            params = {"file": file, "column": quoted(column), "columns": _list(headings)}
            problems.append(Problem(Code.LIST_COLUMN_UNKNOWN, params, place=f"--map {quoted(column)}={field}"))
        else:
            fields[field] = index
    return fields


def _decided(
    headings: Sequence[str], decided: Sequence[Field | None], file: str, problems: list[Problem]
) -> dict[Field, int]:
    """The fields of columns whose meaning was said by hand; our own two columns keep theirs."""
    fields: dict[Field, int] = {}
    for index, (heading, chosen) in enumerate(zip(headings, decided, strict=True)):
        ours = field_of(heading) if chosen is None else chosen
        if ours is None or (chosen is None and ours not in (Field.PROBLEM, Field.ADVICE)):
            continue
        if ours in fields:
            problems.append(_repeated(headings, [fields[ours], index], ours, file))
        fields.setdefault(ours, index)
    return fields


def _repeated(headings: Sequence[str], indexes: Sequence[int], field: Field, file: str) -> Problem:
    names = ", ".join(column_name(headings, index) for index in indexes)
    return Problem(Code.LIST_COLUMN_REPEATED, {"columns": names, "field": field.value}, place=file)


def _find(headings: Sequence[str], column: str) -> int | None:
    """A column by its heading, else by its letter, else by its number."""
    keys = [key_of(heading) for heading in headings]
    if key_of(column) in keys:
        return keys.index(key_of(column))
    letters = [column_letter(index).casefold() for index in range(len(headings))]
    wanted = key_of(column)
    if wanted in letters:
        return letters.index(wanted)
    return int(wanted) - 1 if wanted.isdecimal() and 0 < int(wanted) <= len(headings) else None


def _by_headings(
    headings: Sequence[str], people: Sequence[Row], fields: dict[Field, int], file: str, problems: list[Problem]
) -> None:
    taken = set(fields.values())
    found: dict[Field, list[tuple[tuple[bool, int], int]]] = {}
    for index, heading in enumerate(headings):
        field = _meaning(heading, _cells_of(people, index))
        if field is not None and field not in fields and index not in taken:
            lacks = field is Field.ADDRESS and not any(map(_is_address, _cells_of(people, index)))
            found.setdefault(field, []).append(((lacks, _rank(field, heading)), index))
    if Field.ADDRESS not in fields and Field.ADDRESS not in found and Field.USERNAME in found:
        _by_usernames(people, found)
    for field, ranked in found.items():
        best, index = min(ranked)
        same = [index for rank, index in ranked if rank == best]
        if len(same) > 1:
            problems.append(_repeated(headings, same, field, file))
        fields[field] = index


def _meaning(heading: str, cells: Sequence[str]) -> Field | None:
    """What a heading means above these cells: contacts may be telephone numbers."""
    if key_of(heading) in _PERHAPS_PHONES and cells and not any("@" in cell or "＠" in cell for cell in cells):
        return None
    return field_of(heading)


def _by_usernames(people: Sequence[Row], found: dict[Field, list[tuple[tuple[bool, int], int]]]) -> None:
    """Where people log in with their addresses, no other column may hold them."""
    for ranked, index in found[Field.USERNAME]:
        cells = _cells_of(people, index)
        if cells and all(map(_is_address, cells)):
            found[Field.ADDRESS] = [(ranked, index)]
            found[Field.USERNAME].remove((ranked, index))
            break
    if not found[Field.USERNAME]:
        del found[Field.USERNAME]


def _cells_of(people: Sequence[Row], index: int) -> list[str]:
    return [cell for row in people if index < len(row.cells) and (cell := row.cells[index].strip())]


def _rank(field: Field, heading: str) -> int:
    """How well a heading fits: of several columns the one with the most usual word is taken."""
    headings = HEADINGS[field]
    key = key_of(heading)
    return headings.index(key) if key in headings else len(headings)


def _by_content(row: Row, fields: dict[Field, int]) -> None:
    """Without headings, the column of addresses is the one that holds one."""
    for index, cell in enumerate(row.cells):
        if index not in fields.values() and _is_address(cell):
            fields[Field.ADDRESS] = index
            return


def _is_address(cell: str) -> bool:
    return ("@" in cell or "＠" in cell) and parse_address(cell)[0] is not None


def _list(headings: Sequence[str]) -> str:
    return ", ".join(column_name(headings, index) for index in range(min(len(headings), 20)))
