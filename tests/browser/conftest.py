"""One served Hagaki and one Chromium for all browser tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.site import Site, chromium, serving
from tests.conftest import require
from tests.servers.environment import Environment


@pytest.fixture(scope="session")
def site(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Hagaki as `hagaki serve` starts it."""
    with serving(environment, tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium(require("chromium")) as running:
        yield running


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go."""
    return tmp_path_factory.mktemp("pictures")
