"""The worker: makes the rows of batches, sends their mails, and tidies up. Any number of them share one database.

What it learns from the queue only makes it quick. Every few seconds it also looks by itself for batches that
nobody goes on with, so a lost message, a dead worker or a queue that is away costs time and nothing else.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from threading import Event, Lock, Thread
from typing import TypeVar

from profiles.problems import ProblemError
from webapp import probes
from webapp.accounts import open_accounts
from webapp.batches.invitations import Invitations
from webapp.batches.mailing import Mailing
from webapp.batches.queue import Queue, open_queue
from webapp.batches.service import STALLED_SECONDS, Batches, open_batches
from webapp.batches.working import LEASE_SECONDS, SLICE_SECONDS, Leases, Work
from webapp.checks.live import live_outbound
from webapp.config import Config
from webapp.directory import Directory
from webapp.store import keys, open_store

log = logging.getLogger(__name__)

Result = TypeVar("Result")

THREADS = 4
SWEEP_SECONDS = 10.0
FORGET_SECONDS = 60.0
MAIL_SECONDS = 5.0
_POLL_SECONDS = 0.2
_TROUBLE_SECONDS = 1.0, 15.0
"""Pauses where the queue is away: they grow from the first to the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """How a worker works. Tests make time short."""

    threads: int = THREADS
    lease_seconds: float = LEASE_SECONDS
    sweep_seconds: float = SWEEP_SECONDS
    stalled_seconds: float = STALLED_SECONDS


class Worker:
    """The work of one process, until `halted` is set."""

    def __init__(self, config: Config, options: WorkerOptions, *, halted: Event) -> None:
        """Open database and queue; raises ProblemError where one cannot be reached, or our keys are others."""
        with ExitStack() as opened:
            store = open_store(config)
            opened.callback(store.close)
            # Asked again before each piece of work: the server may be started with other keys than before.
            self._demand_keys = partial(keys.demand, store, config)
            self._demand_keys()
            directory = Directory(store)
            record = open_accounts(store, config).audit.record
            self._queue: Queue = open_queue(config)
            opened.callback(self._queue.close)
            self._queue.ping()
            enqueue, stalled = self._queue.enqueue, options.stalled_seconds
            self._batches: Batches = open_batches(
                store, directory.find, config, record=record, enqueue=enqueue, stalled_seconds=stalled
            )
            self._leases = Leases(store, seconds=options.lease_seconds)
            self._work = Work(
                store,
                directory.find,
                Invitations(store, link_key=config.link_key),
                link_key=config.link_key,
                probe=partial(probes.check, outbound=live_outbound(config, directory)),
                leases=self._leases,
                halted=halted,
            )
            self._mailing = Mailing(store, config, directory.find, record=record, wake=enqueue, halted=halted)
            opened.callback(self._mailing.close)
            self._opened = opened.pop_all()
        self._options = options
        self._halted = halted
        self._fetching = Lock()
        self._mail_may_wait = Event()
        self._ended = Event()

    def run(self) -> None:
        """Work until halted; what is in hand then is finished, and keeps its lease as long as that takes."""
        options = self._options
        loops: list[Callable[[], None]] = [
            *([self._take_messages] * options.threads),
            partial(self._every, options.sweep_seconds, self._sweep),
            partial(self._every, FORGET_SECONDS, self._batches.forget),
            self._send_mails,
        ]
        threads = [Thread(target=loop, name=f"hagaki-work-{number}") for number, loop in enumerate(loops)]
        beating = Thread(target=self._beat, name="hagaki-beat")
        with self._opened:
            for thread in (beating, *threads):
                thread.start()
            self._halted.wait()
            self._mail_may_wait.set()
            for thread in threads:
                thread.join()
            self._ended.set()
            beating.join()

    # rows

    def _take_messages(self) -> None:
        pause = _TROUBLE_SECONDS[0]
        while not self._halted.is_set():
            try:
                batch_id = self._next()
            except ProblemError as error:
                log.warning("event=queue_away reason=%r", error.problems[0].params.get("reason", ""))
                self._halted.wait(pause)
                pause = min(2 * pause, _TROUBLE_SECONDS[1])
                continue
            pause = _TROUBLE_SECONDS[0]
            if batch_id is not None:
                self._guarded(partial(self._go_on, batch_id))

    def _next(self) -> int | None:
        # One thread asks at a time: the others sleep without a look at the queue.
        with self._fetching:
            if self._halted.is_set():
                return None
            batch_id = self._queue.next()
            if batch_id is None and self._queue.is_embedded:
                self._halted.wait(_POLL_SECONDS)
            return batch_id

    def _go_on(self, batch_id: int) -> None:
        """Work on a batch for a while, then let another one have its turn."""
        self._demand_keys()
        while not self._work.work(batch_id):
            self._mail_may_wait.set()
            try:
                return self._queue.enqueue(batch_id)
            except ProblemError:
                if self._halted.is_set():
                    return None  # the sweep of another worker finds it
        self._mail_may_wait.set()
        return None

    # mails

    def _send_mails(self) -> None:
        while not self._halted.is_set():
            if not self._guarded(self._send_some_mails):
                self._mail_may_wait.wait(MAIL_SECONDS)
                self._mail_may_wait.clear()

    def _send_some_mails(self) -> bool:
        """Send for a while; whether more may go at once."""
        self._demand_keys()
        more = False
        for batch_id in self._mailing.due():
            more |= self._mailing.send_waiting(batch_id, until=time.monotonic() + SLICE_SECONDS)
        return more

    # by the clock

    def _every(self, seconds: float, task: Callable[[], None]) -> None:
        while not self._halted.is_set():
            self._guarded(task)
            self._halted.wait(seconds)

    def _beat(self) -> None:
        while not self._ended.wait(self._options.lease_seconds / 4):
            self._guarded(self._leases.beat)

    def _sweep(self) -> None:
        for batch_id in self._batches.sweep():
            log.info("event=batch_resumed batch=%d", batch_id)
            try:
                self._queue.enqueue(batch_id)
            except ProblemError:
                self._go_on(batch_id)

    def _guarded(self, task: Callable[[], Result]) -> Result | None:
        """Do something whose failure must end no thread: what it leaves behind, a sweep finds."""
        try:
            return task()
        except ProblemError as error:
            problem = error.problems[0]
            log.warning("event=work_failed code=%s reason=%r", problem.code, problem.params.get("reason", ""))
        except Exception as error:  # noqa: BLE001  the outermost edge of this thread
            number = secrets.token_hex(4)
            # Neither message nor traceback: both may hold a password.
            log.error("event=incident number=%s type=%s in=worker", number, type(error).__name__)
        self._halted.wait(_TROUBLE_SECONDS[0])
        return None


def work_until_told(
    config: Config, options: WorkerOptions, *, ready: Callable[[], None], with_parent: bool
) -> None:
    """Work until SIGTERM or SIGINT, or `with_parent` until whoever started us is gone; a second signal kills.

    Signals are waited for, not handled: a handler that wakes threads may come while one of them holds a lock.
    """
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    halted = Event()
    worker = Worker(config, options, halted=halted)
    running = Thread(target=worker.run, name="hagaki-worker")
    running.start()
    if with_parent:
        Thread(target=_wait_for_parent, name="hagaki-parent", daemon=True).start()
    ready()
    signal.sigwait(ends)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ends)
    halted.set()
    running.join()


def _wait_for_parent() -> None:
    """Its end of our standard input closes with it, even when it is killed."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
