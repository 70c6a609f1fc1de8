"""`hagaki render`: write what one kind of device understands."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from profiles.model import Artifact, MailAccount, RenderOptions
from webapp.cli.account import (
    AccountOptions,
    accept_guess_option,
    account_options,
    find_account,
    read_password,
)
from webapp.cli.files import write_file
from webapp.cli.settings import load_config
from webapp.cli.terminal import Terminal, is_terminal_output, language_option, pass_terminal

if TYPE_CHECKING:
    from webapp.config import Config

Renderer = Callable[[MailAccount, RenderOptions], Artifact]
PNG_SCALE = 8
STANDARD_OUTPUT = Path("-")


def known_format(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """Accept the names in FORMATS."""
    from profiles.formats import FORMATS

    if value not in FORMATS:
        raise click.BadParameter(f"{value!r} is not one of {', '.join(FORMATS)}.", ctx, param)
    return value


@click.command(short_help="Write what one kind of device understands.")
@account_options
@click.option(
    "--format",
    "format_name",
    callback=known_format,
    metavar="NAME",
    required=True,
    help="mobileconfig, autoconfig, autodiscover, pacc, k9s, thunderbird-qr or sheet.",
)
@click.option("--name", "full_name", default="", metavar='"FULL NAME"', help="The name that mail is sent under.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input and put it in.")
@accept_guess_option
@click.option("--unsigned", is_flag=True, help="Leave the profile unsigned.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), help="Write to this file."
)
@language_option
@pass_terminal
def render(
    terminal: Terminal,
    *,
    wanted: AccountOptions,
    format_name: str,
    full_name: str,
    password_stdin: bool,
    accept_guess: bool,
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
    found = find_account(wanted, config, full_name=full_name)
    account = found.account
    terminal.show(found.notes)
    password = None
    if password_stdin:
        password = read_password(terminal, found, from_stdin=True, accept_guess=accept_guess)
    elif found.is_unproved and found.candidate is not None:
        terminal.say(terminal.translate(found.candidate.reason, where=found.candidate.where))
    options = RenderOptions(language=terminal.language, password=password, translate=terminal.gettext)
    form = _form(format_name, output)
    artifact = form(account, options)
    if format_name == "mobileconfig" and not unsigned:
        artifact = _sign(artifact, config)
    if output is None or output == STANDARD_OUTPUT:
        _write_out(terminal, artifact, format_name)
    else:
        write_file(output, artifact.data, private=password is not None)
    return 0


def _form(format_name: str, output: Path | None) -> Renderer:
    """Return the renderer of a format, or of its other form where the file's name ends so."""
    from profiles import settings_sheet
    from profiles.formats import FORMATS

    others: dict[tuple[str, str], Renderer] = {
        ("sheet", ".html"): settings_sheet.render_html,
        ("thunderbird-qr", ".svg"): _thunderbird_svg,
        ("thunderbird-qr", ".png"): _thunderbird_png,
    }
    ending = output.suffix.lower() if output else ""
    return others.get((format_name, ending), FORMATS[format_name].render)


def _thunderbird_svg(account: MailAccount, options: RenderOptions) -> Artifact:
    from profiles import qr, thunderbird_qr

    text = thunderbird_qr.render(account, options)
    data = qr.svg(qr.matrix(text.data.decode()), label=str(account.address)).encode()
    return replace(text, data=data, content_type="image/svg+xml")


def _thunderbird_png(account: MailAccount, options: RenderOptions) -> Artifact:
    from profiles import qr, thunderbird_qr

    text = thunderbird_qr.render(account, options)
    return replace(text, data=qr.png(qr.matrix(text.data.decode()), scale=PNG_SCALE), content_type="image/png")


def _sign(artifact: Artifact, config: Config) -> Artifact:
    from webapp.certificates import load_signer

    config.prepare()
    return load_signer(config).sign(artifact)


def _write_out(terminal: Terminal, artifact: Artifact, format_name: str) -> None:
    """Write the bytes as they are; a person at the terminal also sees Thunderbird's code to scan."""
    sys.stdout.buffer.write(artifact.data)
    sys.stdout.buffer.flush()
    if format_name == "thunderbird-qr" and is_terminal_output():
        from profiles import qr

        terminal.say("\n" + qr.terminal(qr.matrix(artifact.data.decode())))
