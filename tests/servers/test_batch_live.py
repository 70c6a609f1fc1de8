"""The live check of a batch against a real Dovecot and Postfix: accepted, refused, and "too many"."""

from __future__ import annotations

import imaplib
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from profiles.model import ServiceSettings
from profiles.problems import Code
from tests.servers.dovecot import LIMITED_HOST
from tests.servers.environment import Environment
from tests.servers.people import PEOPLE, WRONG
from tests.webapp.batches.engine import Engine
from tests.webapp.clock import Clock
from webapp import probes
from webapp.batches.options import BatchState, Mode
from webapp.batches.working import Work
from webapp.config import load
from webapp.store import open_store, tables

pytestmark = pytest.mark.servers

HEADINGS = ("name", "mail", "password")


@contextmanager
def engine_on(settings: ServiceSettings, folder: Path) -> Iterator[Engine]:
    """Batches whose people are on these servers."""
    config = load({"HAGAKI_DATA": str(folder / "data")}).prepare()
    store = open_store(config)
    try:
        yield Engine(
            store=store, config=config, folder=folder, clock=Clock(time.time()), find=lambda domain: settings
        )
    finally:
        store.close()


def worker(engine: Engine, environment: Environment) -> Work:
    """One that tries for real."""
    return engine.worker(partial(probes.check, outbound=environment.outbound()))


@pytest.mark.parametrize("mode", list(Mode))
def test_real_servers_decide_who_gets_a_link(environment: Environment, tmp_path: Path, mode: Mode) -> None:
    names = ("normal", "kanji", "quote", "disabled", "smtp-off")
    rows = [(name, PEOPLE[name].address, PEOPLE[name].password) for name in names]
    rows.append(("wrong", PEOPLE["second"].address, WRONG))
    with engine_on(environment.settings(), tmp_path) as engine:
        batch_id = engine.take(rows, headings=HEADINGS, mode=mode, check=True, check_rate=20)
        assert worker(engine, environment).work(batch_id, seconds=600)

        view = engine.batches.view(batch_id)
        codes = engine.codes(batch_id)
        links = {link["address"]: link for link in engine.rows(tables.invitations)}
        made = engine.rows(tables.batch_rows, state="made")

    assert (view.state, view.made, view.failed, view.stopped) == (BatchState.DONE, 3, 3, ())
    assert set(links) == {PEOPLE[name].address for name in ("normal", "kanji", "quote")}
    assert codes[PEOPLE["second"].address] == [Code.AUTH_WRONG_PASSWORD]
    assert PEOPLE["disabled"].address in codes
    assert PEOPLE["smtp-off"].address in codes
    assert all(row["tried"] for row in made)
    assert {bool(link["tried"]) for link in links.values()} == {mode is Mode.READY_MADE}


def test_a_real_server_that_says_too_many_is_left_alone(environment: Environment, tmp_path: Path) -> None:
    settings = environment.settings(environment.incoming(host="limited.example.com"))
    people = [PEOPLE[name] for name in ("normal", "second", "kanji", "quote", "euro", "spaces")]
    rows = [(f"p{number}", person.address, person.password) for number, person in enumerate(people)]
    trust = ssl.create_default_context(cafile=str(environment.ca_file))
    trust.check_hostname = False
    with (
        engine_on(settings, tmp_path) as engine,
        imaplib.IMAP4_SSL(LIMITED_HOST, environment.dovecot.imaps, ssl_context=trust) as first,
    ):
        first.login(PEOPLE["normal"].address, PEOPLE["normal"].password)
        batch_id = engine.take(rows, headings=HEADINGS, check=True, check_rate=1)
        assert worker(engine, environment).work(batch_id, seconds=600)
        view = engine.batches.view(batch_id)
        codes = engine.codes(batch_id)

    assert (view.state, view.made, view.failed) == (BatchState.DONE, 6, 0)
    assert [(one.server, one.code) for one in view.stopped] == [
        (f"limited.example.com:{environment.dovecot.imaps}", "AUTH_CONNECTION_LIMIT")
    ]
    assert codes[people[0].address] == [Code.ROW_NOT_TRIED]
    assert [Code.ROW_NOT_TRIED] in [codes.get(person.address) for person in people[1:]]
