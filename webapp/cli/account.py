"""From an address and a few options to the account that `check` and `render` work on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from profiles.address import Address, parse_address
from profiles.model import ADDRESS, ASK, MailAccount, Protocol, Server, ServiceSettings, Source
from profiles.problems import N_, Code, Problem, ProblemError
from webapp.cli.searching import discover
from webapp.cli.terminal import Terminal, in_words

if TYPE_CHECKING:
    from webapp.config import Config
    from webapp.discovery.candidates import Candidate

Command = TypeVar("Command", bound=Callable[..., Any])

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


def printable(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Refuse a user name that would break a line of a dialogue or of a file."""
    if value is not None and not value.isprintable():
        raise click.BadParameter(
            in_words(N_("a user name holds no line breaks or other control characters.")), ctx, param
        )
    return value


def account_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ADDRESS and the options that describe the account, handed over as one `wanted`."""

    @wraps(command)
    def with_wanted(*args: Any, **options: Any) -> Any:
        wanted = AccountOptions(**{name: options.pop(name) for name in AccountOptions.__dataclass_fields__})
        return command(*args, wanted=wanted, **options)

    for option in (
        _username("--outgoing-username", "User name at the outgoing server."),
        _username("--incoming-username", "User name at the incoming server."),
        _username("--username", "User name at both servers (default: as the service says)."),
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


def _username(name: str, text: str) -> Callable[[Command], Command]:
    return click.option(name, metavar="NAME", callback=printable, help=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAccount:
    """The account a command works on, and how it came to it."""

    account: MailAccount
    notes: tuple[Problem, ...] = ()
    """What was mended on the way."""
    candidate: Candidate | None = None
    """Where the servers were found; None where the options named them."""

    @property
    def is_unproved(self) -> bool:
        """Whether a person should look at the servers before a password goes there (for OAuth none does)."""
        found = self.candidate
        return found is not None and found.needs_confirmation and not found.settings.needs_oauth

    @property
    def servers(self) -> tuple[Server, ...]:
        """The servers that would hear the password."""
        return self.account.incoming[:1] + self.account.outgoing[:1]


accept_guess_option = click.option(
    "--accept-guess",
    is_flag=True,
    help="Trust servers that were found but not proved (plain DNS, a guess) with the password.",
)


def find_account(wanted: AccountOptions, config: Config, *, full_name: str = "") -> FoundAccount:
    """Return the account, searched for where nothing is known; raises ProblemError when there is none."""
    address, notes = parse_address(wanted.address)
    if address is None:
        raise ProblemError(notes)
    candidate = None if wanted.names_servers else _search(address, config)
    settings = _given_servers(wanted, address) if candidate is None else candidate.settings
    account = settings.account(address, full_name, username=wanted.username)
    return FoundAccount(account=_with_usernames(account, wanted), notes=notes, candidate=candidate)


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


def _search(address: Address, config: Config) -> Candidate:
    """The best that is known or can be found."""
    found = discover(address, config)
    if found.best is None:
        params = {"address": str(address), "domain": address.domain, "advice": NAME_THE_SERVERS}
        raise ProblemError((Problem(Code.SETTINGS_UNKNOWN, params), *_unavailable(found.problems)))
    return found.best


def _unavailable(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    return tuple(problem for problem in problems if problem.code is Code.SOURCE_UNAVAILABLE)


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


def read_password(
    terminal: Terminal, found: FoundAccount, *, from_stdin: bool, accept_guess: bool = False
) -> str | None:
    """Return the password from standard input or a person at a terminal, None where there is neither.

    Servers that were found but not proved need a person's yes first, or `accept_guess`. One trailing newline is
    dropped, as `echo` and editors add it; everything else belongs to the password.
    """
    account, must_ask = found.account, found.is_unproved and not accept_guess
    if from_stdin:
        if must_ask:
            raise ProblemError(_unproved(found))
        return _password_text(sys.stdin.buffer.read())
    if not sys.stdin.isatty() or account.settings.needs_oauth:
        return None
    if must_ask and not _confirmed(terminal, found):
        return None
    prompt = terminal.translate(
        N_("Password of %(address)s (empty: check up to the log-in)"), address=str(account.address)
    )
    return str(click.prompt(prompt, hide_input=True, default="", show_default=False, err=True)) or None


def read_passwords(found: Sequence[FoundAccount], *, accept_guess: bool) -> tuple[str | None, ...]:
    """Return the passwords of several accounts from standard input, one line each in their order.

    An empty line, or none, leaves the account without one.
    """
    unproved = [_unproved(each) for each in found if each.is_unproved and not accept_guess]
    if unproved:
        raise ProblemError(unproved)
    lines = [line.removesuffix("\r") for line in _password_text(sys.stdin.buffer.read()).split("\n")]
    if len(lines) > len(found):
        raise ProblemError(Problem(Code.PASSWORD_UNUSABLE, place="--password-stdin"))
    missing = len(found) - len(lines)
    return tuple(line or None for line in lines) + (None,) * missing


def _unproved(found: FoundAccount) -> Problem:
    assert found.candidate is not None
    servers = ", ".join(server.endpoint for server in found.servers)
    params = {
        "domain": found.account.address.domain,
        "where": found.candidate.where,
        "servers": servers,
        "source": found.candidate.source.value,
    }
    return Problem(Code.SETTINGS_UNPROVED, params)


def _confirmed(terminal: Terminal, found: FoundAccount) -> bool:
    """Show what was found and ask; the answer is no unless a person says yes."""
    assert found.candidate is not None
    terminal.say(terminal.translate(found.candidate.reason, where=found.candidate.where))
    for server in found.servers:
        terminal.say(f"  {server.protocol} {server.endpoint} {server.socket_type} {server.username}")
    question = terminal.translate(N_("Are these your mail servers? The password is sent to them"))
    return click.confirm(question, default=False, err=True)


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
