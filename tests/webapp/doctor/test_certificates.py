"""Certificates are read from web and mail servers, behind STARTTLS too; a mail server hears no more than that."""

from __future__ import annotations

import pytest

from profiles.model import Protocol, SocketType
from profiles.problems import Code
from tests.servers.authority import Authority
from tests.servers.dns import NameServer
from tests.servers.processes import PATIENCE
from tests.servers.scripted import Conversation, Imap, Pop3, ScriptedServer, Smtp, is_silent, says, server_context
from webapp.doctor.certificates import Certificate, Door, look_at
from webapp.outbound import Outbound

HOST = "mail.example.com"
PORT = 143
KINDS = {
    Protocol.IMAP: lambda tls: Imap(starttls=tls),
    Protocol.POP3: lambda tls: Pop3(starttls=tls),
    Protocol.SMTP: lambda tls: Smtp(starttls=tls),
}


def look(
    authority: Authority,
    server: ScriptedServer,
    protocol: Protocol,
    security: SocketType,
    seconds: float = PATIENCE,
) -> Certificate:
    outbound = Outbound.unrestricted(
        ca_file=authority.ca_file, connect_to={(HOST, PORT): (server.host, server.port)}
    )
    door = Door(host=HOST, port=PORT, protocol=protocol, socket_type=security)
    (found,) = look_at([door, door], outbound, seconds=seconds)
    return found


@pytest.mark.parametrize("protocol", list(Protocol))
def test_a_certificate_behind_starttls_is_read(authority: Authority, protocol: Protocol) -> None:
    tls = server_context(authority.issue(HOST))
    with ScriptedServer(KINDS[protocol](tls)) as server:
        found = look(authority, server, protocol, SocketType.STARTTLS)

        assert (found.ok, found.problem, found.silence) == (True, None, None)
        assert found.days_left is not None
        assert server.logins == 0


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("expired", Code.CERT_EXPIRED),
        ("wrong-name", Code.CERT_WRONG_NAME),
        ("self-signed", Code.CERT_SELF_SIGNED),
        ("expires-soon", Code.CERT_EXPIRES_SOON),
    ],
)
def test_a_faulty_certificate_behind_starttls_is_told(authority: Authority, fault: str, code: Code) -> None:
    tls = server_context(authority.issue(HOST, fault))
    with ScriptedServer(KINDS[Protocol.IMAP](tls)) as server:
        found = look(authority, server, Protocol.IMAP, SocketType.STARTTLS)

        assert found.problem is not None
        assert found.problem.code is code
        assert found.not_after


@pytest.mark.parametrize(
    "conversation",
    [is_silent, says(b""), says(b"220 not imap\r\n"), says(b"* OK hello\r\na NO never\r\n"), says(b"* OK" * 9000)],
    ids=["silent", "closes", "other-protocol", "refuses", "floods"],
)
def test_a_server_that_does_not_come_to_tls_is_silent_and_not_well(
    authority: Authority, conversation: Conversation
) -> None:
    with ScriptedServer(conversation) as server:
        found = look(authority, server, Protocol.IMAP, SocketType.STARTTLS, seconds=0.3)

        assert found.ok is None
        assert found.silence is not None


def test_a_server_without_tls_on_a_tls_port_is_told(authority: Authority) -> None:
    with ScriptedServer(says(b"* OK hello\r\n")) as server:
        found = look(authority, server, Protocol.IMAP, SocketType.SSL)

        assert found.ok is False
        assert found.problem is not None
        assert found.problem.code is Code.TLS_FAILED


def test_a_name_that_is_not_there_is_silent(name_server: NameServer) -> None:
    outbound = Outbound.unrestricted(resolver=name_server.resolver)

    (found,) = look_at([Door(host="no.example.com")], outbound, seconds=PATIENCE)

    assert (found.ok, found.silence) == (None, Code.DNS_NXDOMAIN)
