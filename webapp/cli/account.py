"""From an address and a few options to the account that `check` and `render` work on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from profiles.address import Address, parse_address
from profiles.model import ADDRESS, ASK, MailAccount, Protocol, Server, ServiceSettings, Source
from profiles.problems import N_, Code, Problem, ProblemError
from webapp.cli.terminal import Terminal

if TYPE_CHECKING:
    from webapp.config import Config

INCOMING = (Protocol.IMAP, Protocol.POP3)
OUTGOING = (Protocol.SMTP,)
NAME_THE_SERVERS = N_(
    "Check the part after the @, or name the servers with --incoming and --outgoing, such as"
    " --incoming imaps://mail.example.com:993."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOptions:
    """What the command line says about an account."""

    address: str
    incoming: str | None
    outgoing: str | None
    username: str | None
    incoming_username: str | None
    outgoing_username: str | None

    @property
    def names_servers(self) -> bool:
        """Whether the servers are given, so that nothing is looked up."""
        return self.incoming is not None or self.outgoing is not None


def account_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ADDRESS and the options that describe the account, handed over as one `wanted`."""

    @wraps(command)
    def with_wanted(*args: Any, **options: Any) -> Any:
        wanted = AccountOptions(**{name: options.pop(name) for name in AccountOptions.__dataclass_fields__})
        return command(*args, wanted=wanted, **options)

    for option in (
        click.option("--outgoing-username", metavar="NAME", help="User name at the outgoing server."),
        click.option("--incoming-username", metavar="NAME", help="User name at the incoming server."),
        click.option(
            "--username", metavar="NAME", help="User name at both servers (default: as the service says)."
        ),
        click.option(
            "--outgoing",
            metavar="URL",
            help="Outgoing server: smtps://HOST[:PORT] or smtp+starttls://HOST[:PORT].",
        ),
        click.option(
            "--incoming",
            metavar="URL",
            help="Incoming server: imaps://HOST[:PORT], imap+starttls://, pop3s:// or pop3+starttls://.",
        ),
        click.argument("address"),
    ):
        with_wanted = option(with_wanted)
    return with_wanted


def find_account(
    wanted: AccountOptions, config: Config, *, full_name: str = ""
) -> tuple[MailAccount, tuple[Problem, ...]]:
    """Return the account and what was mended on the way; raises ProblemError when there is none."""
    address, notes = parse_address(wanted.address)
    if address is None:
        raise ProblemError(notes)
    settings = _given_servers(wanted, address) if wanted.names_servers else _known_settings(address, config)
    account = settings.account(address, full_name, username=wanted.username)
    return _with_usernames(account, wanted), notes


def _given_servers(wanted: AccountOptions, address: Address) -> ServiceSettings:
    incoming, problems = _server(wanted.incoming, "--incoming", INCOMING)
    outgoing, more = _server(wanted.outgoing, "--outgoing", OUTGOING)
    if problems or more:
        raise ProblemError(problems + more)
    return ServiceSettings(
        id=address.domain,
        display_name=address.domain,
        display_short_name=address.domain,
        domains=(address.domain,),
        incoming_servers=(incoming,) if incoming else (),
        outgoing_servers=(outgoing,) if outgoing else (),
        source=Source.OPTIONS,
    )


def _server(
    text: str | None, place: str, protocols: tuple[Protocol, ...]
) -> tuple[Server | None, tuple[Problem, ...]]:
    from profiles.server_url import parse_server_url

    if text is None:
        return None, ()
    server, problems = parse_server_url(text, place=place)
    if server is not None and server.protocol not in protocols:
        return None, (*problems, Problem(Code.SERVER_URL_INVALID, {"url": text}, place=place))
    return server, problems if server is None else ()


def _known_settings(address: Address, config: Config) -> ServiceSettings:
    from webapp.directory import find_provider

    settings = _hosted_settings(address.domain, config) or find_provider(address.domain)
    if settings is None:
        params = {"address": str(address), "domain": address.domain, "advice": NAME_THE_SERVERS}
        raise ProblemError(Problem(Code.SETTINGS_UNKNOWN, params))
    return settings


def _hosted_settings(domain: str, config: Config) -> ServiceSettings | None:
    """Look into the host's domains; where there is no database yet, a check makes none."""
    embedded = config.database_url.removeprefix("sqlite:///")
    if embedded != config.database_url and not Path(embedded).exists():
        return None
    from webapp.directory import Directory
    from webapp.store import open_store

    store = open_store(config)
    try:
        return Directory(store).hosted(domain)
    finally:
        store.close()


def require_usernames(account: MailAccount) -> None:
    """Refuse to sign in where only the person knows the user name and has not told it."""
    if any(ASK in server.username for server in account.incoming + account.outgoing):
        raise ProblemError(Problem(Code.USERNAME_MISSING, {"address": str(account.address)}, place="--username"))


def _with_usernames(account: MailAccount, wanted: AccountOptions) -> MailAccount:
    """Put the user names of the command line in: the one for a side, else the URL's own, else the one for both."""
    incoming = tuple(_named(server, account, wanted.incoming_username, wanted) for server in account.incoming)
    outgoing = tuple(_named(server, account, wanted.outgoing_username, wanted) for server in account.outgoing)
    return replace(account, incoming=incoming, outgoing=outgoing)


def _named(server: Server, account: MailAccount, own: str | None, wanted: AccountOptions) -> Server:
    from_url = wanted.names_servers and server.username not in (ADDRESS, str(account.address))
    username = own or (None if from_url else wanted.username)
    return replace(server, username=username) if username else server


def read_password(terminal: Terminal, account: MailAccount, *, from_stdin: bool) -> str | None:
    """Return the password from standard input or a person at a terminal, None where there is neither.

    One trailing newline is dropped, as `echo` and editors add it; everything else belongs to the password.
    """
    if from_stdin:
        return _password_text(sys.stdin.buffer.read())
    if not sys.stdin.isatty() or account.settings.needs_oauth:
        return None
    prompt = terminal.translate(
        N_("Password of %(address)s (empty: check up to the log-in)"), address=str(account.address)
    )
    return str(click.prompt(prompt, hide_input=True, default="", show_default=False, err=True)) or None


def _password_text(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        # Without the bytes in the message or the exception's context: they are the password.
        raise ProblemError(Problem(Code.PASSWORD_UNUSABLE, place="--password-stdin")) from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise ProblemError(Problem(Code.PASSWORD_MISSING, place="--password-stdin"))
    return text
