"""`hagaki check`: try an account against its live servers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from profiles.model import MailAccount
from profiles.problems import N_, Problem, ProblemError
from webapp.cli.account import (
    AccountOptions,
    accept_guess_option,
    account_options,
    find_account,
    read_password,
    require_usernames,
)
from webapp.cli.report import report_document, report_text, stage_line, trip_document, trip_text
from webapp.cli.settings import load_config
from webapp.cli.terminal import Terminal, in_words, is_terminal_output, json_option, language_option, pass_terminal

if TYPE_CHECKING:
    from webapp.config import Config
    from webapp.outbound import Outbound
    from webapp.probes.report import Stage
    from webapp.probes.test_mail import RoundTrip


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How to check: the flags of the command."""

    password_stdin: bool
    accept_guess: bool
    test_mail: bool
    compare: bool


@click.command(short_help="Try an account against its live servers.")
@account_options
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@accept_guess_option
@click.option("--test-mail", is_flag=True, help="Then send a mail to ADDRESS itself, time it and remove it.")
@click.option("--compare", is_flag=True, help="Try the outgoing server although the incoming one refused.")
@language_option
@json_option
@pass_terminal
def check(terminal: Terminal, /, *, wanted: AccountOptions, **how: bool) -> int:
    """Check ADDRESS against its mail servers, stage by stage, with the real password.

    The servers are those of your domains and of the providers Hagaki knows, or those of --incoming and
    --outgoing; with only one of the two, just that service is checked. For any other domain they are searched for
    (see `hagaki discover`); servers that were found but not proved hear the password only after your yes, or with
    --accept-guess. TLS is always verified, and each service sees one log-in attempt. Without --password-stdin a
    terminal asks for the password; where there is no terminal, everything up to the log-in is checked.

    \b
    Examples:
      hagaki check hanako@example.com
      hagaki check hanako@example.com --incoming imaps://mail.example.com:993 --password-stdin <password.txt
      hagaki check hanako@example.com --test-mail
    """
    config = load_config()
    try:
        return _check(terminal, wanted, How(**how), config)
    except ProblemError as error:
        if not terminal.json:
            raise
        terminal.write_json(_nothing_checked(terminal, wanted, error.problems))
        return 1


def _check(terminal: Terminal, wanted: AccountOptions, how: How, config: Config) -> int:
    found = find_account(wanted, config)
    account, notes = found.account, found.notes
    if how.test_mail:
        _demand_both_servers(account)
    password = read_password(terminal, found, from_stdin=how.password_stdin, accept_guess=how.accept_guess)
    if password is not None:
        require_usernames(account)

    from webapp import probes
    from webapp.outbound import Outbound

    shown = is_terminal_output()

    def tell(stage: Stage) -> None:
        if shown:
            terminal.say(stage_line(stage))

    outbound = Outbound.unrestricted(resolver=config.resolver, ca_file=config.ca_file)
    report = probes.check(account, password, outbound=outbound, on_stage=tell, compare=how.compare)
    trip = None
    if how.test_mail and password is not None and report.ok:
        trip = _send_test_mail(terminal, account, password, outbound)
        report = replace(report, problems=(*report.problems, *trip.problems))
    if terminal.json:
        more = {"test_mail": trip_document(trip)} if how.test_mail else {}
        terminal.write_json(report_document(terminal, report, notes) | more)
    else:
        click.echo(report_text(terminal, report, notes, stages=not shown))
        if how.test_mail:
            click.echo(trip_text(terminal, trip))
    return 0 if report.ok else 1


def _demand_both_servers(account: MailAccount) -> None:
    from webapp.probes.test_mail import can_send_to_self

    if not can_send_to_self(account):
        raise click.UsageError(in_words(N_("--test-mail needs an IMAP and an SMTP server.")))


def _send_test_mail(terminal: Terminal, account: MailAccount, password: str, outbound: Outbound) -> RoundTrip:
    from webapp.probes.test_mail import send_to_self

    return send_to_self(
        account,
        password,
        outbound=outbound,
        subject=terminal.translate(N_("Test mail")),
        text=terminal.translate(N_("Hagaki sent this mail to see whether mail arrives. It removes it again.")),
    )


def _nothing_checked(terminal: Terminal, wanted: AccountOptions, problems: tuple[Problem, ...]) -> dict[str, Any]:
    return {
        "address": wanted.address,
        "ok": False,
        "source": None,
        "stages": [],
        "problems": [terminal.problem_document(problem) for problem in problems],
        "account": None,
    }
