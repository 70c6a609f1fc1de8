"""The text of Thunderbird's account QR code (version 1), scanned inside Thunderbird for Android."""

from __future__ import annotations

import json

from profiles.admission import require_both_ways, require_username, sign_in_word
from profiles.model import Artifact, Authentication, MailAccount, Protocol, RenderOptions, Server, SocketType
from profiles.xml_document import require_writable

NAME = "thunderbird-qr"
CONTENT_TYPE = "application/json"

_VERSION = 1
_ONLY_PART = [1, 1]
_PROTOCOLS = {Protocol.IMAP: 0, Protocol.POP3: 1, Protocol.SMTP: 0}
_SECURITY = {SocketType.STARTTLS: 2, SocketType.SSL: 3}
# Android rejects GSSAPI (3) and NTLM (4), and with them the whole code.
_AUTHENTICATION = {
    Authentication.PASSWORD_CLEARTEXT: 1,
    Authentication.PASSWORD_ENCRYPTED: 2,
    Authentication.TLS_CLIENT_CERT: 5,
    Authentication.OAUTH2: 6,
}


def render(account: MailAccount, options: RenderOptions) -> Artifact:
    """Render the JSON text that goes into the code; profiles.qr draws it."""
    require_writable(account.full_name, options.password, options.outgoing_password, usernames=account.usernames)
    incoming, outgoing = require_both_ways(account, NAME)
    require_username(incoming, outgoing)
    identity = [str(account.address), account.full_name]
    # Optional items at the end are left out, never null: the app's reader throws on null.
    reading = [*_server(incoming), *_incoming_extras(options.password)]
    sending = [*_server(outgoing), *_password(options.outgoing_password or options.password)]
    code = [_VERSION, _ONLY_PART, reading, [[sending, identity]]]
    text = json.dumps(code, separators=(",", ":"), ensure_ascii=False)
    filename = f"{account.address.domain}.thunderbird.json"
    return Artifact(data=text.encode(), content_type=CONTENT_TYPE, filename=filename)


def _server(server: Server) -> list[str | int]:
    return [
        _PROTOCOLS[server.protocol],
        server.hostname,
        server.port,
        _SECURITY[server.socket_type],
        sign_in_word(server, _AUTHENTICATION, NAME),
        server.username,
    ]


def _incoming_extras(password: str | None) -> list[str]:
    # The account name stands before the password; "" means that it is the address.
    return ["", password] if password else []


def _password(password: str | None) -> list[str]:
    return [password] if password else []
