"""How mails travel to a domain: what its exchanger offers, and that a closed port holds nobody up."""

from __future__ import annotations

import pytest

from profiles.problems import Code
from tests.servers.dns import NameServer
from tests.servers.environment import NETWORKS
from tests.servers.processes import PATIENCE
from tests.servers.scripted import Conversation, ScriptedServer, Smtp, closes, is_silent
from tests.servers.world import World
from webapp.mails import Passage, Passages, note, passage
from webapp.outbound import Outbound


def outbound(name_server: NameServer, *servers: ScriptedServer) -> Outbound:
    """The door to exchangers: the first stands for mx1, the next for mx2, on port 25."""
    hosts = {(f"mx{number}.example.com", 25): (one.host, one.port) for number, one in enumerate(servers, 1)}
    return Outbound(allow_networks=NETWORKS, resolver=name_server.resolver, connect_to=hosts)


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exchangers that answer at once are given all the time that a slow machine needs."""
    monkeypatch.setattr(passage, "LOOK_SECONDS", PATIENCE)


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize(
    ("talk", "wanted", "code"),
    [
        (Smtp(ehlo=("PIPELINING", "STARTTLS")), Passage.ENCRYPTED, None),
        (Smtp(ehlo=("PIPELINING", "SIZE 1000")), Passage.CLEAR, Code.MAIL_UNENCRYPTED),
        (Smtp(greeting="554 5.7.1 no dynamic addresses"), Passage.UNKNOWN, Code.MAIL_ENCRYPTION_UNKNOWN),
        (closes, Passage.UNKNOWN, Code.MAIL_ENCRYPTION_UNKNOWN),
    ],
)
def test_what_an_exchanger_offers(
    world: World, name_server: NameServer, talk: Conversation, wanted: Passage, code: Code | None
) -> None:
    name_server.records = {("corp.example", "MX"): ["10 mx1.example.com."]}

    with ScriptedServer(talk) as server, Passages(outbound(name_server, server)) as passages:
        found = passages.seen("corp.example", wait=PATIENCE)
        again = passages.seen("corp.example")
        looks = len(server.records)

    noted = note("corp.example", found)
    assert found is again is wanted
    assert (noted.code if noted else None) is code
    assert looks == 1


@pytest.mark.usefixtures("unhurried")
def test_the_next_exchanger_is_asked_where_the_first_is_not_there(world: World, name_server: NameServer) -> None:
    name_server.records = {("corp.example", "MX"): ["10 mx1.example.com.", "20 mx2.example.com."]}
    with ScriptedServer(Smtp()) as gone:
        pass

    with (
        ScriptedServer(Smtp(ehlo=("STARTTLS",))) as server,
        Passages(outbound(name_server, gone, server)) as passages,
    ):
        found = passages.seen("corp.example", wait=PATIENCE)

    assert found is Passage.ENCRYPTED


def test_a_silent_exchanger_holds_nobody_up(world: World, name_server: NameServer) -> None:
    name_server.records = {("corp.example", "MX"): ["10 mx1.example.com."]}

    with ScriptedServer(is_silent) as server, Passages(outbound(name_server, server)) as passages:
        found = passages.seen("corp.example")

    assert found is None, "whoever had waited to the end would know that nothing can be known"


@pytest.mark.usefixtures("unhurried")
def test_nobody_is_asked_any_more_once_nobody_could_be_reached(world: World, name_server: NameServer) -> None:
    with ScriptedServer(Smtp()) as gone:
        pass
    names = [f"d{number}.example" for number in range(6)]
    name_server.records = {(name, "MX"): ["10 mx1.example.com."] for name in names}

    with Passages(outbound(name_server, gone)) as passages:
        found = [passages.seen(name, wait=PATIENCE) for name in names]
        asked = {name for name, kind in name_server.queries if kind == "MX"}

    assert found == [Passage.UNKNOWN] * 6
    assert asked == set(names[:3])
