"""A letter to one employee, and the message it becomes: text and HTML that say the same."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from email import policy
from email.header import Header
from email.message import EmailMessage
from email.utils import format_datetime, quote
from enum import StrEnum

from profiles.address import Address, parse_address

MOST_NAME = 100
POLICY = policy.SMTP.clone(refold_source="none")
"""Headers go as they are written here: email.headerregistry divides long names with blanks in them, and takes a
name that looks like an encoded word for one (both seen with Python 3.11)."""
_ADDRESS = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+[A-Za-z0-9]")
_JOINERS = "\u200c\u200d"
"""Some scripts cannot be written without them; every other invisible sign is left out."""


class Kind(StrEnum):
    """Why a letter is written."""

    INVITATION = "invitation"
    REMINDER = "reminder"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """All that a mail says. Nothing here opens a mailbox by itself: no password, no PIN."""

    kind: Kind
    language: str
    sender: Address
    company: str
    recipient: Address
    """Where it goes; often not the address that is set up."""
    reference: bytes
    """The same for the same letter, so that a mail server that gets it twice can tell."""
    address: Address | None = None
    """The mailbox that is set up."""
    full_name: str = ""
    link: str = field(default="", repr=False)
    expires_at: datetime | None = None
    timezone: tzinfo | None = None
    number: str = ""
    """Of the card, as the help desk hears it: `402-0137`."""
    help: str = ""
    needs_pin: bool = False
    """The link asks for a PIN, which travels another way."""

    @property
    def message_id(self) -> str:
        """Derived, never random."""
        digest = hashlib.sha256(b"hagaki mail " + self.reference).hexdigest()[:32]
        return f"<{self.kind}.{digest}@{self.sender.domain}>"


def compose(letter: Letter, *, now: datetime) -> EmailMessage:
    """Write the message."""
    from webapp.mails.markup import page
    from webapp.mails.plain import text
    from webapp.mails.words import contents

    said = contents(letter)
    message = EmailMessage(policy=POLICY)
    message.set_raw("From", _mailbox("From", letter.company, letter.sender))
    message.set_raw("To", _mailbox("To", letter.full_name, letter.recipient))
    reply_to = _reply_to(letter.help)
    if reply_to is not None:
        message["Reply-To"] = str(reply_to)
    message.set_raw("Subject", _encoded("Subject", shown(said.subject, 2 * MOST_NAME)))
    message["Date"] = format_datetime(now.astimezone(letter.timezone) if letter.timezone else now)
    message["Message-ID"] = letter.message_id
    # No vacation note and no ticket may answer (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    # Seven bits everywhere: no relay has to convert anything.
    encoding = "base64" if letter.language == "ja" else "quoted-printable"
    message.set_content(text(said, letter.language), cte=encoding)
    message.add_alternative(page(said, letter.language), subtype="html", cte=encoding)
    message["Content-Language"] = letter.language
    return message


def shown(words: str, limit: int = MOST_NAME) -> str:
    """Words from a list or a setting as a mail may show them: one line, no sign that is not seen."""
    return " ".join("".join(_visible(sign) for sign in unicodedata.normalize("NFC", words)).split())[:limit]


def _visible(sign: str) -> str:
    category = unicodedata.category(sign)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    # Direction marks could turn a name, and what stands beside it, around.
    return "" if category in ("Cf", "Cs", "Co", "Cn") and sign not in _JOINERS else sign


def _mailbox(header: str, name: str, address: Address) -> str:
    words = shown(name)
    if not words:
        return address.path
    plain = words.isascii() and "=?" not in words
    written = f'"{quote(words)}"' if plain else _encoded(header, words)
    return f"{written}\r\n <{address.path}>"


def _encoded(header: str, words: str) -> str:
    """Words of any language in a header, divided into lines."""
    charset = "us-ascii" if words.isascii() and "=?" not in words else "utf-8"
    return Header(words, charset, maxlinelen=76, header_name=header).encode(linesep="\r\n")


def _reply_to(help_desk: str) -> Address | None:
    found = _ADDRESS.search(help_desk)
    return parse_address(found[0])[0] if found else None
