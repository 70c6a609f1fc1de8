"""A host for the tests of admin pages, and accounts on every kind of database for those below them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.webapp.admin.world import Host, cheap_accounts, make_host
from tests.webapp.clock import Clock
from tests.webapp.page_world import close_pages, open_pages
from webapp.accounts import Accounts
from webapp.config import Config
from webapp.store import Store


@pytest.fixture
def host(tmp_path: Path, clock: Clock) -> Iterator[Host]:
    """An application without an admin."""
    pages = open_pages(tmp_path / "data")
    yield make_host(pages, clock)
    close_pages(pages)


@pytest.fixture
def accounts(store: Store, store_config: Config, clock: Clock) -> Accounts:
    """Accounts of an empty database."""
    return cheap_accounts(store, store_config, clock)
