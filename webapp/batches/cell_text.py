"""A cell of a workbook as a person reads it in the sheet: 123 in the format 00000 is 00123."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from functools import lru_cache
from math import isfinite

LONGEST_CELL = 32_767
"""Excel's own limit; what stands behind it is not kept."""
LONGEST_FORMAT = 255
"""Excel's own limit. A longer pattern would make a long text of every number."""
_ESCAPED = re.compile(r"_x00([01][0-9A-Fa-f]|5[Ff])_")
_PLACES = re.compile(r'(?:0|[ ()/-]|"[^"]*"|\\.|_.|\*.)+\Z')
_PIECE = re.compile(r'0|"([^"]*)"|\\(.)|[_*].|(.)')


def cell_text(value: object, number_format: str) -> str:
    """What openpyxl read from a cell, as text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _unescaped(value[: LONGEST_CELL + 1])
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return number_text(value, number_format)
    if isinstance(value, date | time):
        return _moment(value)
    # The formula of a group of cells has its text apart; that of a data table has none.
    return str(getattr(value, "text", None) or "=")


def number_text(value: float, number_format: str) -> str:
    """A number as its format shows it, as far as it matters in a list of people: `00000`, `"A"000-00`."""
    plain = _plain(value)
    pattern = _pattern(number_format)
    return _placed(plain, pattern) if pattern and plain.isdecimal() else plain


def _plain(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    if isfinite(value) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    # Excel itself keeps and shows 15 digits.
    return format(value, ".15g")


@lru_cache
def _pattern(number_format: str) -> str:
    """The pattern of digits that a format is; empty for an ordinary one."""
    first = number_format[: LONGEST_FORMAT + 1].partition(";")[0]
    if len(first) > LONGEST_FORMAT:
        return ""
    return first if _PLACES.match(first) and re.search(r'0.|"', first) else ""


def _placed(digits: str, pattern: str) -> str:
    pieces = [(match[0], match[1] or match[2] or match[3] or "") for match in _PIECE.finditer(pattern)]
    zeros = sum(piece == "0" for piece, _ in pieces)
    if not zeros:
        return digits
    digits = digits.zfill(zeros)
    # The first place takes all digits that are more than there are places.
    left = iter([digits[: len(digits) - zeros + 1], *digits[len(digits) - zeros + 1 :]])
    return "".join(next(left) if piece == "0" else literal for piece, literal in pieces)


def _moment(value: date | time) -> str:
    if isinstance(value, datetime):
        return value.isoformat(" ") if value.time() != time() else value.date().isoformat()
    return value.isoformat()


def _unescaped(text: str) -> str:
    """`_x000D_` is how a workbook writes a sign that XML cannot hold, `_x005F_` a dash before such letters."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x00" in text else text
