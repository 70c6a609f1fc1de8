"""Numbers of a workbook as a person reads them: 123 in the format 00000 is 00123, and 46113 may be a day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite

_DATES = frozenset(map(str, (*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59))))
"""Numbers of built-in formats that show days or times, those of East Asia included."""
_UNMEANT = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]|general|g/標準|e[+-]', re.IGNORECASE)
"""What stands in a format and says nothing of days."""
_PLACES = re.compile(r'(?:0|[ ()/-]|"[^"]*"|\\.|_.|\*.)+\Z')
_PIECE = re.compile(r'0|"([^"]*)"|\\(.)|[_*].|(.)')
LONGEST_FORMAT = 255
"""Excel's own limit. A longer pattern would make a long text of every number."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Format:
    """What a number format makes of a number, as far as it matters in a list of people."""

    is_date: bool = False
    places: str = ""
    """A pattern of digits such as `00000` or `"A"000-00`."""


def format_of(number: str, code: str) -> Format | None:
    """Read a format by its number, or by its code where the workbook has its own; None for an ordinary one."""
    if number in _DATES:
        return Format(is_date=True)
    if len(code) > LONGEST_FORMAT:
        return None
    first = code.partition(";")[0]
    if _PLACES.match(first) and re.search(r'0.|"', first):
        return Format(places=first)
    return Format(is_date=True) if re.search("[ymdhsge]", _UNMEANT.sub("", code), re.IGNORECASE) else None


def number_text(text: str, given: Format | None, *, is_1904: bool) -> str:
    """A number as it stands in the file, as its format shows it. Raises ValueError where it is none."""
    if given is None and text.isdecimal() and len(text) < 16 and text[0] != "0":
        return text
    value = float(text)
    if not isfinite(value):
        return text
    if given is not None and given.is_date:
        return _moment(value, is_1904=is_1904) or _plain(value)
    plain = _plain(value)
    return _placed(plain, given.places) if given is not None and plain.isdecimal() else plain


def _plain(value: float) -> str:
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    # Excel itself keeps and shows 15 digits.
    return format(value, ".15g")


def _placed(digits: str, pattern: str) -> str:
    pieces = [(match[0], match[1] or match[2] or match[3] or "") for match in _PIECE.finditer(pattern)]
    zeros = sum(piece == "0" for piece, _ in pieces)
    if not zeros:
        return digits
    digits = digits.zfill(zeros)
    # The first place takes all digits that are more than there are places.
    left = iter([digits[: len(digits) - zeros + 1], *digits[len(digits) - zeros + 1 :]])
    return "".join(next(left) if piece == "0" else literal for piece, literal in pieces)


def _moment(value: float, *, is_1904: bool) -> str | None:
    # Lotus took 1900 for a leap year, and Excel still counts that day.
    base = datetime(1904, 1, 1) if is_1904 else datetime(1899, 12, 30 if value >= 60 else 31)
    try:
        moment = base + timedelta(seconds=round(value * _DAY.total_seconds()))
    except (OverflowError, ValueError):
        return None
    if 0 <= value < 1:
        return moment.time().isoformat()
    return moment.date().isoformat() if moment.time() == datetime.min.time() else moment.isoformat(" ")
