"""Fixtures of the checks on servers: the scripted world, and the proof that no check leaks."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.authority import Authority
from tests.servers.dns import NameServer, zone
from tests.servers.world import World

SETTLE_SECONDS = 30.0


@pytest.fixture(scope="session")
def world(authority: Authority) -> Iterator[World]:
    """Names and certificates for scripted servers."""
    with NameServer(zone(["*.example.com A 127.0.0.1", "*.example.jp A 127.0.0.1"])) as name_server:
        yield World(authority, name_server)


@pytest.fixture(autouse=True)
def leaks_nothing(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test of this folder may leave a thread or an open file behind."""
    # What the test shares with others must run before we count.
    for name in ("world", "environment"):
        if name in request.fixturenames:
            request.getfixturevalue(name)
    threads, files = _running(), _open_files()
    yield
    give_up = time.monotonic() + SETTLE_SECONDS
    while (_running() > threads or _open_files() > files) and time.monotonic() < give_up:
        # Answers of the name server over TCP may still be ending in their threads.
        time.sleep(0.02)
    assert _running() <= threads, [thread.name for thread in threading.enumerate()]
    assert _open_files() <= files


def _running() -> int:
    return threading.active_count()


def _open_files() -> int:
    return len(os.listdir(Path("/proc/self/fd")))
