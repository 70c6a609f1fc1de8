"""The one thread that gives signs of life for running checks and forgets what has ended."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from profiles.problems import ProblemError

log = logging.getLogger(__name__)

BEAT_SECONDS = 10
PURGE_SECONDS = 60


class Sweeper(threading.Thread):
    """Gives signs of life and sweeps, until stopped."""

    def __init__(self, *, beat: Callable[[], None], sweep: Callable[[], None]) -> None:
        super().__init__(name="hagaki-sweeper", daemon=True)
        self._beat = beat
        self._sweep = sweep
        self._stopped = threading.Event()

    def run(self) -> None:
        """Work until `stop`."""
        next_purge = 0.0
        while True:
            try:
                if time.monotonic() >= next_purge:
                    next_purge = time.monotonic() + PURGE_SECONDS
                    self._sweep()
                self._beat()
            except ProblemError as error:
                log.warning("event=sweep_failed code=%s", error.problems[0].code)
            if self._stopped.wait(BEAT_SECONDS):
                return

    def stop(self) -> None:
        """End soon and wait for it."""
        self._stopped.set()
        self.join()
