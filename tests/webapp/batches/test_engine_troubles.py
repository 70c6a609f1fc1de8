"""What a worker outlasts in the midst of a batch: disk, database and queue go away, and it is told to end."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import text

from tests.servers.processes import free_ports
from tests.webapp import postgres, redis_server
from tests.webapp.batches.engine import Engine, RealTime, people, until
from tests.webapp.batches.test_engine_killed import assert_whole
from tests.webapp.batches.zygote import Zygote, has_ended, kill, zygote
from tests.webapp.cli.conftest import DOMAIN
from tests.webapp.clock import Clock
from webapp.batches.options import Mode
from webapp.batches.queue import QUEUE_FILE
from webapp.config import Config, load
from webapp.directory import Directory
from webapp.store import Store, open_store

ROWS = 1_500


@pytest.fixture
def clock() -> Clock:
    """Workers of their own live by the real time."""
    return RealTime()


@pytest.fixture
def workers(store_config: Config, store: Store) -> Iterator[Zygote]:
    """Workers on the database of the test; one domain is served."""
    Directory(store).add(DOMAIN)
    variables = {"HAGAKI_DATA": str(store_config.data), "HAGAKI_DATABASE_URL": store_config.database_url}
    with zygote(variables) as ready:
        yield ready


def has_begun(engine: Engine, batch_id: int) -> bool:
    return engine.batches.view(batch_id).done > 0


def has_ended_batch(engine: Engine, batch_id: int) -> bool:
    return not engine.batches.view(batch_id).is_active


def begun(engine: Engine) -> int:
    """A batch in whose midst a worker is."""
    batch_id = engine.take(people(ROWS), mode=Mode.READY_MADE)
    until(partial(has_begun, engine, batch_id))
    return batch_id


def finish(engine: Engine, *batch_ids: int) -> None:
    """Wait for the end of batches; they are whole then."""
    for batch_id in batch_ids:
        until(partial(has_ended_batch, engine, batch_id))
    assert_whole(engine, list(batch_ids), rows=ROWS)


def test_a_full_disk_stops_batches_as_long_as_it_is_full(engine: Engine, workers: Zygote) -> None:
    worker = workers.work()
    batch_id = begun(engine)

    # No byte more in any file; PostgreSQL writes elsewhere, and only the queue is away.
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
    next_id = engine.take(people(ROWS, first=ROWS + 1), mode=Mode.READY_MADE)
    time.sleep(0.5)
    made_meanwhile = engine.batches.view(next_id).done
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    finish(engine, batch_id, next_id)
    kill(worker)

    assert made_meanwhile == 0 or not engine.store.is_sqlite


@contextmanager
def locked(store: Store, config: Config) -> Iterator[None]:
    """Somebody else writes and does not end: to all of SQLite, to the rows of batches on PostgreSQL."""
    if not store.is_sqlite:
        with store.engine.begin() as connection:
            connection.execute(text("LOCK TABLE batch_rows IN EXCLUSIVE MODE"))
            yield
        return
    with closing(sqlite3.connect(config.data / "hagaki.sqlite", timeout=60, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_database_that_somebody_else_locks_stops_a_batch_as_long_as_that(
    engine: Engine, workers: Zygote, store_config: Config
) -> None:
    worker = workers.work(busy_seconds=0.1)
    batch_id = begun(engine)

    with locked(engine.store, store_config):
        before = engine.batches.view(batch_id).done
        time.sleep(1.5)
        after = engine.batches.view(batch_id).done
    finish(engine, batch_id)
    kill(worker)

    assert before == after


def test_a_queue_whose_file_is_deleted_loses_no_batch(
    engine: Engine, workers: Zygote, store_config: Config
) -> None:
    worker = workers.work()
    batch_id = begun(engine)

    for file in store_config.data.glob(f"{QUEUE_FILE}*"):
        file.unlink()
    finish(engine, batch_id)
    kill(worker)


def test_a_worker_that_is_told_to_end_leaves_nothing_in_hand(engine: Engine, workers: Zygote) -> None:
    first = workers.work()
    batch_id = begun(engine)

    os.kill(first, signal.SIGTERM)
    until(partial(has_ended, first))
    left = engine.states(batch_id)
    second = workers.work()
    finish(engine, batch_id)
    kill(second)

    assert left["working"] == 0
    assert left["failed"] == 0


@pytest.mark.postgresql
def test_queue_and_database_may_crash_in_the_midst_of_a_batch(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with postgres.running() as server:
        variables = {
            "HAGAKI_DATABASE_URL": server.new_database(),
            "HAGAKI_QUEUE_URL": f"redis://127.0.0.1:{port}/0",
            "HAGAKI_DATA": str(tmp_path / "data"),
        }
        config = load(variables).prepare()
        store = open_store(config)
        Directory(store).add(DOMAIN)
        engine = Engine(store=store, config=config, folder=tmp_path, clock=RealTime())
        with zygote(variables) as workers:
            with redis_server.running(port):
                worker = workers.work()
                batch_id = begun(engine)
                Redis(port=port).shutdown(nosave=True)
            server.restart()
            with redis_server.running(port):
                finish(engine, batch_id)
                kill(worker)
        store.close()
