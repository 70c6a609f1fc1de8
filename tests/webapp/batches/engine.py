"""The engine of durable batches on one database, with a clock that the test moves."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from sqlalchemy import select
from sqlalchemy.sql.schema import Table

from profiles.model import MailAccount
from profiles.problems import Code, Problem, ProblemError
from tests.servers.processes import PATIENCE
from tests.webapp.batches.lists import DOMAINS, HEADINGS, csv_bytes, write
from tests.webapp.clock import Clock
from webapp.batches.columns import find_columns
from webapp.batches.invitations import Invitations, derive_token
from webapp.batches.options import BatchOptions, Mode
from webapp.batches.reading import open_list
from webapp.batches.rows import FindSettings
from webapp.batches.service import Batches
from webapp.batches.working import Leases, Work
from webapp.config import Config
from webapp.probes.report import Report
from webapp.store import Connection, Store, tables

DAY = 24 * 3600.0


class RealTime(Clock):
    """The clock of the processes that a test starts."""

    def __call__(self) -> float:
        return time.time()


def people(count: int, *, first: int = 1, domain: str = "corp.example") -> list[Sequence[str]]:
    """So many invented people, each with a password of their own."""
    return [
        (f"{number:04}", f"山田 {number}", f"p{number}@{domain}", "営業部", f"canary-{number}-合言葉")
        for number in range(first, first + count)
    ]


def accepts(account: MailAccount, password: str) -> Report:
    """A mail server that lets everybody in."""
    return Report(account=account)


@dataclass
class Engine:
    """Batches and whoever works on them."""

    store: Store
    config: Config
    folder: Path
    clock: Clock
    find: FindSettings = DOMAINS.get
    enqueued: list[tuple[int, int]] = field(default_factory=list)
    audit: list[tuple[str, str, str]] = field(default_factory=list)
    queue_is_away: bool = False

    def __post_init__(self) -> None:
        self.batches = Batches(
            self.store,
            self.find,
            link_key=self.config.link_key,
            record=self._record,
            enqueue=self._enqueue,
            now=self.clock,
        )
        self.invitations = Invitations(self.store, link_key=self.config.link_key, now=self.clock)

    def options(self, **chosen: Any) -> BatchOptions:
        """What an admin chose."""
        # The turns at mail servers are waited for in real time.
        return BatchOptions(expires_at=self.clock() + 30 * DAY, **{"check_rate": 50, **chosen})

    def take(
        self,
        rows: Sequence[Sequence[str]],
        *,
        mode: Mode = Mode.INVITATIONS,
        headings: Sequence[str] = HEADINGS,
        upload_hash: bytes | None = None,
        **chosen: Any,
    ) -> int:
        """Take a list of these rows."""
        listing = open_list(write(self.folder, csv_bytes([headings, *rows])))
        columns = find_columns(listing.rows(), file=listing.name)
        options = self.options(**chosen)
        return self.batches.take(listing, columns, options, mode=mode, actor="aya", upload_hash=upload_hash)

    def worker(
        self,
        probe: Callable[[MailAccount, str], Report] = accepts,
        *,
        find: FindSettings | None = None,
        halted: Event | None = None,
        chunk: int = 100,
    ) -> Work:
        """Somebody who works on batches."""
        return Work(
            self.store,
            find or self.find,
            self.invitations,
            link_key=self.config.link_key,
            probe=probe,
            leases=Leases(self.store, now=self.clock),
            halted=halted or Event(),
            chunk=chunk,
            now=self.clock,
        )

    def make(self, batch_id: int, probe: Callable[[MailAccount, str], Report] = accepts) -> None:
        """Make all rows of a batch."""
        assert self.worker(probe).work(batch_id, seconds=600)

    # what stands in the database

    def rows(self, table: Table, **wanted: Any) -> list[dict[str, Any]]:
        """Rows of a table with these values."""
        query = select(table).where(*(table.c[name] == value for name, value in wanted.items()))
        with self.store.read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def states(self, batch_id: int) -> Counter[str]:
        """How many rows are in each state."""
        return Counter(row["state"] for row in self.rows(tables.batch_rows, batch_id=batch_id))

    def codes(self, batch_id: int) -> dict[str, list[Code]]:
        """What is told of the rows, by their addresses."""
        told: dict[str, list[Code]] = {}
        addresses = {row["row"]: row["address"] for row in self.rows(tables.batch_rows, batch_id=batch_id)}
        for found in self.batches.problems(batch_id):
            told.setdefault(addresses[found.row], []).append(found.problem.code)
        return told

    def token(self, invitation: dict[str, Any]) -> str:
        """The link of an invitation, as a reprint makes it."""
        return derive_token(self.config.link_key, invitation["id"], invitation["generation"])

    def refuses(self, invitation: dict[str, Any]) -> Code | None:
        """Why a link does not open; None where it does."""
        try:
            self.invitations.find(self.token(invitation))
        except ProblemError as error:
            return error.problems[0].code
        return None

    def text(self) -> str:
        """Everything in the database, as one text."""
        with self.store.read() as connection:
            return "\n".join(
                repr(dict(row))
                for table in tables.metadata.sorted_tables
                for row in connection.execute(select(table)).mappings()
            )

    def _record(self, connection: Connection, actor: str, action: str, subject: str = "", **details: str) -> None:
        self.audit.append((actor, action, subject))

    def _enqueue(self, batch_id: int, times: int) -> None:
        if self.queue_is_away:
            raise ProblemError(Problem(Code.QUEUE_UNAVAILABLE, {"reason": "it is away"}))
        self.enqueued.append((batch_id, times))


def until(done: Callable[[], bool], *, seconds: float = 3 * PATIENCE) -> None:
    """Wait for something, within a span that is far too long."""
    pause, ends = Event(), time.monotonic() + seconds
    while not done():
        assert time.monotonic() < ends, "it did not happen"
        pause.wait(0.02)
