"""A letter to an invented person, and the message it becomes as a recipient's program reads it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any
from zoneinfo import ZoneInfo

from profiles.address import Address
from webapp.mails import Kind, Letter, compose

NOW = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
LINK = "https://m.corp.example/s/dGhpcyBpcyBhIHRva2Vu8w"
LETTER = Letter(
    kind=Kind.INVITATION,
    language="ja",
    sender=Address("hagaki", "corp.example"),
    company="株式会社サンプル",
    recipient=Address("taro.private", "mail.example"),
    reference=b"row 1",
    address=Address("taro.yamada", "corp.example"),
    full_name="山田 太郎",
    link=LINK,
    expires_at=datetime(2026, 12, 31, 14, 59, tzinfo=UTC),
    timezone=ZoneInfo("Asia/Tokyo"),
    number="402-0137",
    help="情報システム部 内線100 help@corp.example",
)


def written(**changes: Any) -> bytes:
    """The bytes of the letter with these changes."""
    return compose(replace(LETTER, **changes), now=NOW).as_bytes()


def read(data: bytes) -> EmailMessage:
    """The message as a mail program parses it."""
    message = BytesParser(policy=policy.default).parsebytes(data)
    assert isinstance(message, EmailMessage)
    return message


def message(**changes: Any) -> EmailMessage:
    """Written and read again."""
    return read(written(**changes))


def text_of(found: EmailMessage, kind: str = "plain") -> str:
    """One of its two parts."""
    part = found.get_body((kind,))
    assert part is not None
    content: str = part.get_content()
    return content.replace("\r\n", "\n")
