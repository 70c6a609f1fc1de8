"""Databases for every test that stores something: each such test runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.webapp import postgres
from tests.webapp.clock import Clock
from tests.webapp.page_world import give_tables
from webapp.config import Config, load
from webapp.store import Store, open_store


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgres.Postgres]:
    """A private PostgreSQL server."""
    with postgres.running() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store_config(request: pytest.FixtureRequest, tmp_path: Path) -> Config:
    """A configuration with an empty database of each kind."""
    environ = {"HAGAKI_DATA": str(tmp_path / "data")}
    if request.param == "postgresql":
        environ["HAGAKI_DATABASE_URL"] = request.getfixturevalue("postgresql").new_database()
    return load(environ).prepare()


@pytest.fixture
def store(store_config: Config) -> Iterator[Store]:
    """An open, empty database of each kind."""
    if store_config.database_url.startswith("sqlite"):
        give_tables(store_config.data)
    opened = open_store(store_config)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> Clock:
    """A clock that only the test moves."""
    return Clock()
