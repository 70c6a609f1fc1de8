"""What a format can hold: the refusals that renderers share.

A renderer never bends an account to fit. What its format cannot say is a Problem with a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from profiles.model import ASK, Authentication, MailAccount, Server
from profiles.problems import N_, Code, Problem, ProblemError

Word = TypeVar("Word")

NEEDS_OAUTH = N_("the service signs in on a web page only, which this format cannot describe")
NEEDS_STARTTLS_FOR_READING = N_("the format cannot ask for STARTTLS when mail is read; it needs port 993 or 995")
NEEDS_DIRECT_TLS = N_("the format knows only TLS from the start on ports 993, 995 and 465")
NEEDS_FULL_ADDRESS = N_("the format knows only the full address as user name")
NEEDS_BOTH_WAYS = N_("the account lacks a server to read mail from or one to send mail through")
NEEDS_KNOWN_SIGN_IN = N_("the format has no word for the way this server lets people in")


def refusal(format_name: str, reason: str, server: Server | None = None) -> ProblemError:
    """The error of a format that cannot hold an account; `reason` is a text marked with N_."""
    place = None if server is None else server.endpoint
    return ProblemError(Problem(Code.FORMAT_CANNOT_HOLD, {"format": format_name, "reason": reason}, server=place))


def require_both_ways(account: MailAccount, format_name: str) -> tuple[Server, Server]:
    """The chosen incoming and outgoing server; an account that was checked for one service only has no other."""
    if not account.incoming or not account.outgoing:
        raise refusal(format_name, NEEDS_BOTH_WAYS)
    return account.incoming_server, account.outgoing_server


def require_username(*servers: Server) -> None:
    """Refuse user names that still have to be asked for."""
    for server in servers:
        if ASK in server.username:
            raise ProblemError(Problem(Code.USERNAME_MISSING, {"server": server.endpoint}, server=server.endpoint))


def sign_in_word(server: Server, words: Mapping[Authentication, Word], format_name: str) -> Word:
    """The format's word for how to sign in.

    The plain password wins wherever the server takes it: inside TLS nothing is gained by the older schemes, and
    "password-encrypted" does not say whether the server means CRAM-MD5 or SCRAM.
    """
    if Authentication.PASSWORD_CLEARTEXT in server.authentication:
        return words[Authentication.PASSWORD_CLEARTEXT]
    for way in server.authentication:
        if way in words:
            return words[way]
    raise refusal(format_name, NEEDS_OAUTH if server.needs_oauth else NEEDS_KNOWN_SIGN_IN, server)
