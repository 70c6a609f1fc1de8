"""What openpyxl's stream of cells leaves out of a sheet: hidden rows, rows that it drops, merged cells."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

MOST_ROWS = 1_048_576
"""Excel's own limit."""
MOST_MERGED = 50_000
_LONGEST_TAG = 2_000
# A sheet has a million tags, and these are told by their attributes alone, so no second parser is asked.
_ROW = re.compile(rb"<(?:\w+:)?row(?:\s[^<>]*)?>")
_NUMBER = re.compile(rb"\sr=[\"']([^\"']*)[\"']")
_HIDDEN = re.compile(rb"\shidden=[\"'](?:1|true)[\"']")
_MERGED = re.compile(
    rb"<(?:\w+:)?mergeCell\s+ref=[\"']([A-Z]{1,3})([0-9]{1,7}):[A-Z]{1,3}([0-9]{1,7})[\"'][^<>]*>"
)


class RowTags:
    """The rows of a sheet by their tags, looked at in step with their cells.

    openpyxl drops a row whose number is not above the one before, and does not tell which a filter hides.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._tags = self._found(pieces)
        self._next = next(self._tags, None)

    def is_hidden(self, number: int) -> bool:
        """Whether this row is; numbers have to rise. Raises ValueError where those of the sheet do not."""
        while self._next and self._next[0] < number:
            self._next = next(self._tags, None)
        return self._next == (number, True)

    def end(self) -> None:
        """Look at what is left."""
        deque(self._tags, maxlen=0)

    def _found(self, pieces: Iterable[bytes]) -> Iterator[tuple[int, bool]]:
        last = 0
        for match in _tags(_ROW, pieces):
            given = _NUMBER.search(match[0])
            number = int(given[1]) if given else last + 1
            if not last < number <= MOST_ROWS:
                raise ValueError(number)
            last = number
            yield number, bool(_HIDDEN.search(match[0]))


@dataclass(slots=True)
class MergedCells:
    """Cells that were merged over several rows: each of these rows has their value."""

    _starts: dict[int, list[tuple[int, int]]]
    """Row -> columns, each with its last row."""
    _active: dict[int, tuple[int, str]] = field(default_factory=dict)

    @classmethod
    def found_in(cls, pieces: Iterable[bytes]) -> MergedCells:
        """Look for them in a sheet; they stand behind its rows."""
        starts: dict[int, list[tuple[int, int]]] = {}
        for match in islice(_tags(_MERGED, pieces), MOST_MERGED):
            first, last = int(match[2]), int(match[3])
            if last > first:
                starts.setdefault(first, []).append((_column(match[1].decode()), last))
        return cls(starts)

    def fill(self, number: int, cells: dict[int, str]) -> None:
        """Give a row, by its columns, what the merged cells above it say."""
        for column, (last, text) in list(self._active.items()):
            if number > last:
                del self._active[column]
            else:
                cells.setdefault(column, text)
        for column, last in self._starts.get(number, ()):
            if column in cells:
                self._active[column] = last, cells[column]


def _tags(tag: re.Pattern[bytes], pieces: Iterable[bytes]) -> Iterator[re.Match[bytes]]:
    """Every such tag, also where it begins in one piece and ends in the next."""
    rest = b""
    for piece in pieces:
        text = rest + piece
        start = 0
        for match in tag.finditer(text):
            yield match
            start = match.end()
        begun = text.rfind(b"<", max(start, len(text) - _LONGEST_TAG))
        rest = text[begun:] if begun >= 0 else b""


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
