"""`hagaki bulk --mail`: the same list as a durable batch, so that no mail is sent twice whatever happens.

The work is that of `hagaki worker`, done here and now. Should this process die, the batch waits for a worker, and
what became of each mail stands in the database.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from threading import Event, Thread
from typing import IO

from profiles.problems import Code, Problem, ProblemError
from webapp import probes
from webapp.accounts import COMMAND_LINE, open_accounts
from webapp.batches.columns import Columns
from webapp.batches.invitations import Invitations
from webapp.batches.mailing import Mailing
from webapp.batches.making import Tally
from webapp.batches.options import BatchOptions, MailState, Mode
from webapp.batches.reading import ListFile
from webapp.batches.results import open_results
from webapp.batches.rows import FindSettings
from webapp.batches.service import open_batches
from webapp.batches.views import BatchView
from webapp.batches.working import Leases, Work
from webapp.config import Config
from webapp.mails import read_relay, sender_of
from webapp.outbound import Outbound
from webapp.store import Store

STEP_SECONDS = 0.5
"""How often progress is told."""
OnProgress = Callable[[Tally], None]


def require_relay(config: Config) -> None:
    """Raise ProblemError where a setting for mails is missing or wrong."""
    sender_of(read_relay(config.smtp_url), config.mail_from)


class MailedBatch:
    """A list as a durable batch that this process makes, mails and writes."""

    def __init__(self, store: Store, find: FindSettings, config: Config) -> None:
        self._record = open_accounts(store, config).audit.record
        self._store = store
        self._find = find
        self._config = config
        self._invitations = Invitations(store, link_key=config.link_key)
        self._batches = open_batches(store, find, config, record=self._record, enqueue=_tell_nobody)
        self._id = 0

    def make(
        self, listing: ListFile, columns: Columns, options: BatchOptions, mode: Mode, on_progress: OnProgress
    ) -> Tally:
        """Take the list and make its rows."""
        self._id = self._batches.take(listing, columns, options, mode=mode, actor=COMMAND_LINE)
        leases = Leases(self._store)
        outbound = Outbound.unrestricted(resolver=self._config.resolver, ca_file=self._config.ca_file)
        with self._cancelled_at_exception() as halted, _beating(leases):
            work = Work(
                self._store,
                self._find,
                self._invitations,
                link_key=self._config.link_key,
                probe=partial(probes.check, outbound=outbound),
                leases=leases,
                halted=halted,
            )
            while not work.work(self._id, seconds=STEP_SECONDS):
                on_progress(_tally(self._view()))
            tally = _tally(self._view())
            tally.note(self._batches.problems(self._id))
            on_progress(tally)
        return tally

    def send(self, on_progress: Callable[[int, int], None]) -> Mapping[MailState, int]:
        """Send the mails, as far as they can go now; how many are in which state."""
        with self._cancelled_at_exception() as halted:
            mailing = Mailing(
                self._store, self._config, self._find, record=self._record, wake=_tell_nobody, halted=halted
            )
            try:
                more = True
                while more:
                    more = mailing.send_waiting(self._id, until=time.monotonic() + STEP_SECONDS)
                    mails = self._view().mails
                    waiting = mails.get(MailState.WAITING, 0)
                    on_progress(sum(mails.values()) - waiting, sum(mails.values()))
            finally:
                mailing.close()
        return mails

    @property
    def notes(self) -> tuple[Problem, ...]:
        """What concerns the whole batch: servers that were left alone, and what holds up its mails."""
        untried = sum(
            found.problem.code is Code.ROW_NOT_TRIED for found in self._batches.problems(self._id, 1_000_000)
        )
        stopped = (
            Problem(Code.BATCH_CHECK_STOPPED, {"count": str(untried)}, server=one.server)
            for one in self._view().stopped
        )
        mailing = Mailing(self._store, self._config, self._find, record=self._record, wake=_tell_nobody)
        held_up = mailing.trouble(self._id)
        return (*stopped, *(() if held_up is None else (held_up,)))

    def write(self, output: IO[bytes], pins: IO[bytes] | None) -> None:
        """Write the ZIP, and the PINs where they are wanted apart."""
        results = open_results(self._store, self._config, self._find, self._invitations)
        output.writelines(results.zip_pieces(self._id, pins=pins is None))
        if pins is not None:
            pins.writelines(results.pins_csv(self._id))

    def _view(self) -> BatchView:
        return self._batches.view(self._id)

    @contextmanager
    def _cancelled_at_exception(self) -> Iterator[Event]:
        """Whoever presses Ctrl-C wants no worker to go on with it."""
        halted = Event()
        try:
            yield halted
        except BaseException:
            halted.set()
            with suppress(ProblemError):
                self._batches.cancel(self._id, COMMAND_LINE)
            raise


@contextmanager
def _beating(leases: Leases) -> Iterator[None]:
    """Give signs of life, so that no other worker takes over."""
    ended = Event()

    def beat() -> None:
        while not ended.wait(leases.seconds / 4):
            with suppress(ProblemError):
                leases.beat()

    thread = Thread(target=beat, name="hagaki-beat")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _tally(view: BatchView) -> Tally:
    return Tally(total=view.total, done=view.done, made=view.made, failed=view.failed)


def _tell_nobody(batch_id: int, times: int = 1) -> None:
    """The work is done here."""
    del batch_id, times
