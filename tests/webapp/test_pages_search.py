"""Addresses that nobody here knows: what the network says about them, and when a person must look at it first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from profiles.address import Address
from profiles.model import Protocol, Server, ServiceSettings, SocketType, Source
from tests.webapp import page_world
from tests.webapp.page_world import Pages, close_pages, open_pages
from webapp.discovery.candidates import Candidate, Trust

UNKNOWN = "taro@unknown.example"


def found(trust: Trust) -> Callable[[Address], Candidate]:
    """A search that ends with one candidate of this trust."""
    settings = ServiceSettings(
        id="unknown.example",
        display_name="Unknown",
        display_short_name="Unknown",
        domains=("unknown.example",),
        incoming_servers=(
            Server(protocol=Protocol.IMAP, hostname="in.unknown.example", port=993, socket_type=SocketType.SSL),
        ),
        outgoing_servers=(
            Server(
                protocol=Protocol.SMTP,
                hostname="out.unknown.example",
                port=587,
                socket_type=SocketType.STARTTLS,
            ),
        ),
        source=Source.SRV,
    )
    return lambda address: Candidate(
        source=Source.SRV,
        trust=trust,
        reason="",
        where="_imaps._tcp.unknown.example",
        settings=settings,
        account=settings.account(address),
    )


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Pages]:
    monkeypatch.setattr(page_world, "no_search", found(request.param))
    opened = open_pages(tmp_path / "data")
    yield opened
    close_pages(opened)


@pytest.mark.parametrize("pages", [Trust.AUTHENTICATED], indirect=True)
def test_proved_servers_are_checked_at_once(pages: Pages) -> None:
    token = pages.checked(address=UNKNOWN)

    assert pages.checks.view(token).account.incoming_server.hostname == "in.unknown.example"


@pytest.mark.parametrize("pages", [Trust.DNS, Trust.GUESS], indirect=True)
def test_unproved_servers_are_shown_before_a_password_goes_there(pages: Pages) -> None:
    answer = pages.submit("/en/", address=UNKNOWN)

    assert answer.status_code == 422
    assert not pages.probe.asked
    assert 'name="incoming_hostname" type="text"' in answer.text
    assert 'value="in.unknown.example"' in answer.text
    assert 'value="out.unknown.example"' in answer.text
    assert '<option value="STARTTLS" selected>' in answer.text
    assert "_imaps._tcp.unknown.example" in answer.text


@pytest.mark.parametrize("pages", [Trust.AUTHENTICATED], indirect=True)
def test_typed_servers_go_before_found_ones(pages: Pages) -> None:
    token = pages.checked(
        address=UNKNOWN, incoming_hostname="mine.unknown.example", outgoing_hostname="mine.unknown.example"
    )

    assert pages.checks.view(token).account.incoming_server.hostname == "mine.unknown.example"


@pytest.mark.parametrize("pages", [Trust.DNS], indirect=True)
def test_look_up_shows_what_was_found(pages: Pages) -> None:
    answer = pages.client.post("/", data={"address": UNKNOWN, "step": "address"})

    assert 'value="in.unknown.example"' in answer.text
