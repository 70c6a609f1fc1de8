"""IMAP's dialogue, fed with lines of real servers."""

from __future__ import annotations

import base64

import pytest

from profiles.model import Authentication, Protocol, SocketType
from profiles.problems import Code
from tests.webapp.probes.playing import WHO, Played, plan, play
from webapp.probes.credentials import Credentials
from webapp.probes.imap import dialogue
from webapp.probes.imap_words import folder_name, quoted, read_values
from webapp.probes.report import StageName

GREETING = b"* OK [CAPABILITY IMAP4rev1 SASL-IR LITERAL+ ID AUTH=PLAIN AUTH=LOGIN] ready\n"
AFTER_LOGIN = b"a1 OK [CAPABILITY IMAP4rev1 NAMESPACE QUOTA LIST-EXTENDED SPECIAL-USE ID] Logged in\n"
LOOK = b"""* ID NIL
a2 OK ID
* 3 EXISTS
a3 OK [READ-ONLY] Examined
* NAMESPACE (("" "/")) NIL NIL
a4 OK NAMESPACE
* QUOTAROOT INBOX "User quota"
* QUOTA "User quota" (STORAGE 831 977)
a5 OK QUOTA
* LIST (\\HasNoChildren \\Subscribed) "/" INBOX
* LIST (\\HasNoChildren \\Subscribed \\Sent) "/" Sent
* LIST (\\HasNoChildren) "/" "Old mail"
a6 OK LIST
* BYE
a7 OK bye
"""


def run(script: bytes, **options: object) -> Played:
    return play(dialogue, plan(Protocol.IMAP, **options), script)  # type: ignore[arg-type]


def login(reply: bytes, greeting: bytes = GREETING) -> Played:
    return run(greeting + reply)


def test_whole_conversation_of_a_healthy_account() -> None:
    played = run(GREETING + AFTER_LOGIN + LOOK)

    assert played.code is None
    assert played.sent[0] == b"a1 AUTHENTICATE PLAIN " + WHO.plain + b"\r\n"
    assert len(played.sent) == 2  # everything after the log-in is one write
    assert played.stages[-4:] == [StageName.LOGIN, StageName.MAILBOX, StageName.NAMESPACE, StageName.QUOTA]
    assert played.facts.accepted
    assert played.facts.authentication is Authentication.PASSWORD_CLEARTEXT
    assert played.facts.quota_percent == 85
    assert played.facts.special_folders == (("Sent", "Sent"),)
    assert played.facts.unsubscribed_folders == ("Old mail",)
    assert played.codes == [Code.FOLDERS_UNSUBSCRIBED, Code.QUOTA_80]


def test_without_password_it_leaves_after_capabilities() -> None:
    played = run(GREETING, credentials=None)

    assert played.code is None
    assert played.words == b"a1 LOGOUT\r\n"


def test_oauth_account_is_not_asked_for_mechanisms() -> None:
    played = run(b"* OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2] hi\n", uses_oauth=True)

    assert played.code is None
    assert played.words == b"a1 LOGOUT\r\n"


def test_password_waits_for_permission() -> None:
    played = play(dialogue, plan(Protocol.IMAP), GREETING, permitted=False)

    assert played.words == b"a1 LOGOUT\r\n"


@pytest.mark.parametrize(
    ("capability", "code"),
    [
        (b"IMAP4rev1 LOGINDISABLED", Code.AUTH_LOGIN_DISABLED),
        (b"IMAP4rev1 AUTH=XOAUTH2 AUTH=OAUTHBEARER", Code.AUTH_OAUTH_REQUIRED),
        (b"IMAP4rev1 LOGINDISABLED AUTH=XOAUTH2", Code.AUTH_OAUTH_REQUIRED),
        (b"IMAP4rev1 LOGINDISABLED AUTH=GSSAPI AUTH=NTLM", Code.AUTH_NO_COMMON_MECHANISM),
    ],
)
def test_no_way_to_sign_in_sends_no_password(capability: bytes, code: Code) -> None:
    played = run(b"* OK [CAPABILITY " + capability + b"] hi\n")

    assert played.code is code
    assert played.words == b""


def test_login_command_where_no_mechanism_is_offered() -> None:
    who = Credentials(username=b"hanako", password=b'pa"ss\\')
    played = run(b"* OK [CAPABILITY IMAP4rev1] hi\na1 NO no\n", credentials=who)

    assert played.words == b'a1 LOGIN "hanako" "pa\\"ss\\\\"\r\n'


def test_non_ascii_password_is_a_literal() -> None:
    played = run(b"* OK [CAPABILITY IMAP4rev1] hi\n+ go on\na1 NO no\n")

    assert played.sent == [
        b'a1 LOGIN "hanako@example.com" {%d}\r\n' % len(WHO.password),
        WHO.password + b"\r\n",
    ]


def test_non_ascii_password_needs_no_round_trip_with_literal_plus() -> None:
    played = run(b"* OK [CAPABILITY IMAP4rev1 LITERAL+] hi\na1 NO no\n")

    assert played.sent == [b'a1 LOGIN "hanako@example.com" {%d+}\r\n%s\r\n' % (len(WHO.password), WHO.password)]


def test_plain_without_initial_response() -> None:
    played = run(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\n+ \na1 NO no\n")

    assert played.sent == [b"a1 AUTHENTICATE PLAIN\r\n", WHO.plain + b"\r\n"]


def test_auth_login_where_the_command_is_disabled() -> None:
    played = run(b"* OK [CAPABILITY LOGINDISABLED AUTH=LOGIN] hi\n+ VXNlcg==\n+ UGFzcw==\na1 NO no\n")

    assert played.sent[1:] == [base64.b64encode(part) + b"\r\n" for part in (WHO.username, WHO.password)]


def test_cram_md5_only_where_nothing_else_is_left() -> None:
    """The example of RFC 2195."""
    who = Credentials(username=b"tim", password=b"tanstaaftanstaaf")
    challenge = b"PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+"
    script = b"* OK [CAPABILITY LOGINDISABLED AUTH=CRAM-MD5] hi\n+ " + challenge + b"\na1 NO no\n"

    played = run(script, credentials=who)

    assert played.sent[-1] == b"dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw\r\n"


def test_refusal_before_the_password_is_asked_for_ends_it() -> None:
    played = run(b"* OK [CAPABILITY AUTH=PLAIN] hi\na1 NO [UNAVAILABLE] later\n")

    assert played.code is Code.AUTH_TEMPORARY
    assert WHO.plain not in played.words


def test_unknown_words_are_kept() -> None:
    played = login(b"a1 NO Der Dienst ruht heute\n")

    assert played.code is Code.AUTH_WRONG_PASSWORD
    assert played.failure is not None
    assert played.failure.server_text == "NO Der Dienst ruht heute"


def test_untagged_words_before_the_refusal_count() -> None:
    played = login(b"* NO [WEBALERT https://example.com] Web login required.\na1 NO [ALERT] Please log in\n")

    assert played.code is Code.AUTH_WEB_LOGIN


def test_bye_at_the_greeting() -> None:
    assert run(b"* BYE Too many connections from your IP\n").code is Code.AUTH_CONNECTION_LIMIT
    assert run(b"* BYE Shutting down\n").code is Code.SERVER_UNAVAILABLE


def test_preauth_is_refused() -> None:
    assert run(b"* PREAUTH hi\n").code is Code.PREAUTH_REFUSED


@pytest.mark.parametrize("line", [b"HTTP/1.1 400 Bad Request\n", b"SSH-2.0-OpenSSH_9\n", b"\n", b"hello\n"])
def test_something_else_is_no_mail_server(line: bytes) -> None:
    assert run(line).code is Code.NOT_A_MAIL_SERVER


def test_smtp_on_this_port() -> None:
    played = run(b"220 mx.example.com ESMTP\n")

    assert played.code is Code.WRONG_PROTOCOL
    assert played.failure is not None
    assert played.failure.params == {"asked": "IMAP", "spoken": "SMTP"}


def test_starttls_forgets_what_was_said_before() -> None:
    script = b"* OK [CAPABILITY STARTTLS AUTH=PLAIN SASL-IR] hi\na1 OK go\n* CAPABILITY LOGINDISABLED\na2 OK\n"
    played = run(script, socket_type=SocketType.STARTTLS)

    assert played.started_tls
    assert played.code is Code.AUTH_LOGIN_DISABLED


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\n", Code.STARTTLS_NOT_OFFERED),
        (b"* OK [CAPABILITY STARTTLS] hi\na1 NO [UNAVAILABLE] TLS not available\n", Code.STARTTLS_REFUSED),
    ],
)
def test_starttls_that_does_not_come(script: bytes, code: Code) -> None:
    played = run(script, socket_type=SocketType.STARTTLS)

    assert played.code is code
    assert not played.started_tls


def test_capabilities_are_asked_when_nobody_told_them() -> None:
    played = run(b"* OK hi\n* CAPABILITY IMAP4rev1 LOGINDISABLED\na1 OK done\n")

    assert played.sent == [b"a1 CAPABILITY\r\n"]
    assert played.code is Code.AUTH_LOGIN_DISABLED


def test_browser_address_is_told_before_the_login_in_the_same_write() -> None:
    played = run(GREETING + b"* ID NIL\na1 OK\na2 NO [AUTHENTICATIONFAILED] no\n", client_address="203.0.113.9")

    assert len(played.sent) == 1
    assert played.sent[0].startswith(b'a1 ID ("name" "Hagaki" "x-originating-ip" "203.0.113.9")\r\na2 AUTH')
    assert played.code is Code.AUTH_WRONG_PASSWORD


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (b"a2 BAD User is authenticated but not connected.\n", Code.AUTH_PROTOCOL_DISABLED),
        (b"a2 NO [SERVERBUG] Internal error occurred.\n", Code.MAILBOX_UNAVAILABLE),
        (b"a2 NO EXAMINE Unsafe Login. Please contact kefu@188.com for help\n", Code.AUTH_POLICY),
        (b"* BYE gone\n", Code.MAILBOX_UNAVAILABLE),
    ],
)
def test_mailbox_that_cannot_be_opened(reply: bytes, code: Code) -> None:
    played = run(GREETING + b"a1 OK [CAPABILITY IMAP4rev1] in\n" + reply)

    assert played.code is code
    assert played.facts.accepted


def test_prefix_is_told_without_its_delimiter() -> None:
    script = b'a2 OK\n* NAMESPACE (("INBOX." ".")) NIL NIL\na3 OK\na4 OK\na5 OK\na6 OK\n'
    played = run(GREETING + b"a1 OK [CAPABILITY NAMESPACE] in\n" + script)

    assert played.facts.path_prefix == "INBOX"
    assert played.facts.hierarchy_delimiter == "."
    assert played.codes == [Code.NAMESPACE_PREFIX]


def test_subscriptions_by_lsub_where_list_cannot_tell() -> None:
    script = b"""a2 OK
* LIST () "/" INBOX
* LIST () "/" {5}
a (b)
* LIST (\\Noselect) "/" shared
* LIST () "/" seen
a3 OK
* LSUB () "/" seen
a4 OK
a5 OK
"""
    played = run(GREETING + b"a1 OK [CAPABILITY IMAP4rev1] in\n" + script)

    assert played.facts.unsubscribed_folders == ("a (b)",)


@pytest.mark.parametrize(
    ("used", "codes"),
    [(69, []), (70, [Code.QUOTA_70]), (80, [Code.QUOTA_80]), (99, [Code.QUOTA_80]), (100, [Code.QUOTA_FULL])],
)
def test_quota_in_steps(used: int, codes: list[Code]) -> None:
    script = b'a2 OK\n* QUOTA "" (MESSAGE 1 0 STORAGE %d 100)\na3 OK\na4 OK\na5 OK\na6 OK\n' % used
    played = run(GREETING + b"a1 OK [CAPABILITY QUOTA] in\n" + script)

    assert played.codes == codes
    assert all(remark.fails == (remark.code is Code.QUOTA_FULL) for remark in played.remarks)


def test_values_of_the_grammar() -> None:
    assert read_values(b'("a \\"b\\"" NIL (c {2}\r\nd) e)) "x') == [['a "b"', None, ["c", "d)", "e"]]]


@pytest.mark.parametrize("data", [b"(" * 100, b")" * 100, b"{99999}\r\nabc", b'"open', b"{", b"( ) ) ("])
def test_broken_values_end_the_reading(data: bytes) -> None:
    assert isinstance(read_values(data), list)


def test_folder_names_from_modified_utf7() -> None:
    assert folder_name("&MMYwuTDI-") == "テスト"
    assert folder_name("Tom &- Jerry") == "Tom & Jerry"
    assert folder_name("&bad!-") == "&bad!-"


def test_quoting() -> None:
    assert quoted(b'a"\\') == b'"a\\"\\\\"'
    assert quoted("ä".encode()) is None
    assert quoted(b"a\r\nb") is None
