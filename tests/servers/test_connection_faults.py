"""Names that do not resolve, ports that do not answer, and servers that are no mail servers."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network

import pytest

from profiles.model import Protocol, SocketType
from profiles.problems import Code
from tests.servers.dns import Fault, NameServer, zone
from tests.servers.scripted import (
    Connection,
    Imap,
    Pop3,
    ScriptedServer,
    Smtp,
    closes,
    deaf_port,
    free_of_listeners,
    is_silent,
    says,
    server_context,
)
from tests.servers.world import CANARY, SHORT, UNHURRIED, World, account_on, errors, imap, server, smtp, stage
from webapp.outbound import Outbound
from webapp.probes import check
from webapp.probes.report import StageName

WAYS = [(protocol, kind) for protocol in Protocol for kind in SocketType]
NETWORKS_WITH_IPV6 = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
GREETING = {
    Protocol.IMAP: b"* OK ready\r\n",
    Protocol.POP3: b"+OK ready\r\n",
    Protocol.SMTP: b"220 ready ESMTP\r\n",
}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("NXDOMAIN", Code.DNS_NXDOMAIN),
        ("EMPTY", Code.DNS_NO_ADDRESS),
        ("SERVFAIL", Code.DNS_SERVFAIL),
        ("REFUSED", Code.DNS_SERVFAIL),
        ("TIMEOUT", Code.DNS_TIMEOUT),
    ],
)
def test_name_that_does_not_resolve(world: World, fault: Fault, code: Code) -> None:
    with NameServer(zone(["mail.example.com A 127.0.0.1"]), {"mail.example.com": fault}) as names:
        deadlines = replace(UNHURRIED, resolve=1.0) if fault == "TIMEOUT" else UNHURRIED
        report = World(world.authority, names).check(imap(993), deadlines=deadlines)

    assert errors(report) == [code]
    assert stage(report, "imap", StageName.RESOLVE).code is code


def test_alias_to_nothing_names_the_dead_target(world: World) -> None:
    with NameServer(zone(["mail.example.com CNAME old-server.example.com."])) as names:
        report = World(world.authority, names).check(imap(993))

    assert errors(report) == [Code.DNS_NXDOMAIN]
    assert "old-server.example.com" in " ".join(report.problems[0].params.values())


def test_alias_that_turns_in_a_circle(world: World) -> None:
    with NameServer(
        zone(["mail.example.com CNAME b.example.com.", "b.example.com CNAME mail.example.com."])
    ) as names:
        report = World(world.authority, names).check(imap(993))

    assert errors(report) == [Code.DNS_SERVFAIL]


def test_answers_that_come_by_tcp_only(world: World) -> None:
    with (
        NameServer(zone(["mail.example.com A 127.0.0.1"])) as names,
        world.serve(Imap()) as running,
    ):
        names.truncate = True
        report = World(world.authority, names).check(imap(running.port))

    assert errors(report) == []


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "192.168.1.1", "0.0.0.0", "224.0.0.1"])
def test_address_outside_the_allowed_networks_is_not_touched(world: World, address: str) -> None:
    with NameServer(zone([f"mail.example.com A {address}"])) as names:
        report = World(world.authority, names).check(imap(993))

    assert errors(report) == [Code.TARGET_NOT_ALLOWED]


def test_loopback_is_not_allowed_by_itself(world: World) -> None:
    with world.serve(Imap()) as running:
        outbound = Outbound(
            allow_networks=(), resolver=world.name_server.resolver, ca_file=world.authority.ca_file
        )
        report = check(account_on(imap(running.port)), CANARY, outbound=outbound)

    assert errors(report) == [Code.TARGET_NOT_ALLOWED]
    assert running.records == []


@pytest.mark.parametrize(("protocol", "kind"), WAYS)
def test_port_that_refuses(world: World, protocol: Protocol, kind: SocketType) -> None:
    report = world.check(server(protocol, free_of_listeners(), kind))

    assert errors(report) == [Code.CONNECT_REFUSED]
    assert stage(report, protocol.value, StageName.CONNECT).ok is False


def test_port_that_drops(world: World) -> None:
    with deaf_port() as port:
        report = world.check(imap(port), deadlines=SHORT)

    assert errors(report) == [Code.CONNECT_TIMEOUT]


@pytest.mark.parametrize("kind", list(SocketType))
def test_port_that_resets(world: World, kind: SocketType) -> None:
    with ScriptedServer(Connection.reset) as running:
        report = world.check(imap(running.port, kind))

    assert errors(report) == [Code.CONNECT_RESET]


@pytest.mark.parametrize(("protocol", "kind"), WAYS)
def test_server_that_closes_without_a_word(world: World, protocol: Protocol, kind: SocketType) -> None:
    with ScriptedServer(closes) as running:
        report = world.check(server(protocol, running.port, kind))

    assert errors(report) == [Code.CLOSED_EARLY]


@pytest.mark.parametrize("protocol", list(Protocol))
def test_server_that_closes_inside_tls(world: World, protocol: Protocol) -> None:
    with world.serve(closes) as running:
        report = world.check(server(protocol, running.port))

    assert errors(report) == [Code.CLOSED_EARLY]


@pytest.mark.parametrize(("protocol", "kind"), WAYS)
def test_server_that_says_nothing(world: World, protocol: Protocol, kind: SocketType) -> None:
    with ScriptedServer(is_silent) as running:
        report = world.check(server(protocol, running.port, kind), deadlines=SHORT)

    assert errors(report) == [Code.NO_GREETING]
    assert CANARY.encode() not in running.clear


@pytest.mark.parametrize("protocol", list(Protocol))
def test_server_that_says_nothing_inside_tls(world: World, protocol: Protocol) -> None:
    with world.serve(is_silent) as running:
        report = world.check(server(protocol, running.port), deadlines=replace(UNHURRIED, greeting=1.0))

    assert errors(report) == [Code.NO_GREETING]


@pytest.mark.parametrize("protocol", list(Protocol))
def test_server_that_drips_its_greeting(world: World, protocol: Protocol) -> None:
    """A time-out per read never ends this one: each byte comes in time, the line does not."""
    deadlines = replace(UNHURRIED, greeting=2.0)

    def drips(connection: Connection) -> None:
        connection.drip(GREETING[protocol] * 50, seconds=deadlines.greeting / 10)

    with world.serve(drips) as running:
        report = world.check(server(protocol, running.port), deadlines=deadlines)

    assert errors(report) == [Code.SERVER_TOO_SLOW]


def test_server_that_drips_its_login_reply(world: World) -> None:
    class Drips(Imap):
        @staticmethod
        def _answer(connection: Connection, tag: bytes, reply: str) -> None:
            connection.drip(tag + b" " + reply.encode() * 50, seconds=SHORT.login / 10)

    with world.serve(Drips()) as running:
        report = world.check(imap(running.port), deadlines=replace(UNHURRIED, login=SHORT.login))

    assert errors(report) == [Code.SERVER_TOO_SLOW]
    assert running.logins == 1


def test_server_that_is_silent_after_the_login(world: World) -> None:
    with world.serve(Imap(login=None)) as running:
        report = world.check(imap(running.port), deadlines=replace(UNHURRIED, login=1.0))

    assert errors(report) == [Code.SERVER_TOO_SLOW]
    assert running.logins == 1


def test_login_reply_that_is_delayed_is_waited_for(world: World) -> None:
    """Servers punish wrong passwords with a pause; that is no time-out."""
    with world.serve(Imap(login="NO [AUTHENTICATIONFAILED] no", login_delay=SHORT.greeting * 2)) as running:
        report = world.check(imap(running.port))

    assert errors(report) == [Code.AUTH_WRONG_PASSWORD]


def test_total_deadline_holds_whatever_the_stages_take(world: World) -> None:
    deadlines = replace(UNHURRIED, total=3.0)
    with world.serve(Imap(login=None)) as running:
        report = world.check(imap(running.port), deadlines=deadlines)

    assert errors(report) == [Code.SERVER_TOO_SLOW]


NOT_MAIL: dict[str, bytes] = {
    "http": b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n<html><body>400</body></html>",
    "ssh": b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
    "ftp-like": b"Welcome to this machine\r\nlogin: ",
    "binary": bytes(range(128, 256)) * 4 + b"\r\n",
    "empty-line": b"\r\n\r\n",
    "endless-line": b"x" * 200_000,
}


@pytest.mark.parametrize("protocol", list(Protocol))
@pytest.mark.parametrize("case", NOT_MAIL)
def test_greeting_of_no_mail_server(world: World, protocol: Protocol, case: str) -> None:
    with world.serve(says(NOT_MAIL[case])) as running:
        report = world.check(server(protocol, running.port))

    assert errors(report) == [Code.NOT_A_MAIL_SERVER]
    assert running.logins == 0


@pytest.mark.parametrize("protocol", list(Protocol))
@pytest.mark.parametrize("case", ["http", "ssh", "endless-line"])
def test_greeting_of_no_mail_server_in_clear(world: World, protocol: Protocol, case: str) -> None:
    with ScriptedServer(says(NOT_MAIL[case])) as running:
        report = world.check(server(protocol, running.port, SocketType.STARTTLS))

    assert errors(report) == [Code.NOT_A_MAIL_SERVER]


@pytest.mark.parametrize("case", ["http", "ssh"])
def test_tls_to_a_port_of_no_mail_server(world: World, case: str) -> None:
    """A web server waits for the client's words and then answers in clear; SSH speaks first."""

    def conversation(connection: Connection) -> None:
        if case == "http":
            connection.line()
        connection.send(NOT_MAIL[case])

    # That a web server says nothing by itself is seen by waiting for it.
    deadlines = replace(UNHURRIED, look=1.0) if case == "http" else UNHURRIED
    with ScriptedServer(conversation) as running:
        report = world.check(imap(running.port), deadlines=deadlines)

    assert errors(report) == [Code.NOT_A_MAIL_SERVER]


@pytest.mark.parametrize(
    ("asked", "script"),
    [
        (Protocol.IMAP, Smtp()),
        (Protocol.IMAP, Pop3()),
        (Protocol.POP3, Imap()),
        (Protocol.POP3, Smtp()),
        (Protocol.SMTP, Imap()),
        (Protocol.SMTP, Pop3()),
    ],
)
def test_port_of_another_mail_protocol(
    world: World, asked: Protocol, script: Callable[[Connection], None]
) -> None:
    with world.serve(script) as running:
        report = world.check(server(asked, running.port))

    assert errors(report) == [Code.WRONG_PROTOCOL]
    assert running.logins == 0


def test_literal_of_ten_megabytes_is_not_read(world: World) -> None:
    literal = b"* NAMESPACE {10485760}\r\n" + b"y" * 10_485_760

    class Floods(Imap):
        @staticmethod
        def _answer(connection: Connection, tag: bytes, reply: str) -> None:
            Imap._answer(connection, tag, reply)
            connection.send(literal)

    with world.serve(Floods()) as running:
        report = world.check(imap(running.port))

    assert not report.ok
    assert running.logins == 1


def test_postfix_without_its_auth_backend(world: World) -> None:
    """Postfix closes after EHLO when its SASL backend is away."""
    with world.serve(Smtp(ehlo_reply="421 4.3.0 mail.example.com Internal error")) as running:
        report = world.check(smtp(running.port))

    assert errors(report) == [Code.SERVER_UNAVAILABLE]


def test_server_that_closes_in_the_middle(world: World) -> None:
    def conversation(connection: Connection) -> None:
        connection.say("* OK ready")
        connection.line()

    with world.serve(conversation) as running:
        report = world.check(imap(running.port))

    assert errors(report) == [Code.SERVER_UNAVAILABLE]


def test_dead_first_address_does_not_stop_the_second(world: World) -> None:
    """Both families and all addresses are tried; one that is down costs a moment, not the check."""
    names = zone(["mail.example.com A 127.0.0.9", "mail.example.com A 127.0.0.1", "mail.example.com AAAA ::1"])
    with NameServer(names) as name_server, world.serve(Imap()) as running:
        outbound = Outbound(
            allow_networks=NETWORKS_WITH_IPV6,
            resolver=name_server.resolver,
            ca_file=world.authority.ca_file,
        )
        report = check(account_on(imap(running.port)), CANARY, outbound=outbound, deadlines=UNHURRIED)

    assert errors(report) == []


def test_name_is_resolved_once_for_all_connections(world: World) -> None:
    """A second look-up could answer with another address than the one that was vetted (DNS rebinding)."""
    expired = server_context(world.authority.faulty("expired"))
    with NameServer(zone(["mail.example.com A 127.0.0.1"])) as names, world.serve(Imap(), tls=expired) as running:
        World(world.authority, names).check(imap(running.port))

    assert len(running.records) > 1
    assert names.queries.count(("mail.example.com", "A")) == 1


def test_unused_port_numbers_really_are_unused() -> None:
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", free_of_listeners())):
        pass
