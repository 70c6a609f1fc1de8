"""What servers and providers say to a log-in, word for word as recorded, and the code it must become."""

from __future__ import annotations

import pytest

from profiles.model import Protocol
from profiles.problems import Code
from tests.servers.scripted import Imap, Pop3, Smtp
from tests.servers.world import CANARY, World, codes, errors, imap, pop3, server, smtp, stage
from webapp.probes.report import StageName

IMAP = {
    "dovecot-wrong": ("NO [AUTHENTICATIONFAILED] Authentication failed.", Code.AUTH_WRONG_PASSWORD),
    "dovecot-expired": ("NO [EXPIRED] Password expired", Code.AUTH_PASSWORD_EXPIRED),
    "dovecot-nologin": ("NO [CONTACTADMIN] Account closed, ask 03-1234", Code.AUTH_ACCOUNT_DISABLED),
    "dovecot-backend": (
        "NO [UNAVAILABLE] Temporary authentication failure. [vm:2026-11-23 22:23:47]",
        Code.AUTH_TEMPORARY,
    ),
    "dovecot-clear": (
        "* BAD [ALERT] Plaintext authentication not allowed without SSL/TLS, but your client did it anyway. If "
        "anyone was listening, the password was exposed.\n"
        "NO [PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.",
        Code.AUTH_NEEDS_TLS,
    ),
    "dovecot-limit": (
        "NO [LIMIT] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=1)",
        Code.AUTH_CONNECTION_LIMIT,
    ),
    "dovecot-mechanism": ("NO [ALERT] Unsupported authentication mechanism.", Code.AUTH_NO_COMMON_MECHANISM),
    "rfc5530-inuse": ("NO [INUSE] Mailbox locked by another session", Code.AUTH_TEMPORARY),
    "rfc5530-authorization": ("NO [AUTHORIZATIONFAILED] No such authorization-ID", Code.AUTH_NOT_AUTHORIZED),
    "cyrus-wrong": ("NO Login failed: authentication failure", Code.AUTH_WRONG_PASSWORD),
    "cyrus-clear": ("NO Login only available under a layer", Code.AUTH_NEEDS_TLS),
    "courier-wrong": ("NO Login failed.", Code.AUTH_WRONG_PASSWORD),
    "courier-temporary": ("* BYE Temporary problem, please try again later", Code.SERVER_UNAVAILABLE),
    "gmail-wrong": ("NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)", Code.AUTH_WRONG_PASSWORD),
    "gmail-app": (
        "NO [ALERT] Application-specific password required: "
        "https://support.google.com/accounts/answer/185833 (Failure)",
        Code.AUTH_APP_PASSWORD,
    ),
    "gmail-web": (
        "* NO [WEBALERT https://accounts.google.com/signin/continue?sarp=1] Web login required.\n"
        "NO [ALERT] Please log in via your web browser: https://support.google.com/mail/accounts/answer/78754 "
        "(Failure)",
        Code.AUTH_WEB_LOGIN,
    ),
    "gmail-imap-off": (
        "NO [ALERT] Your account is not enabled for IMAP use. Please visit your Gmail settings page and enable "
        "your account for IMAP access. (Failure)",
        Code.AUTH_PROTOCOL_DISABLED,
    ),
    "gmail-domain-off": (
        "NO [ALERT] IMAP access is disabled for your domain. Please contact your domain administrator for "
        "questions about this feature. (Failure)",
        Code.AUTH_PROTOCOL_DISABLED,
    ),
    "gmail-connections": (
        "NO [ALERT] Too many simultaneous connections. (Failure)",
        Code.AUTH_CONNECTION_LIMIT,
    ),
    "gmail-bandwidth": (
        "NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)",
        Code.AUTH_RATE_LIMITED,
    ),
    "microsoft-login": ("NO LOGIN failed.", Code.AUTH_WRONG_PASSWORD),
    "microsoft-authenticate": ("NO AUTHENTICATE failed.", Code.AUTH_WRONG_PASSWORD),
    "yahoo-wrong": ("NO [AUTHENTICATIONFAILED] LOGIN Invalid credentials", Code.AUTH_WRONG_PASSWORD),
    "yahoo-rate": ("NO [LIMIT] LOGIN Rate limit hit.", Code.AUTH_RATE_LIMITED),
    "icloud-wrong": ("NO [AUTHENTICATIONFAILED] Authentication failed", Code.AUTH_WRONG_PASSWORD),
    "zoho-imap-off": (
        "NO [ALERT] You are yet to enable IMAP for your account. Please contact your administrator (Failure)",
        Code.AUTH_PROTOCOL_DISABLED,
    ),
    "yandex": (
        "NO [AUTHENTICATIONFAILED] LOGIN Invalid credentials or IMAP is disabled sc=0abcDEF-imap",
        Code.AUTH_WRONG_PASSWORD_OR_DISABLED,
    ),
}

POP3 = {
    "dovecot-wrong": ("-ERR [AUTH] Authentication failed.", Code.AUTH_WRONG_PASSWORD),
    "dovecot-temporary": (
        "-ERR [SYS/TEMP] Temporary authentication failure. [vm:2026-11-23 22:23:47]",
        Code.AUTH_TEMPORARY,
    ),
    "dovecot-expired": ("-ERR [AUTH] Password expired", Code.AUTH_PASSWORD_EXPIRED),
    "dovecot-clear": (
        "-ERR [AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.",
        Code.AUTH_NEEDS_TLS,
    ),
    "in-use": ("-ERR [IN-USE] Mailbox is locked by another session", Code.AUTH_TEMPORARY),
    "login-delay": ("-ERR [LOGIN-DELAY] minimum time between mail checks violation", Code.AUTH_RATE_LIMITED),
    "gmail-app": (
        "-ERR [AUTH] Application-specific password required: https://support.google.com/accounts/answer/185833",
        Code.AUTH_APP_PASSWORD,
    ),
    "gmail-web": (
        "-ERR [AUTH] Web login required: https://support.google.com/mail/answer/78754",
        Code.AUTH_WEB_LOGIN,
    ),
    "plain-no": ("-ERR invalid user or password", Code.AUTH_WRONG_PASSWORD),
}

SMTP = {
    "postfix-wrong": ("535 5.7.8 Error: authentication failed: (reason unavailable)", Code.AUTH_WRONG_PASSWORD),
    "postfix-expired": ("535 5.7.8 Error: authentication failed: Password expired", Code.AUTH_PASSWORD_EXPIRED),
    "postfix-mechanism": (
        "535 5.7.8 Error: authentication failed: Invalid authentication mechanism",
        Code.AUTH_NO_COMMON_MECHANISM,
    ),
    "postfix-clear": ("530 5.7.0 Must issue a STARTTLS command first", Code.AUTH_NEEDS_TLS),
    "postfix-off": ("503 5.5.1 Error: authentication not enabled", Code.AUTH_NOT_OFFERED),
    "postfix-temporary": (
        "454 4.7.0 Temporary authentication failure: Connection lost to authentication server",
        Code.AUTH_TEMPORARY,
    ),
    "postfix-rate": (
        "450 4.7.1 Error: too many AUTH commands from unknown[192.0.2.7]",
        Code.AUTH_RATE_LIMITED,
    ),
    "dovecot-wrong": ("535 5.7.8 Authentication failed.", Code.AUTH_WRONG_PASSWORD),
    "dovecot-clear": ("530 5.7.0 TLS required.", Code.AUTH_NEEDS_TLS),
    "exim-wrong": ("535 Incorrect authentication data", Code.AUTH_WRONG_PASSWORD),
    "exim-temporary": ("435 Unable to authenticate at present", Code.AUTH_TEMPORARY),
    "exim-off": ("503 AUTH command used when not advertised", Code.AUTH_NOT_OFFERED),
    "opensmtpd-wrong": ("535 Authentication failed", Code.AUTH_WRONG_PASSWORD),
    "gmail-wrong": (
        "535-5.7.8 Username and Password not accepted. For more information, go to\n"
        "535 5.7.8  https://support.google.com/mail/?p=BadCredentials d75a77b69052e-0 - gsmtp",
        Code.AUTH_WRONG_PASSWORD,
    ),
    "gmail-app": (
        "534-5.7.9 Application-specific password required. For more information, go to\n"
        "534 5.7.9  https://support.google.com/mail/?p=InvalidSecondFactor 0 - gsmtp",
        Code.AUTH_APP_PASSWORD,
    ),
    "gmail-web": (
        "534-5.7.14 <https://accounts.google.com/signin/continue?sarp=1> Please log in via your web browser\n"
        "534-5.7.14 and then try again.\n"
        "534 5.7.14  https://support.google.com/mail/answer/78754 0 - gsmtp",
        Code.AUTH_WEB_LOGIN,
    ),
    "gmail-rate": (
        "454 4.7.0 Too many login attempts, please try again later. - gsmtp",
        Code.AUTH_RATE_LIMITED,
    ),
    "microsoft-tenant": (
        "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit "
        "https://aka.ms/smtp_auth_disabled for more information.",
        Code.AUTH_SMTP_DISABLED,
    ),
    "microsoft-basic": (
        "535 5.7.139 Authentication unsuccessful, basic authentication is disabled. "
        "[TYCP286CA0001.JPNP286.PROD.OUTLOOK.COM]",
        Code.AUTH_OAUTH_REQUIRED,
    ),
    "microsoft-defaults": (
        "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy. "
        "Contact your administrator.",
        Code.AUTH_POLICY,
    ),
    "microsoft-criteria": (
        "535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be authenticated "
        "successfully. Contact your administrator.",
        Code.AUTH_POLICY,
    ),
    "microsoft-wrong": (
        "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.",
        Code.AUTH_WRONG_PASSWORD,
    ),
    "microsoft-locked": (
        "535 5.7.139 Authentication unsuccessful, account locked due to too many attempts.",
        Code.AUTH_RATE_LIMITED,
    ),
    "microsoft-plain": ("535 5.7.3 Authentication unsuccessful", Code.AUTH_WRONG_PASSWORD),
    "microsoft-type": ("504 5.7.4 Unrecognized authentication type", Code.AUTH_SMTP_DISABLED),
    "yahoo-rate": ("535 5.7.0 (#AUTH005) Too many bad auth attempts.", Code.AUTH_RATE_LIMITED),
    "zoho-wrong": ("535 Authentication Failed", Code.AUTH_WRONG_PASSWORD),
    "yandex": (
        "535 5.7.8 Error: authentication failed: This user does not have access rights to this service",
        Code.AUTH_WRONG_PASSWORD_OR_DISABLED,
    ),
}

GREETINGS = {
    "imap-connections": (Protocol.IMAP, "* BYE Too many connections from your IP", Code.AUTH_CONNECTION_LIMIT),
    "imap-blocked": (
        Protocol.IMAP,
        "* BYE [ALERT] Fatal error: your IP address has been blocked",
        Code.AUTH_IP_BLOCKED,
    ),
    "imap-down": (Protocol.IMAP, "* BYE Server shutting down", Code.SERVER_UNAVAILABLE),
    "smtp-connections": (
        Protocol.SMTP,
        "421 4.7.0 mail.example.com Error: too many connections from 192.0.2.7",
        Code.AUTH_CONNECTION_LIMIT,
    ),
    "smtp-blocked": (
        Protocol.SMTP,
        "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.spamhaus.org",
        Code.AUTH_IP_BLOCKED,
    ),
    "smtp-down": (Protocol.SMTP, "421 4.3.2 Service not available", Code.SERVER_UNAVAILABLE),
}


@pytest.mark.parametrize("case", IMAP)
def test_imap_login_reply(world: World, case: str) -> None:
    reply, code = IMAP[case]
    with world.serve(Imap(login=reply)) as running:
        report = world.check(imap(running.port))

    assert errors(report)[:1] == [code]
    assert stage(report, "imap", StageName.LOGIN).code is code
    assert running.logins == 1


@pytest.mark.parametrize("case", POP3)
def test_pop3_login_reply(world: World, case: str) -> None:
    reply, code = POP3[case]
    with world.serve(Pop3(login=reply)) as running:
        report = world.check(pop3(running.port))

    assert errors(report)[:1] == [code]
    assert running.logins == 1


@pytest.mark.parametrize("case", SMTP)
def test_smtp_login_reply(world: World, case: str) -> None:
    reply, code = SMTP[case]
    with world.serve(Smtp(login=reply)) as running:
        report = world.check(smtp(running.port))

    assert errors(report)[:1] == [code]
    assert stage(report, "smtp", StageName.LOGIN).code is code
    assert running.logins == 1


@pytest.mark.parametrize("case", GREETINGS)
def test_greeting_that_refuses(world: World, case: str) -> None:
    protocol, text, code = GREETINGS[case]
    scripts = {Protocol.IMAP: Imap(greeting=text), Protocol.SMTP: Smtp(greeting=text)}
    with world.serve(scripts[protocol]) as running:
        report = world.check(server(protocol, running.port))

    assert errors(report) == [code]
    assert running.logins == 0


def test_unknown_text_is_shown_cleaned(world: World) -> None:
    """A text that no rule knows still reaches the person, without control characters and in bounds."""
    reply = "NO \x1b[31mKontingent der <b>Woche</b> verbraucht\x07 " + "x" * 1000
    with world.serve(Imap(login=reply)) as running:
        report = world.check(imap(running.port))

    (problem,) = (problem for problem in report.problems if problem.is_error)
    assert problem.server_text is not None
    assert "Kontingent der" in problem.server_text
    assert not any(ord(sign) < 32 for sign in problem.server_text)
    assert len(problem.server_text) <= 200


def test_server_that_echoes_the_password_does_not_spread_it(world: World) -> None:
    with world.serve(Imap(login=f"NO wrong password {CANARY} for taro")) as running:
        report = world.check(imap(running.port))

    assert CANARY not in repr(report)
    assert all(CANARY not in (problem.server_text or "") for problem in report.problems)


def test_authenticated_but_not_connected_is_imap_switched_off(world: World) -> None:
    refusing = "BAD User is authenticated but not connected."
    script = Imap(replies=dict.fromkeys(("EXAMINE", "SELECT", "LIST", "NAMESPACE"), refusing))
    with world.serve(script) as running:
        report = world.check(imap(running.port))

    assert Code.AUTH_PROTOCOL_DISABLED in errors(report)


def test_oauth_only_server_is_not_tried(world: World) -> None:
    capability = "IMAP4rev1 SASL-IR LOGINDISABLED AUTH=XOAUTH2 AUTH=OAUTHBEARER"
    with world.serve(Imap(capability=capability)) as running:
        report = world.check(imap(running.port))

    assert errors(report) == [Code.AUTH_OAUTH_REQUIRED]
    assert running.logins == 0


def test_unknown_mechanisms_only_are_not_tried(world: World) -> None:
    with world.serve(Imap(capability="IMAP4rev1 LOGINDISABLED AUTH=GSSAPI AUTH=NTLM")) as running:
        report = world.check(imap(running.port))

    assert errors(report) == [Code.AUTH_NO_COMMON_MECHANISM]
    assert running.logins == 0


@pytest.mark.parametrize(
    "capability",
    ["IMAP4rev1", "IMAP4rev1 AUTH=PLAIN", "IMAP4rev1 SASL-IR LOGINDISABLED AUTH=LOGIN", "IMAP4rev1 AUTH=CRAM-MD5"],
)
def test_every_mechanism_logs_in_once(world: World, capability: str) -> None:
    with world.serve(Imap(capability=capability)) as running:
        report = world.check(imap(running.port))

    assert errors(report) == []
    assert running.logins == 1


@pytest.mark.parametrize("mechanisms", ["PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5 CRAM-MD5 LOGIN"])
def test_every_smtp_mechanism_logs_in_once(world: World, mechanisms: str) -> None:
    with world.serve(Smtp(ehlo=("AUTH " + mechanisms,))) as running:
        report = world.check(smtp(running.port))

    assert errors(report) == []
    assert running.logins == 1


@pytest.mark.parametrize("capability", [("USER",), ("SASL PLAIN",), ("SASL LOGIN",), ("USER", "SASL CRAM-MD5")])
def test_every_pop3_mechanism_logs_in_once(world: World, capability: tuple[str, ...]) -> None:
    with world.serve(Pop3(capability=capability)) as running:
        report = world.check(pop3(running.port))

    assert errors(report) == []
    assert running.logins == 1


def test_sender_without_permission_at_microsoft(world: World) -> None:
    reply = "550 5.7.60 SMTP; Client does not have permissions to send as this sender"
    with world.serve(Smtp(replies={"MAIL": reply})) as running:
        report = world.check(smtp(running.port))

    assert errors(report) == [Code.SMTP_SENDER_REFUSED]


def test_relay_denied_means_that_auth_is_off(world: World) -> None:
    with world.serve(Smtp(replies={"RCPT": "554 5.7.1 <taro@example.com>: Relay access denied"})) as running:
        report = world.check(smtp(running.port))

    assert errors(report) == [Code.AUTH_NOT_OFFERED]


def test_greylisting_is_told_and_not_an_error(world: World) -> None:
    reply = "450 4.2.0 <taro@example.com>: Recipient address rejected: Greylisted, try again later"
    with world.serve(Smtp(replies={"RCPT": reply})) as running:
        report = world.check(smtp(running.port))

    assert report.ok
    assert codes(report) == [Code.SMTP_GREYLISTED]


def test_size_limit_is_found(world: World) -> None:
    with world.serve(Smtp(ehlo=("SIZE 10485760", "AUTH PLAIN"))) as running:
        report = world.check(smtp(running.port))

    assert report.findings.size_limit == 10485760
