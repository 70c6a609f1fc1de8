"""One served Hagaki and one Chromium for all browser tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

import pytest
from playwright.sync_api import Browser

from tests.browser.atlas import World, explore
from tests.browser.site import Site, chromium, serving
from tests.conftest import require
from tests.servers.environment import Environment
from tests.servers.processes import PATIENCE
from tests.servers.scripted import Connection, Imap, ScriptedServer, server_context


@dataclass(frozen=True, slots=True)
class Held:
    """A mail server of its own domain that refuses a log-in only once `go_on` is set."""

    server: ScriptedServer
    go_on: Event
    address: str = "taro@held.example.com"

    def toml(self, environment: Environment) -> str:
        """Its domain."""
        incoming = replace(environment.incoming(), port=self.server.port)
        toml = environment.toml(incoming=incoming).replace('"example.com", "example.jp"', '"held.example.com"')
        return toml.replace('"example.com"', '"held.example.com"')


@pytest.fixture(scope="session")
def held(environment: Environment) -> Iterator[Held]:
    """For looking at a check while it runs, however long the browser takes to come to its page."""
    go_on = Event()

    class Waits(Connection):
        def pause(self, seconds: float) -> None:
            if seconds:
                go_on.wait(PATIENCE)

    def conversation(connection: Connection) -> None:
        connection.__class__ = Waits
        Imap(login="NO [AUTHENTICATIONFAILED] no", login_delay=1)(connection)

    tls = server_context(environment.authority.good())
    with ScriptedServer(conversation, tls=tls, host="127.0.0.2") as server:
        yield Held(server, go_on)


@pytest.fixture(scope="session")
def site(environment: Environment, held: Held, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Hagaki as `hagaki serve` starts it."""
    with serving(environment, tmp_path_factory.mktemp("site"), held.toml(environment)) as running:
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
