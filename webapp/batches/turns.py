"""Turns at mail servers among all workers and all batches: the database says when the next log-in may begin."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event

from profiles.problems import Code
from webapp.batches.gentle import Halted
from webapp.store import Store, batch_rows, batches


class SharedTurns:
    """The turns of one batch. `halted` ends every waiting; `now` is the clock."""

    def __init__(
        self, store: Store, batch_id: int, *, rate: float, halted: Event, now: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._batch_id = batch_id
        self._pause = 1 / rate
        self._halted = halted
        self._now = now
        self._stopped: set[str] = set()
        self._look()

    def wait(self, server: str) -> None:
        """Wait for the turn; another worker may find out meanwhile that the server is to be left alone."""
        if self._halted.is_set():
            raise Halted
        with self._store.write() as connection:
            turn = batches.take_turn(connection, server, pause=self._pause, now=self._now())
        seconds = turn - self._now()
        if seconds <= 0:
            return
        if self._halted.wait(seconds):
            raise Halted
        self._look()

    def stop(self, server: str, code: Code) -> None:
        """Leave this server alone for the rest of the batch, whichever worker makes it."""
        self._stopped.add(server)
        with self._store.write() as connection:
            batch_rows.stop_server(connection, self._batch_id, server, code=code, at=self._now())

    def is_stopped(self, server: str) -> bool:
        """Whether this server is left alone."""
        return server in self._stopped

    def _look(self) -> None:
        with self._store.read() as connection:
            known = batch_rows.stopped_servers(connection, [self._batch_id])
        self._stopped |= {server for _, server, _ in known}
