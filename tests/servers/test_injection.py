"""Nothing that a person types may change a dialogue: line breaks, NUL, 8-bit signs in address, name, password."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from profiles.model import Protocol, Server, SocketType
from tests.servers.people import Person
from tests.servers.scripted import Imap, Pop3, ScriptedServer, Smtp
from tests.servers.world import World, imap, pop3, server, smtp

HOSTILE = [
    "x\r\na2 LOGOUT",
    "x\nQUIT",
    "x\rNOOP",
    "nul\0inside",
    "\0\0",
    'quote" "other',
    "back\\slash",
    "{10+}",
    "{3}\r\nabc",
    "パスワード",
    "\u2028line",
    "\x85next",
    "emoji 🙂",
    "\ud800",
]
CAPABILITIES = {
    "plain": "IMAP4rev1 SASL-IR AUTH=PLAIN",
    "plain-without-initial": "IMAP4rev1 AUTH=PLAIN",
    "login-command": "IMAP4rev1",
    "auth-login": "IMAP4rev1 LOGINDISABLED AUTH=LOGIN",
    "cram": "IMAP4rev1 LOGINDISABLED AUTH=CRAM-MD5",
}
IMAP_WORDS = re.compile(
    rb"[A-Za-z0-9.]+ (CAPABILITY|STARTTLS|LOGIN .*|AUTHENTICATE .*|ID .*|NAMESPACE|GETQUOTAROOT .*|LIST .*|"
    rb"LSUB .*|"
    rb"EXAMINE .*|SELECT .*|STATUS .*|LOGOUT)"
)
SMTP_WORDS = re.compile(rb"(EHLO .*|AUTH .*|MAIL FROM:<.*>.*|RCPT TO:<.*>|RSET|NOOP|QUIT|STARTTLS)")
POP3_WORDS = re.compile(rb"(CAPA|STLS|USER .*|PASS .*|AUTH .*|STAT|UIDL.*|LIST|NOOP|QUIT)")
TEXTS = st.text(max_size=40) | st.sampled_from(HOSTILE)
bounded = settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def lines_without_secrets(running: ScriptedServer) -> list[bytes]:
    """The command lines that came; answers to SASL prompts and literals are base64 or the secrets themselves."""
    secrets = {secret for record in running.records for secret in record.secrets}
    encoded = {base64.b64encode(secret) for secret in secrets}
    lines = running.inside.split(b"\r\n")
    return [line for line in lines if line and line not in encoded and line not in secrets and line != b"="]


@pytest.mark.parametrize("capability", CAPABILITIES)
@bounded
@given(password=TEXTS)
def test_imap_dialogue_is_the_same_for_any_password(world: World, capability: str, password: str) -> None:
    with world.serve(Imap(capability=CAPABILITIES[capability])) as running:
        world.check(imap(running.port), password=password)

    assert running.logins <= 1
    if capability != "login-command":
        assert all(IMAP_WORDS.fullmatch(line) for line in lines_without_secrets(running))
    for line in running.inside.split(b"\r\n"):
        assert b"\0" not in line
        assert b"\n" not in line
        assert b"\r" not in line


@pytest.mark.parametrize("password", HOSTILE)
def test_imap_login_command_reads_back_the_password_or_is_not_sent(world: World, password: str) -> None:
    """The server parses quoted strings and literals as it must: what it gets is what was typed, or nothing."""
    with world.serve(Imap(capability=CAPABILITIES["login-command"])) as running:
        world.check(imap(running.port), password=password)

    for secret in running.secrets:
        assert password.encode("utf-8", "surrogatepass") in unquoted(secret)
    assert b"a2 LOGOUT" not in running.inside.split(b"\r\n")
    assert b"QUIT" not in running.inside.split(b"\n")


@pytest.mark.parametrize("mechanisms", ["PLAIN", "LOGIN", "CRAM-MD5"])
@bounded
@given(password=TEXTS)
def test_smtp_dialogue_is_the_same_for_any_password(world: World, mechanisms: str, password: str) -> None:
    with world.serve(Smtp(ehlo=("AUTH " + mechanisms,))) as running:
        world.check(smtp(running.port), password=password)

    assert running.logins <= 1
    assert all(SMTP_WORDS.fullmatch(line) for line in lines_without_secrets(running))


@pytest.mark.parametrize("capability", [("USER",), ("SASL PLAIN",), ("SASL LOGIN",)])
@bounded
@given(password=TEXTS)
def test_pop3_dialogue_is_the_same_for_any_password(
    world: World, capability: tuple[str, ...], password: str
) -> None:
    with world.serve(Pop3(capability=capability)) as running:
        world.check(pop3(running.port), password=password)

    assert running.logins <= 1
    commands = [line for line in lines_without_secrets(running) if line.upper() not in (b"PASS", b"USER")]
    assert all(POP3_WORDS.fullmatch(line) for line in commands)


@pytest.mark.parametrize("protocol", list(Protocol))
@bounded
@given(name=TEXTS)
def test_dialogue_is_the_same_for_any_user_name(world: World, protocol: Protocol, name: str) -> None:
    scripts = {Protocol.IMAP: Imap(), Protocol.POP3: Pop3(), Protocol.SMTP: Smtp()}
    words = {Protocol.IMAP: IMAP_WORDS, Protocol.POP3: POP3_WORDS, Protocol.SMTP: SMTP_WORDS}
    with world.serve(scripts[protocol]) as running:
        world.check(_with_name(server(protocol, running.port), name))

    assert running.logins <= 1
    assert all(words[protocol].fullmatch(line) for line in lines_without_secrets(running))


@pytest.mark.parametrize("local", ["a b", "a\r\nRSET", "a>b", "<a", "a\0b", "日本"])
def test_address_that_could_end_a_command_never_reaches_smtp(world: World, local: str) -> None:
    """Addresses are parsed before they are used; should one slip through, the dialogue itself must hold."""
    from profiles.address import Address

    with world.serve(Smtp()) as running:
        account = _account(smtp(running.port), Address(local, "example.com"))
        from webapp.probes import check

        check(account, "any", outbound=world.outbound())

    assert all(SMTP_WORDS.fullmatch(line) for line in lines_without_secrets(running))
    assert all(line.count(b">") <= 1 for line in running.inside.split(b"\r\n"))


@pytest.mark.parametrize("kind", list(SocketType))
def test_password_never_leaves_before_tls(world: World, kind: SocketType) -> None:
    person = Person(address="taro@example.com", password="canary")
    script = Imap(capability="IMAP4rev1 STARTTLS AUTH=PLAIN", starttls=world.context)
    with ScriptedServer(script, tls=world.context if kind is SocketType.SSL else None) as running:
        world.check(imap(running.port, kind), person=person, password="canary")

    encoded = base64.b64encode(b"\0taro@example.com\0canary")
    assert encoded in running.inside
    assert encoded not in running.clear
    assert b"canary" not in running.clear


def unquoted(secret: bytes) -> bytes:
    """Undo the quoting of IMAP strings."""
    return secret.replace(b"\\\\", b"\\").replace(b'\\"', b'"')


def _with_name(plain: Server, name: str) -> Server:
    from dataclasses import replace

    return replace(plain, username=name)


def _account(only: Server, address: object) -> object:
    from dataclasses import replace

    from tests.servers.world import account_on

    return replace(account_on(only), address=address)
