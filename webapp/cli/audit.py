"""`hagaki audit`: what admins did, and whether the log is as it was written."""

from __future__ import annotations

import click

from profiles.problems import N_
from webapp.cli.admin import open_host_accounts
from webapp.cli.terminal import Terminal, json_option, pass_terminal


@click.group(short_help="The log of what admins did: verify.")
def audit() -> None:
    """Look after the audit log. Each of its rows is bound to all rows before it."""


@audit.command()
@json_option
@pass_terminal
def verify(terminal: Terminal) -> int:
    """Name every row that was changed or removed after it was written.

    Exit status 1 when there is one.
    """
    with open_host_accounts() as accounts:
        count, problems = accounts.audit.verify()
    if terminal.json:
        found = [terminal.problem_document(problem) for problem in problems]
        terminal.write_json({"ok": not problems, "rows": count, "problems": found})
    elif problems:
        terminal.show(problems)
    else:
        text = N_("All %(count)s rows are as they were written.")
        click.echo(terminal.translate(text, count=str(count)))
    return 1 if problems else 0
