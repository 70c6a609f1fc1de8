"""`hagaki serve`: make what a first start needs, then serve."""

from __future__ import annotations

import importlib.util
import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import click

from profiles.problems import N_
from webapp.cli.settings import load_config
from webapp.cli.terminal import Terminal, in_words, pass_terminal

if TYPE_CHECKING:
    from webapp.config import Config

log = logging.getLogger(__name__)

SERVERS = ("gunicorn", "granian")
_SERVER_HELP = "What serves; granian answers many more discovery requests and comes with hagaki[granian]."


@click.command(short_help="Serve the pages and the discovery endpoints.")
@click.option("--bind", metavar="HOST:PORT", help="Address to listen on (HAGAKI_BIND; default 127.0.0.1:8080).")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    metavar="NUMBER",
    help="Processes (default: one per processor, at most 4).",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 256),
    metavar="NUMBER",
    help="Threads per process (gunicorn's default here: 16).",
)
@click.option("--server", type=click.Choice(SERVERS), default=SERVERS[0], show_default=True, help=_SERVER_HELP)
@click.option("--access-log/--no-access-log", default=True, help="One line per request (default: yes).")
@click.option(
    "--worker/--no-worker",
    "batches",
    default=None,
    help="Also work on batches (default: yes, unless HAGAKI_QUEUE_URL is set; see hagaki worker).",
)
@click.option("--development", is_flag=True, help="Also serve /styleguide.")
@pass_terminal
def serve(
    terminal: Terminal,
    *,
    bind: str | None,
    workers: int | None,
    threads: int | None,
    server: str,
    access_log: bool,
    batches: bool | None,
    development: bool,
) -> int:
    """Serve Hagaki; the first start makes the data folder, the database and a local signing CA.

    It serves plain HTTP: put a proxy with a certificate in front for anything but a trial on your own machine.
    SIGTERM lets requests in hand finish, SIGHUP replaces the processes without refusing a request.
    """
    if server == "granian" and importlib.util.find_spec("granian") is None:
        raise click.UsageError(
            in_words(N_("granian is not installed. Install it with: pip install 'hagaki[granian]'"))
        )
    config = replace(load_config(), development=development)

    from webapp import serve as serving
    from webapp.processes import forbid_core_files, start_log

    if bind:
        config = config.with_bind(serving.with_free_port(bind))
    serving.require_free(config.bind)
    start_log()
    forbid_core_files()
    first_link = _prepare(terminal, config)
    workers = workers or serving.default_workers()
    with_worker = config.queue_url is None if batches is None else batches
    options = serving.ServeOptions(workers=workers, threads=threads, access_log=access_log, batches=with_worker)
    start = serving.serve_granian if server == "granian" else serving.serve_gunicorn
    start(config, options, partial(_announce, terminal, config, first_link))
    return 0


def _prepare(terminal: Terminal, config: Config) -> str | None:
    """Make keys, database and certificates before there are several processes that could.

    Returns the set-up link of the first admin, where there is none yet.
    """
    from webapp.accounts import open_accounts
    from webapp.certificates import load_signer, status
    from webapp.store import keys, open_store

    if not config.data.exists():
        text = N_("First start: making the data folder %(folder)s.")
        terminal.say(terminal.translate(text, folder=str(config.data.absolute())))
    config.prepare()
    store = open_store(config)
    try:
        first_link = open_accounts(store, config).first_link()
        for setting in keys.announce(store, config):
            log.warning("event=key_changed setting=%s", setting)
    finally:
        store.close()
    load_signer(config)
    terminal.show(status(config).problems)
    return first_link


def _announce_first_link(terminal: Terminal, url: str) -> None:
    text = N_("There is no admin yet. Open this link within 24 hours to become the owner; it works once:")
    terminal.say(terminal.translate(text))
    terminal.say(f"  {url}")


def _announce(terminal: Terminal, config: Config, first_link: str | None) -> None:
    from webapp.serve import is_loopback

    terminal.say(terminal.translate(N_("Hagaki is at %(url)s"), url=config.base_url))
    if first_link is not None:
        _announce_first_link(terminal, first_link)
    if is_loopback(config.base_url):
        terminal.say(
            terminal.translate(
                N_(
                    "Phones cannot open this address. Set HAGAKI_BASE_URL to the address that they see, and"
                    " HAGAKI_BIND to 0.0.0.0:8080 where no proxy stands in front."
                )
            )
        )
