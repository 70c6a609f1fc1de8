"""CSV files that a spreadsheet opens: cells that it would calculate are made text, and come back as they were."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from io import StringIO

_CALCULATED = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r")
"""First signs by which spreadsheets take a cell for a formula, full-width ones included."""
_TEXT_SIGN = "'"


def defused(cell: str) -> str:
    """The cell so that no spreadsheet calculates it."""
    return _TEXT_SIGN + cell if _is_dangerous(cell) else cell


def undefused(cell: str) -> str:
    """The cell as it was before `defused`."""
    return cell[1:] if cell.startswith(_TEXT_SIGN) and _is_dangerous(cell[1:]) else cell


def _is_dangerous(cell: str) -> bool:
    """Whether it would be calculated, or would lose a text sign of its own on the way back."""
    return cell.lstrip(_TEXT_SIGN).startswith(_CALCULATED)


def line(cells: Iterable[str], *, delimiter: str = ",") -> str:
    """One row of a CSV file, every cell defused."""
    target = StringIO(newline="")
    csv.writer(target, delimiter=delimiter, lineterminator="\r\n").writerow([defused(cell) for cell in cells])
    return target.getvalue()
