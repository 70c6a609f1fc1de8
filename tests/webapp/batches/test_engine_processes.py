"""`hagaki worker`, and the one that `hagaki serve` runs beside the server: real processes, ended in every way."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from tests.servers.processes import PATIENCE
from tests.webapp.batches.engine import Engine, RealTime, people, until
from tests.webapp.cli.command import HAGAKI, Command
from tests.webapp.cli.conftest import DOMAIN
from tests.webapp.cli.test_serve import Serving, serving
from tests.webapp.clock import Clock
from webapp.batches.options import BatchState
from webapp.batches.queue import open_queue
from webapp.config import load
from webapp.directory import Directory
from webapp.kept_worker import KeptWorker
from webapp.store import open_store, tables

LONG = 3_000


@pytest.fixture
def hagaki(tmp_path: Path) -> Command:
    return Command(tmp_path)


@contextmanager
def engine_of(hagaki: Command) -> Iterator[Engine]:
    """The pages' side of this data folder, in the test's own process: its queue is the real one."""
    config = load({"HAGAKI_DATA": str(hagaki.folder / "data"), **hagaki.variables}).prepare()
    store = open_store(config)
    queue = open_queue(config)
    Directory(store).add(DOMAIN, replace=True)
    try:
        engine = Engine(store=store, config=config, folder=hagaki.folder, clock=RealTime())
        engine.batches._enqueue = queue.enqueue
        yield engine
    finally:
        queue.close()
        store.close()


def is_done(engine: Engine, batch_id: int) -> bool:
    return engine.batches.view(batch_id).state is BatchState.DONE


def workers_of(server: Serving) -> set[int]:
    """The workers that a server started."""
    found = set()
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0") if folder.name.isdigit() else []
            status = (folder / "stat").read_text().rpartition(")")[2].split() if words else []
        except OSError:
            continue  # it ended meanwhile
        if b"worker" in words and int(status[1]) == server.process.pid:
            found.add(int(folder.name))
    return found


def has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("server", ["gunicorn", "granian"])
def test_serve_makes_batches_by_itself(server: str, hagaki: Command) -> None:
    with serving(hagaki, "--workers", "1", "--server", server) as running, engine_of(hagaki) as engine:
        batch_id = engine.take(people(30))
        until(lambda: is_done(engine, batch_id))
        (worker,) = workers_of(running)
        running.stop()

    assert running.process.returncode == 0
    assert has_ended(worker)


def test_the_worker_beside_a_server_is_kept_and_ends_with_it(hagaki: Command) -> None:
    with serving(hagaki, "--workers", "1") as running, engine_of(hagaki) as engine:
        until(lambda: bool(workers_of(running)))
        (first,) = workers_of(running)
        running.process.send_signal(signal.SIGHUP)
        for _ in range(20):
            running.get("/healthz")
        after_hangup = workers_of(running)
        os.kill(first, signal.SIGKILL)
        until(lambda: bool(workers_of(running) - {first}))
        batch_id = engine.take(people(3))
        until(lambda: is_done(engine, batch_id))
        (second,) = workers_of(running) - {first}
        assert running.get("/readyz")[0] == 200
        running.process.kill()
        until(lambda: has_ended(second))

    assert after_hangup == {first}, "the hangup replaces the server's processes alone"


def test_a_server_with_a_queue_for_several_machines_runs_no_worker(hagaki: Command) -> None:
    hagaki.variables["HAGAKI_QUEUE_URL"] = "redis://127.0.0.1:1/0"
    with serving(hagaki, "--workers", "1") as running:
        assert running.get("/readyz")[0] == 200
        assert workers_of(running) == set()
        running.stop()


def test_a_batch_taken_while_nobody_works_is_made_later(hagaki: Command) -> None:
    with engine_of(hagaki) as engine:
        batch_id = engine.take(people(3))
        with working(hagaki) as worker:
            until(lambda: is_done(engine, batch_id))
            worker.send_signal(signal.SIGINT)
            _, said = worker.communicate(timeout=PATIENCE)

    assert worker.returncode == 0
    assert "waiting for batches" in said
    assert f"event=batch_done batch={batch_id}" in said


def test_a_lost_message_is_found_by_the_sweep(hagaki: Command) -> None:
    with engine_of(hagaki) as engine:
        engine.batches._enqueue = lambda batch_id, times: None
        batch_id = engine.take(people(3))
        with engine.store.write() as connection:
            connection.execute(tables.batches.update().values(touched_at=time.time() - 60))
        with working(hagaki) as worker:
            until(lambda: is_done(engine, batch_id))
            worker.terminate()
            _, said = worker.communicate(timeout=PATIENCE)

    assert worker.returncode == 0
    assert "event=batch_resumed" in said


def test_a_database_or_queue_that_is_away_is_said(hagaki: Command) -> None:
    nowhere = "postgresql://hagaki@127.0.0.1:1/hagaki"

    no_database = hagaki("worker", variables={"HAGAKI_DATABASE_URL": nowhere}, status=1)
    no_queue = hagaki("worker", variables={"HAGAKI_QUEUE_URL": "redis://127.0.0.1:1/0"}, status=1)
    wrong = hagaki("worker", variables={"HAGAKI_QUEUE_URL": "amqp://127.0.0.1"}, status=2)

    assert "DATABASE_UNAVAILABLE" in no_database.err
    assert "QUEUE_UNAVAILABLE" in no_queue.err
    assert "HAGAKI_QUEUE_URL" in no_queue.err
    assert "SETTING_INVALID" in wrong.err


def test_a_worker_or_command_with_other_keys_than_the_server_makes_nothing(
    hagaki: Command, tmp_path: Path
) -> None:
    with serving(hagaki, "--workers", "1", "--no-worker") as running:
        running.stop()
    (tmp_path / "list.csv").write_text("address\np1@corp.example\n")
    other = {"HAGAKI_LINK_KEY": secrets.token_urlsafe(32)}

    worker = hagaki("worker", variables=other, status=1)
    bulk = hagaki("bulk", "list.csv", "-o", "out.zip", variables=other, status=1)
    with engine_of(hagaki) as engine:
        made = engine.rows(tables.invitations)

    for said in (worker.err, bulk.err):
        assert "HOST_KEY_OTHER" in said
        assert "HAGAKI_LINK_KEY" in said
    assert made == []


def test_a_server_may_get_a_new_key_and_its_worker_with_it(hagaki: Command) -> None:
    with serving(hagaki, "--workers", "1", "--no-worker") as running:
        running.stop()
    hagaki.variables["HAGAKI_LINK_KEY"] = secrets.token_urlsafe(32)
    with serving(hagaki, "--workers", "1") as running, engine_of(hagaki) as engine:
        batch_id = engine.take(people(3))
        until(lambda: is_done(engine, batch_id))
        running.stop()

    assert any("event=key_changed setting=HAGAKI_LINK_KEY" in line for line in running.said)


def test_a_server_that_is_started_again_goes_on_with_a_batch(hagaki: Command) -> None:
    with serving(hagaki, "--workers", "1") as running, engine_of(hagaki) as engine:
        batch_id = engine.take(people(LONG))
        until(lambda: engine.batches.view(batch_id).made > 0)
        running.stop()
        between = engine.states(batch_id)
    with serving(hagaki, "--workers", "1") as running, engine_of(hagaki) as engine:
        until(lambda: is_done(engine, batch_id))
        after = engine.states(batch_id)
        links = {row["address"] for row in engine.rows(tables.invitations)}
        running.stop()

    assert between["working"] == 0, "what was in hand is finished"
    assert after == {"made": LONG}
    assert len(links) == LONG


def test_the_worker_says_itself_in_japanese(hagaki: Command) -> None:
    with working(hagaki, language="ja") as worker:
        assert worker.stderr is not None
        assert "一括作成を待っています" in worker.stderr.readline()
        worker.terminate()
        worker.communicate(timeout=PATIENCE)


@contextmanager
def working(hagaki: Command, language: str = "en") -> Iterator[subprocess.Popen[str]]:
    """A worker in a process of its own."""
    environment = hagaki.environment({"HAGAKI_LANGUAGE": language})
    with subprocess.Popen(
        [HAGAKI, "worker"], stderr=subprocess.PIPE, text=True, env=environment, cwd=hagaki.folder
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def test_the_pause_grows_while_a_worker_dies_again_and_again(tmp_path: Path, clock: Clock) -> None:
    config = load({"HAGAKI_DATA": str(tmp_path / "data")})
    kept = KeptWorker(config, command=("/bin/false",), clock=clock)
    starts = []
    for _ in range(300):
        kept.look()
        if kept.pid is not None:
            starts.append(clock())
            until(lambda: has_ended(kept.pid or 0))
        clock.advance(1)
    kept.end()

    pauses = [later - earlier for earlier, later in pairwise(starts)]
    assert pauses == sorted(pauses)
    assert pauses[0] <= 2
    assert pauses[-1] == 61


def test_a_process_that_was_forked_from_the_server_ends_no_worker(tmp_path: Path, clock: Clock) -> None:
    kept = KeptWorker(load({"HAGAKI_DATA": str(tmp_path)}), command=("/bin/sleep", "60"), clock=clock)
    kept.look()
    pid = kept.pid
    forked = os.fork()
    if forked == 0:
        kept.forget()
        kept.look()
        kept.end()
        os._exit(0 if kept.pid is None else 1)

    _, status = os.waitpid(forked, 0)

    assert status == 0
    assert pid is not None
    assert not has_ended(pid)
    kept.end()
    assert has_ended(pid)
