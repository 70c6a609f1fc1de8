"""A moment on the monotonic clock by which something must have ended. Nested work can only shorten it."""

from __future__ import annotations

import math
import time


class Deadline:
    """Counts down from its making; never stretched by bytes that drip in."""

    __slots__ = ("_at",)

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    @classmethod
    def of(cls, value: Deadline | float) -> Deadline:
        """Take a deadline, or seconds from now."""
        return value if isinstance(value, Deadline) else cls(value)

    @property
    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._at - time.monotonic())

    @property
    def milliseconds(self) -> int:
        """What `poll` wants: rounded up, so that waiting does not spin in the last millisecond."""
        return math.ceil(self.remaining * 1000)

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._at

    def within(self, seconds: float) -> Deadline:
        """A deadline in `seconds`, or this one where it is nearer."""
        nearer = Deadline(seconds)
        return nearer if nearer._at < self._at else self

    def __repr__(self) -> str:
        return f"Deadline({self.remaining:.3f} s left)"
