"""Starts and stops the daemons of the test servers, and finds ports that are free."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

PATIENCE = 60.0
"""Seconds for what happens soon: how soon is the machine's affair, and no test may fail because of it."""
FIRST_PORT, LAST_PORT = 10_000, 32_000
"""Below those that the system gives to whoever asks for any: nobody else gets one between our look and its use."""
SYSTEM_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))


def program(name: str) -> str:
    """Full path of an installed program; daemons live in folders that are not in everybody's PATH."""
    path = shutil.which(name, path=SYSTEM_PATH)
    if path is None:
        raise FileNotFoundError(name)
    return path


def free_ports(count: int) -> list[int]:
    """Port numbers that nobody uses, at any address, and that are given to nobody by chance."""
    found: list[int] = []
    with ExitStack() as held:
        while len(found) < count:
            port = random.SystemRandom().randint(FIRST_PORT, LAST_PORT)
            try:
                held.enter_context(socket.socket()).bind(("", port))
            except OSError:
                continue
            found.append(port)
    return found


def start_daemon(command: list[str], log: Path, *, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a daemon in its own session; it ends when the test run does, even when that is killed."""
    guard = [program("setpriv"), "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
    with log.open("ab") as out:
        return subprocess.Popen(
            [*guard, *command], stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, env=env
        )


def stop_daemon(daemon: subprocess.Popen[bytes]) -> None:
    """End a daemon and all it started."""
    daemon.terminate()
    try:
        daemon.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(daemon.pid, signal.SIGKILL)
        daemon.wait()


def wait_until_greets(port: int, greeting: bytes, daemon: subprocess.Popen[bytes], log: Path) -> None:
    """Return as soon as `port` answers with `greeting`; fail with the log when it never does."""
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up and daemon.poll() is None:
        if _greets(port, greeting):
            return
        time.sleep(0.05)
    text = log.read_text(errors="replace")[-3000:] if log.exists() else "no log"
    raise RuntimeError(f"{daemon.args!r} does not answer on port {port}:\n{text}")


def _greets(port: int, greeting: bytes) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as sock:
            return sock.recv(512).startswith(greeting)
    except OSError:
        return False
