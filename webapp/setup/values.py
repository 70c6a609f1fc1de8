"""The servers of an account in the words of each app that takes them by hand, one value per row.

Outlook's words are in profiles/outlook_sheet.py, the general ones in profiles/settings_sheet.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from profiles.model import MailAccount, Protocol, RenderOptions, Server, SocketType
from profiles.outlook_sheet import Outlook
from profiles.outlook_sheet import sections as outlook_sections
from profiles.settings_sheet import Row, Section
from profiles.settings_sheet import sections as all_sections

_SERVICES = ("incoming", "outgoing")
_DAV = ("calendar", "addressbook")

TITLES: Mapping[Protocol, LazyString] = {
    Protocol.IMAP: _l("Incoming server (IMAP)"),
    Protocol.POP3: _l("Incoming server (POP3)"),
    Protocol.SMTP: _l("Outgoing server (SMTP)"),
}


@dataclass(frozen=True, slots=True)
class Wording:
    """How one app names the rows, in its order, and what it calls each kind of security."""

    incoming: tuple[tuple[str, LazyString], ...]
    outgoing: tuple[tuple[str, LazyString], ...]
    security: Mapping[SocketType, LazyString | str]


_PLAIN: Mapping[SocketType, LazyString | str] = {SocketType.SSL: "SSL/TLS", SocketType.STARTTLS: "STARTTLS"}
_USERNAME = ("username", _l("Username"))
_PORT = ("port", _l("Port"))
_SECURITY_TYPE = ("security", _l("Security type"))
_THUNDERBIRD_ROWS = (
    ("hostname", _l("Hostname")),
    _PORT,
    ("security", _l("Connection security")),
    ("authentication", _l("Authentication method")),
    _USERNAME,
)
_EVOLUTION_ROWS = (
    ("hostname", _l("Server")),
    _PORT,
    _USERNAME,
    ("security", _l("Encryption method")),
)

PHONE = Wording(
    (_USERNAME, ("hostname", _l("Server")), _PORT, _SECURITY_TYPE),
    (("hostname", _l("SMTP server")), _PORT, _SECURITY_TYPE, _USERNAME),
    _PLAIN,
)
"""Gmail's app, which Samsung Email and others resemble."""
THUNDERBIRD = Wording(_THUNDERBIRD_ROWS, _THUNDERBIRD_ROWS, _PLAIN)
EVOLUTION = Wording(
    _EVOLUTION_ROWS,
    _EVOLUTION_ROWS,
    {SocketType.SSL: _l("TLS on a dedicated port"), SocketType.STARTTLS: _l("STARTTLS after connecting")},
)


def by_hand(account: MailAccount, wording: Wording) -> tuple[Section, ...]:
    """Both servers in one app's words."""
    incoming = tuple(_section("incoming", server, wording) for server in account.incoming[:1])
    return incoming + tuple(_section("outgoing", server, wording) for server in account.outgoing[:1])


def outlook(account: MailAccount, kind: Outlook, options: RenderOptions) -> tuple[Section, ...]:
    """Both servers in the words of one Outlook."""
    return tuple(s for s in outlook_sections(account, options, kind) if s.key in _SERVICES)


def calendars(account: MailAccount, options: RenderOptions) -> tuple[Section, ...]:
    """Calendar and contacts, where the domain has them."""
    return tuple(section for section in all_sections(account, options) if section.key in _DAV)


def _section(key: str, server: Server, wording: Wording) -> Section:
    found: Mapping[str, str] = {
        "username": server.username,
        "hostname": server.hostname,
        "port": str(server.port),
        "security": str(wording.security[server.socket_type]),
        "authentication": str(_l("Normal password")),
    }
    rows = wording.outgoing if server.protocol is Protocol.SMTP else wording.incoming
    typed = ("username", "hostname", "port")
    return Section(
        key=key,
        title=str(TITLES[server.protocol]),
        rows=tuple(
            Row(key=f"{key}.{what}", label=str(label), value=found[what], copyable=what in typed)
            for what, label in rows
        ),
    )
