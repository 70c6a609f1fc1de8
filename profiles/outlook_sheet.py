"""The values in Outlook's own wording, for each Outlook: it takes no file for IMAP, so people type them."""

from __future__ import annotations

from enum import StrEnum

from profiles.admission import require_both_ways
from profiles.model import MailAccount, Protocol, RenderOptions, Server, SocketType
from profiles.problems import N_
from profiles.settings_sheet import MAIL_ADDRESS, NAME, PASSWORD, Row, Section, password_word, username_row


class Outlook(StrEnum):
    """The Outlooks that ask in different words."""

    CLASSIC = "classic"
    """Outlook 2016 to 2024 and classic Outlook of Microsoft 365."""
    NEW = "new"
    """New Outlook for Windows, Outlook for Mac, iOS and Android: they send the password to Microsoft's cloud."""


ACCOUNT_TYPE = N_("Account type")
INCOMING_MAIL = N_("Incoming mail")
OUTGOING_MAIL = N_("Outgoing mail")
OUTLOOK_SERVER = N_("Server")
OUTLOOK_PORT = N_("Port")
ENCRYPTION_METHOD = N_("Encryption method")
SPA = N_("Require logon using Secure Password Authentication (SPA)")
OUTGOING_AUTHENTICATION = N_("My outgoing (SMTP) server requires authentication")
USERNAME = N_("User Name")
SWITCH_ON = N_("On")
SWITCH_OFF = N_("Off")

IMAP_SERVER = N_("IMAP incoming server")
POP_SERVER = N_("POP incoming server")
SMTP_SERVER = N_("SMTP outgoing server")
SECURE_CONNECTION = N_("Secure connection type")
IMAP_USERNAME = N_("IMAP username")
POP_USERNAME = N_("POP username")
SMTP_USERNAME = N_("SMTP username")

_TYPES = {Protocol.IMAP: "IMAP", Protocol.POP3: "POP"}
_ENCRYPTION = {SocketType.SSL: "SSL/TLS", SocketType.STARTTLS: "STARTTLS"}


def sections(account: MailAccount, options: RenderOptions, outlook: Outlook) -> tuple[Section, ...]:
    """What to type into one Outlook, in its order and its words."""
    incoming, outgoing = require_both_ways(account, NAME)
    words = _CLASSIC if outlook is Outlook.CLASSIC else _NEW[incoming.protocol]
    say = options.translate
    return (
        _account(account, options, incoming),
        Section(
            key="incoming",
            title=say(INCOMING_MAIL),
            rows=(*_server("incoming", incoming, words[0], options), *_switches("incoming", outlook, options)),
        ),
        Section(
            key="outgoing",
            title=say(OUTGOING_MAIL),
            rows=(*_server("outgoing", outgoing, words[1], options), *_switches("outgoing", outlook, options)),
        ),
    )


_Words = tuple[str, str, str, str]
_CLASSIC_SERVER: _Words = (OUTLOOK_SERVER, OUTLOOK_PORT, ENCRYPTION_METHOD, USERNAME)
_CLASSIC = (_CLASSIC_SERVER, _CLASSIC_SERVER)
_NEW_OUTGOING: _Words = (SMTP_SERVER, OUTLOOK_PORT, SECURE_CONNECTION, SMTP_USERNAME)
_NEW: dict[Protocol, tuple[_Words, _Words]] = {
    Protocol.IMAP: ((IMAP_SERVER, OUTLOOK_PORT, SECURE_CONNECTION, IMAP_USERNAME), _NEW_OUTGOING),
    Protocol.POP3: ((POP_SERVER, OUTLOOK_PORT, SECURE_CONNECTION, POP_USERNAME), _NEW_OUTGOING),
}


def _account(account: MailAccount, options: RenderOptions, incoming: Server) -> Section:
    say = options.translate
    return Section(
        key="account",
        title=str(account.address),
        rows=(
            Row(key="account.address", label=say(MAIL_ADDRESS), value=str(account.address)),
            Row(key="account.type", label=say(ACCOUNT_TYPE), value=_TYPES[incoming.protocol], copyable=False),
            Row(
                key="account.password",
                label=say(PASSWORD),
                value=password_word(account, options),
                copyable=False,
            ),
        ),
    )


def _server(key: str, server: Server, words: _Words, options: RenderOptions) -> tuple[Row, ...]:
    say = options.translate
    host, port, security, username = words
    return (
        Row(key=f"{key}.hostname", label=say(host), value=server.hostname),
        Row(key=f"{key}.port", label=say(port), value=str(server.port)),
        Row(
            key=f"{key}.socketType",
            label=say(security),
            value=_ENCRYPTION[server.socket_type],
            copyable=False,
        ),
        username_row(key, say(username), server.username, options),
    )


def _switches(key: str, outlook: Outlook, options: RenderOptions) -> tuple[Row, ...]:
    if outlook is not Outlook.CLASSIC:
        return ()
    say = options.translate
    spa = Row(key=f"{key}.spa", label=say(SPA), value=say(SWITCH_OFF), copyable=False)
    if key == "incoming":
        return (spa,)
    authentication = say(OUTGOING_AUTHENTICATION)
    return (
        spa,
        Row(key=f"{key}.authentication", label=authentication, value=say(SWITCH_ON), copyable=False),
    )
