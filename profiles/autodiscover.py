"""Microsoft Autodiscover: the POX answers (settings, MobileSync, errors) and the V2 JSON answers, as bytes.

Nothing here reads a request. Namespaces are `http://`, although Microsoft's pages print `https://` today.
"""

from __future__ import annotations

import json
import re
from xml.etree.ElementTree import Element, SubElement
from xml.sax.saxutils import escape

from profiles.address import Address
from profiles.admission import (
    NEEDS_BOTH_WAYS,
    NEEDS_KNOWN_SIGN_IN,
    NEEDS_OAUTH,
    refusal,
    require_username,
)
from profiles.model import (
    ADDRESS,
    DOMAIN,
    LOCAL_PART,
    Artifact,
    Authentication,
    MailAccount,
    Protocol,
    RenderOptions,
    Server,
    ServiceSettings,
    SocketType,
)
from profiles.xml_document import add, document

NAME = "autodiscover"
CONTENT_TYPE = "text/xml; charset=utf-8"
JSON_CONTENT_TYPE = "application/json"

ROOT_SCHEMA = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
OUTLOOK_SCHEMA = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
MOBILESYNC_SCHEMA = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"

INVALID_REQUEST = (600, "Invalid Request")
PROVIDER_NOT_AVAILABLE = (601, "Provider is not available")
ADDRESS_NOT_FOUND = (500, "The email address can't be found.")
SERVER_ERROR = (603, "Server Error")

_DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>\n'
_TYPES = {Protocol.IMAP: "IMAP", Protocol.POP3: "POP3", Protocol.SMTP: "SMTP"}
# Encryption overrides SSL for Outlook; Thunderbird and Delta Chat read only SSL and would use plain text on "off".
_ENCRYPTION = {SocketType.SSL: "SSL", SocketType.STARTTLS: "TLS"}
_PLACEHOLDER = re.compile("|".join((ADDRESS, LOCAL_PART, DOMAIN)).encode())


def render(account: MailAccount, _options: RenderOptions) -> Artifact:
    """Render the POX answer for the account."""
    data = _settings_answer(str(account.address), account.incoming, account.outgoing)
    return Artifact(data=data, content_type=CONTENT_TYPE, filename="autodiscover.xml")


def render_settings_for_address(settings: ServiceSettings, address: Address) -> bytes:
    """The POX answer with settings; it depends on the domain alone but for the echoed address."""
    return fill(settings_template(settings, address.domain), address)


def settings_template(settings: ServiceSettings, domain: str) -> bytes:
    """The answer of a domain with placeholders where an address goes, for `fill`: prepared once, sent often."""
    here = settings.for_domain(domain)
    if here.needs_oauth:
        raise refusal(NAME, NEEDS_OAUTH)
    return _settings_answer(ADDRESS, here.incoming_servers, here.outgoing_servers)


def mobilesync_template(url: str) -> bytes:
    """The MobileSync answer of a host with ActiveSync, with placeholders for `fill`."""
    root = Element("Autodiscover", xmlns=ROOT_SCHEMA)
    response = SubElement(root, "Response", xmlns=MOBILESYNC_SCHEMA)
    add(response, "Culture", "en:us")
    person = SubElement(response, "User")
    add(person, "DisplayName", ADDRESS)
    add(person, "EMailAddress", ADDRESS)
    server = SubElement(SubElement(SubElement(response, "Action"), "Settings"), "Server")
    add(server, "Type", "MobileSync")
    add(server, "Url", url)
    add(server, "Name", url)  # MS-ASCMD R3482: for MobileSync the name is the URL
    return document(root, _DECLARATION)


def mobilesync_answer(url: str, address: Address) -> bytes:
    """The MobileSync answer for one address."""
    return fill(mobilesync_template(url), address)


def fill(template: bytes, address: Address) -> bytes:
    """Put an address into a prepared answer, in one pass: a local part may itself look like a placeholder."""
    words = {
        ADDRESS.encode(): escape(str(address)).encode(),
        LOCAL_PART.encode(): escape(address.local).encode(),
        DOMAIN.encode(): address.domain.encode(),
    }
    return _PLACEHOLDER.sub(lambda match: words[match.group()], template)


def error_answer(code: int, message: str, *, time: str = "00:00:00.0000000", server_id: int = 1) -> bytes:
    """An error in XML. `time` is hh:mm:ss with seven decimals; `server_id` names the server (unsigned)."""
    root = Element("Autodiscover", xmlns=ROOT_SCHEMA)
    response = SubElement(root, "Response")
    error = SubElement(response, "Error", Time=time, Id=str(server_id))
    add(error, "ErrorCode", str(code))
    add(error, "Message", message)
    SubElement(error, "DebugData")
    return document(root, _DECLARATION)


def json_answer(protocol: str, url: str) -> bytes:
    """The V2 answer: where the service of `protocol` ("AutodiscoverV1", "ActiveSync") is."""
    return _json({"Protocol": protocol, "Url": url})


def json_error(code: str, message: str) -> bytes:
    """A V2 error body."""
    return _json({"ErrorCode": code, "ErrorMessage": message})


def json_protocol_unsupported(*supported: str) -> bytes:
    """The V2 error for a protocol that is not served. It never repeats what was asked."""
    names = "', '".join(supported)
    return json_error("InvalidProtocol", f"The given protocol value is invalid. Supported values are '{names}'")


JSON_PROTOCOL_MISSING = ("MissingProtocol", "A valid value must be provided for the query parameter 'Protocol'.")
JSON_ADDRESS_MISSING = ("MandatoryParameterMissing", "The get request sent does not match the valid format.")
JSON_ADDRESS_UNKNOWN = ("UserNotFound", "The given user is not found.")


def _json(body: dict[str, str]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def _settings_answer(address: str, incoming: tuple[Server, ...], outgoing: tuple[Server, ...]) -> bytes:
    if not incoming or not outgoing:
        raise refusal(NAME, NEEDS_BOTH_WAYS)
    servers = [*_one_per_type(incoming), outgoing[0]]
    require_username(*servers)
    root = Element("Autodiscover", xmlns=ROOT_SCHEMA)
    response = SubElement(root, "Response", xmlns=OUTLOOK_SCHEMA)
    # MS-OXDSCLI wants a User; a personal name without a log-in would be a leak, so it is the address.
    add(SubElement(response, "User"), "DisplayName", address)
    account = SubElement(response, "Account")
    add(account, "AccountType", "email")
    add(account, "Action", "settings")
    for server in servers:
        _add_protocol(account, server)
    return document(root, _DECLARATION)


def _one_per_type(servers: tuple[Server, ...]) -> list[Server]:
    first = {server.protocol: server for server in reversed(servers)}
    return sorted(first.values(), key=servers.index)


def _add_protocol(account: Element, server: Server) -> None:
    _require_password(server)
    protocol = SubElement(account, "Protocol")
    add(protocol, "Type", _TYPES[server.protocol])
    add(protocol, "Server", server.hostname)
    add(protocol, "Port", str(server.port))
    # Without it Outlook takes the local part and Thunderbird the address; empty becomes the user name "true".
    add(protocol, "LoginName", server.username)
    add(protocol, "DomainRequired", "off")
    add(protocol, "SPA", "off")  # NTLM; its default is on
    add(protocol, "SSL", "on")
    add(protocol, "Encryption", _ENCRYPTION[server.socket_type])
    add(protocol, "AuthRequired", "on")
    if server.protocol is Protocol.SMTP:
        add(protocol, "UsePOPAuth", "off")
        add(protocol, "SMTPLast", "off")


def _require_password(server: Server) -> None:
    if server.needs_oauth:
        raise refusal(NAME, NEEDS_OAUTH, server)
    passwords = {Authentication.PASSWORD_CLEARTEXT, Authentication.PASSWORD_ENCRYPTED}
    if not passwords & set(server.authentication):
        raise refusal(NAME, NEEDS_KNOWN_SIGN_IN, server)
