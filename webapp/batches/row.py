"""One row of a list, as it was read."""

from __future__ import annotations

from dataclasses import dataclass, field

from profiles.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The cells of one row. Its repr shows none: one of them may be a password."""

    number: int
    """As a spreadsheet counts: the first row is 1, blank rows included."""
    cells: tuple[str, ...] = field(default=(), repr=False)
    formulas: frozenset[int] = field(default=frozenset(), repr=False)
    """Cells (counted from 0) that a workbook calculates, or failed to."""
    is_hidden: bool = False
    """In the sheet: by a filter, or by hand."""
    problem: Problem | None = None
    """Why it could not be read."""
    ends: bool = False
    """Nothing behind it can be read either."""


def column_letter(index: int) -> str:
    """`A` for 0, `AA` for 26, as spreadsheets name columns."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
