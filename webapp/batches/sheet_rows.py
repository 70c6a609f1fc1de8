"""The parts of a workbook as streams of XML: shared texts, number formats, merged cells, and the rows of a sheet.

openpyxl took two thirds of the time of reading a list. It gives formulas as if they had been typed, loses the
zeros of 00123 and rows behind a gap, does not tell which rows a filter hides, and reads no strict OOXML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from defusedxml.expatreader import DefusedExpatParser

from webapp.batches.cell_text import Format, format_of, number_text
from webapp.batches.row import Row

LONGEST_CELL = 32_767
"""Excel's own limit; what stands behind it is not kept."""
MOST_ROWS, MOST_COLUMNS = 1_048_576, 16_384
MOST_MERGED = 50_000
MOST_STYLES = 65_536
"""About what Excel allows; what stands behind them has no format."""
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7})\Z")
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s+ref=[\"']([A-Z]{1,3})([0-9]{1,7}):[A-Z]{1,3}([0-9]{1,7})[\"']")

Attributes = Mapping[str, str]
Start = Callable[[str, Attributes], None]
End = Callable[[str], None]
Characters = Callable[[str], None]


class _Parser(DefusedExpatParser):
    """The parser of defusedxml, whose handlers are called at once: SAX between doubles its time."""

    def __init__(self, start: Start, end: End | None = None, characters: Characters | None = None) -> None:
        self._handlers = start, end, characters
        super().__init__(forbid_dtd=True)

    def reset(self) -> None:
        super().reset()
        expat = self._parser  # type: ignore[attr-defined] # the stubs do not know it
        expat.StartElementHandler, expat.EndElementHandler, expat.CharacterDataHandler = self._handlers


def elements(pieces: Iterable[bytes], names: Container[str]) -> Iterator[tuple[str, Attributes]]:
    """The elements of these names with their attributes, of a part whose texts say nothing."""
    found: list[tuple[str, Attributes]] = []

    def start(name: str, attributes: Attributes) -> None:
        name = name.rpartition(":")[2]
        if name in names:
            found.append((name, attributes))

    parser = _Parser(start)
    for piece in pieces:
        parser.feed(piece)
        yield from found
        found.clear()
    parser.close()


# what the cells refer to


class SharedTexts:
    """The texts that cells name by number, read as far as somebody asked for one."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._parser = _Parser(self._start, self._end, self._characters)
        self._texts: list[str] = []
        self._text: list[str] = []
        self._collects = False
        self._is_reading = False

    def __getitem__(self, index: int) -> str:
        """Raises IndexError where there is none."""
        while index >= len(self._texts):
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._parser.feed(piece)
        if index < 0:
            raise IndexError(index)
        return self._texts[index]

    def _start(self, name: str, attributes: Attributes) -> None:
        name = name.rpartition(":")[2]
        if name == "t":
            self._collects = not self._is_reading
        elif name == "rPh":
            # How a name is read (furigana) is no part of the name.
            self._is_reading = True
        del attributes

    def _characters(self, content: str) -> None:
        if self._collects:
            self._text.append(content)

    def _end(self, name: str) -> None:
        name = name.rpartition(":")[2]
        if name == "t":
            self._collects = False
        elif name == "rPh":
            self._is_reading = False
        elif name == "si":
            self._texts.append(_unescaped("".join(self._text)))
            self._text.clear()


class Formats:
    """The number formats of cells, by the number of their style."""

    @staticmethod
    def found_in(pieces: Iterable[bytes]) -> tuple[Format | None, ...]:
        """Read the part of the styles."""
        codes: dict[str, str] = {}
        styles: list[str] = []
        is_cell = False
        for name, attributes in elements(pieces, {"numFmt", "cellXfs", "cellStyles", "cellStyleXfs", "xf"}):
            if len(styles) + len(codes) >= MOST_STYLES:
                break
            if name == "numFmt":
                codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
            elif name == "xf" and is_cell:
                styles.append(attributes.get("numFmtId", "0"))
            elif name != "xf":
                is_cell = name == "cellXfs"
        known = {style: format_of(style, codes.get(style, "")) for style in set(styles)}
        return tuple(known[style] for style in styles)


@dataclass(slots=True)
class Merged:
    """Cells that were merged over several rows: each of these rows has their value."""

    _starts: dict[int, list[tuple[int, int]]]
    """Row -> columns, each with its last row."""
    _active: dict[int, tuple[int, str]] = field(default_factory=dict)

    @classmethod
    def found_in(cls, pieces: Iterable[bytes]) -> Merged:
        """Look for them in a sheet; they stand behind its rows."""
        starts: dict[int, list[tuple[int, int]]] = {}
        for letters, first, last in islice(_merged_ranges(pieces), MOST_MERGED):
            if int(last) > int(first):
                starts.setdefault(int(first), []).append((_column(letters.decode()), int(last)))
        return cls(starts)

    def fill(self, number: int, cells: dict[int, str]) -> None:
        """Give a row what the merged cells above it say."""
        for column, (last, text) in list(self._active.items()):
            if number > last:
                del self._active[column]
            else:
                cells.setdefault(column, text)
        for column, last in self._starts.get(number, ()):
            if column in cells:
                self._active[column] = last, cells[column]


def _merged_ranges(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bytes, bytes]]:
    rest = b""
    for piece in pieces:
        text = rest + piece
        start = 0
        for match in _MERGED.finditer(text):
            first, second, third = match.groups()
            yield first, second, third
            start = match.end()
        rest = text[max(start, len(text) - 200) :]


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


# the rows


class SheetRows:
    """Makes rows of the bytes of a sheet. Raises ValueError and its kin where they are none."""

    def __init__(
        self, shared: SharedTexts, formats: tuple[Format | None, ...], merged: Merged, *, is_1904: bool
    ) -> None:
        self._shared, self._formats, self._merged, self._is_1904 = shared, formats, merged, is_1904
        self._parser = _Parser(self._start, self._end, self._characters)
        self._rows: list[Row] = []
        self.last = 0
        """The number of the row that was begun last."""
        self._is_hidden = self._is_reading = False
        self._cells: dict[int, str] = {}
        self._formulas: set[int] = set()
        self._columns: dict[str, int] = {}
        self._at = -1
        self._kind = self._style = ""
        self._value: list[str] = []
        self._formula: list[str] | None = None
        self._target: list[str] | None = None
        self._length = 0

    def feed(self, piece: bytes) -> list[Row]:
        """Read on; return the rows that ended."""
        self._parser.feed(piece)
        rows, self._rows = self._rows, []
        return rows

    def close(self) -> None:
        """Say that this was all."""
        self._parser.close()

    def _start(self, name: str, attributes: Attributes) -> None:
        name = name.rpartition(":")[2]
        if name == "c":
            self._begin_cell(attributes)
        elif name in ("v", "t"):
            self._target = None if self._is_reading else self._value
        elif name == "f":
            self._formula = self._target = []
        elif name == "row":
            self._begin_row(attributes)
        elif name == "rPh":
            self._is_reading = True

    def _characters(self, content: str) -> None:
        if self._target is not None and self._length <= LONGEST_CELL:
            self._length += len(content)
            self._target.append(content)

    def _end(self, name: str) -> None:
        name = name.rpartition(":")[2]
        if name == "c":
            self._end_cell()
        elif name in ("v", "t", "f"):
            self._target = None
        elif name == "row":
            self._end_row()
        elif name == "rPh":
            self._is_reading = False

    def _begin_row(self, attributes: Attributes) -> None:
        given = attributes.get("r")
        number = int(given) if given else self.last + 1
        if not self.last < number <= MOST_ROWS:
            raise ValueError(number)
        self.last = number
        self._at = -1
        self._is_hidden = attributes.get("hidden") in ("1", "true")

    def _begin_cell(self, attributes: Attributes) -> None:
        reference = attributes.get("r")
        self._at = self._column_of(reference) if reference else self._at + 1
        self._kind, self._style = attributes.get("t") or "n", attributes.get("s") or ""
        self._value.clear()
        self._formula, self._length = None, 0

    def _column_of(self, reference: str) -> int:
        letters = reference.rstrip("0123456789")
        known = self._columns.get(letters)
        if known is None:
            match = _REFERENCE.match(reference)
            known = -1 if match is None else _column(match[1])
            if not 0 <= known < MOST_COLUMNS:
                raise ValueError(reference)
            self._columns[letters] = known
        return known

    def _end_cell(self) -> None:
        text = "".join(self._value)
        if text and self._kind == "s":
            text = self._shared[int(text)]
        elif text:
            text = self._text(text)
        if self._formula is not None:
            # Without a text it is one of a group, whose first cell holds the formula.
            text = "=" + ("".join(self._formula) or text)
        if self._formula is not None or self._kind == "e":
            self._formulas.add(self._at)
        if text and not text.isspace():
            self._cells[self._at] = text[: LONGEST_CELL + 1]

    def _text(self, text: str) -> str:
        if self._kind == "n":
            style = int(self._style or 0)
            given = self._formats[style] if 0 <= style < len(self._formats) else None
            return number_text(text, given, is_1904=self._is_1904)
        if self._kind == "b":
            return "TRUE" if text.strip() in ("1", "true") else "FALSE"
        return text.replace("T", " ") if self._kind == "d" else _unescaped(text)

    def _end_row(self) -> None:
        cells = self._cells
        if cells:
            self._merged.fill(self.last, cells)
            every = tuple(cells.get(column, "") for column in range(max(cells) + 1))
            formulas = frozenset(self._formulas) if self._formulas else frozenset[int]()
            self._rows.append(Row(number=self.last, cells=every, formulas=formulas, is_hidden=self._is_hidden))
        cells.clear()
        self._formulas.clear()


def _unescaped(text: str) -> str:
    """`_x000D_` is how a workbook writes a sign that XML cannot hold."""
    return _ESCAPED.sub(_sign, text) if "_x" in text else text


def _sign(match: re.Match[str]) -> str:
    number = int(match[1], 16)
    # Half of a pair of UTF-16 is no sign.
    return match[0] if 0xD800 <= number < 0xE000 else chr(number)
