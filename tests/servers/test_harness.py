"""The test servers themselves: what they claim to do, they do."""

from __future__ import annotations

import ssl
from collections.abc import Callable

import dns.message
import dns.query
import dns.rcode
import pytest

from tests.servers.authority import Authority
from tests.servers.dns import NameServer, zone
from tests.servers.environment import Environment
from tests.servers.processes import PATIENCE
from tests.servers.scripted import Connection, ScriptedServer, server_context

ASK: list[Callable[..., dns.message.Message]] = [dns.query.udp, dns.query.tcp]


@pytest.mark.parametrize("ask", ASK)
def test_name_server_answers(name_server: NameServer, ask: Callable[..., dns.message.Message]) -> None:
    name_server.records.update(zone(["example.com MX 10 mail.example.com.", "*.example.com A 127.0.0.1"]))

    mx = ask(
        dns.message.make_query("example.com", "MX"), name_server.host, port=name_server.port, timeout=PATIENCE
    )
    below = ask(
        dns.message.make_query("any.example.com", "A"), name_server.host, port=name_server.port, timeout=PATIENCE
    )

    assert "mail.example.com." in mx.answer[0].to_text()
    assert "127.0.0.1" in below.answer[0].to_text()


def test_name_server_knows_faults_and_gaps(name_server: NameServer) -> None:
    name_server.records.update(zone(["example.com A 127.0.0.1"]))
    name_server.faults["broken.example.com"] = "SERVFAIL"

    def rcode(name: str, kind: str) -> dns.rcode.Rcode:
        query = dns.message.make_query(name, kind)
        return dns.query.udp(query, name_server.host, port=name_server.port, timeout=PATIENCE).rcode()

    assert rcode("broken.example.com", "A") == dns.rcode.SERVFAIL
    assert rcode("example.com", "AAAA") == dns.rcode.NOERROR
    assert rcode("example.org", "A") == dns.rcode.NXDOMAIN


def test_scripted_server_keeps_clear_text_and_tls_apart(authority: Authority) -> None:
    import socket

    context = server_context(authority.good())

    def conversation(connection: Connection) -> None:
        connection.line()
        connection.say("go")
        connection.start_tls(context)
        connection.line()

    trust = ssl.create_default_context(cafile=str(authority.ca_file))
    with (
        ScriptedServer(conversation) as running,
        socket.create_connection((running.host, running.port)) as sock,
    ):
        sock.sendall(b"before\r\n")
        assert sock.recv(4) == b"go\r\n"
        with trust.wrap_socket(sock, server_hostname="mail.example.com") as tls:
            tls.sendall(b"a1 LOGIN x y\r\n")
            tls.recv(1)

    assert running.clear.startswith(b"before\r\n")
    assert b"LOGIN" not in running.clear
    assert running.inside == b"a1 LOGIN x y\r\n"
    assert running.logins == 1


@pytest.mark.servers
def test_environment_is_reachable_only_through_its_own_names(environment: Environment) -> None:
    variables = environment.variables(environment.folder / "data")

    assert variables["HAGAKI_RESOLVER"] == environment.name_server.address
    assert environment.account().incoming_server.port == environment.dovecot.imaps
    assert "mail.example.com" in environment.toml()
