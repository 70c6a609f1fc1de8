"""The accounts of the test servers: one person for every state that an account can be in."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from enum import StrEnum

DOMAIN = "example.com"


class State(StrEnum):
    """What is special about an account on the servers."""

    NORMAL = "normal"
    DISABLED = "disabled"  # in the deny list of every service
    IMAP_OFF = "imap-off"  # in the deny list of IMAP and POP3 only
    SMTP_OFF = "smtp-off"  # in the deny list of SMTP only
    NO_LOGIN = "no-login"  # nologin with a reason
    TEMPORARY = "temporary"  # the password database is broken
    NOT_OWNER = "not-owner"  # SMTP says the address belongs to somebody else
    BROKEN = "broken"  # logs in, but the mailbox cannot be opened
    PREFIX = "prefix"  # every folder stands below INBOX.
    UNSUBSCRIBED = "unsubscribed"  # has folders that it is not subscribed to


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One account. `username` differs from the address where the server wants an id."""

    address: str
    password: str
    state: State = State.NORMAL
    login: str | None = None
    quota_kilobytes: int | None = None
    used_kilobytes: int = 0

    @property
    def username(self) -> str:
        """What the servers call this person."""
        return self.login or self.address

    @property
    def hashed_password(self) -> str:
        """The password as a passwd-file holds it: base64, so that any sign may be in it."""
        return "{PLAIN.b64}" + b64encode(self.password.encode()).decode()


WRONG = "not the password 0"
"""A password that nobody has."""

NO_LOGIN_REASON = "Account-closed-on-2026-10-01"
FULL_QUOTA = 1000

PEOPLE: dict[str, Person] = {
    "normal": Person(address="taro@example.com", password="correct horse 9"),
    "second": Person(address="jiro@example.com", password="another one 7"),
    "japanese": Person(address="hanako@example.jp", password="yamada 0123"),
    "kanji": Person(address="kanji@example.com", password="秘密の合言葉"),
    "percent": Person(address="percent@example.com", password="100%s%d%%(x)s %41"),
    "quote": Person(address="quote@example.com", password='a"b\\c\'d""\\\\'),
    "euro": Person(address="euro@example.com", password="10€ für alle"),
    "spaces": Person(address="spaces@example.com", password="  two before, one after "),
    "braces": Person(address="braces@example.com", password="{5}\\r\\n* OK {0+}:;#=&?"),
    "long": Person(address="long@example.com", password="Lg7-" * 60),
    "id": Person(address="sakura@example.com", password="by her id 3", login="sakura"),
    "disabled": Person(address="disabled@example.com", password="was fine 1", state=State.DISABLED),
    "imap-off": Person(address="imap-off@example.com", password="smtp only 2", state=State.IMAP_OFF),
    "smtp-off": Person(address="smtp-off@example.com", password="imap only 3", state=State.SMTP_OFF),
    "no-login": Person(address="closed@example.com", password="was fine 4", state=State.NO_LOGIN),
    "temporary": Person(address="temporary@example.com", password="is fine 5", state=State.TEMPORARY),
    "not-owner": Person(address="notowner@example.com", password="sends as no one 6", state=State.NOT_OWNER),
    "broken": Person(address="broken@example.com", password="mailbox broken 7", state=State.BROKEN),
    "prefix": Person(address="prefix@example.com", password="below inbox 8", state=State.PREFIX),
    "unsubscribed": Person(address="unsubscribed@example.com", password="not shown 9", state=State.UNSUBSCRIBED),
    "quota-75": Person(
        address="quota75@example.com", password="three quarters", quota_kilobytes=FULL_QUOTA, used_kilobytes=750
    ),
    "quota-85": Person(
        address="quota85@example.com", password="getting full", quota_kilobytes=FULL_QUOTA, used_kilobytes=850
    ),
    "quota-full": Person(
        address="full@example.com", password="full to the brim", quota_kilobytes=FULL_QUOTA, used_kilobytes=1000
    ),
}
UNSUBSCRIBED_FOLDERS = ("Projekte", "2025")
