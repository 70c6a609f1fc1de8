"""The legs of a check while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask_babel import Babel

from profiles.address import Address
from profiles.model import DavService, MailAccount, Protocol, Server, ServiceSettings, SocketType
from webapp.probes.report import Stage, StageName
from webapp.setup.progress import progress

HOST = "mail.example.com"
SERVERS = {
    protocol: Server(protocol=protocol, hostname=HOST, port=port, socket_type=SocketType.SSL)
    for protocol, port in ((Protocol.IMAP, 993), (Protocol.SMTP, 465))
}


@pytest.fixture(autouse=True)
def _language() -> Iterator[None]:
    app = Flask(__name__)
    Babel(app)
    with app.test_request_context():
        yield


def account() -> MailAccount:
    """Mail and a calendar."""
    settings = ServiceSettings(
        id="example.com",
        display_name="Example",
        display_short_name="Example",
        domains=("example.com",),
        incoming_servers=(SERVERS[Protocol.IMAP],),
        outgoing_servers=(SERVERS[Protocol.SMTP],),
    )
    calendar = DavService(url="https://dav.example.com/", username="taro@example.com")
    return replace(settings.account(Address("taro", "example.com")), calendar=calendar)


def done(service: str, *names: StageName) -> list[Stage]:
    return [Stage(service=service, stage=name, ok=True, server=f"{HOST}:993", milliseconds=1) for name in names]


def test_a_calendar_has_its_own_leg_and_waits_for_mail() -> None:
    legs = progress(account(), done("imap", StageName.RESOLVE), running=True).legs

    assert [leg.service for leg in legs] == ["imap", "smtp", "caldav"]
    assert (legs[2].title, legs[2].server) == ("Calendar", "dav.example.com:443")
    assert [step.state for step in legs[2].steps] == ["wait", "wait"]


def test_after_mail_the_calendars_turn_comes() -> None:
    stages = [
        *done("imap", StageName.RESOLVE, StageName.CONNECT, StageName.TLS, StageName.LOGIN, StageName.MAILBOX),
        *done("smtp", StageName.RESOLVE, StageName.CONNECT, StageName.TLS, StageName.LOGIN, StageName.SUBMIT),
    ]

    legs = progress(account(), stages, running=True).legs
    ended = progress(account(), stages + done("caldav", StageName.CONNECT, StageName.LOGIN), running=False).legs

    assert [step.state for step in legs[2].steps] == ["now", "wait"]
    assert [step.state for step in ended[2].steps] == ["done", "done"]
