"""The list of bad rows, as it goes back to the admin: the same columns and encoding, and two columns more."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence
from typing import IO

from profiles.problems import N_, Problem
from webapp.batches.columns import Columns, Field
from webapp.batches.defusing import line
from webapp.batches.reading import ListFile
from webapp.batches.row import Row

HEAD_PROBLEM = N_("problem")
HEAD_ADVICE = N_("what to do")
_SPOKEN_CP932 = str.maketrans({"–": "－", "—": "―", "\xa0": " "})
"""Signs of our own sentences that CP932 lacks."""

Describe = Callable[[Problem], tuple[str, str]]


class ReturnedRows:
    """Writes the file row by row."""

    def __init__(
        self,
        target: IO[bytes],
        listing: ListFile,
        columns: Columns,
        *,
        describe: Describe,
        translate: Callable[[str], str],
    ) -> None:
        self._target = target
        self._columns = columns
        self._describe = describe
        codec = listing.encoding.codec if listing.encoding else "utf-8"
        # Excel takes UTF-8 for what it is only with the mark at its start.
        self._codec = {"utf-8": "utf-8-sig", "utf-16-le": "utf-16", "utf-16-be": "utf-16"}.get(codec, codec)
        self._encoder = codecs.getincrementalencoder(self._codec)(errors="replace")
        self._delimiter = listing.delimiter or ","
        if columns.header_row is not None:
            self._write([*self._own(columns.headings), translate(HEAD_PROBLEM), translate(HEAD_ADVICE)])

    def add(self, row: Row, problems: Sequence[Problem]) -> None:
        """Write one bad row and everything that is wrong with it."""
        said = [self._describe(problem) for problem in problems]
        summaries = " / ".join(
            dict.fromkeys(f"{_cell(problem)}{text}" for problem, (text, _) in zip(problems, said, strict=True))
        )
        advice = " / ".join(dict.fromkeys(text for _, text in said))
        width = len(self._columns.headings)
        cells = [*row.cells, *[""] * (width - len(row.cells))]
        self._write([*self._own(cells), summaries, advice])

    def _own(self, cells: Sequence[str]) -> list[str]:
        """The cells without the two columns of an earlier return."""
        ours = {self._columns.index(Field.PROBLEM), self._columns.index(Field.ADVICE)}
        return (
            [cell for index, cell in enumerate(cells) if index not in ours]
            if self._columns.comes_back
            else [*cells]
        )

    def _write(self, cells: Sequence[str]) -> None:
        text = line(cells, delimiter=self._delimiter)
        if self._codec == "cp932":
            text = text.translate(_SPOKEN_CP932)
        self._target.write(self._encoder.encode(text))


def _cell(problem: Problem) -> str:
    """`B3: `, taken from the place."""
    place = (problem.place or "").rpartition(": ")[2].partition(" ")[0]
    return f"{place}: " if place else ""
