"""IMAP or POP3: a recommendation out of a few answers, with its reasons.

IMAP keeps mail on the server and shows every device the same; POP3 moves it to one device. So POP3 is advised only
where one device reads the mailbox alone and the server cannot keep the mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from profiles.model import Protocol
from profiles.problems import N_


class Devices(StrEnum):
    """How many devices read the mailbox."""

    ONE = "one"
    SEVERAL = "several"


class Offline(StrEnum):
    """Whether old mail must be readable without the network."""

    NO = "no"
    YES = "yes"


class Space(StrEnum):
    """How much the mailbox on the server holds."""

    PLENTY = "plenty"
    SCARCE = "scarce"


class Backup(StrEnum):
    """Who keeps a copy of the mail."""

    SERVER = "server"
    OWN = "own"


class Shared(StrEnum):
    """Whether others read the same mailbox."""

    NO = "no"
    YES = "yes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a person answered; the defaults are the most common answers."""

    devices: Devices = Devices.SEVERAL
    offline: Offline = Offline.NO
    space: Space = Space.PLENTY
    backup: Backup = Backup.SERVER
    shared: Shared = Shared.NO


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """The recommendation; reasons and cautions are msgids."""

    protocol: Protocol
    reasons: tuple[str, ...]
    cautions: tuple[str, ...] = ()


SAME_EVERYWHERE = N_("With IMAP every device shows the same mail, read marks and folders.")
SHARED_STATE = N_("With IMAP everybody who shares the mailbox sees what is read and answered.")
SAFE_ON_SERVER = N_("With IMAP a lost or broken device loses no mail.")
OFFLINE_TOO = N_("With IMAP mail can be read offline too: apps keep a copy on the device.")
MAKES_ROOM = N_("POP3 moves mail from the server to your device, so a small mailbox does not fill up.")
OWN_COPY = N_("POP3 keeps your mail as files of your own on one device.")
READS_OFFLINE = N_("With POP3 all mail is on the device and needs no network.")

MIND_THE_SPACE = N_(
    "The mailbox is small: archive or delete large mails in time, or ask for more space. Hagaki shows how full it"
    " is."
)
ARCHIVE_AS_WELL = N_("For a copy of your own, let one computer keep an archive besides IMAP.")
KEEP_ALL_OFFLINE = N_("In the mail app, choose to keep all mail on the device, not only that of the last days.")
BACK_UP = N_("Back the device up: with POP3 the mail is nowhere else.")
LEAVE_SOME_DAYS = N_("Let the app leave mail on the server for some days, in case the device breaks.")
ONE_DEVICE_ONLY = N_("When a second device comes, change to IMAP first: POP3 would take mail away from it.")


def advise(situation: Situation) -> Advice:
    """Recommend a protocol."""
    alone = situation.devices is Devices.ONE and situation.shared is Shared.NO
    if alone and Space.SCARCE is situation.space:
        return _pop3(situation, MAKES_ROOM)
    if alone and Backup.OWN is situation.backup and Offline.YES is situation.offline:
        return _pop3(situation, OWN_COPY)
    return _imap(situation)


def _pop3(situation: Situation, first: str) -> Advice:
    offline = (READS_OFFLINE,) if situation.offline is Offline.YES else ()
    # Where there is room, mail may stay for some days; else it would fill the mailbox all the same.
    leave = (LEAVE_SOME_DAYS,) if situation.space is Space.PLENTY else ()
    return Advice(protocol=Protocol.POP3, reasons=(first, *offline), cautions=(BACK_UP, *leave, ONE_DEVICE_ONLY))


def _imap(situation: Situation) -> Advice:
    reasons = [SAFE_ON_SERVER]
    if situation.devices is Devices.SEVERAL:
        reasons.insert(0, SAME_EVERYWHERE)
    if situation.shared is Shared.YES:
        reasons.insert(0, SHARED_STATE)
    cautions = []
    if situation.offline is Offline.YES:
        reasons.append(OFFLINE_TOO)
        cautions.append(KEEP_ALL_OFFLINE)
    if situation.space is Space.SCARCE:
        cautions.append(MIND_THE_SPACE)
    if situation.backup is Backup.OWN:
        cautions.append(ARCHIVE_AS_WELL)
    return Advice(protocol=Protocol.IMAP, reasons=tuple(reasons), cautions=tuple(cautions))
