"""Bars of a plot: what they are called, how long they are, and how they compare with the bar before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

STEP = 50
"""Pixels from one bar to the next: a line of text and the bar below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar with its row in the table."""

    label: str
    number: int
    length: str
    """In per cent of the plot's width."""
    of_previous: str
    """In per cent of the bar before; empty for the first one, or where that is empty."""
    top: int

    @property
    def text_y(self) -> int:
        """Where its text stands."""
        return self.top + 14

    @property
    def bar_y(self) -> int:
        """Where the bar begins."""
        return self.top + 23

    @property
    def shown(self) -> str:
        """The number as both languages write it."""
        return f"{self.number:,}"


def bars(values: Sequence[tuple[str, int]]) -> tuple[Bar, ...]:
    """The bars of these values; the longest fills the width."""
    longest = max((number for _, number in values), default=0) or 1
    return tuple(
        Bar(
            label=label,
            number=number,
            length=f"{100 * number / longest:.1f}%",
            of_previous=_share(number, values[place - 1][1]) if place else "",
            top=place * STEP,
        )
        for place, (label, number) in enumerate(values)
    )


def height(count: int) -> int:
    """How high a plot of so many bars is."""
    return max(count, 1) * STEP - 8


def _share(number: int, whole: int) -> str:
    return f"{100 * number / whole:.1f}%" if whole else ""
