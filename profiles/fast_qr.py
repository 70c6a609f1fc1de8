"""QR codes for whole lists of links that differ in their last signs only: the same as profiles.qr, a hundred times
as fast.

Within one version and mask every module is the exclusive or of some bits of the text (Reed-Solomon codes are
linear, and a mask is a constant). So a link's code is the code of one link, with the difference of each bit in
which they differ: those are made once, by `qrcode`. The mask is that of the first link, not the best one for each;
readers take any, and tests read every printed code back.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from html import escape

import qrcode
from qrcode.util import MODE_8BIT_BYTE, QRData

from profiles.qr import QUIET_ZONE

SCALE = 8
"""Pixels per module of a PNG: eight one-bit pixels are one byte, which is what makes it quick."""
PIECE = 8
"""Modules in a piece of a row; what is drawn for a piece is kept."""
_LEVELS = {
    "L": qrcode.constants.ERROR_CORRECT_L,
    "M": qrcode.constants.ERROR_CORRECT_M,
    "Q": qrcode.constants.ERROR_CORRECT_Q,
    "H": qrcode.constants.ERROR_CORRECT_H,
}
_PIXELS = tuple(f"{piece:08b}".encode().translate(bytes.maketrans(b"01", b"\xff\x00")) for piece in range(256))
"""A piece as pixels: SCALE of them are one byte."""


@dataclass(frozen=True, slots=True)
class Code:
    """The modules of a code without its quiet zone: rows of whole bytes, each from its highest bit on."""

    side: int
    data: bytes

    @property
    def rows(self) -> tuple[int, ...]:
        """Each row as a number, its highest bit the left module."""
        width = row_bytes(self.side)
        surplus = width * PIECE - self.side
        starts = range(0, len(self.data), width)
        return tuple(int.from_bytes(self.data[start : start + width], "big") >> surplus for start in starts)


class Brush:
    """Draws codes: `stroke` gives what a piece of eight modules is in its column and row, and is asked once."""

    def __init__(self, stroke: Callable[[int, int, int], str]) -> None:
        self._stroke = stroke
        self._places: dict[int, list[_Place]] = {}

    def draw(self, code: Code) -> str:
        """Every piece that is not white, one after the other."""
        if code.side not in self._places:
            width = row_bytes(code.side)
            self._places[code.side] = [
                _Place(self._stroke, at % width * PIECE, at // width) for at in range(len(code.data))
            ]
        # The innermost of all that is done for a card: no call for a piece that was drawn before.
        return "".join([strokes[piece] for strokes, piece in zip(self._places[code.side], code.data, strict=True)])


class _Place(dict[int, str]):
    """What each of 256 pieces is at one place."""

    def __init__(self, stroke: Callable[[int, int, int], str], column: int, row: int) -> None:
        super().__init__({0: ""})
        self._stroke = stroke
        self._column = column
        self._row = row

    def __missing__(self, piece: int) -> str:
        drawn = self[piece] = self._stroke(self._column, self._row, piece)
        return drawn


class LinkCodes:
    """Makes the codes of `prefix` and a token of `length` ASCII signs, at error correction `level`."""

    def __init__(self, prefix: str, length: int, level: str = "Q") -> None:
        self._length = length
        # A token of mixed signs, so that the mask suits such tokens.
        self._first = (b"Hagaki-2026_" * (length // 12 + 1))[:length]
        begin = prefix.encode()
        made = _make(begin + self._first, _LEVELS[level])
        self.side: int = made.modules_count
        version, mask = made.version, made.best_mask_pattern()
        made = _make(begin + self._first, _LEVELS[level], version, mask)
        self._size = self.side * row_bytes(self.side)
        self._whole = _number(made)
        self._differences: dict[tuple[int, int], int] = {}
        for index, sign in enumerate(self._first):
            for bit in (1 << place for place in range(8)):
                other = self._first[:index] + bytes([sign ^ bit]) + self._first[index + 1 :]
                difference = _number(_make(begin + other, _LEVELS[level], version, mask)) ^ self._whole
                self._differences[index, bit] = difference
        self._by_sign: dict[tuple[int, int], int] = {}

    def code(self, token: str) -> Code:
        """The code of `prefix` and this token."""
        signs = token.encode("ascii")
        if len(signs) != self._length:
            raise ValueError("a token of another length has another code")
        whole = self._whole
        for place in enumerate(signs):
            whole ^= self._by_sign.get(place) or self._sign(*place)
        return Code(self.side, whole.to_bytes(self._size, "big"))

    def _sign(self, index: int, sign: int) -> int:
        """The difference that one sign of the token makes."""
        difference = 0
        for bit in (1 << place for place in range(8)):
            if (sign ^ self._first[index]) & bit:
                difference ^= self._differences[index, bit]
        self._by_sign[index, sign] = difference
        return difference


def svg(code: Code, *, label: str) -> str:
    """A picture like that of profiles.qr.svg, its path cut into pieces."""
    side, path = code.side + 2 * QUIET_ZONE, _SVG.draw(code)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" role="img"'
        f' aria-label="{escape(label)}" shape-rendering="crispEdges">'
        f'<rect width="{side}" height="{side}" fill="#fff"/><path fill="#000" d="{path}"/></svg>'
    )


def png(code: Code) -> bytes:
    """A black and white PNG with SCALE pixels per module."""
    side = code.side + 2 * QUIET_ZONE
    margin = b"\xff" * QUIET_ZONE
    white = (b"\0" + b"\xff" * side) * (SCALE * QUIET_ZONE)
    pixels, width = b"".join([_PIXELS[piece] for piece in code.data]), row_bytes(code.side) * PIECE
    rows = [pixels[start : start + code.side] for start in range(0, len(pixels), width)]
    lines = b"".join([(b"\0" + margin + row + margin) * SCALE for row in rows])
    header = struct.pack(">2L5B", side * SCALE, side * SCALE, 1, 0, 0, 0, 0)
    data = zlib.compress(white + lines + white, 1)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


@cache
def runs(modules: int) -> tuple[tuple[int, int], ...]:
    """Start and length of each run of black modules in a piece."""
    found: list[tuple[int, int]] = []
    start = 0
    while start < PIECE:
        length = 0
        while start + length < PIECE and modules >> (PIECE - 1 - start - length) & 1:
            length += 1
        if length:
            found.append((start, length))
        start += length + 1
    return tuple(found)


def row_bytes(side: int) -> int:
    """Bytes of a row."""
    return -(-side // PIECE)


def _step(column: int, row: int, modules: int) -> str:
    """A piece of an SVG path; a version has some ten thousand at most."""
    steps = [
        f"M{column + start + QUIET_ZONE} {row + QUIET_ZONE}h{length}v1h-{length}z"
        for start, length in runs(modules)
    ]
    return "".join(steps)


_SVG = Brush(_step)


def _make(data: bytes, level: int, version: int | None = None, mask: int | None = None) -> qrcode.QRCode:
    code = qrcode.QRCode(version=version, error_correction=level, mask_pattern=mask, border=0)
    code.add_data(QRData(data, mode=MODE_8BIT_BYTE), optimize=0)
    code.make(fit=version is None)
    return code


def _number(code: qrcode.QRCode) -> int:
    """All modules as one number, the first of the first row its highest bit, each row filled up to whole bytes."""
    matrix = code.get_matrix()
    filling = "0" * (row_bytes(len(matrix)) * PIECE - len(matrix))
    return int("".join("".join("1" if module else "0" for module in row) + filling for row in matrix), 2)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))
