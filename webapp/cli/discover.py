"""`hagaki discover`: find the settings of any address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from profiles.address import parse_address
from profiles.model import Server
from profiles.problems import N_, Problem
from webapp.cli.connect import Overrides, connect_option
from webapp.cli.report import account_document
from webapp.cli.searching import discover as search
from webapp.cli.settings import load_config
from webapp.cli.terminal import Terminal, json_option, language_option, pass_terminal

if TYPE_CHECKING:
    from webapp.discovery.candidates import Candidate, Discovery

FOUND, NOTHING = 0, 1
TRUST = {
    "own": N_("your own configuration"),
    "provider": N_("known provider"),
    "authenticated": N_("proved"),
    "dns": N_("plain DNS, not proved"),
    "guess": N_("a guess"),
}


@click.command(short_help="Find the settings of any address.")
@click.argument("address")
@connect_option
@language_option
@json_option
@pass_terminal
def discover(terminal: Terminal, *, address: str, connect_to: Overrides) -> int:
    """Find the mail servers of ADDRESS and say where each answer comes from, the most trusted first.

    Your own domains and the providers Hagaki knows are answered at once. For any other domain its autoconfig,
    Thunderbird's database, its DNS (SRV, MX), PACC and JMAP are asked at the same time; where all of them are
    silent, usual host names are tried, without logging in. Only the domain is sent anywhere, never the address.

    \b
    Examples:
      hagaki discover hanako@example.com
      hagaki discover hanako@example.com --json
    """
    config = load_config()
    parsed, notes = parse_address(address)
    found = None if parsed is None else search(parsed, config, connect_to)
    problems = notes if found is None else (*notes, *found.problems)
    shown = address if parsed is None else str(parsed)
    if terminal.json:
        terminal.write_json(_document(terminal, shown, found, problems))
    else:
        if found is not None and found.candidates:
            click.echo("\n\n".join(_text(terminal, each) for each in found.candidates))
        terminal.show(problems)
    return FOUND if found is not None and found.candidates else NOTHING


def _document(
    terminal: Terminal, address: str, found: Discovery | None, problems: tuple[Problem, ...]
) -> dict[str, Any]:
    candidates = () if found is None else found.candidates
    return {
        "address": address,
        "candidates": [
            {
                "source": str(each.source),
                "trust": each.trust.word,
                "reason": reason(terminal, each),
                "account": account_document(each.account),
            }
            for each in candidates
        ],
        "problems": [terminal.problem_document(problem) for problem in problems],
    }


def reason(terminal: Terminal, candidate: Candidate) -> str:
    """Return why a candidate is ranked as it is."""
    return terminal.translate(candidate.reason, where=candidate.where)


def _text(terminal: Terminal, candidate: Candidate) -> str:
    trust = terminal.translate(TRUST[candidate.trust.word])
    colour = "yellow" if candidate.needs_confirmation else "green"
    head = f"{click.style(str(candidate.source), bold=True)}  {click.style(trust, fg=colour)}"
    servers = candidate.account.incoming + candidate.account.outgoing
    return "\n".join((head, f"  {reason(terminal, candidate)}", *map(server_line, servers)))


def server_line(server: Server) -> str:
    """Return one server as a line of a table."""
    return f"  {server.protocol:<5} {server.endpoint:<36} {server.socket_type:<9} {server.username}"
