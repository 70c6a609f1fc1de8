"""kill -9 at any moment, and start again: no row is lost, doubled or half made."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.webapp.batches.engine import Engine, RealTime, people, until
from tests.webapp.batches.lists import HEADINGS, csv_bytes, write
from tests.webapp.batches.test_engine_taking import upload
from tests.webapp.batches.zygote import Zygote, has_ended, kill, zygote
from tests.webapp.cli.conftest import DOMAIN
from tests.webapp.clock import Clock
from webapp.batches.options import BatchState, Mode
from webapp.config import Config
from webapp.directory import Directory
from webapp.store import Store, tables

ROWS = 700
TAKEN = 1_600
"""Four pieces that are written each for itself."""


@pytest.fixture
def clock() -> Clock:
    """Workers of their own live by the real time."""
    return RealTime()


@pytest.fixture
def variables(store_config: Config, store: Store) -> dict[str, str]:
    """Where the processes find database and queue; one domain is served."""
    Directory(store).add(DOMAIN)
    return {"HAGAKI_DATA": str(store_config.data), "HAGAKI_DATABASE_URL": store_config.database_url}


@pytest.fixture
def workers(variables: dict[str, str]) -> Iterator[Zygote]:
    with zygote(variables) as ready:
        yield ready


def assert_whole(engine: Engine, batch_ids: list[int], *, rows: int = ROWS) -> None:
    """Nothing is lost, doubled or half made."""
    for batch_id in batch_ids:
        view = engine.batches.view(batch_id)
        assert (view.state, view.total, view.made, view.failed) == (BatchState.DONE, rows, rows, 0)
    links = {link["id"]: link for link in engine.rows(tables.invitations)}
    found = [row for batch_id in batch_ids for row in engine.rows(tables.batch_rows, batch_id=batch_id)]
    assert Counter(link["address"] for link in links.values()) == Counter(row["address"] for row in found)
    assert set(Counter(row["address"] for row in found).values()) == {1}
    assert len({link["number"] for link in links.values()}) == len(links)
    for row in found:
        assert links[row["invitation_id"]]["address"] == row["address"]
        assert row["sealed"] is None
    assert {engine.refuses(link) for link in links.values()} == {None}


def survive(engine: Engine, workers: Zygote, *, kills: int, batches: int, seed: int) -> None:
    """Kill one of two workers at least so often and in the midst of at least so many batches.

    How many kills one batch outlasts is the machine's affair, so the number of batches is asked for, not counted.
    """
    chance = random.Random(seed)
    batch_ids: list[int] = []
    running = [workers.work(), workers.work()]
    done = killed = 0
    while killed < kills or len(batch_ids) < batches:
        if not batch_ids or not engine.batches.view(batch_ids[-1]).is_active:
            mode = list(Mode)[len(batch_ids) % 2]
            batch_ids.append(engine.take(people(ROWS, first=1 + ROWS * len(batch_ids)), mode=mode))
            done = 0
        # Something happens between two kills, else nobody would ever be killed in the midst of it.
        until(partial(_has_more, engine, batch_ids[-1], done))
        time.sleep(chance.uniform(0, 0.1))
        kill(running.pop(chance.randrange(2)))
        running.append(workers.work())
        killed += 1
        done = _done(engine, batch_ids[-1])
        if done == ROWS:
            until(lambda: not engine.batches.view(batch_ids[-1]).is_active)
    until(lambda: not any(engine.batches.view(batch_id).is_active for batch_id in batch_ids))
    for pid in running:
        kill(pid)
    assert_whole(engine, batch_ids)


def _done(engine: Engine, batch_id: int) -> int:
    return engine.batches.view(batch_id).done


def _has_more(engine: Engine, batch_id: int, than: int) -> bool:
    return _done(engine, batch_id) > than


def test_workers_that_are_killed_lose_and_double_nothing(engine: Engine, workers: Zygote) -> None:
    survive(engine, workers, kills=10, batches=2, seed=11)


@pytest.mark.soak
def test_workers_that_are_killed_very_often_lose_and_double_nothing(engine: Engine, workers: Zygote) -> None:
    survive(engine, workers, kills=200, batches=10, seed=int(time.time()))


def take_and_be_killed(engine: Engine, workers: Zygote, folder: Path, *, kills: int, seed: int) -> set[str]:
    """Kill whoever takes a list, then take it again; return how far those came who were killed."""
    chance = random.Random(seed)
    seen: set[str] = set()
    for number in range(kills):
        path = write(folder, csv_bytes([HEADINGS, *people(TAKEN, first=1 + TAKEN * number)]))
        token_hash = upload(engine)
        pid = workers.take(path, "ready-made", token_hash)
        if chance.random() < 0.8:
            until(lambda: bool(engine.rows(tables.batches)))
        time.sleep(chance.uniform(0, 0.2))
        kill(pid)
        killed = engine.rows(tables.batches, name="list.csv")
        seen |= {row["state"] for row in killed} or {"nothing"}
        until(partial(_is_taken, engine, partial(workers.take, path, "ready-made", token_hash)))
        engine.batches.sweep()
        (batch,) = engine.rows(tables.batches)
        rows = engine.rows(tables.batch_rows)
        assert (batch["state"], batch["total"], len(rows)) == ("waiting", TAKEN, TAKEN)
        assert {row["batch_id"] for row in rows} == {batch["id"]}
        engine.batches.delete(batch["id"], "aya")
    return seen


def _is_taken(engine: Engine, take: Callable[[], int]) -> bool:
    """Take a list, and take it for dead if it is still being read.

    Once is not always enough: what a killed process had sent to PostgreSQL may come to pass after its death.
    """
    with engine.store.write() as connection:
        # Nobody waits a minute here for the sign of life that does not come.
        reading = tables.batches.c.state == "reading"
        connection.execute(tables.batches.update().where(reading).values(touched_at=time.time() - 600))
    until(partial(has_ended, take()))
    return any(row["state"] == "waiting" for row in engine.rows(tables.batches))


def test_a_list_whose_taking_is_killed_is_taken_whole_or_not_at_all(
    engine: Engine, workers: Zygote, tmp_path: Path
) -> None:
    assert take_and_be_killed(engine, workers, tmp_path, kills=3, seed=5)


@pytest.mark.soak
def test_taking_is_killed_very_often(engine: Engine, workers: Zygote, tmp_path: Path) -> None:
    seen = take_and_be_killed(engine, workers, tmp_path, kills=100, seed=int(time.time()))

    assert "reading" in seen, "killed in the midst of it"
