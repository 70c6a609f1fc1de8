"""QR codes: text to modules, modules to SVG, PNG or terminal blocks. Always black on white, with a quiet zone.

Thunderbird's scanner reads no inverted codes, so every output paints its own white ground, whatever the theme.
"""

from __future__ import annotations

from io import BytesIO
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, tostring

import qrcode
from PIL import Image
from qrcode.util import MODE_8BIT_BYTE, QRData

QUIET_ZONE = 4
"""White modules on every side, as the standard asks."""

Matrix = tuple[tuple[bool, ...], ...]
"""Rows of modules, true for black, without the quiet zone."""

_LEVELS = {
    "L": qrcode.constants.ERROR_CORRECT_L,
    "M": qrcode.constants.ERROR_CORRECT_M,
    "Q": qrcode.constants.ERROR_CORRECT_Q,
    "H": qrcode.constants.ERROR_CORRECT_H,
}

# Fixed colours of the 256-colour cube: themes redefine "black" and "white", not these.
_BLACK_ON_WHITE = "\x1b[38;5;16m\x1b[48;5;231m"
_RESET = "\x1b[0m"
_BLOCKS = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def matrix(text: str, level: str = "M") -> Matrix:
    """The modules of `text` as UTF-8 bytes, in the smallest version at error correction `level` (L, M, Q, H)."""
    code = qrcode.QRCode(error_correction=_LEVELS[level], border=0)
    code.add_data(QRData(text.encode(), mode=MODE_8BIT_BYTE), optimize=0)
    return tuple(tuple(bool(module) for module in row) for row in code.get_matrix())


def svg(matrix: Matrix, *, label: str) -> str:
    """An SVG picture for a page: one relative path, so that it stays small and scales without seams."""
    size = len(matrix) + 2 * QUIET_ZONE
    picture = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {size} {size}",
            "role": "img",
            "aria-label": label,
            "shape-rendering": "crispEdges",
        },
    )
    SubElement(picture, "rect", width=str(size), height=str(size), fill="#fff")
    SubElement(picture, "path", fill="#000", d=path(matrix))
    return tostring(picture, encoding="unicode")


def path(matrix: Matrix) -> str:
    """The black modules as one relative SVG path of horizontal runs, the quiet zone counted in."""
    steps = []
    x, y = 0, 0
    for row_number, row in enumerate(matrix, QUIET_ZONE):
        for column, length in _runs(row):
            steps.append(f"m{column - x} {row_number - y}h{length}v1h-{length}z")
            x, y = column, row_number  # "z" goes back to where the run began
    return "".join(steps)


def png(matrix: Matrix, *, scale: int = 8) -> bytes:
    """A black and white PNG with `scale` pixels per module."""
    side = len(matrix) + 2 * QUIET_ZONE
    image = Image.new("1", (side, side), 1)
    pixels = [0 if module else 1 for row in matrix for module in row]
    code = Image.new("1", (len(matrix), len(matrix)))
    code.putdata(pixels)
    image.paste(code, (QUIET_ZONE, QUIET_ZONE))
    target = BytesIO()
    image.resize((side * scale, side * scale), Image.Resampling.NEAREST).save(target, "PNG")
    return target.getvalue()


def terminal(matrix: Matrix) -> str:
    """Half blocks for a terminal, two rows of modules per line, readable on dark and light ones alike."""
    rows = _framed(matrix)
    lines = (
        "".join(_BLOCKS[above, below] for above, below in zip(rows[number], rows[number + 1], strict=True))
        for number in range(0, len(rows), 2)
    )
    return "\n".join(f"{_BLACK_ON_WHITE}{line}{_RESET}" for line in lines) + "\n"


def _runs(row: tuple[bool, ...]) -> list[tuple[int, int]]:
    """Start column (with the quiet zone) and length of each run of black modules."""
    found = []
    column = QUIET_ZONE
    for is_black, modules in groupby(row):
        length = len(list(modules))
        if is_black:
            found.append((column, length))
        column += length
    return found


def _framed(matrix: Matrix) -> list[tuple[bool, ...]]:
    """The matrix with its quiet zone, and an even number of rows."""
    side = (False,) * QUIET_ZONE
    white = (False,) * (len(matrix) + 2 * QUIET_ZONE)
    rows = [white] * QUIET_ZONE + [side + row + side for row in matrix] + [white] * QUIET_ZONE
    return rows + [white] * (len(rows) % 2)
