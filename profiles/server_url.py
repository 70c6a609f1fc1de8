"""Server URLs of the command line: `imaps://host:993`, `smtp+starttls://host:587`, with an optional user name."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from profiles.address import to_host
from profiles.model import ADDRESS, DEFAULT_PORTS, Protocol, Server, SocketType
from profiles.problems import Code, Problem

SCHEMES: dict[str, tuple[Protocol, SocketType]] = {
    "imaps": (Protocol.IMAP, SocketType.SSL),
    "imap+starttls": (Protocol.IMAP, SocketType.STARTTLS),
    "pop3s": (Protocol.POP3, SocketType.SSL),
    "pop3+starttls": (Protocol.POP3, SocketType.STARTTLS),
    "smtps": (Protocol.SMTP, SocketType.SSL),
    "smtp+starttls": (Protocol.SMTP, SocketType.STARTTLS),
}


def parse_server_url(text: str, *, place: str) -> tuple[Server | None, tuple[Problem, ...]]:
    """Read one URL. The user name is a template (%EMAILADDRESS% where none is given); the port has its default.

    IP addresses and single-label names are allowed: the command line is the host's own hand. A password in the
    URL is refused, because command lines stand in process lists.
    """
    refused = (
        None,
        (Problem(Code.SERVER_URL_INVALID, {"url": _without_password(text)}, place=place),),
    )
    if not text.isprintable():
        return refused
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        return refused
    kind = SCHEMES.get(parts.scheme.lower())
    hostname = to_host(parts.hostname or "")
    if kind is None or hostname is None or parts.password is not None or port == 0:
        return refused
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        return refused
    username = unquote(parts.username) if parts.username else ADDRESS
    if not username.isprintable():
        return refused
    server = Server(
        protocol=kind[0],
        hostname=hostname,
        port=port or DEFAULT_PORTS[kind],
        socket_type=kind[1],
        username=username,
    )
    return server, ()


def _without_password(text: str) -> str:
    before, at, after = text.rpartition("@")
    if not at:
        return text[:200]
    scheme, separator, _ = before.partition("://")
    return f"{scheme}{separator}…@{after}"[:200]
