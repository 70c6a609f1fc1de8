"""Long lists of values, in pieces that one statement may name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Value = TypeVar("Value")

CHUNK = 500
"""SQLite of old takes 999 in one statement."""


def chunks(values: Sequence[Value]) -> list[Sequence[Value]]:
    """The values, at most `CHUNK` at a time."""
    return [values[start : start + CHUNK] for start in range(0, len(values), CHUNK)]
