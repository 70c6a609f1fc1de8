"""What a server's refusal means: one ordered table from replies to codes, first match wins.

A response code alone never suffices (Microsoft sends 535 for eight causes), so explicit words come first, then
limits, then the codes of RFC 5530, RFC 3206 and the enhanced SMTP codes. Where the texts come from: real Dovecot
and Postfix, the sources of Exim, Cyrus, Courier and OpenSMTPD, and public reports for the providers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from profiles.problems import Code

TEXT_LIMIT = 200
_SCAN_LIMIT = 4096
HIDDEN = "•••"


class Situation(StrEnum):
    """When the server said no; the same words can mean something else at another time."""

    GREETING = "greeting"
    STARTTLS = "starttls"
    LOGIN = "login"
    MAILBOX = "mailbox"
    SUBMIT = "submit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A refusal: status (NO, BAD, BYE, -ERR or three digits), its code, its words."""

    status: str
    code: str = ""
    """Response code (AUTHENTICATIONFAILED, SYS/TEMP) or enhanced status code (5.7.8)."""
    text: str = ""
    """Without status and code; several lines joined."""

    @property
    def shown(self) -> str:
        """As the server said it."""
        code = f"[{self.code}]" if self.code and not self.status.isdigit() else self.code
        return " ".join(part for part in (self.status, code, self.text) if part)


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: every part that is given must match."""

    verdict: Code
    words: str = ""
    codes: str = ""
    """Response or enhanced codes, in full."""
    status: str = ""
    hosts: str = ""
    """Only for servers of these names."""

    def matches(self, reply: Reply, host: str) -> bool:
        """Whether this row speaks of `reply`."""
        return (
            _found(self.words, reply.text[:_SCAN_LIMIT])
            and _whole(self.codes, reply.code)
            and _whole(self.status, reply.status)
            and _whole(self.hosts, host)
        )


def _found(pattern: str, text: str) -> bool:
    return not pattern or re.search(pattern, text, re.IGNORECASE) is not None


def _whole(pattern: str, text: str) -> bool:
    return not pattern or re.fullmatch(pattern, text, re.IGNORECASE) is not None


_MICROSOFT = r"(.+\.)?(outlook|office|office365|hotmail|live)\.com"

# explicit words: they name the cause whatever the code is
EXPLICIT = (
    Rule(Code.AUTH_APP_PASSWORD, r"app(lication)?[- ]?(specific)?[- ]?password|authori[sz]ation code"),
    Rule(Code.AUTH_APP_PASSWORD, status="534", codes=r"5\.7\.9"),
    Rule(Code.AUTH_WEB_LOGIN, r"log ?in (via|with|using) your (web )?browser|web login required|WEBALERT"),
    Rule(Code.AUTH_WEB_LOGIN, status="534", codes=r"5\.7\.14"),
    Rule(Code.AUTH_SMTP_DISABLED, r"SmtpClientAuthentication is disabled"),
    Rule(Code.AUTH_SMTP_DISABLED, r"unrecogni[sz]ed authentication type", codes=r"5\.7\.4"),
    Rule(Code.AUTH_OAUTH_REQUIRED, r"basic auth(entication)? is disabled"),
    Rule(
        Code.AUTH_WRONG_PASSWORD_OR_DISABLED,
        r"invalid credentials or (imap|pop3?|smtp) is disabled|does not have access rights to this service",
    ),
    Rule(Code.AUTH_POLICY, r"\bpolic(y|ies)\b|did not meet the criteria|unsafe login"),
    Rule(Code.AUTH_PROTOCOL_DISABLED, r"not enabled for (imap|pop)|(yet to|please) enable (imap|pop)"),
    Rule(Code.AUTH_PROTOCOL_DISABLED, r"authenticated but not connected"),
    Rule(
        Code.AUTH_PROTOCOL_DISABLED,
        r"(imap|pop3?)4?( access| service| protocol)? (is |has been )?"
        r"(disabled|not enabled|turned off|not allowed)",
    ),
    Rule(
        Code.AUTH_SMTP_DISABLED,
        r"smtp( auth\w*| access| service)? (is |has been )?(disabled|not enabled|turned off)",
    ),
    Rule(Code.AUTH_OAUTH_REQUIRED, r"^(LOGIN|AUTHENTICATE) failed\.?$", status="NO", hosts=_MICROSOFT),
)

# limits and blocks: waiting helps, another password does not
LIMITS = (
    Rule(
        Code.AUTH_CONNECTION_LIMIT,
        r"too many (simultaneous |concurrent |open )?(connections|sessions)"
        r"|number of connections|connection limit",
    ),
    Rule(
        Code.AUTH_RATE_LIMITED,
        r"rate limit|too many (bad |failed |invalid |unsuccessful )?(auth|log[- ]?in|attempt|password)"
        r"|(bandwidth|command|frequency) limit|login frequency|too (often|frequently|fast)",
    ),
    Rule(Code.AUTH_RATE_LIMITED, r"account (is )?locked", codes=r"5\.7\.139"),
    Rule(Code.AUTH_RATE_LIMITED, codes="LIMIT|LOGIN-DELAY"),
    Rule(
        Code.AUTH_IP_BLOCKED,
        r"blocked using|\byour (ip|host|network)\b.*(block|bann|den|reject|list)|block ?list|black ?list|spamhaus"
        r"|\bip (address )?\S* ?(is |has been )?(blocked|banned|denied|not allowed)|(foreign|your) country|海外",
    ),
    Rule(Code.AUTH_IP_BLOCKED, r"blocked", status="BYE|554|550"),
)

# what account, password and server are said to be
ACCOUNT = (
    Rule(Code.AUTH_PASSWORD_EXPIRED, codes="EXPIRED"),
    Rule(Code.AUTH_PASSWORD_EXPIRED, r"password (is |has |was )?expired|password transition|change your password"),
    Rule(Code.AUTH_ACCOUNT_LOCKED, r"(account|user|mailbox) (is |has been |was )?(temporarily )?lock|locked out"),
    Rule(Code.AUTH_ACCOUNT_DISABLED, codes="CONTACTADMIN"),
    Rule(
        Code.AUTH_ACCOUNT_DISABLED,
        r"\b(account|user|mailbox)\b.{0,20}\b(disabled|suspended|inactive|deactivated|not active|closed)\b",
    ),
    Rule(Code.AUTH_NEEDS_TLS, codes="PRIVACYREQUIRED"),
    Rule(Code.AUTH_NEEDS_TLS, status="538"),
    Rule(
        Code.AUTH_NEEDS_TLS,
        r"starttls command first|(tls|encryption) (is )?required|without ssl|non-secure|under a layer",
    ),
    Rule(Code.AUTH_NOT_AUTHORIZED, codes="AUTHORIZATIONFAILED"),
    Rule(Code.AUTH_NO_COMMON_MECHANISM, r"(unsupported|invalid|unknown|unrecogni[sz]ed) auth\w* (mechanism|type)"),
    Rule(Code.AUTH_NO_COMMON_MECHANISM, r"mechanism (is )?(too weak|not (supported|available))"),
    Rule(Code.AUTH_NO_COMMON_MECHANISM, status="504"),
    Rule(Code.AUTH_NOT_OFFERED, r"authentication not enabled|auth\w* .*when not advertised"),
    Rule(Code.AUTH_NOT_OFFERED, status="502|503"),
)

LOGIN = (
    *EXPLICIT,
    *LIMITS,
    # before the words: "mailbox locked by another session" is no locked account
    Rule(Code.AUTH_TEMPORARY, codes="UNAVAILABLE|INUSE|IN-USE|SYS/TEMP|SERVERBUG"),
    *ACCOUNT,
    Rule(Code.SERVER_UNAVAILABLE, status="BYE"),
    Rule(Code.AUTH_TEMPORARY, status=r"4\d\d"),
    Rule(Code.AUTH_TEMPORARY, r"temporar(y|ily) (auth|fail|unavail|error|problem)|connection lost to auth"),
    Rule(Code.AUTH_TEMPORARY, r"internal (server )?error|try again later", codes="|SYS/PERM|ALERT"),
    Rule(Code.AUTH_WRONG_PASSWORD, codes="AUTHENTICATIONFAILED|AUTH"),
    Rule(Code.AUTH_WRONG_PASSWORD, status="535|NO|-ERR"),
    Rule(
        Code.AUTH_WRONG_PASSWORD, r"auth\w* (failed|failure|unsuccessful)|invalid (login|user|pass|cred)|incorrect"
    ),
)

GREETING = (
    *LIMITS,
    Rule(Code.SERVER_UNAVAILABLE),
)

MAILBOX = (
    *EXPLICIT,
    *LIMITS,
    Rule(Code.MAILBOX_UNAVAILABLE),
)

SUBMIT = (
    Rule(Code.SMTP_MAILBOX_FULL, codes=r"[45]\.2\.2"),
    Rule(Code.SMTP_SIZE_LIMIT, codes=r"5\.3\.4|5\.2\.3"),
    Rule(Code.SMTP_SIZE_LIMIT, r"message size"),
    Rule(Code.SMTP_MAILBOX_FULL, r"(mail)?box (is )?full|over ?quota|quota exceeded|storage", status="[45]5[0-4]"),
    Rule(Code.AUTH_NOT_OFFERED, r"not logged in|relay(ing)? (access )?(denied|not permitted)|unable to relay"),
    Rule(Code.AUTH_NOT_OFFERED, status="530"),
    Rule(
        Code.SMTP_SENDER_REFUSED,
        r"sender address|not owned by|send as|sender (is )?(not|verify|denied|rejected|refused)|envelope",
        status=r"5\d\d",
    ),
    Rule(Code.SMTP_SENDER_REFUSED, codes=r"5\.7\.60|5\.1\.[78]"),
    Rule(Code.AUTH_RATE_LIMITED, r"(daily|hourly|sending) (\w+ )?(limit|quota)"),
    *LIMITS,
    Rule(Code.SERVER_UNAVAILABLE, status="421"),
    Rule(Code.SMTP_GREYLISTED, status=r"4\d\d"),
)

_TABLES: dict[Situation, tuple[tuple[Rule, ...], Code]] = {
    Situation.GREETING: (GREETING, Code.SERVER_UNAVAILABLE),
    Situation.STARTTLS: ((), Code.STARTTLS_REFUSED),
    Situation.LOGIN: (LOGIN, Code.SERVER_SAID_NO),
    Situation.MAILBOX: (MAILBOX, Code.MAILBOX_UNAVAILABLE),
    Situation.SUBMIT: (SUBMIT, Code.SERVER_SAID_NO),
}


def verdict(reply: Reply, situation: Situation, host: str = "") -> Code:
    """Return the code of a refusal; words that no row knows get the nearest one of the situation."""
    rules, otherwise = _TABLES[situation]
    return next((rule.verdict for rule in rules if rule.matches(reply, host)), otherwise)


def clean(text: str, secrets: Iterable[bytes] = ()) -> str:
    """Make a server's words fit to show: no control or direction signs, one line, at most 200 characters.

    A server that echoes the password does not get it onto a page or into a log.
    """
    for secret in secrets:
        text = text.replace(secret.decode("utf-8", "replace"), HIDDEN)
    plain = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in text[:_SCAN_LIMIT])
    return " ".join(plain.split())[:TEXT_LIMIT]
