"""A clock that stands still until the test moves it: expiry without waiting."""

from __future__ import annotations


class Clock:
    """Call it for the seconds since the epoch."""

    def __init__(self, start: float = 1_790_000_000.0) -> None:
        self.seconds = start

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds
