"""`hagaki token`: what lets programs use the API."""

from __future__ import annotations

import click

from profiles.problems import N_
from webapp.cli.admin import open_host_accounts
from webapp.cli.terminal import Terminal, json_option, pass_terminal

SCOPES = ("batches:read", "batches:results", "batches:write", "domains:read", "domains:write", "checks:read")


@click.group(short_help="What lets programs use the API: create, list, revoke.")
def token() -> None:
    """Manage API tokens. A token is shown once, when it is made; the database keeps only its hash."""


@token.command()
@click.argument("name", metavar="NAME")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice(SCOPES), help="What it may do; repeat it (default: all)."
)
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    metavar="NUMBER",
    help="Valid for so many days (default: until revoked).",
)
@json_option
@pass_terminal
def create(terminal: Terminal, *, name: str, scopes: tuple[str, ...], days: int | None) -> int:
    """Make a token and print it, this once.

    NAME says what uses it. What it may do:

    \b
    batches:read     see how far lists are and what is wrong in them
    batches:results  download their results: links, PINs and passwords
    batches:write    make, cancel and delete batches
    domains:read     see the domains
    domains:write    add, replace and remove domains
    checks:read      see what became of checks
    """
    from webapp.accounts import COMMAND_LINE, Scope

    chosen = [Scope(word) for word in scopes or SCOPES]
    with open_host_accounts() as accounts:
        made = accounts.tokens.create(name, chosen, actor=COMMAND_LINE, days=days)
    if terminal.json:
        terminal.write_json({"name": name.strip(), "scopes": [str(scope) for scope in chosen], "token": made})
    else:
        terminal.say(terminal.translate(N_("This token is shown only now:")))
        click.echo(made)
    return 0


@token.command("list")
@json_option
@pass_terminal
def list_(terminal: Terminal) -> int:
    """List every token with what it may do and when it was last used."""
    with open_host_accounts() as accounts:
        found = [
            {
                "name": each.name,
                "owner": each.owner,
                "scopes": [str(scope) for scope in each.scopes],
                "created": each.created_at.isoformat(),
                "expires": each.expires_at.isoformat() if each.expires_at else None,
                "last_used": each.used_at.isoformat() if each.used_at else None,
            }
            for each in accounts.tokens.every()
        ]
    if terminal.json:
        terminal.write_json({"tokens": found})
    for one in () if terminal.json else found:
        click.echo(f"{one['name']:<32} {' '.join(one['scopes'] or ())}  {one['last_used'] or '-'}")
    return 0


@token.command()
@click.argument("name", metavar="NAME")
@json_option
@pass_terminal
def revoke(terminal: Terminal, *, name: str) -> int:
    """End a token at once."""
    from webapp.accounts import COMMAND_LINE

    with open_host_accounts() as accounts:
        accounts.tokens.revoke(name, actor=COMMAND_LINE)
    if terminal.json:
        terminal.write_json({"name": name, "revoked": True})
    else:
        terminal.say(terminal.translate(N_("The token %(name)s is revoked."), name=name))
    return 0
