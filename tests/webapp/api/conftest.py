"""A host for the tests of the API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.webapp.admin.world import Host, make_host
from tests.webapp.clock import Clock
from tests.webapp.page_world import close_pages, open_pages


@pytest.fixture
def host(tmp_path: Path, clock: Clock) -> Iterator[Host]:
    """An application with one hosted domain and no admin."""
    pages = open_pages(tmp_path / "data")
    yield make_host(pages, clock)
    close_pages(pages)
