"""POP3's dialogue, fed with lines of real servers."""

from __future__ import annotations

import pytest

from profiles.model import Protocol, SocketType
from profiles.problems import Code
from tests.webapp.probes.playing import WHO, Played, plan, play
from webapp.probes.credentials import Credentials
from webapp.probes.pop3 import dialogue

CAPA = b"+OK\nUSER\nSASL PLAIN LOGIN\nUIDL\nPIPELINING\n.\n"


def run(script: bytes, **options: object) -> Played:
    return play(dialogue, plan(Protocol.POP3, **options), script)  # type: ignore[arg-type]


def test_whole_conversation_of_a_healthy_account() -> None:
    played = run(b"+OK ready\n" + CAPA + b"+OK Logged in.\n+OK 3 900\n+OK 1 x\n+OK\n")

    assert played.code is None
    assert played.sent == [
        b"CAPA\r\n",
        b"AUTH PLAIN " + WHO.plain + b"\r\n",
        b"STAT\r\nUIDL 1\r\nQUIT\r\n",
    ]
    assert played.facts.accepted


def test_user_and_pass_where_capa_is_unknown() -> None:
    played = run(b"+OK\n-ERR unknown\n+OK\n+OK in\n+OK 0 0\n")

    assert played.sent[1:3] == [b"USER hanako@example.com\r\n", b"PASS " + WHO.password + b"\r\n"]
    assert played.sent[3:] == [b"STAT\r\n", b"QUIT\r\n"]


def test_long_password_is_sent_as_an_answer() -> None:
    who = Credentials(username=b"hanako", password=b"x" * 250)
    played = run(b"+OK\n" + CAPA + b"+ \n-ERR [AUTH] no\n", credentials=who)

    assert played.sent[1:] == [b"AUTH PLAIN\r\n", who.plain + b"\r\n"]


def test_pass_is_not_sent_to_a_server_that_refuses_the_user() -> None:
    played = run(b"+OK\n+OK\nUSER\n.\n-ERR [SYS/TEMP] later\n")

    assert played.code is Code.AUTH_TEMPORARY
    assert b"PASS" not in played.words


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (b"-ERR [AUTH] Authentication failed.", Code.AUTH_WRONG_PASSWORD),
        (b"-ERR [AUTH] Password expired", Code.AUTH_PASSWORD_EXPIRED),
        (b"-ERR [SYS/TEMP] Temporary authentication failure. [x]", Code.AUTH_TEMPORARY),
        (b"-ERR [IN-USE] Mailbox locked", Code.AUTH_TEMPORARY),
        (b"-ERR [LOGIN-DELAY] wait", Code.AUTH_RATE_LIMITED),
        (b"-ERR anything", Code.AUTH_WRONG_PASSWORD),
        (
            b"-ERR [AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.",
            Code.AUTH_NEEDS_TLS,
        ),
        (b"who knows", Code.SERVER_SAID_NO),
    ],
)
def test_refusals(reply: bytes, code: Code) -> None:
    assert run(b"+OK\n" + CAPA + reply + b"\n").code is code


@pytest.mark.parametrize(
    ("capa", "code"),
    [
        (b"+OK\nTOP\n.\n", Code.AUTH_LOGIN_DISABLED),
        (b"+OK\nSASL XOAUTH2\n.\n", Code.AUTH_OAUTH_REQUIRED),
        (b"+OK\nSASL GSSAPI\n.\n", Code.AUTH_NO_COMMON_MECHANISM),
    ],
)
def test_no_way_to_sign_in_sends_no_password(capa: bytes, code: Code) -> None:
    played = run(b"+OK\n" + capa)

    assert played.code is code
    assert played.words == b"CAPA\r\n"


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (b"+OK\n+OK\nUSER\n.\n", Code.STARTTLS_NOT_OFFERED),
        (b"+OK\n+OK\nSTLS\n.\n-ERR TLS is broken\n", Code.STARTTLS_REFUSED),
        (b"+OK\n-ERR no CAPA\n-ERR unknown command\n", Code.STARTTLS_NOT_OFFERED),
    ],
)
def test_stls_that_does_not_come(script: bytes, code: Code) -> None:
    played = run(script, socket_type=SocketType.STARTTLS)

    assert played.code is code
    assert WHO.plain not in played.words


def test_refusal_at_the_greeting() -> None:
    assert run(b"-ERR too many connections\n").code is Code.AUTH_CONNECTION_LIMIT
    assert run(b"* OK IMAP\n").code is Code.WRONG_PROTOCOL


def test_mailbox_that_cannot_be_opened() -> None:
    assert run(b"+OK\n" + CAPA + b"+OK in\n-ERR broken\n").code is Code.MAILBOX_UNAVAILABLE
