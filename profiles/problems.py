"""Problems: what can go wrong, as a stable code with parameters, a summary and advice.

Summary and advice are English msgids with named placeholders, translated by the layer that shows them
(webapp/i18n.py, catalogue `profiles`). A code is never reused or renamed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """How much a problem matters: only an error fails a check."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Code(StrEnum):
    """Everything that an employee, admin or host can meet. Documented in docs/troubleshooting.md."""

    # input of people
    ADDRESS_INVALID = "ADDRESS_INVALID"
    ADDRESS_MENDED = "ADDRESS_MENDED"
    PASSWORD_MISSING = "PASSWORD_MISSING"
    PASSWORD_UNUSUAL = "PASSWORD_UNUSUAL"
    PASSWORD_UNUSABLE = "PASSWORD_UNUSABLE"
    NAME_UNUSABLE = "NAME_UNUSABLE"
    USERNAME_MISSING = "USERNAME_MISSING"
    HOST_INVALID = "HOST_INVALID"
    PORT_INVALID = "PORT_INVALID"
    SERVER_URL_INVALID = "SERVER_URL_INVALID"
    SETTINGS_UNKNOWN = "SETTINGS_UNKNOWN"
    FORM_EXPIRED = "FORM_EXPIRED"
    TOO_MANY_ATTEMPTS = "TOO_MANY_ATTEMPTS"
    BUSY = "BUSY"
    # links and deliveries
    LINK_UNKNOWN = "LINK_UNKNOWN"
    LINK_EXPIRED = "LINK_EXPIRED"
    LINK_USED = "LINK_USED"
    CHECK_LOST = "CHECK_LOST"
    CHECK_STOPPED = "CHECK_STOPPED"
    # domains, providers, settings of the host
    TOML_SYNTAX = "TOML_SYNTAX"
    FILE_UNREADABLE = "FILE_UNREADABLE"
    KEY_UNKNOWN = "KEY_UNKNOWN"
    KEY_MISSING = "KEY_MISSING"
    VALUE_TYPE = "VALUE_TYPE"
    VALUE_UNKNOWN = "VALUE_UNKNOWN"
    VALUE_INVALID = "VALUE_INVALID"
    SERVER_PLAIN_TEXT = "SERVER_PLAIN_TEXT"
    PORT_SECURITY_MISMATCH = "PORT_SECURITY_MISMATCH"
    DOMAIN_EXISTS = "DOMAIN_EXISTS"
    DOMAIN_TAKEN = "DOMAIN_TAKEN"
    DOMAIN_UNKNOWN = "DOMAIN_UNKNOWN"
    SETTING_UNKNOWN = "SETTING_UNKNOWN"
    SETTING_INVALID = "SETTING_INVALID"
    SETTING_CONFLICT = "SETTING_CONFLICT"
    DATABASE_UNAVAILABLE = "DATABASE_UNAVAILABLE"
    BIND_FAILED = "BIND_FAILED"
    # outputs and signing
    FORMAT_CANNOT_HOLD = "FORMAT_CANNOT_HOLD"
    SIGNER_EXPIRED = "SIGNER_EXPIRED"
    SIGNER_NOT_YET_VALID = "SIGNER_NOT_YET_VALID"
    SIGNER_SELF_SIGNED = "SIGNER_SELF_SIGNED"
    SIGNER_CHAIN_BROKEN = "SIGNER_CHAIN_BROKEN"
    SIGNER_KEY_MISMATCH = "SIGNER_KEY_MISMATCH"
    SIGNER_KEY_UNSUPPORTED = "SIGNER_KEY_UNSUPPORTED"
    SIGNER_MISSING = "SIGNER_MISSING"
    SIGNER_EXPIRES_SOON = "SIGNER_EXPIRES_SOON"
    SIGNER_LOCAL_CA = "SIGNER_LOCAL_CA"
    # name and connection
    DNS_NXDOMAIN = "DNS_NXDOMAIN"
    DNS_NO_ADDRESS = "DNS_NO_ADDRESS"
    DNS_SERVFAIL = "DNS_SERVFAIL"
    DNS_TIMEOUT = "DNS_TIMEOUT"
    TARGET_NOT_ALLOWED = "TARGET_NOT_ALLOWED"
    CONNECT_REFUSED = "CONNECT_REFUSED"
    CONNECT_TIMEOUT = "CONNECT_TIMEOUT"
    CONNECT_RESET = "CONNECT_RESET"
    CONNECT_UNREACHABLE = "CONNECT_UNREACHABLE"
    CLOSED_EARLY = "CLOSED_EARLY"
    NO_GREETING = "NO_GREETING"
    SERVER_TOO_SLOW = "SERVER_TOO_SLOW"
    NOT_A_MAIL_SERVER = "NOT_A_MAIL_SERVER"
    WRONG_PROTOCOL = "WRONG_PROTOCOL"
    SERVER_UNAVAILABLE = "SERVER_UNAVAILABLE"
    SERVER_UNREACHABLE = "SERVER_UNREACHABLE"
    SERVER_SAID_NO = "SERVER_SAID_NO"
    # TLS and certificates
    PORT_SPEAKS_STARTTLS = "PORT_SPEAKS_STARTTLS"
    PORT_SPEAKS_TLS = "PORT_SPEAKS_TLS"
    STARTTLS_NOT_OFFERED = "STARTTLS_NOT_OFFERED"
    STARTTLS_REFUSED = "STARTTLS_REFUSED"
    STARTTLS_INJECTION = "STARTTLS_INJECTION"
    PREAUTH_REFUSED = "PREAUTH_REFUSED"
    CERT_SELF_SIGNED = "CERT_SELF_SIGNED"
    CERT_EXPIRED = "CERT_EXPIRED"
    CERT_NOT_YET_VALID = "CERT_NOT_YET_VALID"
    CERT_WRONG_NAME = "CERT_WRONG_NAME"
    CERT_MISSING_INTERMEDIATE = "CERT_MISSING_INTERMEDIATE"
    CERT_UNKNOWN_CA = "CERT_UNKNOWN_CA"
    CERT_INVALID = "CERT_INVALID"
    CERT_EXPIRES_SOON = "CERT_EXPIRES_SOON"
    TLS_TOO_OLD = "TLS_TOO_OLD"
    TLS_OLD_CIPHER = "TLS_OLD_CIPHER"
    TLS_CLIENT_CERT = "TLS_CLIENT_CERT"
    TLS_FAILED = "TLS_FAILED"
    # signing in
    AUTH_WRONG_PASSWORD = "AUTH_WRONG_PASSWORD"
    AUTH_APP_PASSWORD = "AUTH_APP_PASSWORD"
    AUTH_WEB_LOGIN = "AUTH_WEB_LOGIN"
    AUTH_PROTOCOL_DISABLED = "AUTH_PROTOCOL_DISABLED"
    AUTH_WRONG_PASSWORD_OR_DISABLED = "AUTH_WRONG_PASSWORD_OR_DISABLED"
    AUTH_OAUTH_REQUIRED = "AUTH_OAUTH_REQUIRED"
    AUTH_SMTP_DISABLED = "AUTH_SMTP_DISABLED"
    AUTH_POLICY = "AUTH_POLICY"
    AUTH_PASSWORD_EXPIRED = "AUTH_PASSWORD_EXPIRED"
    AUTH_ACCOUNT_DISABLED = "AUTH_ACCOUNT_DISABLED"
    AUTH_ACCOUNT_LOCKED = "AUTH_ACCOUNT_LOCKED"
    AUTH_TEMPORARY = "AUTH_TEMPORARY"
    AUTH_NEEDS_TLS = "AUTH_NEEDS_TLS"
    AUTH_LOGIN_DISABLED = "AUTH_LOGIN_DISABLED"
    AUTH_CONNECTION_LIMIT = "AUTH_CONNECTION_LIMIT"
    AUTH_RATE_LIMITED = "AUTH_RATE_LIMITED"
    AUTH_IP_BLOCKED = "AUTH_IP_BLOCKED"
    AUTH_NO_COMMON_MECHANISM = "AUTH_NO_COMMON_MECHANISM"
    AUTH_NOT_OFFERED = "AUTH_NOT_OFFERED"
    AUTH_NOT_AUTHORIZED = "AUTH_NOT_AUTHORIZED"
    # comparing both services
    IMAP_OFF_LIKELY = "IMAP_OFF_LIKELY"
    SMTP_SEPARATE_LIKELY = "SMTP_SEPARATE_LIKELY"
    NOT_TRIED = "NOT_TRIED"
    PROVIDER_HINT = "PROVIDER_HINT"
    USERNAME_FORM_LIKELY = "USERNAME_FORM_LIKELY"
    # mailbox and submission
    MAILBOX_UNAVAILABLE = "MAILBOX_UNAVAILABLE"
    QUOTA_70 = "QUOTA_70"
    QUOTA_80 = "QUOTA_80"
    QUOTA_FULL = "QUOTA_FULL"
    NAMESPACE_PREFIX = "NAMESPACE_PREFIX"
    FOLDERS_UNSUBSCRIBED = "FOLDERS_UNSUBSCRIBED"
    SMTP_SENDER_REFUSED = "SMTP_SENDER_REFUSED"
    SMTP_MAILBOX_FULL = "SMTP_MAILBOX_FULL"
    SMTP_RECIPIENT_REFUSED = "SMTP_RECIPIENT_REFUSED"
    SMTP_GREYLISTED = "SMTP_GREYLISTED"
    SMTP_SIZE_LIMIT = "SMTP_SIZE_LIMIT"
    TEST_MAIL_NOT_SEEN = "TEST_MAIL_NOT_SEEN"
    # discovery
    NOTHING_FOUND = "NOTHING_FOUND"
    SOURCE_UNAVAILABLE = "SOURCE_UNAVAILABLE"
    # any other
    INCIDENT = "INCIDENT"


@dataclass(frozen=True, slots=True)
class Text:
    """The words of one code: what happened to which thing, and what to do next."""

    summary: str
    advice: str
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that went wrong, and where.

    `params` fill the placeholders of the texts (`server`, `address`, …) and never hold a password. `place` names
    the line, cell, key or field in full. `server_text` is what the server said, cleaned, never markup.
    """

    code: Code
    params: Mapping[str, str] = field(default_factory=dict)
    place: str | None = None
    server: str | None = None
    server_text: str | None = None

    @property
    def text(self) -> Text:
        """The untranslated words of this code."""
        return TEXTS[self.code]

    @property
    def severity(self) -> Severity:
        """Error, warning or info."""
        return TEXTS[self.code].severity

    @property
    def is_error(self) -> bool:
        """Whether this fails what was asked."""
        return self.severity is Severity.ERROR


class ProblemError(Exception):
    """Raised where going on is impossible; carries every problem found so far."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("; ".join(f"{p.code} {p.place or ''}".strip() for p in self.problems))


def N_(message: str) -> str:
    """Mark a text for translation; the layer above translates it."""
    return message


TEXTS: dict[Code, Text] = {}
