"""How the parts that change something write to the log of what admins did, which stands beside them, not below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from webapp.store import Connection


class Record(Protocol):
    """Writes a row of the audit log in the caller's transaction."""

    def __call__(self, connection: Connection, actor: str, action: str, subject: str = "", **details: str) -> None:
        """Who did what to what."""


class RecordEach(Protocol):
    """Writes a row for each of many subjects, in the caller's transaction and in few statements."""

    def __call__(
        self, connection: Connection, actor: str, action: str, told: Sequence[tuple[str, Mapping[str, str]]]
    ) -> None:
        """Who did what to whom: subjects with their details."""
