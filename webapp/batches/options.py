"""What a batch is: the closed sets that its rows in the database are made of, and what an admin chooses for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from webapp.batches.columns import Field
from webapp.handouts import Layout

INVITATION_DAYS, MOST_INVITATION_DAYS = 30, 365
READY_MADE_HOURS, MOST_READY_MADE_DAYS = 72, 30
"""A link to a sealed password lives three days unless the admin says otherwise, and never longer than thirty."""


class Mode(StrEnum):
    """What a list is made into."""

    INVITATIONS = "invitations"
    """Links without a secret; each employee types the mailbox password."""
    READY_MADE = "ready-made"
    """Links to profiles with the passwords of the list in them; a PIN that travels another way opens them."""


def usual_days(mode: Mode) -> int:
    """How long links of a mode open unless the admin says otherwise."""
    return READY_MADE_HOURS // 24 if mode is Mode.READY_MADE else INVITATION_DAYS


def most_days(mode: Mode) -> int:
    """How long links of a mode may open."""
    return MOST_READY_MADE_DAYS if mode is Mode.READY_MADE else MOST_INVITATION_DAYS


class Part(StrEnum):
    """What the ZIP holds besides the lists."""

    PROFILES = "profiles"
    K9S = "k9s"
    QR = "qr"
    HANDOUTS = "handouts"


class BatchState(StrEnum):
    """Where a batch is."""

    READING = "reading"
    """Its rows are being written; nothing is made of them yet, and nothing at all should the reading die."""
    WAITING = "waiting"
    """Complete, and no worker has begun."""
    MAKING = "making"
    DONE = "done"
    """Every row is made, failed or bad."""
    CANCELLED = "cancelled"
    """An admin stopped it; what was made stays."""
    STOPPED = "stopped"
    """The command line ended before its last row; what was made stays."""
    DELETING = "deleting"
    """Deleted: its links have ended, no page knows it, and its rows are on their way out."""


class RowState(StrEnum):
    """Where a row is."""

    WAITING = "waiting"
    WORKING = "working"
    MADE = "made"
    FAILED = "failed"
    """The live check or a format refused it."""
    BAD = "bad"
    """The list says something about it that cannot be used."""
    CANCELLED = "cancelled"


class MailState(StrEnum):
    """Where the mail of a row is; a row that wants none has no state."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNSURE = "unsure"
    """The process died while it was handed over: it may have gone out, so it is not sent again by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChoices:
    """How a list is to be read, where what was found is not right."""

    encoding: str | None = None
    delimiter: str | None = None
    mapped: tuple[tuple[str, Field], ...] = ()
    """Pairs of a column (heading or letter) and what it means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions:
    """What is wanted of a batch. It is kept with the batch, so that a worker or a reprint needs nobody to ask."""

    expires_at: float
    """Of new links, in seconds since the epoch."""
    language: str = "en"
    """Of cards, results and mails."""
    parts: tuple[Part, ...] = tuple(Part)
    layout: Layout = Layout.POSTCARD
    company: str | None = None
    """On the cards, instead of what the domain says."""
    help: str | None = None
    check: bool = False
    """Try each password of the list on the mail servers."""
    check_rate: float = 2.0
    """Log-ins that begin at one server in a second."""
    mail: bool = False
    """Send each person an invitation mail."""
    encoding: str = "utf-8"
    """Codec of the list, in which its bad rows go back."""
    delimiter: str = ","
    headings: tuple[str, ...] = ()
    """The list's own, for the bad rows that go back; empty where it has none."""
    fields: tuple[tuple[Field, int], ...] = ()
    """Which column (counted from 0) each field is in, so that a row that failed later goes back alike."""
