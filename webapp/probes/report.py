"""What a check finds: stages with times and codes, problems, and facts that flow into the outputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from profiles.model import Authentication, MailAccount, Source
from profiles.problems import Code, Problem


class StageName(StrEnum):
    """The steps of one service's check, in their order."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    STARTTLS = "starttls"
    GREETING = "greeting"
    CAPABILITY = "capability"
    LOGIN = "login"
    MAILBOX = "mailbox"
    NAMESPACE = "namespace"
    QUOTA = "quota"
    SUBMIT = "submit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step: `ok` is None when it was not tried (code NOT_TRIED)."""

    service: str
    """imap, pop3, smtp, caldav, carddav"""
    stage: StageName
    ok: bool | None
    code: Code | None = None
    server: str
    """host:port"""
    milliseconds: int = 0
    detail: str = ""
    """Plain facts for the curious: addresses, TLS version, days left. Never a secret."""
    because: Code | None = None
    """Why it was not tried: the failure that came first, None where no password was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Facts learned from the live servers."""

    path_prefix: str | None = None
    hierarchy_delimiter: str | None = None
    quota_percent: int | None = None
    special_folders: tuple[tuple[str, str], ...] = ()
    """(special use without backslash, folder name)"""
    unsubscribed_folders: tuple[str, ...] = ()
    size_limit: int | None = None
    """Bytes of one message that SMTP takes."""
    incoming_authentication: Authentication | None = None
    outgoing_authentication: Authentication | None = None
    certificate_days: tuple[tuple[str, int], ...] = ()
    """(host:port, days left)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The whole check of one account."""

    account: MailAccount
    stages: tuple[Stage, ...] = ()
    problems: tuple[Problem, ...] = ()
    findings: Findings = field(default_factory=Findings)
    milliseconds: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing but warnings and notes was found."""
        return not any(problem.is_error for problem in self.problems)

    @property
    def source(self) -> Source:
        """Where the settings came from."""
        return self.account.settings.source
