"""Rows of CSV and TSV. A row whose quotation marks do not match is one problem; those behind it are still read."""

from __future__ import annotations

import csv
import re
from collections import Counter
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
_LINES_LOOKED_AT = 30
_SEPARATOR = re.compile(r"\ufeff*\"?sep=(.)\"?[\r\n]*\Z")
"""A first line for Excel, which names the delimiter and is no row to it."""
_NOTHING = " \t\r\n\v\f\u3000\xa0\ufeff\u200b\0\x1a"
"""What a cell may hold and be blank: also the end-of-file sign of DOS, which old programs still write."""


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
        if line[0] == "\ufeff":
            # Files that were put together, and marks that were written twice.
            line = line.lstrip("\ufeff")
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

    def skip_separator(self) -> None:
        """Pass over a first line that only names the delimiter."""
        first = next(self._lines, None)
        if first is not None and _SEPARATOR.match(first):
            self.first += 1
        elif first is not None:
            self._returned.append(first)

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
    blanks = _has_blanks_between(_head(path, codec), delimiter)
    with path.open(encoding=codec, newline="") as file:
        lines = _Lines(iter(partial(file.readline, LONGEST_LINE), ""))
        lines.skip_separator()
        number = 0
        while True:
            # A fresh reader for each row: after an error the old one would still be inside a quotation.
            number += 1
            cells = _next_cells(lines, delimiter, skips_blanks=blanks)
            if cells is None:
                problem = Problem(Code.LIST_QUOTING, {"line": str(lines.first)})
                # The line as it stands, for the list of bad rows.
                yield Row(number=number, cells=(lines.first_text,), problem=problem)
                lines.give_back()
            elif lines.are_over:
                return
            elif any(cell.strip(_NOTHING) for cell in cells):
                yield Row(number=number, cells=tuple(cells))
            lines.begin()


def _next_cells(lines: _Lines, delimiter: str, *, skips_blanks: bool) -> list[str] | None:
    """The cells of the next row, none at the end, None where its quotation marks do not match."""
    try:
        return next(csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=skips_blanks), [])
    except (csv.Error, _TooManyLines):
        return None


def find_delimiter(path: Path, *, codec: str) -> str:
    """The delimiter that most of the first rows use alike; a comma where there is only one column."""
    head = _head(path, codec)
    named = _SEPARATOR.match(head.splitlines()[0]) if head else None
    if named is not None:
        return named[1]
    # Line breaks within a cell are none of the list, as long as the quotation marks match.
    texts = ["".join(head.split('"')[::2])] if head.count('"') % 2 == 0 else []
    lines = [line for text in texts or _outside(head) for line in text.splitlines() if line.strip()]
    best, most = ",", (0, 0)
    for mark in DELIMITERS:
        counts = Counter(line.count(mark) for line in lines[:_LINES_LOOKED_AT] if mark in line)
        count, alike = max(counts.items(), key=lambda each: (each[1], each[0]), default=(0, 0))
        if (alike, count) > most:
            best, most = mark, (alike, count)
    return best


def _outside(head: str) -> list[str]:
    return ["".join(line.split('"')[::2]) for line in head.splitlines()]


def _has_blanks_between(head: str, delimiter: str) -> bool:
    """Whether cells in quotation marks stand behind a delimiter and a blank, as some programs write them."""
    mark = re.escape(delimiter)
    return re.search(rf'{mark} +"[^"\r\n]*"(?={mark}|[\r\n]|\Z)', head.partition("\n")[0]) is not None


def _head(path: Path, codec: str) -> str:
    with path.open(encoding=codec, newline="") as file:
        return file.read(_LOOKED_AT)
