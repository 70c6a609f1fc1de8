"""User name and password as the protocols send them. They never show in a repr, an exception or a log."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from profiles.problems import Code, Problem, ProblemError

FORBIDDEN = "\r\n\0"
"""Would end a line, or a field of SASL PLAIN, and begin another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A user name and a password that cannot change a dialogue. Make them with `credentials`."""

    username: bytes = field(repr=False)
    password: bytes = field(repr=False)

    @property
    def plain(self) -> bytes:
        """The SASL PLAIN response (UTF-8, so passwords in any script work)."""
        return base64.b64encode(b"\0" + self.username + b"\0" + self.password)

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """Every form in which the password travels, for cutting it out of what a server echoes."""
        return tuple(form for form in (self.plain, _encoded(self.password), self.password) if form)


def credentials(username: str, password: str) -> Credentials:
    """Refuse what could change a dialogue, before any dialogue begins."""
    try:
        made = Credentials(username=username.encode(), password=password.encode())
    except UnicodeEncodeError:
        # Its exception holds the password.
        raise ProblemError(Problem(Code.PASSWORD_UNUSABLE, place="password")) from None
    if not password:
        raise ProblemError(Problem(Code.PASSWORD_MISSING, place="password"))
    if any(sign in password for sign in FORBIDDEN):
        raise ProblemError(Problem(Code.PASSWORD_UNUSABLE, place="password"))
    if any(sign in username for sign in FORBIDDEN):
        raise ProblemError(Problem(Code.VALUE_INVALID, {"value": "username"}, place="username"))
    if not username or "%ASK%" in username:
        raise ProblemError(Problem(Code.USERNAME_MISSING, place="username"))
    return made


Answerer = Callable[[bytes], bytes]


def answers(mechanism: str, who: Credentials) -> Iterator[Answerer]:
    """The answers to a server's challenges (decoded), as base64, in their order."""
    if mechanism == "PLAIN":
        yield lambda _: who.plain
    elif mechanism == "LOGIN":
        yield lambda _: _encoded(who.username)
        yield lambda _: _encoded(who.password)
    else:
        yield lambda challenge: _encoded(who.username + b" " + _cram_md5(who.password, challenge))


def decoded(challenge: bytes) -> bytes:
    """A challenge from its base64; what is none counts as empty."""
    try:
        return base64.b64decode(challenge.strip(), validate=True)
    except ValueError:
        return b""


def _cram_md5(password: bytes, challenge: bytes) -> bytes:
    return hmac.new(password, challenge, "md5").hexdigest().encode()


def _encoded(data: bytes) -> bytes:
    return base64.b64encode(data)
