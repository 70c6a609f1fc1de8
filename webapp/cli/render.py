"""`hagaki render`: write what one kind of device understands."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from profiles.model import Artifact, MailAccount, RenderOptions
from webapp.cli.account import AccountOptions, account_options, find_account, read_password
from webapp.cli.files import write_file
from webapp.cli.settings import load_config
from webapp.cli.terminal import Terminal, language_option, pass_terminal

if TYPE_CHECKING:
    from webapp.config import Config

DRAWN_AS = {("thunderbird-qr", ".svg"), ("thunderbird-qr", ".png"), ("sheet", ".html")}
"""(format, ending of the file's name) where the file is another form of the same artifact."""
SIGNED = {"mobileconfig"}
PNG_SCALE = 8


class FormatName(click.ParamType):
    """The name of an output format, from the one table of formats."""

    name = "format"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Accept the names in FORMATS."""
        from profiles.formats import FORMATS

        if value not in FORMATS:
            self.fail(f"{value!r} is not one of {', '.join(FORMATS)}.", param, ctx)
        return str(value)


@click.command(short_help="Write what one kind of device understands.")
@account_options
@click.option(
    "--format",
    "format_name",
    type=FormatName(),
    metavar="NAME",
    required=True,
    help="mobileconfig, autoconfig, autodiscover, pacc, k9s, thunderbird-qr or sheet.",
)
@click.option("--name", "full_name", default="", metavar='"FULL NAME"', help="The name that mail is sent under.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input and put it in.")
@click.option("--unsigned", is_flag=True, help="Leave the profile unsigned.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@language_option
@pass_terminal
def render(
    terminal: Terminal,
    *,
    wanted: AccountOptions,
    format_name: str,
    full_name: str,
    password_stdin: bool,
    unsigned: bool,
    output: Path | None,
) -> int:
    """Write the settings of ADDRESS in one format, without trying them.

    A mobileconfig is signed. thunderbird-qr is the text of Thunderbird's code; with -o x.svg or x.png it is drawn.
    sheet is plain text, with -o x.html a page. Without -o the result goes to standard output.

    \b
    Examples:
      hagaki render hanako@example.com --format mobileconfig --name "Hanako Yamada" -o hanako.mobileconfig
      hagaki render hanako@example.com --format thunderbird-qr -o hanako.svg
    """
    config = load_config()
    account, notes = find_account(wanted, config, full_name=full_name)
    terminal.show(notes)
    password = read_password(account, from_stdin=True) if password_stdin else None
    artifact = _render(terminal, account, format_name, password)
    if format_name in SIGNED and not unsigned:
        artifact = _sign(artifact, config)
    ending = output.suffix.lower() if output else ""
    if (format_name, ending) in DRAWN_AS:
        artifact = _draw(artifact, ending)
    _write(terminal, artifact, output, is_code=format_name == "thunderbird-qr", private=password is not None)
    return 0
