"""What each client takes from an autoconfig document, and what makes it refuse (from the clients' own code)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from profiles.address import Address, to_ascii
from profiles.model import ADDRESS as WHOLE_ADDRESS
from profiles.model import DOMAIN, LOCAL_PART, Protocol, Server, SocketType, fill_username
from profiles.problems import N_
from webapp.doctor.reading import RawDocument, RawServer
from webapp.doctor.visit import Visit

CONTENT_TYPE = N_("it is not served as text/xml")
NO_ID = N_("it has no provider id that is a host name")
NO_DOMAIN = N_("it names no domain")
NO_IMAP = N_("it has no IMAP server that this client can use")
NO_SMTP = N_("it has no SMTP server that this client can use")
PLAIN = N_("one of its servers has no TLS")
BLANKS = N_("blanks surround one of its values")
INCOMPLETE = N_("one of its servers lacks host name, port, security, sign-in or user name")
NO_SIGN_IN = N_("one of its servers takes no password in a way that this client knows")
IMAP_NOT_FIRST = N_("its first incoming server is not IMAP")
PORT_AFTER_SECURITY = N_("the port stands behind socketType")
ODD_USERNAME = N_("a user name is neither %EMAILADDRESS% nor %EMAILLOCALPART%")
PLACEHOLDER_HOST = N_("a host name holds a placeholder, which this client does not fill")

_XML_TYPES = ("text/xml", "application/xml", "text/rdf")
_DESKTOP = frozenset(
    (
        "password-cleartext",
        "password-encrypted",
        "plain",
        "secure",
        "NTLM",
        "GSSAPI",
        "TLS-client-cert",
        "client-IP-address",
        "none",
    )
)
_ANDROID = frozenset(("password-cleartext", "password-encrypted", "TLS-client-cert"))
_BUILT_IN_OAUTH = frozenset(
    (
        "imap.gmail.com",
        "imap.googlemail.com",
        "smtp.gmail.com",
        "smtp.googlemail.com",
        "outlook.office365.com",
        "smtp.office365.com",
        "smtp-mail.outlook.com",
        "imap.mail.yahoo.com",
        "smtp.mail.yahoo.com",
        "imap.aol.com",
        "smtp.aol.com",
        "imap.fastmail.com",
        "smtp.fastmail.com",
    )
)
"""Hosts with an OAuth client built into both Thunderbirds; everywhere else they skip OAuth2."""


class Unusable(Exception):
    """The client refuses the document; `reason` is a text marked with N_."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """The servers a client would configure."""

    incoming: Server
    outgoing: Server
    knows_username: bool = True
    """False where the source names none: the client tries the address first, then the part before the @."""


Reader = Callable[[Visit, RawDocument, Address], Setup]


def thunderbird(visit: Visit, document: RawDocument, address: Address) -> Setup:
    """Desktop: XML content type, an id, a domain; servers that cannot be used are skipped one by one."""
    if visit.content_type not in _XML_TYPES:
        raise Unusable(CONTENT_TYPE)
    _require_head(document)
    usable = [server for server in document.servers if _fault(server, address, ways=_DESKTOP) is None]
    return _setup(usable, document, address, kinds=("imap", "pop3"))


def thunderbird_android(_visit: Visit, document: RawDocument, address: Address) -> Setup:
    """First IMAP and first SMTP; one bad entry of these and the whole file is refused; nothing is trimmed."""
    _require_head(document)
    concerned = [server for server in document.servers if server.type in ("imap", "smtp")]
    for server in concerned:
        fault = _fault(server, address, ways=_ANDROID, trim=False)
        if fault is not None:
            raise Unusable(fault)
    return _setup(concerned, document, address, kinds=("imap",))


def fairemail(_visit: Visit, document: RawDocument, address: Address) -> Setup:
    """The first incoming server must be IMAP; the last user name of the document is used for both."""
    incoming = [server for server in document.servers if not server.outgoing]
    if not incoming or incoming[0].type != "imap":
        raise Unusable(IMAP_NOT_FIRST)
    for server in document.servers:
        if "socketType" in server.children[: _position(server, "port")]:
            raise Unusable(PORT_AFTER_SECURITY)
        if "%" in server.hostname:
            raise Unusable(PLACEHOLDER_HOST)
    last = document.last_username.strip()
    if last not in (WHOLE_ADDRESS, LOCAL_PART):
        raise Unusable(ODD_USERNAME)
    usable = [server for server in document.servers if _fault(server, address) is None]
    setup = _setup(usable, document, address, kinds=("imap",))
    username = fill_username(last, address)
    return Setup(
        incoming=replace(setup.incoming, username=username), outgoing=replace(setup.outgoing, username=username)
    )


def delta_chat(_visit: Visit, document: RawDocument, address: Address) -> Setup:
    """Tries every IMAP and SMTP server; ways to sign in are ignored."""
    usable = [server for server in document.servers if _fault(server, address) is None]
    return _setup(usable, document, address, kinds=("imap",))


def evolution(_visit: Visit, document: RawDocument, address: Address) -> Setup:
    """The last IMAP server wins, else the last POP3 server; the last SMTP server too."""
    usable = [server for server in reversed(document.servers) if _fault(server, address, ways=_DESKTOP) is None]
    by_kind = sorted(usable, key=lambda server: server.type == "pop3")
    return _setup(by_kind, document, address, kinds=("imap", "pop3"))


def kmail(_visit: Visit, document: RawDocument, address: Address) -> Setup:
    """The first of each."""
    usable = [server for server in document.servers if _fault(server, address, ways=_DESKTOP) is None]
    return _setup(usable, document, address, kinds=("imap", "pop3"))


def _require_head(document: RawDocument) -> None:
    if to_ascii(document.id) is None:
        raise Unusable(NO_ID)
    if not any(domain.strip() for domain in document.domains):
        raise Unusable(NO_DOMAIN)


def _fault(
    server: RawServer, address: Address, *, ways: frozenset[str] | None = None, trim: bool = True
) -> str | None:
    """What keeps a client from using a server; `ways` None is a client that tries its password in any case."""
    values = (server.hostname, server.port, server.socket_type, server.username)
    if not all(value.strip() for value in values) or not server.authentication:
        return INCOMPLETE
    if not trim and any(value != value.strip() for value in (*values, *server.authentication)):
        return BLANKS
    if server.socket_type.strip() not in ("SSL", "STARTTLS"):
        return PLAIN
    if not _is_port(server.port.strip()) or not _hostname(server, address):
        return INCOMPLETE
    return None if ways is None or _signs_in(server, address, ways) else NO_SIGN_IN


def _signs_in(server: RawServer, address: Address, ways: frozenset[str]) -> bool:
    offered = {way.strip() for way in server.authentication}
    return bool(offered & ways) or ("OAuth2" in offered and _hostname(server, address) in _BUILT_IN_OAUTH)


def _setup(usable: Iterable[RawServer], document: RawDocument, address: Address, kinds: tuple[str, ...]) -> Setup:
    servers = list(usable)
    plain = any(server.socket_type.strip().lower() == "plain" for server in document.servers)
    incoming = next((server for server in servers if server.type in kinds and not server.outgoing), None)
    outgoing = next((server for server in servers if server.type == "smtp" and server.outgoing), None)
    if incoming is None:
        raise Unusable(PLAIN if plain else NO_IMAP)
    if outgoing is None:
        raise Unusable(PLAIN if plain else NO_SMTP)
    return Setup(incoming=_value(incoming, address), outgoing=_value(outgoing, address))


def _value(server: RawServer, address: Address) -> Server:
    return Server(
        protocol=Protocol(server.type),
        hostname=_hostname(server, address),
        port=int(server.port.strip()),
        socket_type=SocketType(server.socket_type.strip()),
        username=fill_username(server.username.strip(), address),
    )


def _hostname(server: RawServer, address: Address) -> str:
    return to_ascii(server.hostname.strip().replace(DOMAIN, address.domain)) or ""


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 65535


def _position(server: RawServer, tag: str) -> int:
    return server.children.index(tag) if tag in server.children else len(server.children)
