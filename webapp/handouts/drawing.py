"""What is drawn on one card, as PDF operators: lengths in millimetres, from the card's top left corner down.

fpdf2 loads and embeds the fonts and writes the file. The operators are written here, because one card holds two
hundred of them, most of them the same on every card: those are kept and written again as they are.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from profiles.fast_qr import Brush, Code, runs

MM = 72 / 25.4
POINT = 25.4 / 72

INK, GREY, WHITE = (0.1, 0.1, 0.1), (0.3, 0.3, 0.3), (1.0, 1.0, 1.0)
VERMILION, WORDS, EDGE = (0.816, 0.227, 0.106), (0.7, 0.176, 0.063), (0.56, 0.56, 0.54)
_HOLE, _PITCH, _EDGE = 1.25, 1.78, 0.15
"""Of a stamp's perforation: diameter, distance and stroke, in millimetres."""
_BOLD = 0.03
"""Width of the outline that makes an ordinary weight bold, as a share of the size."""
_TURNED = frozenset("ー－-‐–—―〜～…‥（）()「」『』【】[]<>〈〉《》=＝:：")
"""Signs that lie on their side in vertical writing."""
_RAISED = frozenset("、。，．")

Colour = tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TypeFace:
    """A font of fpdf2, as far as it is needed here."""

    i: int
    """Its number in the file."""
    encode_text: Callable[[str], str]
    """The operator that shows a text; notes its signs for the subset."""
    get_text_width: Callable[[str, float, None], tuple[int, float]]
    """Count and width in points of a text at a size."""


@dataclass(frozen=True, slots=True)
class Style:
    """How text looks; the size in points."""

    face: TypeFace
    size: float
    colour: Colour = INK
    bold: bool = False

    def width(self, text: str) -> float:
        """Of a line, in millimetres."""
        return self.face.get_text_width(text, self.size, None)[1] * POINT

    def fitting(self, text: str, room: float) -> Style:
        """The same, smaller where the text would need more room (in millimetres) than there is."""
        width = self.width(text)
        return self if width <= room else Style(self.face, self.size * room / width, self.colour, self.bold)


class Drawing:
    """The operators of a card, or of the part of it that is the same on every card."""

    def __init__(self) -> None:
        self._operators: list[str] = []

    def __str__(self) -> str:
        return "\n".join(self._operators)

    def text(self, x: float, y: float, text: str, style: Style, *, align: str = "left") -> None:
        """One line; `y` is its baseline, `align` says which end of it `x` is."""
        if align != "left":
            x -= style.width(text) / (2 if align == "middle" else 1)
        self._show(text, style, f"1 0 0 1 {x * MM:.2f} {-y * MM:.2f} Tm")

    def vertical(self, x: float, top: float, bottom: float, text: str, style: Style, *, spacing: float) -> None:
        """Text from top to bottom around the line `x`, in the middle of its room; smaller where it is too long.

        Its signs stand one by one, so the text itself goes along for whoever copies or listens (ActualText).
        """
        size = style.size * POINT
        needed = _length(text, size, spacing)
        if needed > bottom - top:
            shrunk = style.size * (bottom - top) / needed
            style, size = Style(style.face, shrunk, style.colour, style.bold), shrunk * POINT
            needed = _length(text, size, spacing)
        y = top + (bottom - top - needed) / 2
        shown = []
        for sign in text:
            step = _advance(sign) * size
            if not sign.isspace():
                shown.append(_upright_or_turned(x, y, sign, style, step))
            y += step + spacing * size
        self._operators.append(
            f"/Span <</ActualText <{_hex(text)}>>> BDC BT {_start(style)}\n" + "\n".join(shown) + " ET EMC"
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, *, width: float, colour: Colour) -> None:
        """A straight line."""
        path = f"{x1 * MM:.2f} {-y1 * MM:.2f} m {x2 * MM:.2f} {-y2 * MM:.2f} l"
        self._operators.append(f"{_rgb(colour)} RG {width * MM:.2f} w {path} S")

    def box(self, x: float, y: float, width: float, height: float, *, stroke: float, colour: Colour) -> None:
        """The outline of a rectangle."""
        rectangle = f"{x * MM:.2f} {-(y + height) * MM:.2f} {width * MM:.2f} {height * MM:.2f} re"
        self._operators.append(f"{_rgb(colour)} RG {stroke * MM:.2f} w {rectangle} S")

    def perforation(self, x: float, y: float, width: float, height: float) -> None:
        """The edge of a stamp: half holes at even distances.

        Rings of grey and dots of white along the edge, of which the stamp's own area shows the inner half.
        """
        area = f"{x * MM:.2f} {-(y + height) * MM:.2f} {width * MM:.2f} {height * MM:.2f} re"
        self._operators.append(f"q {area} W n {_rgb(EDGE)} RG {2 * _EDGE * MM:.2f} w {area} S 1 J")
        for colour, diameter in ((EDGE, _HOLE + _EDGE), (WHITE, _HOLE - _EDGE)):
            self._operators.append(f"{_rgb(colour)} RG {diameter * MM:.2f} w")
            self._dots(x, y, x + width, y)
            self._dots(x, y + height, x + width, y + height)
            self._dots(x, y, x, y + height)
            self._dots(x + width, y, x + width, y + height)
        self._operators.append("Q")

    def _dots(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """Dots at even distances: a line with round ends whose dashes have no length."""
        length = abs(x2 - x1) + abs(y2 - y1)
        pitch = length / round(length / _PITCH) * MM
        path = f"{x1 * MM:.2f} {-y1 * MM:.2f} m {x2 * MM:.2f} {-y2 * MM:.2f} l S"
        self._operators.append(f"[0 {pitch:.3f}] {pitch / 2:.3f} d {path}")

    def code(self, x: float, y: float, side: float, code: Code) -> None:
        """A QR code as one path of its black runs, so that no seam shows at any size."""
        module = side / code.side * MM
        # In a space of modules every number is small and whole, which makes the file small too.
        space = f"q {module:.5f} 0 0 {-module:.5f} {x * MM:.3f} {-y * MM:.3f} cm 0 g"
        self._operators.append(f"{space}\n{_CODES.draw(code)}f Q")

    def add(self, operators: str) -> None:
        """What was drawn before, once more."""
        self._operators.append(operators)

    def spread(self, places: Iterable[tuple[float, str]], y: float, style: Style) -> None:
        """Short texts on one line, each around its place."""
        shown = [
            f"1 0 0 1 {(x - style.width(text) / 2) * MM:.2f} {-y * MM:.2f} Tm {style.face.encode_text(text)}"
            for x, text in places
        ]
        self._operators.append(f"BT {_start(style)} " + " ".join(shown) + " ET")

    def _show(self, text: str, style: Style, matrix: str) -> None:
        self._operators.append(f"BT {_start(style)} {matrix} {style.face.encode_text(text)} ET")


def _start(style: Style) -> str:
    """Colour, weight and font of a text."""
    colour = _rgb(style.colour)
    weight = f"2 Tr {style.size * _BOLD:.2f} w {colour} RG" if style.bold else "0 Tr"
    return f"{colour} rg {weight} /F{style.face.i} {style.size:.2f} Tf"


def _upright_or_turned(x: float, y: float, sign: str, style: Style, step: float) -> str:
    """One sign of vertical writing around the line `x`."""
    size = style.size * POINT
    width = style.width(sign)
    shown = style.face.encode_text(sign)
    if sign in _TURNED or _is_narrow(sign):
        return f"0 -1 1 0 {(x - 0.35 * size) * MM:.2f} {-(y + (step - width) / 2) * MM:.2f} Tm {shown}"
    right, up = (0.6 * size, 0.6 * size) if sign in _RAISED else (0.0, 0.0)
    return f"1 0 0 1 {(x - width / 2 + right) * MM:.2f} {-(y + 0.88 * size - up) * MM:.2f} Tm {shown}"


def is_vertical(text: str) -> bool:
    """Whether a name is written from top to bottom: one with kanji or kana."""
    return any(_is_wide(sign) for sign in text)


def wrapped(text: str, style: Style, room: float, *, lines: int) -> list[str]:
    """Break a text into at most so many lines; Japanese anywhere, other words at blanks. The last one is cut."""
    found: list[str] = []
    rest = text.strip()
    while rest and len(found) < lines:
        end = _fitting_signs(rest, style, room)
        if len(found) == lines - 1 and end < len(rest):
            found.append(rest[: max(end - 1, 1)].rstrip() + "…")
            break
        found.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return found


def _fitting_signs(text: str, style: Style, room: float) -> int:
    width, last_blank = 0.0, 0
    for index, sign in enumerate(text):
        width += style.width(sign)
        if width > room:
            breaks_here = _is_wide(sign) and sign not in "、。，．）」』ー"
            return index if breaks_here or not last_blank else last_blank
        if sign == " " or _is_wide(sign):
            last_blank = index + 1
    return len(text)


def _piece(column: int, row: int, modules: int) -> str:
    """The black modules of a piece as rectangles; a version has some ten thousand pieces at most."""
    return "".join([f"{column + start} {row} {length} 1 re\n" for start, length in runs(modules)])


_CODES = Brush(_piece)


def _length(text: str, size: float, spacing: float) -> float:
    return sum(_advance(sign) * size for sign in text) + spacing * size * max(len(text) - 1, 0)


def _advance(sign: str) -> float:
    """How far down the next sign stands, as a share of the size."""
    if sign.isspace():
        return 0.5
    return 0.62 if _is_narrow(sign) else 1.0


@cache
def _is_wide(sign: str) -> bool:
    return unicodedata.east_asian_width(sign) in ("W", "F")


@cache
def _is_narrow(sign: str) -> bool:
    return not _is_wide(sign) and unicodedata.east_asian_width(sign) != "A"


@cache
def _rgb(colour: Colour) -> str:
    return " ".join(f"{part:.3g}" for part in colour)


def _hex(text: str) -> str:
    return "FEFF" + text.encode("utf-16-be").hex().upper()
