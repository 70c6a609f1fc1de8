"""Rows of CSV and TSV. A row whose quotation marks do not match is one problem; those behind it are still read."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from profiles.problems import Code, Problem
from webapp.batches.row import Row

DELIMITERS = (",", "\t", ";", "|")
MOST_LINES = 20
"""Line breaks in one row. An unclosed quotation mark would otherwise swallow the rest of the list."""
LONGEST_LINE = 1 << 20
"""A longer line is read in pieces, so that no file can fill the memory."""
_LOOKED_AT = 64 * 1024


class _TooManyLines(Exception):
    """The row goes on and on."""


class _Lines:
    """The lines of a file, of which those of a broken row can be given back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._returned: list[str] = []
        self._taken: list[str] = []
        self.first = 1
        """The number of the line in which the present row begins."""

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self._taken) >= MOST_LINES:
            raise _TooManyLines
        line = self._returned.pop() if self._returned else next(self._lines)
        self._taken.append(line)
        return line

    @property
    def are_over(self) -> bool:
        """Whether nothing was left for this row."""
        return not self._taken

    @property
    def first_text(self) -> str:
        """The first line of this row as it is written."""
        return self._taken[0].rstrip("\r\n") if self._taken else ""

    def begin(self) -> None:
        """The next line begins a new row."""
        self.first += len(self._taken)
        self._taken.clear()

    def give_back(self) -> None:
        """Read everything behind the first line of this row once more."""
        self._returned.extend(reversed(self._taken[1:]))
        del self._taken[1:]


def rows(path: Path, *, codec: str, delimiter: str) -> Iterator[Row]:
    """Every row that is not blank."""
    with path.open(encoding=codec, newline="") as file:
        lines = _Lines(iter(partial(file.readline, LONGEST_LINE), ""))
        number = 0
        while True:
            # A fresh reader for each row: after an error the old one would still be inside a quotation.
            number += 1
            cells = _next_cells(lines, delimiter)
            if cells is None:
                problem = Problem(Code.LIST_QUOTING, {"line": str(lines.first)})
                # The line as it stands, for the list of bad rows.
                yield Row(number=number, cells=(lines.first_text,), problem=problem)
                lines.give_back()
            elif lines.are_over:
                return
            elif any(cell.strip() for cell in cells):
                yield Row(number=number, cells=tuple(cells))
            lines.begin()


def _next_cells(lines: _Lines, delimiter: str) -> list[str] | None:
    """The cells of the next row, none at the end, None where its quotation marks do not match."""
    try:
        return next(csv.reader(lines, delimiter=delimiter, strict=True), [])
    except (csv.Error, _TooManyLines):
        return None


def find_delimiter(path: Path, *, codec: str) -> str:
    """The delimiter that the first row uses; a comma where there is only one column."""
    with path.open(encoding=codec, newline="") as file:
        head = file.read(_LOOKED_AT)
    for line in head.splitlines():
        outside = "".join(line.split('"')[::2])
        counts = {mark: outside.count(mark) for mark in DELIMITERS}
        best = max(counts, key=lambda mark: counts[mark])
        if counts[best]:
            return best
    return ","
