"""The database: migrations under several starts, transactions that cannot deadlock, errors as Problems."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from profiles.model import Protocol
from profiles.problems import Code, ProblemError
from tests.webapp.threads import at_once
from webapp.config import Config, load
from webapp.probes.report import Findings, Stage, StageName
from webapp.store import Store, engine, keys, open_store
from webapp.store.migrate import HEAD, SCRIPTS
from webapp.store.tables import metadata
from webapp.store.values import from_text, to_text

ROOT = Path(__file__).parents[2]


def test_the_migrations_make_exactly_the_tables(store: Store) -> None:
    with store.read() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)

    assert differences == []


def test_head_is_the_newest_migration() -> None:
    options = AlembicConfig()
    options.set_main_option("script_location", str(SCRIPTS))

    assert ScriptDirectory.from_config(options).get_current_head() == HEAD


def test_several_workers_can_start_at_once(store_config: Config) -> None:
    def start() -> str:
        opened = open_store(store_config)
        try:
            with opened.read() as connection:
                return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())
        finally:
            opened.close()

    assert at_once(8, start) == [HEAD] * 8


def test_several_servers_can_say_their_keys_at_once(store: Store, store_config: Config) -> None:
    assert at_once(8, lambda: keys.announce(store, store_config)) == [()] * 8
    keys.demand(store, store_config)


def test_another_key_than_the_server_s_is_told_until_the_server_has_it(store: Store, store_config: Config) -> None:
    other = replace(store_config, given_link_key=b"o" * 32)
    keys.demand(store, other)
    keys.announce(store, store_config)

    with pytest.raises(ProblemError) as caught:
        keys.demand(store, other)
    changed = keys.announce(store, other)
    keys.demand(store, other)

    assert [(p.code, p.place) for p in caught.value.problems] == [(Code.HOST_KEY_OTHER, "HAGAKI_LINK_KEY")]
    assert changed == ("HAGAKI_LINK_KEY",)


def test_a_database_of_a_newer_hagaki_is_refused(store: Store, store_config: Config) -> None:
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(ProblemError) as caught:
        open_store(store_config)

    assert caught.value.problems[0].code is Code.DATABASE_UNAVAILABLE


def test_a_write_is_undone_by_an_exception(store: Store) -> None:
    def stumble() -> None:
        with store.write() as connection:
            connection.execute(text("INSERT INTO counters (name, value) VALUES ('x', 1)"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stumble()

    with store.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM counters WHERE name = 'x'")).scalar_one() == 0


def test_writers_that_read_first_lose_no_count(store: Store) -> None:
    """A deferred SQLite transaction that reads and then writes would fail here, or lose counts."""

    def count() -> None:
        with store.write() as connection:
            engine.lock(connection, 1)
            value = connection.execute(text("SELECT value FROM counters WHERE name = 'domains'")).scalar_one()
            connection.execute(
                text("UPDATE counters SET value = :value WHERE name = 'domains'"), {"value": value + 1}
            )

    assert at_once(32, count) == [None] * 32
    with store.read() as connection:
        assert connection.execute(text("SELECT value FROM counters WHERE name = 'domains'")).scalar_one() == 32


def test_sqlite_is_durable_and_private(tmp_path: Path) -> None:
    config = load({"HAGAKI_DATA": str(tmp_path / "data")}).prepare()
    store = open_store(config)
    with store.read() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
        busy = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
    store.close()

    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
    assert busy == engine.BUSY_SECONDS * 1000
    assert stat.S_IMODE((tmp_path / "data" / "hagaki.sqlite").stat().st_mode) == 0o600


def test_a_locked_database_is_a_problem_and_readable_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.1)
    store = open_store(load({"HAGAKI_DATA": str(tmp_path)}))
    other = sqlite3.connect(tmp_path / "hagaki.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(ProblemError) as caught, store.write():
        pass
    store.ping()
    other.execute("ROLLBACK")
    with store.write() as connection:
        connection.execute(text("INSERT INTO counters (name, value) VALUES ('x', 1)"))
    other.close()
    store.close()

    assert [p.code for p in caught.value.problems] == [Code.DATABASE_UNAVAILABLE]


WRITES_WITHOUT_A_PAUSE = """
import os, sys, time
from threading import Thread
from webapp.config import load
from webapp.store import open_store

store = open_store(load({"HAGAKI_DATA": sys.argv[1]}))

def write():
    while True:
        with store.write():
            time.sleep(0.1)

for _ in range(4):
    Thread(target=write, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
os._exit(0)
"""


def test_who_writes_without_a_pause_keeps_no_other_process_out(tmp_path: Path) -> None:
    """An employee logs in while a worker makes a batch: SQLite's own waiting would miss every gap and give up."""
    store = open_store(load({"HAGAKI_DATA": str(tmp_path)}))
    command, pipe = [sys.executable, "-c", WRITES_WITHOUT_A_PAUSE, str(tmp_path)], subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"

        for number in range(8):
            with store.write() as connection:
                connection.execute(text("INSERT INTO counters (name, value) VALUES (:name, 1)"), {"name": number})

        other.communicate()
    store.close()

    assert other.returncode == 0, "it wrote until the end"


def test_a_full_disk_is_a_problem_and_heals(tmp_path: Path) -> None:
    store = open_store(load({"HAGAKI_DATA": str(tmp_path)}))
    large = text("INSERT INTO domain_entries (id, toml, changed, changed_at) VALUES ('x', :toml, 1, 0)")

    def write(*, free_pages: int) -> None:
        with store.write() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages + free_pages}")
            connection.execute(large, {"toml": "x" * 100_000})

    with pytest.raises(ProblemError) as caught:
        write(free_pages=2)
    write(free_pages=1000)
    store.close()

    assert [p.code for p in caught.value.problems] == [Code.DATABASE_UNAVAILABLE]


def test_a_folder_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    config = load({"HAGAKI_DATABASE_URL": f"sqlite:///{tmp_path}/file/x.sqlite"})

    with pytest.raises(ProblemError) as caught:
        open_store(config)

    assert caught.value.problems[0].code is Code.DATABASE_UNAVAILABLE


def test_a_file_that_is_no_database_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "hagaki.sqlite").write_text("This is a letter, not a database. " * 100)

    with pytest.raises(ProblemError) as caught:
        open_store(load({"HAGAKI_DATA": str(tmp_path)}))

    assert caught.value.problems[0].code is Code.DATABASE_UNAVAILABLE


def test_a_server_that_is_not_there_is_a_problem_without_its_password() -> None:
    config = load({"HAGAKI_DATABASE_URL": "postgresql://hagaki:hush-hush@127.0.0.1:1/hagaki"})

    with pytest.raises(ProblemError) as caught:
        open_store(config)

    assert caught.value.problems[0].code is Code.DATABASE_UNAVAILABLE
    assert "hush" not in repr(caught.value.problems) + str(caught.value)


def test_statements_keep_their_values_out_of_errors(store: Store) -> None:
    """SQLAlchemy would quote the values of a failed statement in its message, and messages get logged."""
    with pytest.raises(Exception, match="hidden") as caught, store.write() as connection:
        connection.execute(text("INSERT INTO counters (name, value) VALUES (:name, NULL)"), {"name": "canary"})

    assert "canary" not in str(caught.value).partition("DETAIL")[0]


def test_every_table_can_be_seen(store: Store) -> None:
    with store.read() as connection:
        assert set(metadata.tables) < set(inspect(connection).get_table_names())


def test_values_come_back_as_they_were() -> None:
    findings = Findings(
        path_prefix="INBOX", special_folders=(("Sent", "送信済み"),), certificate_days=(("a:1", 3),)
    )
    stage = Stage(service=Protocol.IMAP, stage=StageName.LOGIN, ok=False, code=Code.AUTH_POLICY, server="a:1")

    assert from_text(Findings, to_text(findings)) == findings
    assert from_text(Stage, to_text(stage)) == stage


def test_rows_outlive_a_field_that_came_or_went() -> None:
    assert from_text(Findings, '{"path_prefix": "INBOX", "gone": 1}') == Findings(path_prefix="INBOX")


def test_what_has_no_place_in_a_row_is_refused() -> None:
    with pytest.raises(TypeError):
        to_text(object())
