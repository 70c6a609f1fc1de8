"""In which row of a list each address stood first: twelve bytes for each place, where a dictionary takes 130."""

from __future__ import annotations

from array import array
from hashlib import blake2b

_HASH_BYTES = 8
_FIRST_PLACES = 1 << 10


class FirstRows:
    """A hash table in two arrays: short hashes, and the row of each; 0 stands for none."""

    def __init__(self) -> None:
        self._hashes, self._rows = _empty(_FIRST_PLACES)
        self._count = 0

    def first(self, text: str, row: int) -> int:
        """The first row that had this text, this one if it is that; rows are counted from 1."""
        known = int.from_bytes(blake2b(text.encode(), digest_size=_HASH_BYTES).digest(), "big")
        place = self._place(known)
        if not self._rows[place]:
            if 3 * self._count > 2 * len(self._rows):
                self._grow()
                place = self._place(known)
            self._hashes[place], self._rows[place] = known, row
            self._count += 1
        return self._rows[place]

    def _place(self, known: int) -> int:
        """Where this hash stands, or the empty place where it would."""
        last = len(self._rows) - 1
        place = known & last
        while self._rows[place] and self._hashes[place] != known:
            place = place + 1 & last
        return place

    def _grow(self) -> None:
        hashes, rows = self._hashes, self._rows
        self._hashes, self._rows = _empty(2 * len(rows))
        for known, row in zip(hashes, rows, strict=True):
            if row:
                place = self._place(known)
                self._hashes[place], self._rows[place] = known, row


def _empty(places: int) -> tuple[array[int], array[int]]:
    return array("Q", bytes(8 * places)), array("I", bytes(4 * places))
