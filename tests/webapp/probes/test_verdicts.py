"""The table from replies to codes: every row of what servers and providers are known to say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.problems import Code
from webapp.probes.verdicts import HIDDEN, TEXT_LIMIT, Reply, Situation, clean, verdict

IMAP = [
    # Dovecot
    ("NO", "AUTHENTICATIONFAILED", "Authentication failed.", Code.AUTH_WRONG_PASSWORD),
    ("NO", "EXPIRED", "Password expired", Code.AUTH_PASSWORD_EXPIRED),
    ("NO", "CONTACTADMIN", "Konto ruht", Code.AUTH_ACCOUNT_DISABLED),
    ("NO", "UNAVAILABLE", "Temporary authentication failure. [vm:2026-11-23 22:23:47]", Code.AUTH_TEMPORARY),
    ("NO", "PRIVACYREQUIRED", "Plaintext authentication disallowed on non-secure (SSL/TLS)", Code.AUTH_NEEDS_TLS),
    ("NO", "LIMIT", "Maximum number of connections from user+IP exceeded", Code.AUTH_CONNECTION_LIMIT),
    ("NO", "ALERT", "Unsupported authentication mechanism.", Code.AUTH_NO_COMMON_MECHANISM),
    # Cyrus, Courier
    ("NO", "", "Login failed: authentication failure", Code.AUTH_WRONG_PASSWORD),
    ("NO", "", "Login only available under a layer", Code.AUTH_NEEDS_TLS),
    ("NO", "", "Login failed.", Code.AUTH_WRONG_PASSWORD),
    ("BYE", "", "Temporary problem, please try again later", Code.SERVER_UNAVAILABLE),
    # RFC 5530
    ("NO", "AUTHORIZATIONFAILED", "No such authorization-ID", Code.AUTH_NOT_AUTHORIZED),
    ("NO", "INUSE", "Mailbox locked by another session", Code.AUTH_TEMPORARY),
    # Gmail
    ("NO", "AUTHENTICATIONFAILED", "Invalid credentials (Failure)", Code.AUTH_WRONG_PASSWORD),
    ("NO", "ALERT", "Application-specific password required: https://x (Failure)", Code.AUTH_APP_PASSWORD),
    ("NO", "ALERT", "Please log in via your web browser: https://x (Failure)", Code.AUTH_WEB_LOGIN),
    ("NO", "ALERT", "Your account is not enabled for IMAP use. Please visit", Code.AUTH_PROTOCOL_DISABLED),
    ("NO", "ALERT", "IMAP access is disabled for your domain. Please contact", Code.AUTH_PROTOCOL_DISABLED),
    ("NO", "ALERT", "Too many simultaneous connections. (Failure)", Code.AUTH_CONNECTION_LIMIT),
    ("NO", "", "Account exceeded command or bandwidth limits.", Code.AUTH_RATE_LIMITED),
    # Yahoo, iCloud, Zoho, Yandex, NetEase
    ("NO", "AUTHENTICATIONFAILED", "LOGIN Invalid credentials", Code.AUTH_WRONG_PASSWORD),
    ("NO", "LIMIT", "LOGIN Rate limit hit.", Code.AUTH_RATE_LIMITED),
    ("NO", "ALERT", "You are yet to enable IMAP for your account.", Code.AUTH_PROTOCOL_DISABLED),
    (
        "NO",
        "AUTHENTICATIONFAILED",
        "LOGIN Invalid credentials or IMAP is disabled sc=x",
        Code.AUTH_WRONG_PASSWORD_OR_DISABLED,
    ),
    ("NO", "", "SELECT Unsafe Login. Please contact kefu@188.com for help", Code.AUTH_POLICY),
    ("BAD", "", "User is authenticated but not connected.", Code.AUTH_PROTOCOL_DISABLED),
    ("BAD", "", "Invalid arguments", Code.SERVER_SAID_NO),
]

SMTP = [
    # Postfix
    ("535", "5.7.8", "Error: authentication failed: (reason unavailable)", Code.AUTH_WRONG_PASSWORD),
    ("535", "5.7.8", "Error: authentication failed: Password expired", Code.AUTH_PASSWORD_EXPIRED),
    (
        "535",
        "5.7.8",
        "Error: authentication failed: Invalid authentication mechanism",
        Code.AUTH_NO_COMMON_MECHANISM,
    ),
    ("530", "5.7.0", "Must issue a STARTTLS command first", Code.AUTH_NEEDS_TLS),
    ("503", "5.5.1", "Error: authentication not enabled", Code.AUTH_NOT_OFFERED),
    ("454", "4.7.0", "Temporary authentication failure: Connection lost", Code.AUTH_TEMPORARY),
    ("450", "4.7.1", "Error: too many AUTH commands from unknown[192.0.2.1]", Code.AUTH_RATE_LIMITED),
    # Dovecot submission, Exim, OpenSMTPD
    ("530", "5.7.0", "TLS required.", Code.AUTH_NEEDS_TLS),
    ("535", "", "Incorrect authentication data", Code.AUTH_WRONG_PASSWORD),
    ("435", "", "Unable to authenticate at present", Code.AUTH_TEMPORARY),
    ("503", "", "AUTH command used when not advertised", Code.AUTH_NOT_OFFERED),
    ("535", "", "Authentication failed", Code.AUTH_WRONG_PASSWORD),
    # Gmail
    ("535", "5.7.8", "Username and Password not accepted. Learn more at", Code.AUTH_WRONG_PASSWORD),
    ("534", "5.7.9", "Application-specific password required.", Code.AUTH_APP_PASSWORD),
    ("534", "5.7.14", "<https://x> Please log in via your web browser", Code.AUTH_WEB_LOGIN),
    ("454", "4.7.0", "Too many login attempts, please try again later.", Code.AUTH_RATE_LIMITED),
    # Microsoft
    (
        "535",
        "5.7.139",
        "Authentication unsuccessful, SmtpClientAuthentication is disabled",
        Code.AUTH_SMTP_DISABLED,
    ),
    ("535", "5.7.139", "Authentication unsuccessful, basic authentication is disabled.", Code.AUTH_OAUTH_REQUIRED),
    ("535", "5.7.139", "user is locked by your organization's security defaults policy", Code.AUTH_POLICY),
    ("535", "5.7.139", "the request did not meet the criteria to be authenticated", Code.AUTH_POLICY),
    ("535", "5.7.139", "the user credentials were incorrect", Code.AUTH_WRONG_PASSWORD),
    ("535", "5.7.139", "Authentication unsuccessful, account locked", Code.AUTH_RATE_LIMITED),
    ("535", "5.7.3", "Authentication unsuccessful", Code.AUTH_WRONG_PASSWORD),
    ("504", "5.7.4", "Unrecognized authentication type", Code.AUTH_SMTP_DISABLED),
    # Yahoo, Yandex, Zoho
    ("535", "5.7.0", "(#AUTH005) Too many bad auth attempts.", Code.AUTH_RATE_LIMITED),
    (
        "535",
        "5.7.8",
        "Error: This user does not have access rights to this service",
        Code.AUTH_WRONG_PASSWORD_OR_DISABLED,
    ),
    ("535", "", "Authentication Failed", Code.AUTH_WRONG_PASSWORD),
    ("550", "", "whatever", Code.SERVER_SAID_NO),
    ("538", "5.7.11", "Encryption required", Code.AUTH_NEEDS_TLS),
]


@pytest.mark.parametrize(("status", "code", "text", "expected"), IMAP + SMTP)
def test_login_replies(status: str, code: str, text: str, expected: Code) -> None:
    assert verdict(Reply(status=status, code=code, text=text), Situation.LOGIN) is expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("outlook.office365.com", Code.AUTH_OAUTH_REQUIRED),
        ("imap-mail.outlook.com", Code.AUTH_OAUTH_REQUIRED),
        ("mail.example.com", Code.AUTH_WRONG_PASSWORD),
        ("notoutlook.com", Code.AUTH_WRONG_PASSWORD),
    ],
)
def test_microsoft_says_nothing_but_means_oauth(host: str, expected: Code) -> None:
    assert verdict(Reply(status="NO", text="LOGIN failed."), Situation.LOGIN, host) is expected


@given(st.text(max_size=50), st.text(max_size=20), st.text(max_size=300), st.sampled_from(list(Situation)))
def test_any_reply_gets_a_code(status: str, code: str, text: str, situation: Situation) -> None:
    assert isinstance(verdict(Reply(status=status, code=code, text=text), situation), Code)


@given(st.text(max_size=500))
def test_cleaned_text_is_one_short_line(text: str) -> None:
    cleaned = clean(text)

    assert len(cleaned) <= TEXT_LIMIT
    assert cleaned.isprintable()


def test_echoed_password_is_hidden_before_the_text_is_cut() -> None:
    shown = clean("x" * 190 + " secret-word-here", [b"secret-word-here"])

    assert "secret" not in shown
    assert clean("You said secret", [b"secret"]) == f"You said {HIDDEN}"


def test_direction_signs_do_not_reach_a_page() -> None:
    assert clean("a\u202eb\u200bc\x1b[31md") == "a b c [31md"
