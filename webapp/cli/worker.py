"""`hagaki worker`: makes the rows of batches and sends their mails, until it is told to end."""

from __future__ import annotations

import click

from profiles.problems import N_
from webapp.cli.settings import load_config
from webapp.cli.terminal import Terminal, pass_terminal


@click.command(short_help="Make the rows of batches and send their mails.")
@click.option(
    "--threads",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    metavar="NUMBER",
    help="Batches that are worked on at once.",
)
@click.option("--with-parent", is_flag=True, hidden=True, help="End when standard input does.")
@pass_terminal
def worker(terminal: Terminal, *, threads: int, with_parent: bool) -> int:
    """Work on what was asked for on the pages and by the API, until SIGTERM or Ctrl-C.

    `hagaki serve` starts one worker by itself, unless HAGAKI_QUEUE_URL names a queue for several machines. Start
    as many as you like, on any machine with the same HAGAKI_DATABASE_URL, HAGAKI_QUEUE_URL, HAGAKI_SECRET_KEY and
    HAGAKI_LINK_KEY: they share the work. What is in hand at the end is finished. After a crash another worker goes
    on some seconds later, and nothing is lost or made twice.
    """
    from webapp.processes import forbid_core_files, start_log
    from webapp.worker import WorkerOptions, work_until_told

    config = load_config().prepare()
    start_log()
    forbid_core_files()

    def tell() -> None:
        if not with_parent:
            terminal.say(terminal.translate(N_("The worker is waiting for batches. Ctrl-C ends it.")))

    work_until_told(config, WorkerOptions(threads=threads), ready=tell, with_parent=with_parent)
    return 0
