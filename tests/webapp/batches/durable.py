"""A durable batch whose rows are made, for tests of what comes after."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from threading import Event

from profiles.model import MailAccount
from profiles.problems import Code, Problem
from profiles.signing import Signer
from tests.webapp.batches.lists import DOMAINS, write
from webapp.batches.columns import find_columns
from webapp.batches.invitations import Invitations
from webapp.batches.options import BatchOptions, Mode
from webapp.batches.reading import open_list
from webapp.batches.result_rows import ResultRows
from webapp.batches.results import Results
from webapp.batches.rows import FindSettings
from webapp.batches.service import Batches
from webapp.batches.working import Leases, Work
from webapp.config import Config
from webapp.probes.report import Report
from webapp.store import Store

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
    find: FindSettings

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
        self.work(batch_id, refused)
        return batch_id

    def work(self, batch_id: int, refused: Collection[str] = ()) -> None:
        """Make the rows that wait, as a worker does it."""

        def probe(account: MailAccount, password: str) -> Report:
            wrong = str(account.address) in refused
            return Report(account=account, problems=(Problem(Code.AUTH_WRONG_PASSWORD),) if wrong else ())

        work = Work(
            self.store,
            self.find,
            self.invitations,
            link_key=self.config.link_key,
            probe=probe,
            leases=Leases(self.store),
            halted=Event(),
        )
        assert work.work(batch_id, seconds=600)


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
        find=find,
    )
