"""A private PostgreSQL server on loopback: its own folder and port, gone after the run."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psycopg

from tests.conftest import missing
from tests.servers.processes import free_ports

SYSTEM_USER = "postgres"


@dataclass
class Postgres:
    """A running server; each test takes a database of its own."""

    port: int
    restart: Callable[[], None]
    """Let it crash and start again: every connection is torn."""
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def new_database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"hagaki_{next(self.numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def url(self, name: str) -> str:
        """The URL of one database."""
        return f"postgresql://{SYSTEM_USER}@127.0.0.1:{self.port}/{name}"


def programs() -> Path:
    """The folder of initdb and pg_ctl; skip (or fail, in a complete run) where there is none."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    found = next((folder for folder in folders if (folder / "initdb").exists()), None)
    if found is None and on_path is None:
        missing("PostgreSQL is not installed (scripts/install-test-servers installs it)")
    return found or Path(str(on_path)).parent


@contextmanager
def running() -> Iterator[Postgres]:
    """Start a server, stop it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="hagaki-postgres-"))
    data, (port,), binaries = folder / "data", free_ports(1), programs()
    try:
        if os.geteuid() == 0:  # the server refuses to run as root
            shutil.chown(folder, _system_user())
        _run(binaries / "initdb", "-D", data, "-U", SYSTEM_USER, "-A", "trust", "-E", "UTF8", "--no-sync")
        # Nothing here has to survive a power cut.
        options = f"-p {port} -k {folder} -h 127.0.0.1 -c fsync=off -c max_connections=60"
        control = (binaries / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "-m", "immediate")
        _run(*control, "start")
        try:
            yield Postgres(port, restart=partial(_run, *control, "restart"))
        finally:
            _run(*control, "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(*command: str | Path) -> None:
    as_user = ["runuser", "-u", _system_user(), "--"] if os.geteuid() == 0 else []
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    done = subprocess.run(
        [*as_user, *map(str, command)],
        env=environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, f"{command[0]} failed with {done.returncode}"


def _system_user() -> str:
    try:
        return pwd.getpwnam(SYSTEM_USER).pw_name
    except KeyError:
        return "nobody"
