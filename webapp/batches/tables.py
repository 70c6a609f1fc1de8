"""The two tables that go with the documents: what became of each row, and the PINs of ready-made links.

They are never one table: a PIN that stands beside its link protects nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

from profiles.problems import Problem
from webapp.batches.archive import Writable
from webapp.batches.defusing import line

RESULTS = ("row", "address", "status", "file", "link", "code", "message")
MAIL = "mail"
PINS = ("row", "address", "name", "card", "pin")
BOM = "\ufeff"
"""Excel takes UTF-8 for what it is only with this mark."""

Describe = Callable[[Problem], tuple[str, str]]


class Status(StrEnum):
    """What became of a row."""

    MADE = "made"
    FAILED = "failed"
    WAITING = "waiting"
    """Not yet, or somebody is at it."""
    CANCELLED = "cancelled"


class ResultsTable:
    """Writes results.csv row by row; with `mails` a last column tells of each row's mail."""

    def __init__(self, target: Writable, describe: Describe, *, mails: bool = False) -> None:
        self._target = target
        self._describe = describe
        self._mails = mails
        target.write((BOM + line((*RESULTS, MAIL) if mails else RESULTS)).encode())

    def add(
        self,
        row: int,
        address: str,
        status: Status,
        *,
        file: str = "",
        link: str = "",
        mail: str = "",
        problems: Iterable[Problem] = (),
    ) -> None:
        """Write what became of one row, and the problem that weighs most."""
        cells = [str(row), address, status, file, link, *self._told(problems)]
        self._target.write(line([*cells, mail] if self._mails else cells).encode())

    def _told(self, problems: Iterable[Problem]) -> tuple[str, str]:
        first = next(iter(errors_first(problems)), None)
        if first is None:
            return "", ""
        summary, advice = self._describe(first)
        return first.code.value, f"{summary} {advice}".strip()


class PinsTable:
    """Writes pins.csv row by row."""

    def __init__(self, target: Writable) -> None:
        self._target = target
        target.write((BOM + line(PINS)).encode())

    def add(self, row: int, address: str, *, name: str, card: str, pin: str) -> None:
        """Write the PIN of one card."""
        self._target.write(line((str(row), address, name, card, pin)).encode())


def errors_first(problems: Iterable[Problem]) -> list[Problem]:
    """Problems by weight, otherwise in their order."""
    return sorted(problems, key=lambda problem: not problem.is_error)
