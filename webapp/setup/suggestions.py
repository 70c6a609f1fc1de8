"""One press instead of typing: what a failed check found to be right instead.

Nothing is offered that the check did not see working (another port, another name of the same server) or that the
refusals do not point to (the id instead of the address). Only for servers that the person may change; those of a
domain or provider are not the employee's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from profiles.address import parse_address, to_ascii
from profiles.model import MailAccount, Protocol, Server, SocketType
from profiles.problems import Problem
from webapp.languages import gettext as _
from webapp.setup.forms import SetupForm

_SIDES = ("incoming", "outgoing")
_KINDS = {SocketType.SSL: "SSL/TLS", SocketType.STARTTLS: "STARTTLS"}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A button: what it says and what it sends."""

    value: str
    words: str


def suggestions(account: MailAccount, problems: Iterable[Problem]) -> tuple[Suggestion, ...]:
    """What the problems of a check point to, each once."""
    return tuple(dict.fromkeys(found for problem in problems for found in _of(account, problem)))


def _of(account: MailAccount, problem: Problem) -> Iterator[Suggestion]:
    username = problem.params.get("suggested_username")
    if username:
        words = _("Try “%(username)s” as the user name", username=username)
        yield Suggestion(f"username {username}", words)
    for side, servers in zip(_SIDES, (account.incoming[:1], account.outgoing[:1]), strict=True):
        for server in servers:
            if problem.server == server.endpoint:
                yield from _of_server(side, server, problem)


def _of_server(side: str, server: Server, problem: Problem) -> Iterator[Suggestion]:
    port, kind = problem.params.get("suggested_port"), problem.params.get("suggested_security")
    if port and kind in set(SocketType):
        values = {"port": port, "security": _KINDS[SocketType(kind)]}
        if server.protocol is Protocol.SMTP:
            words = _("Try the outgoing server with port %(port)s and %(security)s", **values)
        else:
            words = _("Try the incoming server with port %(port)s and %(security)s", **values)
        yield Suggestion(f"{side} {port} {kind}", words)
    host = problem.params.get("suggested_host")
    if host:
        yield Suggestion(f"host {server.hostname} {host}", _("Try the server name %(host)s", host=host))


def apply_suggestion(form: SetupForm, value: str) -> None:
    """Put the pressed suggestion into the form's server fields."""
    what, first, second = (*value.split(" "), "", "", "")[:3]
    if what == "username":
        _sign_in_as(form, first)
    elif what == "host":
        _rename(form, first, second)
    elif what in _SIDES and first.isascii() and first.isdigit() and second in set(SocketType):
        form[f"{what}_port"].data = first
        form[f"{what}_security"].data = second


def _sign_in_as(form: SetupForm, username: str) -> None:
    address, _problems = parse_address(form.address.data or "")
    for side in _SIDES:
        form[f"{side}_username"].data = "" if address is not None and username == str(address) else username


def _rename(form: SetupForm, old: str, new: str) -> None:
    """Both sides of one host: their certificate is the same."""
    for side in _SIDES:
        if to_ascii(form[f"{side}_hostname"].data or "") == old and to_ascii(new) is not None:
            form[f"{side}_hostname"].data = new
