"""No password or PIN of a list lies in any file of the data folder, from the taking to the end of its links."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.test_canaries import places
from tests.webapp.batches.engine import DAY, Engine
from tests.webapp.batches.lists import HEADINGS
from tests.webapp.batches.test_engine_making import refuses
from tests.webapp.clock import Clock
from webapp.batches.options import Mode
from webapp.batches.queue import open_queue
from webapp.config import load
from webapp.store import open_store

PASSWORDS = (
    "canary plain 1",
    "金糸雀のうた",
    'canary "quoted" \\ 3',
    "100%canary%41&4",
    "schöner Kanarienvogel",
    "739105",
)


@pytest.mark.parametrize("mode", list(Mode))
def test_no_secret_of_a_list_is_in_any_file(tmp_path: Path, mode: Mode) -> None:
    config = load({"HAGAKI_DATA": str(tmp_path / "data")}).prepare()
    clock = Clock(time.time())
    store, queue = open_store(config), open_queue(config)
    engine = Engine(store=store, config=config, folder=tmp_path, clock=clock)
    engine.batches._enqueue = queue.enqueue
    rows = [
        (f"{number:04}", f"山田 {number}", f"p{number}@corp.example", "営業部", password, f"58203{number}")
        for number, password in enumerate(PASSWORDS)
    ]
    # Shifted columns and a surplus cell: what the problems quote is a secret here.
    shifted = ("0009", "佐藤", "canary in the wrong column", "営業部", "sato@corp.example", "")
    surplus = ("0010", "鈴木", "suzuki@corp.example", "営業部", "canary", "", "rest of a canary")
    found: list[str] = []

    def search() -> None:
        for secret in (*PASSWORDS, *(row[5] for row in rows), shifted[2], surplus[6]):
            found.extend(places(config.data, secret))

    batch_id = engine.take([*rows, shifted, surplus], headings=(*HEADINGS, "PIN"), mode=mode, check=True)
    search()
    engine.make(batch_id, refuses("p1@corp.example"))
    search()
    engine.batches.retry(batch_id, "aya")
    engine.make(batch_id)
    clock.advance(40 * DAY)
    engine.batches.forget()
    clock.advance(100 * DAY)
    engine.batches.sweep()
    queue.close()
    store.close()
    search()

    assert found == []
    assert engine.enqueued == []
