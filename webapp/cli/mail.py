"""`hagaki mail`: whether invitation mails can go out."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from profiles.problems import N_, ProblemError
from webapp.cli.settings import load_config
from webapp.cli.terminal import Terminal, json_option, language_option, pass_terminal

if TYPE_CHECKING:
    from profiles.address import Address
    from profiles.problems import Problem
    from webapp.config import Config
    from webapp.mails import Handed, Relay

LOOK_SECONDS = 6.0


@click.group(short_help="Invitation mails: try the server that sends them.")
def mail() -> None:
    """Try the server of HAGAKI_SMTP_URL, through which invitation mails and reminders go."""


@mail.command("test", short_help="Send one test mail.")
@click.argument("address")
@language_option
@json_option
@pass_terminal
def test(terminal: Terminal, address: str) -> int:
    """Send one test mail to ADDRESS, and tell what the server said.

    Exit status 0 when the server has taken the mail over; whether it arrives, the mailbox shows.

    \b
    Example:
      hagaki mail test taro@example.co.jp
    """
    from webapp.mails import Fate, read_relay, sender_of

    recipient = _read(address)
    config = load_config()
    relay = read_relay(config.smtp_url)
    sender = sender_of(relay, config.mail_from)
    handed = _send(config, relay, sender, recipient, terminal.language)
    sent = handed.fate is Fate.SENT
    note = _note(config, recipient) if sent else None
    problems = [problem for problem in (handed.problem, note) if problem is not None]
    if terminal.json:
        terminal.write_json(
            {
                "ok": sent,
                "address": str(recipient),
                "sender": str(sender),
                "server": relay.endpoint,
                "fate": str(handed.fate),
                "reply": handed.reply,
                "problems": [terminal.problem_document(problem) for problem in problems],
            }
        )
        return 0 if sent else 1
    if sent:
        text = N_("%(server)s has taken the mail from %(sender)s to %(address)s over: %(reply)s")
        params = {"server": relay.endpoint, "sender": str(sender), "address": str(recipient)}
        terminal.say(terminal.translate(text, reply=handed.reply, **params))
    terminal.show(problems)
    return 0 if sent else 1


def _read(text: str) -> Address:
    from profiles.address import parse_address

    address, problems = parse_address(text, place="ADDRESS")
    if address is None:
        raise ProblemError(problems)
    return address


def _send(config: Config, relay: Relay, sender: Address, recipient: Address, language: str) -> Handed:
    from webapp.mails import Kind, Letter, Postman, compose
    from webapp.outbound import Outbound

    letter = Letter(
        kind=Kind.TEST,
        language=language,
        sender=sender,
        company=sender.domain,
        recipient=recipient,
        # Two test mails are two mails.
        reference=secrets.token_bytes(16),
        timezone=config.timezone,
    )
    outbound = Outbound.unrestricted(resolver=config.resolver, ca_file=config.ca_file)
    with Postman(relay, outbound, sender, own_name=config.hostname) as postman:
        return postman.hand_over(compose(letter, now=datetime.now(UTC)), recipient)


def _note(config: Config, recipient: Address) -> Problem | None:
    """How mails travel on from our server."""
    from webapp.mails import Passages, note
    from webapp.outbound import Outbound

    with Passages(Outbound.unrestricted(resolver=config.resolver)) as passages:
        return note(recipient.domain, passages.seen(recipient.domain, wait=LOOK_SECONDS))
