"""The list of bad rows, as it goes back to the admin: the same columns and encoding, and two columns more."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from profiles.problems import N_, Problem
from webapp.batches.archive import Writable
from webapp.batches.columns import Columns, Field, field_of
from webapp.batches.defusing import line
from webapp.batches.reading import ListFile

HEAD_PROBLEM = N_("problem")
HEAD_ADVICE = N_("what to do")
_SPOKEN = str.maketrans({"–": "-", "—": "―", "\xa0": " ", "·": "・"})
"""Signs of our own sentences that Japanese encodings lack, and what they have instead."""
_JAPANESE = frozenset({"cp932", "euc_jp", "iso2022_jp", "iso2022_jp_ext"})

Describe = Callable[[Problem], tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a list is written, so that its bad rows go back alike."""

    codec: str = "utf-8"
    delimiter: str = ","
    headings: tuple[str, ...] = ()
    """The list's own; empty where it has none."""
    width: int = 0
    """Columns that every row has at least."""

    @classmethod
    def of(cls, listing: ListFile, columns: Columns) -> Shape:
        """The shape of a list that was read."""
        return cls(
            codec=listing.encoding.codec if listing.encoding else "utf-8",
            delimiter=listing.delimiter or ",",
            headings=columns.headings if columns.header_row is not None else (),
            width=len(columns.headings),
        )

    @property
    def ours(self) -> frozenset[int]:
        """The two columns that we added to an earlier return of this list."""
        meanings = [field_of(heading) for heading in self.headings]
        if not {Field.PROBLEM, Field.ADVICE} <= set(meanings):
            return frozenset()
        return frozenset(meanings.index(one) for one in (Field.PROBLEM, Field.ADVICE))


class ReturnedRows:
    """Writes the file row by row."""

    def __init__(
        self, target: Writable, shape: Shape, *, describe: Describe, translate: Callable[[str], str]
    ) -> None:
        self._target = target
        self._shape = shape
        self._ours = shape.ours
        self._describe = describe
        self._codec = _writing(shape.codec, translate(HEAD_PROBLEM))
        self._encoder = codecs.getincrementalencoder(self._codec)(errors="replace")
        if shape.headings:
            self._write([*self._own(shape.headings), translate(HEAD_PROBLEM), translate(HEAD_ADVICE)])

    def add(self, cells: Sequence[str], problems: Sequence[Problem]) -> None:
        """Write one bad row and everything that is wrong with it."""
        told = [self._describe(problem) for problem in problems]
        summaries = " / ".join(
            dict.fromkeys(f"{_cell(problem)}{text}" for problem, (text, _) in zip(problems, told, strict=True))
        )
        advice = " / ".join(dict.fromkeys(text for _, text in told))
        filled = [*cells, *[""] * (self._shape.width - len(cells))]
        said = [summaries, advice]
        if self._codec in _JAPANESE:
            said = [text.translate(_SPOKEN) for text in said]
        # Cells that belong to no column stand behind ours, which keep to their headings.
        self._write([*self._own(filled[: self._shape.width]), *said, *filled[self._shape.width :]])

    def _own(self, cells: Sequence[str]) -> list[str]:
        """The cells without the two columns of an earlier return."""
        return [cell for index, cell in enumerate(cells) if index not in self._ours]

    def _write(self, cells: Sequence[str]) -> None:
        self._target.write(self._encoder.encode(line(cells, delimiter=self._shape.delimiter)))


def _writing(codec: str, spoken: str) -> str:
    """The encoding of a list as it is written; UTF-8 where the list's own cannot hold our sentences."""
    try:
        spoken.encode(codec)
    except UnicodeEncodeError:
        return "utf-8-sig"
    # Excel takes UTF-8 for what it is only with the mark at its start.
    return {"utf-8": "utf-8-sig", "utf-16-le": "utf-16", "utf-16-be": "utf-16"}.get(codec, codec)


def _cell(problem: Problem) -> str:
    """`B3: `, taken from the place."""
    place = (problem.place or "").rpartition(": ")[2].partition(" ")[0]
    return f"{place}: " if place else ""
