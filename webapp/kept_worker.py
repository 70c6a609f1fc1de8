"""The worker that `hagaki serve` runs beside the server: a process of its own, started again when it dies.

It shares no memory with the server, and ends with it, also when the server is killed: its standard input closes.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from webapp.config import PREFIX, Config

log = logging.getLogger(__name__)

COMMAND = (sys.executable, "-P", "-m", "webapp.cli", "worker", "--with-parent")
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
"""Before it is started again; the pause doubles each time that it dies soon."""
SOON_SECONDS = 60.0
END_SECONDS = 35.0
"""After it was asked to end; as long as the requests in hand may take, and a little more."""
_LOOK_SECONDS = 1.0


class KeptWorker:
    """One worker process. `look` is called about once a second."""

    def __init__(
        self, config: Config, *, command: tuple[str, ...] = COMMAND, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._command = command
        # What `--bind` said is not in our own environment, and links begin with it where BASE_URL is unset.
        self._environment = {**os.environ, PREFIX + "BIND": config.bind}
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._not_before = 0.0
        self._pause = FIRST_PAUSE
        self._ending = False
        self._asked = 0.0

    @property
    def pid(self) -> int | None:
        """Of the process, where one runs."""
        return None if self._process is None else self._process.pid

    def look(self) -> None:
        """Start it where it does not run and its pause is over."""
        if self._process is not None and self._process.poll() is not None:
            self._died()
        if self._process is None and not self._ending and self._clock() >= self._not_before:
            self._start()

    def forget(self) -> None:
        """Be no owner of it any more: for a process that was forked from ours."""
        if self._process is not None and self._process.stdin is not None:
            # Held open here, the pipe would not close when our parent is killed.
            self._process.stdin.close()
        self._process = None
        self._ending = True

    def ask_to_end(self) -> None:
        """Let it finish what it has in hand."""
        if not self._ending:
            self._asked = self._clock()
        self._ending = True
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.terminate()

    def end(self) -> None:
        """End it, and wait for that."""
        self.ask_to_end()
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.wait(max(1.0, self._asked + END_SECONDS - self._clock()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin is not None:
            process.stdin.close()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look after it from a thread, as long as the block runs."""
        stopped = Event()

        def watch() -> None:
            while not stopped.is_set():
                self.look()
                stopped.wait(_LOOK_SECONDS)

        thread = Thread(target=watch, name="hagaki-kept-worker", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()
            self.end()

    def _start(self) -> None:
        self._started = self._clock()
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, env=self._environment, start_new_session=True
        )

    def _died(self) -> None:
        assert self._process is not None
        if self._process.stdin is not None:
            self._process.stdin.close()
        soon = self._clock() - self._started < SOON_SECONDS
        self._pause = min(2 * self._pause, LONGEST_PAUSE) if soon else FIRST_PAUSE
        self._not_before = self._clock() + self._pause
        log.warning("event=worker_died pause=%.0f", self._pause)
        self._process = None
