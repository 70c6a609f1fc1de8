"""QR codes for whole lists: the same as profiles.qr in a twentieth of the time.

zxing-cpp makes the modules, and the pictures are written from runs and bytes. The two modules may choose different
masks, so a page and a printed card can differ in looks, never in what they say.
"""

from __future__ import annotations

import re
import struct
import zlib
from functools import cache, lru_cache
from html import escape

import zxingcpp

from profiles.qr import QUIET_ZONE

Modules = tuple[bytes, ...]
"""Rows of modules, a byte for each: 1 for black, 0 for white. Without the quiet zone."""

SCALE = 8
"""Pixels per module of a PNG: eight one-bit pixels are one byte, which is what makes it quick."""
_BLACK = re.compile(rb"\x01+")
_TO_MODULES = bytes(1 if value < 128 else 0 for value in range(256))
_TO_PIXELS = bytes(0x00 if value == 1 else 0xFF for value in range(256))


def modules(text: str, level: str = "Q") -> Modules:
    """The modules of `text` in the smallest version at error correction `level` (L, M, Q, H)."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=level)
    picture = code.to_image(scale=1, add_quiet_zones=False)
    pixels = memoryview(picture)  # type: ignore[arg-type] # it is a buffer, which its stubs do not say
    side = pixels.shape[0] if pixels.shape else 0
    flat = pixels.tobytes().translate(_TO_MODULES)
    return tuple(flat[start : start + side] for start in range(0, side * side, side))


@lru_cache(maxsize=8)
def runs(code: Modules) -> tuple[tuple[int, int, int], ...]:
    """Column, row and length of each horizontal run of black modules; a picture and a card ask for the same."""
    return tuple(
        (found.start(), number, found.end() - found.start())
        for number, row in enumerate(code)
        for found in _BLACK.finditer(row)
    )


def svg(code: Modules, *, label: str) -> str:
    """A picture like that of profiles.qr.svg, its path in absolute steps."""
    side = len(code) + 2 * QUIET_ZONE
    path = "".join(map(_step, runs(code)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" role="img"'
        f' aria-label="{escape(label)}" shape-rendering="crispEdges">'
        f'<rect width="{side}" height="{side}" fill="#fff"/><path fill="#000" d="{path}"/></svg>'
    )


def png(code: Modules) -> bytes:
    """A black and white PNG with SCALE pixels per module."""
    side = len(code) + 2 * QUIET_ZONE
    margin = b"\xff" * QUIET_ZONE
    white = (b"\0" + b"\xff" * side) * (SCALE * QUIET_ZONE)
    lines = b"".join((b"\0" + margin + row.translate(_TO_PIXELS) + margin) * SCALE for row in code)
    header = struct.pack(">2L5B", side * SCALE, side * SCALE, 1, 0, 0, 0, 0)
    data = zlib.compress(white + lines + white, 1)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


@cache
def _step(run: tuple[int, int, int]) -> str:
    """One run of an SVG path; there are some ten thousand different ones at most."""
    column, row, length = run
    return f"M{column + QUIET_ZONE} {row + QUIET_ZONE}h{length}v1h-{length}z"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))
