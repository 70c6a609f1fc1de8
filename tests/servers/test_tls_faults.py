"""TLS where there is none, none where there is TLS, STARTTLS that is stripped or forged, TLS that is too old."""

from __future__ import annotations

import ssl
import warnings
from dataclasses import replace

import pytest

from profiles.model import Protocol, SocketType
from profiles.problems import Code
from tests.servers.scripted import Connection, Conversation, Imap, Pop3, ScriptedServer, Smtp, server_context
from tests.servers.world import CANARY, SHORT, UNHURRIED, World, codes, errors, imap, server, smtp

PROTOCOLS = list(Protocol)


def plain(protocol: Protocol, context: ssl.SSLContext | None = None, **options: object) -> Conversation:
    """A healthy STARTTLS server of that protocol; `options` spoil it."""
    scripts: dict[Protocol, tuple[type[Imap] | type[Pop3] | type[Smtp], dict[str, object]]] = {
        Protocol.IMAP: (Imap, {"capability": "IMAP4rev1 STARTTLS SASL-IR AUTH=PLAIN"}),
        Protocol.POP3: (Pop3, {"capability": ("USER", "SASL PLAIN", "STLS")}),
        Protocol.SMTP: (Smtp, {"ehlo": ("STARTTLS", "AUTH PLAIN")}),
    }
    kind, defaults = scripts[protocol]
    return kind(**{**defaults, "starttls": context, **options})  # type: ignore[arg-type]


REFUSALS = {
    Protocol.IMAP: "NO [UNAVAILABLE] TLS not available",
    Protocol.POP3: "-ERR TLS is not available",
    Protocol.SMTP: "454 4.7.0 TLS not available due to local problem",
}
INJECTED = {
    Protocol.IMAP: b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n",
    Protocol.POP3: b"+OK injected\r\n",
    Protocol.SMTP: b"250-injected\r\n",
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_healthy_starttls(world: World, protocol: Protocol) -> None:
    with ScriptedServer(plain(protocol, world.context)) as running:
        report = world.check(server(protocol, running.port, SocketType.STARTTLS))

    assert errors(report) == []
    assert running.logins == 1
    assert CANARY.encode() not in running.clear
    assert not running.records[0].clear.startswith(b"AUTH")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tls_to_a_starttls_port(world: World, protocol: Protocol) -> None:
    with ScriptedServer(plain(protocol, world.context)) as running:
        report = world.check(server(protocol, running.port, SocketType.SSL))

    assert errors(report) == [Code.PORT_SPEAKS_STARTTLS]
    assert running.logins == 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_starttls_to_a_tls_port(world: World, protocol: Protocol) -> None:
    scripts: dict[Protocol, Conversation] = {
        Protocol.IMAP: Imap(),
        Protocol.POP3: Pop3(),
        Protocol.SMTP: Smtp(),
    }
    deadlines = replace(UNHURRIED, silence=0.3)
    with world.serve(scripts[protocol]) as running:
        report = world.check(server(protocol, running.port, SocketType.STARTTLS), deadlines=deadlines)

    assert errors(report) == [Code.PORT_SPEAKS_TLS]
    assert running.logins == 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_starttls_that_is_not_offered_is_never_replaced_by_clear_text(world: World, protocol: Protocol) -> None:
    stripped: dict[Protocol, Conversation] = {
        Protocol.IMAP: Imap(),
        Protocol.POP3: Pop3(),
        Protocol.SMTP: Smtp(),
    }
    with ScriptedServer(stripped[protocol]) as running:
        report = world.check(server(protocol, running.port, SocketType.STARTTLS))

    assert errors(report) == [Code.STARTTLS_NOT_OFFERED]
    assert running.logins == 0


def test_login_disabled_without_starttls_is_not_tried(world: World) -> None:
    with ScriptedServer(Imap(capability="IMAP4rev1 LOGINDISABLED")) as running:
        report = world.check(imap(running.port, SocketType.STARTTLS))

    assert errors(report) == [Code.STARTTLS_NOT_OFFERED]
    assert running.logins == 0


def test_login_disabled_even_inside_tls_is_obeyed(world: World) -> None:
    with world.serve(Imap(capability="IMAP4rev1 LOGINDISABLED")) as running:
        report = world.check(imap(running.port))

    assert errors(report) == [Code.AUTH_LOGIN_DISABLED]
    assert running.logins == 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_starttls_that_is_refused(world: World, protocol: Protocol) -> None:
    with ScriptedServer(plain(protocol, starttls_reply=REFUSALS[protocol])) as running:
        report = world.check(server(protocol, running.port, SocketType.STARTTLS))

    assert errors(report) == [Code.STARTTLS_REFUSED]
    assert running.logins == 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_text_injected_before_starttls_stops_the_check(world: World, protocol: Protocol) -> None:
    """What an attacker adds in clear after the "go ahead" would be read as if it came through TLS."""
    with ScriptedServer(plain(protocol, world.context, injected=INJECTED[protocol])) as running:
        report = world.check(server(protocol, running.port, SocketType.STARTTLS))

    assert errors(report) == [Code.STARTTLS_INJECTION]
    assert running.logins == 0


def test_preauth_in_clear_is_refused(world: World) -> None:
    """PREAUTH makes STARTTLS impossible: an attacker's way to keep us in clear text."""
    with ScriptedServer(Imap(greeting="* PREAUTH welcome back")) as running:
        report = world.check(imap(running.port, SocketType.STARTTLS))

    assert errors(report) == [Code.PREAUTH_REFUSED]
    assert running.logins == 0


def test_preauth_inside_tls_is_refused_too(world: World) -> None:
    with world.serve(Imap(greeting="* PREAUTH welcome back")) as running:
        report = world.check(imap(running.port))

    assert errors(report) == [Code.PREAUTH_REFUSED]
    assert running.logins == 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_capabilities_are_read_again_after_starttls(world: World, protocol: Protocol) -> None:
    """What was announced in clear may be forged: only the list inside TLS counts."""
    forged: dict[Protocol, dict[str, object]] = {
        Protocol.IMAP: {
            "capability": "IMAP4rev1 STARTTLS AUTH=PLAIN",
            "capability_after_tls": "IMAP4rev1 LOGINDISABLED AUTH=XOAUTH2",
        },
        Protocol.POP3: {"capability": ("STLS", "SASL XOAUTH2")},
        Protocol.SMTP: {"ehlo": ("STARTTLS", "AUTH PLAIN"), "ehlo_after_tls": ("AUTH XOAUTH2",)},
    }
    with ScriptedServer(plain(protocol, world.context, **forged[protocol])) as running:
        report = world.check(server(protocol, running.port, SocketType.STARTTLS))

    assert errors(report) == [Code.AUTH_OAUTH_REQUIRED]
    assert running.logins == 0


def old_tls(world: World) -> ssl.SSLContext:
    """A server that knows TLS 1.1 at most."""
    context = server_context(world.authority.good())
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def test_server_with_tls_1_1_at_most(world: World) -> None:
    with world.serve(Imap(), tls=old_tls(world)) as running:
        report = world.check(imap(running.port))

    assert errors(report) == [Code.TLS_TOO_OLD]
    assert running.logins == 0


@pytest.mark.parametrize("ciphers", ["AES128-GCM-SHA256", "AES128-SHA"])
def test_server_with_static_rsa_only_works_and_is_told(world: World, ciphers: str) -> None:
    """Phones connect to these; Python's own list of ciphers does not."""
    context = server_context(world.authority.good_rsa(), maximum_version=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers(ciphers + ":@SECLEVEL=0")
    with world.serve(Imap(), tls=context) as running:
        report = world.check(imap(running.port))

    assert report.ok
    assert codes(report) == [Code.TLS_OLD_CIPHER]
    assert running.logins == 1


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_server_that_wants_a_client_certificate(world: World, version: ssl.TLSVersion) -> None:
    """With TLS 1.3 the handshake seems to succeed and the next read fails."""
    context = server_context(world.authority.good(), minimum_version=version, maximum_version=version)
    context.load_verify_locations(world.authority.ca_file)
    context.verify_mode = ssl.CERT_REQUIRED
    with world.serve(Imap(), tls=context) as running:
        report = world.check(imap(running.port))

    assert errors(report) == [Code.TLS_CLIENT_CERT]


def test_certificate_without_key_identifier_is_good(world: World) -> None:
    """Python 3.13 turned on VERIFY_X509_STRICT, which refuses what phones accept; the verdict must not change."""
    with world.serve(Imap(), tls=server_context(world.authority.without_key_identifier())) as running:
        report = world.check(imap(running.port))

    assert errors(report) == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_handshake_that_stops_in_the_middle(world: World, protocol: Protocol) -> None:
    def conversation(connection: Connection) -> None:
        connection._receive()
        connection.send(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76")
        connection.silence()

    with ScriptedServer(conversation) as running:
        report = world.check(server(protocol, running.port), deadlines=SHORT)

    assert not report.ok
    assert running.logins == 0


def test_same_host_with_a_bad_certificate_gets_no_password_on_the_other_port(world: World) -> None:
    bad = server_context(world.authority.faulty("expired"))
    with world.serve(Imap()) as good, world.serve(Smtp(), tls=bad) as faulty:
        report = world.check(imap(good.port), smtp(faulty.port, host="expired.example.com"))

    assert errors(report) == [Code.CERT_EXPIRED]
    assert faulty.logins == 0
