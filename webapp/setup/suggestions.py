"""One press instead of typing: another port or kind of encryption that a failed check points to.

Only for servers that the person typed; the servers of a domain or provider are not the employee's to change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from profiles.model import DEFAULT_PORTS, MailAccount, Protocol, Server, SocketType
from profiles.problems import Code, Problem
from webapp.languages import gettext as _
from webapp.setup.forms import SetupForm

_OTHER_SOCKET = frozenset(
    {
        Code.PORT_SPEAKS_STARTTLS,
        Code.PORT_SPEAKS_TLS,
        Code.STARTTLS_NOT_OFFERED,
        Code.STARTTLS_REFUSED,
        Code.CONNECT_REFUSED,
        Code.CONNECT_TIMEOUT,
        Code.NO_GREETING,
        Code.WRONG_PROTOCOL,
    }
)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A button: what it says and what it sends."""

    value: str
    words: str


def suggestions(account: MailAccount, problems: Iterable[Problem]) -> tuple[Suggestion, ...]:
    """What the problems of a check point to, each once."""
    servers = {"incoming": account.incoming[:1], "outgoing": account.outgoing[:1]}
    found = [
        _other(side, server)
        for problem in problems
        if problem.code in _OTHER_SOCKET
        for side, ours in servers.items()
        for server in ours
        if problem.server == server.endpoint
    ]
    return tuple(dict.fromkeys(found))


def _other(side: str, server: Server) -> Suggestion:
    # A server on an unusual port first gets the usual one; on the usual port the other kind of TLS is likelier.
    usual = DEFAULT_PORTS[server.protocol, server.socket_type]
    socket_type = server.socket_type if server.port != usual else _opposite(server.socket_type)
    port = DEFAULT_PORTS[server.protocol, socket_type]
    kind = "SSL/TLS" if socket_type is SocketType.SSL else "STARTTLS"
    if server.protocol is Protocol.SMTP:
        words = _("Try the outgoing server with port %(port)s and %(security)s", port=port, security=kind)
    else:
        words = _("Try the incoming server with port %(port)s and %(security)s", port=port, security=kind)
    return Suggestion(f"{side} {port} {socket_type}", words)


def _opposite(socket_type: SocketType) -> SocketType:
    return SocketType.STARTTLS if socket_type is SocketType.SSL else SocketType.SSL


def apply_suggestion(form: SetupForm, value: str) -> None:
    """Put the pressed suggestion into the form's server fields."""
    side, port, socket_type = (*value.split(" "), "", "", "")[:3]
    if side in ("incoming", "outgoing") and port.isdigit() and socket_type in set(SocketType):
        form[f"{side}_port"].data = port
        form[f"{side}_security"].data = socket_type
