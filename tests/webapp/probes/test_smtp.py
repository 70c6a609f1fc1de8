"""SMTP's dialogue, fed with lines of real servers."""

from __future__ import annotations

import pytest

from profiles.model import Protocol, SocketType
from profiles.problems import Code
from tests.webapp.probes.playing import WHO, Played, plan, play
from webapp.probes.smtp import dialogue

HELLO = b"220 mx ESMTP\n250-mx\n250-PIPELINING\n250-SIZE 20480000\n250 AUTH PLAIN LOGIN\n"
ACCEPTED = b"235 2.7.0 ok\n"


def run(script: bytes, **options: object) -> Played:
    return play(dialogue, plan(Protocol.SMTP, **options), script)  # type: ignore[arg-type]


def test_whole_conversation_of_a_healthy_account() -> None:
    played = run(HELLO + ACCEPTED + b"250 ok\n250 ok\n250 ok\n221 bye\n")

    assert played.code is None
    assert played.sent == [
        b"EHLO [127.0.0.1]\r\n",
        b"AUTH PLAIN " + WHO.plain + b"\r\n",
        b"MAIL FROM:<hanako@example.com>\r\nRCPT TO:<hanako@example.com>\r\nRSET\r\nQUIT\r\n",
    ]
    assert played.facts.size_limit == 20480000
    assert played.remarks == []


def test_envelope_step_by_step_without_pipelining() -> None:
    played = run(b"220 mx\n250-mx\n250 AUTH PLAIN\n" + ACCEPTED + b"250 ok\n250 ok\n")

    assert played.sent[2:] == [
        b"MAIL FROM:<hanako@example.com>\r\n",
        b"RCPT TO:<hanako@example.com>\r\n",
        b"RSET\r\nQUIT\r\n",
    ]


def test_no_envelope_where_it_is_not_wanted() -> None:
    played = run(HELLO + ACCEPTED, envelope=False)

    assert played.words.endswith(WHO.plain + b"\r\nQUIT\r\n")


def test_without_password_it_leaves_after_ehlo() -> None:
    assert run(HELLO, credentials=None).words == b"EHLO [127.0.0.1]\r\nQUIT\r\n"


def test_greeting_of_several_lines_is_waited_for() -> None:
    played = run(b"220-mx\n220 no spam\n250 mx\n")

    assert played.code is Code.AUTH_NOT_OFFERED


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (b"220 mx\n250 mx\n", Code.AUTH_NOT_OFFERED),
        (b"220 mx\n250-mx\n250 AUTH XOAUTH2\n", Code.AUTH_OAUTH_REQUIRED),
        (b"220 mx\n250-mx\n250 AUTH GSSAPI NTLM\n", Code.AUTH_NO_COMMON_MECHANISM),
        (b"421 4.7.0 too many connections\n", Code.AUTH_CONNECTION_LIMIT),
        (b"554 5.7.1 Service unavailable; Client host blocked using bl.example\n", Code.AUTH_IP_BLOCKED),
        (b"554 no service\n", Code.SERVER_UNAVAILABLE),
        (b"SSH-2.0-OpenSSH\n", Code.NOT_A_MAIL_SERVER),
        (b"+OK pop\n", Code.WRONG_PROTOCOL),
        (b"220 mx\nnonsense\n", Code.NOT_A_MAIL_SERVER),
    ],
)
def test_ends_before_any_password(script: bytes, code: Code) -> None:
    played = run(script)

    assert played.code is code
    assert b"AUTH" not in played.words


def test_old_spelling_of_auth() -> None:
    played = run(b"220 mx\n250-mx\n250 AUTH=PLAIN\n535 no\n")

    assert played.code is Code.AUTH_WRONG_PASSWORD


def test_gmail_repeats_its_code_on_each_line() -> None:
    played = run(HELLO + b"534-5.7.9 Application-specific password required. Learn\n534 5.7.9 more\n")

    assert played.code is Code.AUTH_APP_PASSWORD
    assert played.failure is not None
    assert played.failure.server_text == "534 5.7.9 Application-specific password required. Learn more"


@pytest.mark.parametrize(
    ("mail", "rcpt", "code"),
    [
        (b"250 ok", b"553 5.7.1 <t@x>: Sender address rejected: not owned by user n@x", Code.SMTP_SENDER_REFUSED),
        (
            b"550 5.7.60 SMTP; Client does not have permissions to send as this sender",
            b"",
            Code.SMTP_SENDER_REFUSED,
        ),
        (b"550 what", b"503 bad", Code.SMTP_SENDER_REFUSED),
        (b"250 ok", b"550 5.1.1 no such user", Code.SMTP_RECIPIENT_REFUSED),
        (b"250 ok", b"552 5.2.2 <q@x>: Recipient address rejected: Mailbox is full", Code.SMTP_MAILBOX_FULL),
        (b"250 ok", b"452 4.2.2 over quota", Code.SMTP_MAILBOX_FULL),
        (b"250 ok", b"554 5.7.1 <x@other.test>: Relay access denied", Code.AUTH_NOT_OFFERED),
        (b"552 5.3.4 Message size exceeds fixed limit", b"", Code.SMTP_SIZE_LIMIT),
        (b"421 4.3.0 closing", b"", Code.SERVER_UNAVAILABLE),
    ],
)
def test_refused_envelope(mail: bytes, rcpt: bytes, code: Code) -> None:
    played = run(HELLO + ACCEPTED + mail + b"\n" + rcpt + b"\n")

    assert played.code is code
    assert played.facts.accepted


def test_greylisting_is_only_a_remark() -> None:
    played = run(HELLO + ACCEPTED + b"250 ok\n450 4.2.0 <h@x>: Recipient address rejected: Greylisted\n")

    assert played.code is None
    assert played.codes == [Code.SMTP_GREYLISTED]


def test_small_size_limit_is_told_in_megabytes_of_attachments() -> None:
    played = run(b"220 mx\n250-mx\n250 SIZE 5000000\n")

    assert [remark.params for remark in played.remarks] == [{"megabytes": "3"}]


def test_starttls_says_hello_again() -> None:
    script = b"220 mx\n250-mx\n250-AUTH PLAIN\n250 STARTTLS\n220 go\n250 mx\n"
    played = run(script, socket_type=SocketType.STARTTLS)

    assert played.started_tls
    assert played.code is Code.AUTH_NOT_OFFERED
    assert played.words == b"EHLO [127.0.0.1]\r\nSTARTTLS\r\nEHLO [127.0.0.1]\r\n"


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (b"220 mx\n250-mx\n250 AUTH PLAIN\n", Code.STARTTLS_NOT_OFFERED),
        (
            b"220 mx\n250-mx\n250 STARTTLS\n454 4.7.0 TLS not available due to local problem\n",
            Code.STARTTLS_REFUSED,
        ),
    ],
)
def test_starttls_that_does_not_come(script: bytes, code: Code) -> None:
    played = run(script, socket_type=SocketType.STARTTLS)

    assert played.code is code
    assert b"AUTH" not in played.words
