"""A durable batch whose rows are made, for tests of what comes after."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from profiles.address import Address
from profiles.problems import Code, Problem
from profiles.signing import Signer
from tests.webapp.batches.lists import DOMAINS, write
from webapp.batches.columns import find_columns
from webapp.batches.invitations import Invitations
from webapp.batches.options import BatchOptions, Mode, RowState
from webapp.batches.reading import open_list
from webapp.batches.result_rows import ResultRows
from webapp.batches.results import Results
from webapp.batches.rows import CellProblem, Employee, FindSettings
from webapp.batches.sealing import open_row
from webapp.batches.service import Batches
from webapp.config import Config
from webapp.store import Store, batch_rows
from webapp.store.batch_rows import EndedRow, WorkRow
from webapp.store.values import to_text

BASE_URL = "https://m.example.co.jp"
DAY = 24 * 3600.0


@dataclass
class World:
    """One database with its batches and their results."""

    store: Store
    config: Config
    batches: Batches
    invitations: Invitations
    results: Results

    def take(self, path: Path, *, mode: Mode = Mode.INVITATIONS, options: BatchOptions | None = None) -> int:
        """Take a list."""
        listing = open_list(path)
        columns = find_columns(listing.rows(), file=listing.name)
        wanted = options or BatchOptions(expires_at=time.time() + DAY, language="ja")
        return self.batches.take(listing, columns, wanted, mode=mode, actor="test")

    def made(
        self,
        folder: Path,
        data: bytes,
        *,
        name: str = "list.csv",
        mode: Mode = Mode.INVITATIONS,
        options: BatchOptions | None = None,
        refused: Collection[str] = (),
    ) -> int:
        """Take a list and make its rows; those of the `refused` addresses fail with a wrong password."""
        batch_id = self.take(write(folder, data, name), mode=mode, options=options)
        self.work(batch_id, mode, refused)
        return batch_id

    def work(self, batch_id: int, mode: Mode, refused: Collection[str] = ()) -> None:
        """Make the rows that wait, as a worker does it."""
        lease = b"l" * 16
        while True:
            with self.store.write() as connection:
                rows = batch_rows.claim(connection, batch_id, lease=lease, until=time.time() + 60, most=100)
                if not rows:
                    return
                good = [row for row in rows if row.address not in refused]
                links = self.invitations.invite_within(
                    connection,
                    batch_id,
                    [self._employee(row) for row in good],
                    expires_at=time.time() + DAY,
                    mode=mode,
                )
                ended = [
                    EndedRow(id=row.id, state=RowState.MADE, problems=row.problems, invitation_id=link.id)
                    for row, link in zip(good, links, strict=True)
                ]
                ended += [_failed(row) for row in rows if row.address in refused]
                batch_rows.end(connection, lease, ended, at=time.time())

    def _employee(self, row: WorkRow) -> Employee:
        held = open_row(self.config.link_key, row.id, row.sealed)
        local, _, domain = row.address.rpartition("@")
        return Employee(
            row=row.row,
            address=Address(local, domain),
            settings=DOMAINS[domain],
            full_name=row.full_name,
            department=row.department,
            employee_number=row.employee_number,
            password=held.password if held else None,
            pin=held.pin if held else None,
        )


def open_world(store: Store, config: Config, signer: Signer, *, find: FindSettings = DOMAINS.get) -> World:
    """Everything on one database."""
    invitations = Invitations(store, link_key=config.link_key)
    rows = ResultRows(store, invitations, find=find, link_key=config.link_key, base_url=BASE_URL, timezone=UTC)
    batches = Batches(
        store,
        find,
        link_key=config.link_key,
        record=lambda *words, **details: None,
        enqueue=lambda *words: None,
    )
    return World(
        store=store,
        config=config,
        batches=batches,
        invitations=invitations,
        results=Results(rows, signer=lambda: signer),
    )


def _failed(row: WorkRow) -> EndedRow:
    problem = CellProblem(problem=Problem(Code.AUTH_WRONG_PASSWORD, place=f"list.csv: {row.row}"), row=row.row)
    return EndedRow(id=row.id, state=RowState.FAILED, problems=to_text((problem,)), keeps_secrets=True)
