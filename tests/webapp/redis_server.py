"""A private Redis server on loopback: its own port, nothing on the disk, gone after the run."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from redis import ConnectionError as NoConnection
from redis import Redis

from tests.conftest import require
from tests.servers.processes import PATIENCE, free_ports, start_daemon, stop_daemon


@contextmanager
def running(port: int | None = None) -> Iterator[str]:
    """Start a server and return its URL; stop it at the end."""
    program = require("redis-server")
    port = port or free_ports(1)[0]
    with tempfile.TemporaryDirectory(prefix="hagaki-redis-") as folder:
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
        daemon = start_daemon([program, *options], Path(folder) / "log")
        try:
            _wait(port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            stop_daemon(daemon)


def _wait(port: int) -> None:
    pause, ends = Event(), time.monotonic() + PATIENCE
    with Redis(port=port) as client:
        while True:
            try:
                client.ping()
            except NoConnection:
                assert time.monotonic() < ends, "redis-server does not answer"
                pause.wait(0.05)
            else:
                return
