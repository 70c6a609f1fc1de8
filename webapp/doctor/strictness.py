"""What each client takes from an autoconfig document, and what makes it refuse (from the clients' own code)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from profiles.address import Address, to_ascii
from profiles.model import Protocol, Server, SocketType, fill_username
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
IMAP_NOT_FIRST = N_("its first incoming server is not IMAP")
PORT_AFTER_SECURITY = N_("the port stands behind socketType")
ODD_USERNAME = N_("a user name is neither %EMAILADDRESS% nor %EMAILLOCALPART%")

_XML_TYPES = ("text/xml", "application/xml", "text/rdf")
_PASSWORD = ("password-cleartext", "password-encrypted", "plain", "secure", "ntlm", "gssapi")


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


Reader = Callable[[Visit, RawDocument, Address], Setup]


def thunderbird(visit: Visit, document: RawDocument, address: Address) -> Setup:
    """Desktop: XML content type, an id, a domain; servers that cannot be used are skipped one by one."""
    if visit.content_type not in _XML_TYPES:
        raise Unusable(CONTENT_TYPE)
    _require_head(document)
    usable = [server for server in document.servers if _fault(server, trim=True) is None]
    return _setup(usable, document, address, kinds=("imap", "pop3"))


def thunderbird_android(_visit: Visit, document: RawDocument, address: Address) -> Setup:
    """First IMAP and first SMTP; one bad entry of these and the whole file is refused; nothing is trimmed."""
    _require_head(document)
    concerned = [server for server in document.servers if server.type in ("imap", "smtp")]
    for server in concerned:
        fault = _fault(server, trim=False)
        if fault is not None:
            raise Unusable(fault)
    return _setup(concerned, document, address, kinds=("imap",))


def fairemail(_visit: Visit, document: RawDocument, address: Address) -> Setup:
    """The first incoming server must be IMAP; the last user name is used for both."""
    incoming = [server for server in document.servers if not server.outgoing]
    if not incoming or incoming[0].type != "imap":
        raise Unusable(IMAP_NOT_FIRST)
    for server in document.servers:
        if "socketType" in server.children[: _position(server, "port")]:
            raise Unusable(PORT_AFTER_SECURITY)
        if server.username.strip() not in ("%EMAILADDRESS%", "%EMAILLOCALPART%"):
            raise Unusable(ODD_USERNAME)
    usable = [server for server in document.servers if _fault(server, trim=True) is None]
    return _setup(usable, document, address, kinds=("imap",))


def delta_chat(_visit: Visit, document: RawDocument, address: Address) -> Setup:
    """Tries every IMAP and SMTP server; ways to sign in are ignored."""
    usable = [server for server in document.servers if _fault(server, trim=True, needs_password=False) is None]
    return _setup(usable, document, address, kinds=("imap",))


def evolution(_visit: Visit, document: RawDocument, address: Address) -> Setup:
    """The last IMAP and the last SMTP server win."""
    usable = [server for server in reversed(document.servers) if _fault(server, trim=True) is None]
    return _setup(usable, document, address, kinds=("imap", "pop3"))


def kmail(_visit: Visit, document: RawDocument, address: Address) -> Setup:
    """The first of each."""
    usable = [server for server in document.servers if _fault(server, trim=True) is None]
    return _setup(usable, document, address, kinds=("imap", "pop3"))


def _require_head(document: RawDocument) -> None:
    if to_ascii(document.id) is None:
        raise Unusable(NO_ID)
    if not any(domain.strip() for domain in document.domains):
        raise Unusable(NO_DOMAIN)


def _fault(server: RawServer, *, trim: bool, needs_password: bool = True) -> str | None:
    values = (server.hostname, server.port, server.socket_type, server.username)
    if not all(value.strip() for value in values) or not server.authentication:
        return INCOMPLETE
    if not trim and any(value != value.strip() for value in (*values, *server.authentication)):
        return BLANKS
    if server.socket_type.strip() not in ("SSL", "STARTTLS"):
        return PLAIN
    ways = {way.strip().lower() for way in server.authentication}
    takes_password = bool(ways & set(_PASSWORD)) or not needs_password
    is_good = server.port.strip().isdigit() and to_ascii(server.hostname.strip()) is not None and takes_password
    return None if is_good else INCOMPLETE


def _setup(usable: Iterable[RawServer], document: RawDocument, address: Address, kinds: tuple[str, ...]) -> Setup:
    servers = list(usable)
    plain = any(server.socket_type.strip().lower() == "plain" for server in document.servers)
    incoming = next((server for server in servers if server.type in kinds), None)
    outgoing = next((server for server in servers if server.type == "smtp" and server.outgoing), None)
    if incoming is None:
        raise Unusable(PLAIN if plain else NO_IMAP)
    if outgoing is None:
        raise Unusable(PLAIN if plain else NO_SMTP)
    return Setup(incoming=_value(incoming, address), outgoing=_value(outgoing, address))


def _value(server: RawServer, address: Address) -> Server:
    return Server(
        protocol=Protocol(server.type),
        hostname=(to_ascii(server.hostname.strip()) or ""),
        port=int(server.port.strip()),
        socket_type=SocketType(server.socket_type.strip()),
        username=fill_username(server.username.strip(), address),
    )


def _position(server: RawServer, tag: str) -> int:
    return server.children.index(tag) if tag in server.children else len(server.children)
