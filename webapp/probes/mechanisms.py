"""Which way of signing in is used: one is chosen from what the server offers, and only that one is tried."""

from __future__ import annotations

from profiles.model import Authentication
from profiles.problems import Code
from webapp.probes.dialogue import Failure

PLAIN = "PLAIN"
COMMAND = "command"
"""LOGIN of IMAP, USER and PASS of POP3."""
LOGIN = "LOGIN"
CRAM_MD5 = "CRAM-MD5"
OAUTH = frozenset(("XOAUTH2", "OAUTHBEARER", "XOAUTH"))


def choose(offered: frozenset[str], *, command: bool, instead_of_none: Code) -> str:
    """Return the mechanism to use, in the order phones use them; raise Failure where none is left.

    `command` says whether the protocol's own log-in command may be used. A server that names OAuth and nothing
    else wants OAuth, also where it forgets to forbid the command.
    """
    only_oauth = bool(offered) and offered <= OAUTH
    if PLAIN in offered:
        return PLAIN
    if command and not only_oauth:
        return COMMAND
    for mechanism in (LOGIN, CRAM_MD5):
        if mechanism in offered:
            return mechanism
    raise Failure(_why_none(offered, instead_of_none), params={"offered": " ".join(sorted(offered))})


def authentication(mechanism: str) -> Authentication:
    """The word of autoconfig and of profiles for a mechanism."""
    return Authentication.PASSWORD_ENCRYPTED if mechanism == CRAM_MD5 else Authentication.PASSWORD_CLEARTEXT


def _why_none(offered: frozenset[str], instead_of_none: Code) -> Code:
    if not offered:
        return instead_of_none
    return Code.AUTH_OAUTH_REQUIRED if offered & OAUTH else Code.AUTH_NO_COMMON_MECHANISM
