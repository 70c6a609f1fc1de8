"""What a check is to others: its state, what was chosen, what was found, which links it has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from profiles.model import MailAccount, Source
from profiles.problems import Problem
from webapp.links import DeliveryView, HandoverView
from webapp.probes.report import Findings, Stage
from webapp.probes.test_mail import can_send_to_self

MOST_TOGETHER = 8
"""Accounts in one profile: far more than a person has, and few enough for one page."""


class CheckState(StrEnum):
    """What became of a check."""

    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    LOST = "lost"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """What the person chose, besides the account."""

    language: str = "en"
    include_password: bool = True
    compare: bool = False
    also: tuple[MailAccount, ...] = ()
    """Accounts of the same person, checked before, that stand in the same files; the first names the profile."""
    also_passwords: bool = False
    """Whether the profile holds a password of them."""
    form: str = ""
    """The path of the form that led here, sealed with the check's token: another link's token may stand in it."""
    ready_made: bool = False
    """The password came from the host's list and not from the person."""


def keys_of(accounts: Iterable[MailAccount]) -> tuple[str, ...]:
    """By what the addresses of these accounts are known."""
    return tuple(account.address.key for account in accounts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a finished check found."""

    problems: tuple[Problem, ...] = ()
    findings: Findings = field(default_factory=Findings)
    milliseconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckView:
    """A check as its page shows it."""

    token: str
    state: CheckState
    account: MailAccount
    options: CheckOptions
    started_at: datetime
    finished_at: datetime | None
    expires_at: datetime
    milliseconds: int
    stages: tuple[Stage, ...] = ()
    problems: tuple[Problem, ...] = ()
    findings: Findings = field(default_factory=Findings)
    unchecked: bool = False
    """Whether the links hold a profile that was issued without a successful check."""
    form: str = ""
    """The path of the form that led here; empty for the first page."""
    delivery: DeliveryView | None = None
    handover: HandoverView | None = None
    attempts_left: int = 0
    can_issue_unchecked: bool = False
    is_invited: bool = False
    """Whether an invitation led here, so that it is worth knowing how it went."""
    is_confirmed: bool = False
    """The person said, or a test mail showed, that it works."""

    @property
    def source(self) -> Source:
        """Where the settings came from."""
        return self.account.settings.source

    @property
    def has_files(self) -> bool:
        """Whether anything was made, with or without a successful check, that has not ended since."""
        return self.state is CheckState.OK or (self.unchecked and self.state is not CheckState.EXPIRED)

    @property
    def can_send_test_mail(self) -> bool:
        """Whether a mail to oneself can be tried: the check has passed, and there is IMAP to see it arrive."""
        return self.state is CheckState.OK and not self.unchecked and can_send_to_self(self.account)

    @property
    def accounts(self) -> tuple[MailAccount, ...]:
        """Every account in the files, in their order."""
        return (*self.options.also, self.account)

    @property
    def includes_password(self) -> bool:
        """Whether the profile behind the links holds the password of every account."""
        # What is issued after a failed check stays failed, and holds none.
        earlier = self.options.also_passwords or not self.options.also
        return self.options.include_password and earlier and self.state is CheckState.OK

    @property
    def holds_secrets(self) -> bool:
        """Whether any password is in it, so that it can be made again only while it is kept."""
        return (self.options.include_password or self.options.also_passwords) and self.state is CheckState.OK

    @property
    def can_add_account(self) -> bool:
        """Whether another account of the same person can be put into the same files."""
        return self.state is CheckState.OK and not self.unchecked and len(self.accounts) < MOST_TOGETHER
