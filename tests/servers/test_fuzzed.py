"""Servers that send anything: no crash, no hang, no log-in that was not asked for, never a green verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from profiles.model import Protocol, SocketType
from tests.servers.scripted import Connection, Imap, Pop3, ScriptedServer, Smtp
from tests.servers.world import CANARY, SHORT, World, server

bounded = settings(
    max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
HASTY = replace(
    SHORT, tls=0.4, greeting=0.4, capability=0.4, login=0.4, mailbox=0.4, submit=0.4, look=0.4, total=2.0
)
"""Random servers are silent more often than not."""
GREETINGS = {Protocol.IMAP: b"* OK ready\r\n", Protocol.POP3: b"+OK ready\r\n", Protocol.SMTP: b"220 ready\r\n"}
PIECES = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(
        [
            b"* OK\r\n",
            b"* CAPABILITY\r\n",
            b"a1 OK\r\n",
            b"A001 OK\r\n",
            b"+ \r\n",
            b"+OK\r\n",
            b"-ERR\r\n",
            b".\r\n",
            b"250-\r\n",
            b"250 \r\n",
            b"334 !!!\r\n",
            b"235\r\n",
            b"999 what\r\n",
            b"* LIST ((((( {5}\r\n",
            b'* QUOTA "" (STORAGE -1 0)\r\n',
            b"* QUOTA x (STORAGE 99999999999999999999999999 1)\r\n",
            b"* NAMESPACE NIL NIL NIL\r\n",
            b'* NAMESPACE ((("" "\r\n',
            b"\r",
            b"\n",
            b"\0",
            b"* BYE\r\n",
            b"\xff\xfe\r\n",
        ]
    ),
)


@pytest.mark.parametrize("protocol", list(Protocol))
@pytest.mark.parametrize("kind", list(SocketType))
@bounded
@given(pieces=st.lists(PIECES, max_size=8))
def test_random_bytes_end_in_a_verdict(
    world: World, protocol: Protocol, kind: SocketType, pieces: list[bytes]
) -> None:
    def conversation(connection: Connection) -> None:
        for piece in pieces:
            connection.send(piece)

    running = ScriptedServer(conversation, tls=world.context if kind is SocketType.SSL else None)
    with running:
        report = world.check(server(protocol, running.port, kind), deadlines=HASTY)

    assert not report.ok
    assert CANARY.encode() not in running.clear


@pytest.mark.parametrize("protocol", list(Protocol))
@bounded
@given(pieces=st.lists(PIECES, min_size=1, max_size=6))
def test_random_answers_after_a_good_greeting_end_in_a_verdict(
    world: World, protocol: Protocol, pieces: list[bytes]
) -> None:
    def conversation(connection: Connection) -> None:
        connection.send(GREETINGS[protocol])
        for piece in pieces:
            connection.line()
            connection.send(piece + b"\r\n")

    with world.serve(conversation) as running:
        report = world.check(server(protocol, running.port), deadlines=HASTY)

    assert report.stages
    assert running.logins <= 1


@pytest.mark.parametrize("protocol", list(Protocol))
@bounded
@given(data=st.data())
def test_one_spoiled_reply_of_a_healthy_server_ends_in_a_verdict(
    world: World, protocol: Protocol, data: st.DataObject
) -> None:
    """A healthy dialogue in which one reply is replaced by anything: the parsers of every later stage meet it."""
    turn = data.draw(st.integers(0, 12))
    piece = data.draw(PIECES)

    class Spoils(Connection):
        count = -1

        def say(self, *lines: str | bytes) -> None:
            type(self).count += 1
            if type(self).count == turn:
                self.send(piece)
            super().say(*lines)

    scripts = {Protocol.IMAP: Imap(), Protocol.POP3: Pop3(), Protocol.SMTP: Smtp()}

    def conversation(connection: Connection) -> None:
        connection.__class__ = Spoils
        scripts[protocol](connection)

    with world.serve(conversation) as running:
        report = world.check(server(protocol, running.port), deadlines=HASTY)

    assert report.stages
    assert running.logins <= 1


@pytest.mark.parametrize("protocol", list(Protocol))
def test_healthy_server_in_single_bytes_is_healthy(world: World, protocol: Protocol) -> None:
    """TCP keeps no boundaries: replies may come in any pieces."""

    class Chops(Connection):
        def say(self, *lines: str | bytes) -> None:
            encoded = (line.encode() if isinstance(line, str) else line for line in lines)
            for value in b"".join(line + b"\r\n" for line in encoded):
                self.send(bytes([value]))

    scripts = {Protocol.IMAP: Imap(), Protocol.POP3: Pop3(), Protocol.SMTP: Smtp()}

    def conversation(connection: Connection) -> None:
        connection.__class__ = Chops
        scripts[protocol](connection)

    with world.serve(conversation) as running:
        report = world.check(server(protocol, running.port))

    assert report.ok
    assert running.logins == 1


@pytest.mark.parametrize("protocol", list(Protocol))
def test_half_close_after_the_greeting_is_not_a_hang(world: World, protocol: Protocol) -> None:
    def conversation(connection: Connection) -> None:
        connection.send(GREETINGS[protocol])
        connection.half_close()
        connection.silence()

    running = ScriptedServer(conversation)
    with running:
        report = world.check(server(protocol, running.port, SocketType.STARTTLS), deadlines=SHORT)

    assert not report.ok
    assert running.logins == 0
