"""Workers that start at once, to be killed: a process that has loaded everything forks one whenever it is asked.

Each is what `hagaki worker` runs, with database, queue, threads and signals of its own; only its times are short.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
DAY = 24 * 3600.0


@dataclass
class Zygote:
    """The process that forks."""

    process: subprocess.Popen[str]

    def work(self, *, busy_seconds: float = 10) -> int:
        """Start a worker, which waits so long for a locked database; return its process id once it exists."""
        return self._ask(f"work {busy_seconds}")

    def take(self, path: Path, mode: str, upload_hash: bytes) -> int:
        """Start a process that takes a list."""
        return self._ask(f"take {mode} {upload_hash.hex()} {path}")

    def _ask(self, line: str) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@contextmanager
def zygote(variables: Mapping[str, str]) -> Iterator[Zygote]:
    """A process that is ready to fork; its children end with it."""
    command = [sys.executable, "-m", "tests.webapp.batches.zygote"]
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **variables}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT, env=environment, start_new_session=True
    ) as process:
        try:
            yield Zygote(process)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def kill(pid: int) -> None:
    """End a process as a power cut does."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    while not has_ended(pid):
        time.sleep(0.001)


def has_ended(pid: int) -> bool:
    """Whether a forked process is gone; nobody has to wait for it."""
    return not Path(f"/proc/{pid}").exists()


def _serve() -> None:
    # Everything is loaded before the first fork, and no thread or connection is.
    import webapp.services
    import webapp.worker  # noqa: F401
    from webapp.processes import start_log

    start_log()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _be_killed(line.split())
        print(pid, flush=True)


def _be_killed(words: list[str]) -> None:
    status = 1
    try:
        if words[0] == "work":
            _work(float(words[1]))
        else:
            _take(words[1], bytes.fromhex(words[2]), Path(words[3]))
        status = 0
    except BaseException:  # noqa: BLE001  the end of this process
        traceback.print_exc()
    finally:
        os._exit(status)


def _work(busy_seconds: float) -> None:
    from webapp.config import load
    from webapp.store import engine
    from webapp.worker import WorkerOptions, work_until_told

    engine.BUSY_SECONDS = busy_seconds
    options = WorkerOptions(threads=2, lease_seconds=0.6, sweep_seconds=0.2, stalled_seconds=0.6)
    work_until_told(load(os.environ), options, ready=lambda: None, with_parent=False)


def _take(mode: str, upload_hash: bytes, path: Path) -> None:
    from webapp.batches.columns import find_columns
    from webapp.batches.options import BatchOptions, Mode
    from webapp.batches.reading import open_list
    from webapp.config import load
    from webapp.services import open_services

    services = open_services(load(os.environ))
    listing = open_list(path)
    columns = find_columns(listing.rows(), file=listing.name)
    options = BatchOptions(expires_at=time.time() + DAY)
    services.batches.take(listing, columns, options, mode=Mode(mode), actor="aya", upload_hash=upload_hash)


if __name__ == "__main__":
    _serve()
