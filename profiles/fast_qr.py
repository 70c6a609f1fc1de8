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
from collections.abc import Iterator
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
_TO_PIXELS = bytes.maketrans(b"01", b"\xff\x00")


@dataclass(frozen=True, slots=True)
class Code:
    """The modules of a code without its quiet zone: each row a number, its highest bit the left module."""

    side: int
    rows: tuple[int, ...]

    def pieces(self) -> Iterator[tuple[int, int, int]]:
        """Column, row and modules of each piece that is not white; its highest bit is the left module."""
        columns = [(column, self.side - column - PIECE) for column in range(0, self.side, PIECE)]
        for number, row in enumerate(self.rows):
            for column, shift in columns:
                modules = (row >> shift if shift >= 0 else row << -shift) & 0xFF
                if modules:
                    yield column, number, modules


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
        self._whole = _number(made)
        self._differences: dict[tuple[int, int], int] = {}
        for index, sign in enumerate(self._first):
            for bit in (1 << place for place in range(8)):
                other = self._first[:index] + bytes([sign ^ bit]) + self._first[index + 1 :]
                difference = _number(_make(begin + other, _LEVELS[level], version, mask)) ^ self._whole
                self._differences[index, bit] = difference
        self._row_shifts = tuple(self.side * (self.side - 1 - row) for row in range(self.side))
        self._by_sign: dict[tuple[int, int], int] = {}

    def code(self, token: str) -> Code:
        """The code of `prefix` and this token."""
        signs = token.encode("ascii")
        if len(signs) != self._length:
            raise ValueError("a token of another length has another code")
        whole = self._whole
        for place in enumerate(signs):
            whole ^= self._by_sign.get(place) or self._sign(*place)
        mask = (1 << self.side) - 1
        return Code(self.side, tuple((whole >> shift) & mask for shift in self._row_shifts))

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
    side = code.side + 2 * QUIET_ZONE
    path = "".join([_step(*piece) for piece in code.pieces()])
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
    rows = [f"{row:0{code.side}b}".encode().translate(_TO_PIXELS) for row in code.rows]
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


@cache
def _step(column: int, row: int, modules: int) -> str:
    """A piece of an SVG path; a version has some ten thousand at most."""
    steps = [
        f"M{column + start + QUIET_ZONE} {row + QUIET_ZONE}h{length}v1h-{length}z"
        for start, length in runs(modules)
    ]
    return "".join(steps)


def _make(data: bytes, level: int, version: int | None = None, mask: int | None = None) -> qrcode.QRCode:
    code = qrcode.QRCode(version=version, error_correction=level, mask_pattern=mask, border=0)
    code.add_data(QRData(data, mode=MODE_8BIT_BYTE), optimize=0)
    code.make(fit=version is None)
    return code


def _number(code: qrcode.QRCode) -> int:
    """All modules as one number, the first of the first row its highest bit."""
    return int("".join("1" if module else "0" for row in code.get_matrix() for module in row), 2)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))
