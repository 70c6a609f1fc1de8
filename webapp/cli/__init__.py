"""The `hagaki` command: one table of commands, and what every command's end looks like.

Command modules import what they work with inside their functions, so that `hagaki --help` stays quick.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Sequence

import click

from profiles.problems import Code, ProblemError
from webapp.cli import (
    admin,
    audit,
    bulk,
    check,
    config,
    discover,
    doctor,
    domain,
    mail,
    render,
    serve,
    signing,
    token,
    worker,
)
from webapp.cli.spoken import speak, tell_wrong_use
from webapp.cli.terminal import Terminal, spoken_language

COMMANDS: tuple[click.Command, ...] = (
    serve.serve,
    worker.worker,
    check.check,
    discover.discover,
    render.render,
    bulk.bulk,
    domain.domain,
    doctor.doctor,
    admin.admin,
    token.token,
    mail.mail,
    signing.signing,
    audit.audit,
    config.config,
)
"""Every command of `hagaki`, in the order of the help. A new command is one line here."""

OK, PROBLEMS, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
SETTING_CODES = frozenset(
    {Code.SETTING_UNKNOWN, Code.SETTING_INVALID, Code.SETTING_CONFLICT, Code.SETTING_MISSING}
)


class InOrder(click.Group):
    """A group whose help keeps the order of COMMANDS."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands as they were added."""
        del ctx
        return list(self.commands)


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="hagaki", message="%(prog)s %(version)s")
def hagaki() -> None:
    """Set up a person's mail on every device from one address.

    Exit status: 0 fine, 1 problems found, 2 wrong use. Settings are HAGAKI_ environment variables;
    `hagaki config check` lists them.
    """


for command in COMMANDS:
    hagaki.add_command(command)
speak(hagaki)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status; problems are shown, never a traceback."""
    # A command shows its problems itself; only `serve` also writes a log.
    logging.basicConfig(handlers=[logging.NullHandler()])
    terminal = Terminal(language=spoken_language(os.environ))
    try:
        status = hagaki.main(list(arguments), prog_name="hagaki", standalone_mode=False, obj=terminal)
    except ProblemError as error:
        terminal.fail(error.problems)
        return WRONG_USE if _is_setting_trouble(error) else PROBLEMS
    except click.ClickException as error:
        tell_wrong_use(error, terminal)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo(err=True)
        return INTERRUPTED
    except OSError as error:
        if error.errno != errno.EPIPE:
            raise
        return _stop_writing()
    return status if isinstance(status, int) else OK


def main() -> None:
    """Entry point of the `hagaki` script."""
    status = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        status = _stop_writing()
    sys.exit(status)


def _is_setting_trouble(error: ProblemError) -> bool:
    return all(problem.code in SETTING_CODES for problem in error.problems if problem.is_error)


def _stop_writing() -> int:
    """The reader went away (`hagaki … | head`): keep Python from complaining again at its own exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PROBLEMS
