"""One served Hagaki and one Chromium for all browser tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.atlas import World, explore
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


@pytest.fixture(scope="session")
def world(browser: Browser, site: Site) -> Callable[[], World]:
    """What the pages show, made again before its links end."""
    made: list[World] = []

    def fresh() -> World:
        if not made or made[-1].is_stale or not made[-1].is_alive():
            made.append(explore(browser, site, made[-1] if made else None))
        return made[-1]

    return fresh
