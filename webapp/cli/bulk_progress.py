"""The progress bars of `hagaki bulk`: only a terminal sees them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

import click

from profiles.problems import N_
from webapp.cli.terminal import Terminal, is_terminal_output

if TYPE_CHECKING:
    from webapp.batches.making import Tally


@contextmanager
def rows_bar(terminal: Terminal, total: int) -> Iterator[Callable[[Tally], None]]:
    """How many rows are done, how fast, how many with problems."""
    if not is_terminal_output():
        yield _say_nothing
        return
    label = terminal.translate(N_("Making"))
    start = monotonic()

    def state(tally: Tally | None) -> str | None:
        if tally is None:
            return None
        speed = f"{tally.done / max(monotonic() - start, 0.001):.0f}/s"
        if not tally.failed:
            return speed
        failed = terminal.translate(N_("%(count)s with problems"), count=str(tally.failed))
        return f"{speed}, {failed}"

    with click.progressbar(length=total, label=label, file=sys.stderr, show_pos=True, item_show_func=state) as bar:

        def advance(tally: Tally) -> None:
            bar.update(tally.done - bar.pos, tally)

        yield advance


@contextmanager
def mails_bar(terminal: Terminal, total: int) -> Iterator[Callable[[int, int], None]]:
    """How many mails are done, of how many."""
    if not is_terminal_output():
        yield _say_no_counts
        return
    label = terminal.translate(N_("Sending mails"))
    with click.progressbar(length=total, label=label, file=sys.stderr, show_pos=True) as bar:
        # Whoever had the mail before gets none: there may be fewer than rows.
        yield lambda done, every: bar.update(min(done + total - every, total) - bar.pos)


def _say_nothing(tally: Tally) -> None:
    """Progress that nobody watches."""


def _say_no_counts(done: int, every: int) -> None:
    """The same, of mails."""
