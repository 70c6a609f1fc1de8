"""`hagaki render`: write what one kind of device understands."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from profiles.model import Artifact, MailAccount, RenderOptions, read_moment
from profiles.problems import N_
from webapp.cli.account import (
    AccountOptions,
    FoundAccount,
    accept_guess_option,
    account_options,
    find_account,
    read_password,
    read_passwords,
)
from webapp.cli.files import write_file
from webapp.cli.settings import load_config
from webapp.cli.terminal import Terminal, in_words, is_terminal_output, language_option, pass_terminal

if TYPE_CHECKING:
    from profiles.formats import RenderSeveral
    from webapp.config import Config

Renderer = Callable[[MailAccount, RenderOptions], Artifact]
PNG_SCALE = 8
STANDARD_OUTPUT = Path("-")


def known_format(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """Accept the names in FORMATS."""
    from profiles.formats import FORMATS

    if value not in FORMATS:
        raise click.BadParameter(in_words(N_("choose one of %(names)s."), names=", ".join(FORMATS)), ctx, param)
    return value


def future_moment(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Accept a day or a moment that is not over: a device would refuse the profile or remove it at once."""
    if value is None:
        return None
    try:
        is_over = read_moment(value, UTC) <= datetime.now(UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(
            in_words(N_("“%(value)s” is not a date such as 2027-03-31."), value=value), ctx, param
        ) from None
    if is_over:
        raise click.BadParameter(in_words(N_("%(value)s is over."), value=value), ctx, param)
    return value


@click.command(short_help="Write what one kind of device understands.")
@account_options
@click.option(
    "--format",
    "format_name",
    callback=known_format,
    metavar="NAME",
    required=True,
    help="Which format: mobileconfig, autoconfig, autodiscover, pacc, k9s, thunderbird-qr or sheet.",
)
@click.option("--name", "full_name", default="", metavar='"FULL NAME"', help="The name that mail is sent under.")
@click.option(
    "--also",
    multiple=True,
    metavar="ADDRESS",
    help="Another address of the same person, in the same file. May be given more than once.",
)
@click.option(
    "--password-stdin",
    is_flag=True,
    help="Read the password from standard input and put it in; with --also one line for each address.",
)
@click.option(
    "--removal-date",
    callback=future_moment,
    metavar="DATE",
    help="Let an iPhone or Mac remove the profile after this day (2027-03-31), or at 2027-03-31T18:00+09:00.",
)
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
    also: tuple[str, ...],
    password_stdin: bool,
    removal_date: str | None,
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
      hagaki render hanako@example.com --also info@example.com --format mobileconfig -o both.mobileconfig
      hagaki render hanako@example.com --format thunderbird-qr -o hanako.svg
    """
    config = load_config()
    form = _form(format_name, output, several=bool(also))
    found = _find_accounts((wanted, *_others(wanted, also)), config, full_name=full_name)
    for each in found:
        terminal.show(each.notes)
    passwords = _passwords(terminal, found, from_stdin=password_stdin, accept_guess=accept_guess)
    options = RenderOptions(
        language=terminal.language,
        removal_date=None if removal_date is None else read_moment(removal_date, config.timezone),
        zone=config.timezone,
        translate=terminal.gettext,
    )
    artifact = form([each.account for each in found], options, passwords=passwords)
    if format_name == "mobileconfig" and not unsigned:
        artifact = _sign(artifact, config)
    _hand_out(terminal, artifact, format_name, output, private=any(passwords))
    return 0


def _hand_out(
    terminal: Terminal, artifact: Artifact, format_name: str, output: Path | None, *, private: bool
) -> None:
    if output is None or output == STANDARD_OUTPUT:
        _write_out(terminal, artifact, format_name)
    else:
        write_file(output, artifact.data, private=private)


def _others(wanted: AccountOptions, also: tuple[str, ...]) -> Iterator[AccountOptions]:
    """The further addresses: at the same servers where these are named; a user name given is the first one's."""
    for address in also:
        yield replace(wanted, address=address, username=None, incoming_username=None, outgoing_username=None)


def _find_accounts(
    wanted: Sequence[AccountOptions], config: Config, *, full_name: str
) -> tuple[FoundAccount, ...]:
    found = tuple(find_account(each, config, full_name=full_name) for each in wanted)
    repeated = len(found) - len({each.account.address.key for each in found})
    if repeated:
        raise click.BadParameter(in_words(N_("an address stands twice.")), param_hint="--also")
    return found


def _passwords(
    terminal: Terminal, found: Sequence[FoundAccount], *, from_stdin: bool, accept_guess: bool
) -> tuple[str | None, ...]:
    if from_stdin and len(found) > 1:
        return read_passwords(found, accept_guess=accept_guess)
    if from_stdin:
        return (read_password(terminal, found[0], from_stdin=True, accept_guess=accept_guess),)
    for each in found:
        if each.is_unproved and each.candidate is not None:
            terminal.say(terminal.translate(each.candidate.reason, where=each.candidate.where))
    return (None,) * len(found)


def _form(format_name: str, output: Path | None, *, several: bool) -> RenderSeveral:
    """Return the renderer of a format, or of its other form where the file's name ends so."""
    from profiles import settings_sheet
    from profiles.formats import FORMATS

    ending = output.suffix.lower() if output else ""
    if (format_name, ending) == ("sheet", ".html"):
        return settings_sheet.render_several_html
    chosen = FORMATS[format_name]
    if chosen.render_several is not None:
        return chosen.render_several
    if several:
        raise click.BadParameter(
            in_words(N_("%(format)s holds one address; write a file or code for each."), format=format_name),
            param_hint="--also",
        )
    drawings: dict[tuple[str, str], Renderer] = {
        ("thunderbird-qr", ".svg"): _thunderbird_svg,
        ("thunderbird-qr", ".png"): _thunderbird_png,
    }
    return _of_one(drawings.get((format_name, ending), chosen.render))


def _of_one(render_one: Renderer) -> RenderSeveral:
    def render_first(
        accounts: Sequence[MailAccount], options: RenderOptions, *, passwords: Sequence[str | None] = ()
    ) -> Artifact:
        return render_one(accounts[0], replace(options, password=passwords[0] if passwords else None))

    return render_first


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
