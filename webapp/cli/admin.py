"""`hagaki admin`: who may open the admin pages of this host."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from profiles.problems import N_
from webapp.cli.settings import load_config
from webapp.cli.terminal import Terminal, json_option, pass_terminal

if TYPE_CHECKING:
    from webapp.accounts import Accounts, Admin

ROLES = ("owner", "operator", "helpdesk", "auditor")


@contextmanager
def open_host_accounts() -> Iterator[Accounts]:
    """Open the accounts of the host that the environment names."""
    from webapp.accounts import open_accounts
    from webapp.store import open_store

    config = load_config().prepare()
    store = open_store(config)
    try:
        yield open_accounts(store, config)
    finally:
        store.close()


@click.group(short_help="Who may open the admin pages: create, list, disable, reset.")
def admin() -> None:
    """Manage the admins of this host.

    An admin chooses the password and scans the code of the second factor by a set-up link, which works once, for
    24 hours.
    """


@admin.command()
@click.argument("name", metavar="NAME")
@click.option(
    "--role", type=click.Choice(ROLES), default="owner", show_default=True, help="What the admin may do."
)
@click.option(
    "--password-stdin",
    is_flag=True,
    help="Take the password from standard input and print the second factor's key, instead of a link.",
)
@json_option
@pass_terminal
def create(terminal: Terminal, *, name: str, role: str, password_stdin: bool) -> int:
    """Add an admin and print the set-up link.

    NAME is a mail address or a short name, typed to log in.
    """
    from webapp.accounts import COMMAND_LINE, Role

    with open_host_accounts() as accounts:
        if password_stdin:
            return _create_ready(terminal, accounts, name, role)
        token = accounts.people.create(name, Role(role), actor=COMMAND_LINE)
        _tell_link(terminal, name, role, accounts.setup_url(token))
    return 0


def _create_ready(terminal: Terminal, accounts: Accounts, name: str, role: str) -> int:
    from webapp.accounts import COMMAND_LINE, Role, second_factor

    password = sys.stdin.read().removesuffix("\n")
    once = accounts.people.create_ready(name, Role(role), password, actor=COMMAND_LINE)
    uri = second_factor.app_uri(once.secret, name=once.name, host=accounts.config.hostname)
    if terminal.json:
        key = second_factor.as_text(once.secret)
        codes = list(once.recovery_codes)
        terminal.write_json(
            {"name": once.name, "role": role, "totp": key, "totp_uri": uri, "recovery_codes": codes}
        )
    else:
        terminal.say(terminal.translate(N_("The key for the authenticator app, then the recovery codes:")))
        click.echo("\n".join((uri, *once.recovery_codes)))
    return 0


@admin.command("list")
@json_option
@pass_terminal
def list_(terminal: Terminal) -> int:
    """List every admin with role, state and last log-in."""
    with open_host_accounts() as accounts:
        found = [_document(each) for each in accounts.people.every()]
    if terminal.json:
        terminal.write_json({"admins": found})
    for each in () if terminal.json else found:
        click.echo(f"{each['name']:<32} {each['role']:<9} {each['state']:<9} {each['last_login'] or '-'}")
    return 0


@admin.command()
@click.argument("name", metavar="NAME")
@json_option
@pass_terminal
def disable(terminal: Terminal, *, name: str) -> int:
    """End an admin's sessions, tokens and links at once, and let nobody in by this name."""
    from webapp.accounts import COMMAND_LINE

    with open_host_accounts() as accounts:
        accounts.people.disable(name, actor=COMMAND_LINE)
        found = _document(accounts.people.get(name))
    if terminal.json:
        terminal.write_json(found)
    else:
        terminal.say(terminal.translate(N_("%(name)s is disabled."), name=found["name"]))
    return 0


@admin.command()
@click.argument("name", metavar="NAME")
@json_option
@pass_terminal
def reset(terminal: Terminal, *, name: str) -> int:
    """Print a new set-up link, for a lost phone or password.

    What was open ends at once.
    """
    from webapp.accounts import COMMAND_LINE

    with open_host_accounts() as accounts:
        token = accounts.people.reset(name, actor=COMMAND_LINE)
        found = accounts.people.get(name)
        _tell_link(terminal, found.name, found.role, accounts.setup_url(token))
    return 0


def _tell_link(terminal: Terminal, name: str, role: str, url: str) -> None:
    if terminal.json:
        terminal.write_json({"name": name.strip(), "role": str(role), "setup_url": url})
        return
    text = N_("This link sets %(name)s up. It works once, for 24 hours:")
    terminal.say(terminal.translate(text, name=name.strip()))
    click.echo(url)


def _document(admin: Admin) -> dict[str, Any]:
    return {
        "name": admin.name,
        "role": str(admin.role),
        "state": str(admin.state),
        "created": admin.created_at.isoformat(),
        "last_login": admin.seen_at.isoformat() if admin.seen_at else None,
    }
