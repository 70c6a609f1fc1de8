"""PACC (draft-ietf-mailmaint-pacc): the user-agent-configuration.json of a domain and its DNS digest.

The body must stay the same byte for byte: clients use it only if its digest stands in DNS.
"""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from urllib.parse import urlsplit

from profiles.admission import NEEDS_DIRECT_TLS, NEEDS_FULL_ADDRESS, NEEDS_OAUTH, refusal
from profiles.model import (
    ADDRESS,
    DEFAULT_PORTS,
    Artifact,
    DavService,
    MailAccount,
    Protocol,
    RenderOptions,
    Server,
    ServiceSettings,
    SocketType,
)

NAME = "pacc"
CONTENT_TYPE = "application/json"

Json = dict[str, object]


def render(account: MailAccount, _options: RenderOptions) -> Artifact:
    """Render what the account's domain publishes."""
    data = render_settings(account.settings, account.address.domain)
    return Artifact(data=data, content_type=CONTENT_TYPE, filename="user-agent-configuration.json")


def render_settings(settings: ServiceSettings, domain: str) -> bytes:
    """Render the document; raises FORMAT_CANNOT_HOLD where the domain cannot be offered by PACC."""
    here = settings.for_domain(domain)
    if here.needs_oauth:
        # "oauth-public" needs an issuer, which a domain's settings do not hold.
        raise refusal(NAME, NEEDS_OAUTH)
    return body(
        {
            "protocols": _protocols(here),
            "authentication": {"password": True},
            "info": _info(here, domain),
        }
    )


def body(configuration: Json) -> bytes:
    """The one way to write the document: sorted keys, no white space, no date."""
    text = json.dumps(configuration, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def txt_record(body: bytes) -> str:
    """The text of the TXT record at `_ua-auto-config.<domain>` that vouches for exactly these bytes."""
    return f"v=UAAC1; a=sha256; d={b64encode(sha256(body).digest()).decode()}"


def _protocols(settings: ServiceSettings) -> Json:
    protocols: Json = {}
    for protocol in (Protocol.IMAP, Protocol.POP3):
        server = _first_expressible(settings.incoming_servers, protocol)
        if server is not None:
            protocols[protocol.value] = {"host": server.hostname}
    submission = _first_expressible(settings.outgoing_servers, Protocol.SMTP)
    if not protocols or submission is None:
        raise refusal(NAME, _reason(settings))
    # Draft -02 calls it "smtp", -03 "submit"; readers skip what they do not know.
    protocols["smtp"] = protocols["submit"] = {"host": submission.hostname}
    return protocols | _dav("caldav", settings.calendar) | _dav("carddav", settings.addressbook) | _jmap(settings)


def _first_expressible(servers: tuple[Server, ...], protocol: Protocol) -> Server | None:
    return next((s for s in servers if s.protocol is protocol and _is_direct(s) and s.username == ADDRESS), None)


def _is_direct(server: Server) -> bool:
    direct = server.socket_type is SocketType.SSL and not server.needs_oauth
    return direct and server.port == DEFAULT_PORTS[server.protocol, SocketType.SSL]


def _reason(settings: ServiceSettings) -> str:
    servers = settings.incoming_servers + settings.outgoing_servers
    others = any(server.username != ADDRESS for server in servers)
    return NEEDS_FULL_ADDRESS if others else NEEDS_DIRECT_TLS


def _dav(name: str, service: DavService | None) -> Json:
    if service is None or service.username != ADDRESS or not _is_admitted(service.url, bare_origin=False):
        return {}
    return {name: {"url": service.url}}


def _jmap(settings: ServiceSettings) -> Json:
    url = settings.jmap_url
    return {"jmap": {"url": url}} if url and _is_admitted(url, bare_origin=True) else {}


def _is_admitted(url: str, *, bare_origin: bool) -> bool:
    """https without a port; a DAV URL must be more than the origin."""
    parts = urlsplit(url)
    has_path = bare_origin or parts.path not in {"", "/"}
    return parts.scheme == "https" and parts.port is None and has_path


def _info(settings: ServiceSettings, domain: str) -> Json:
    name = settings.display_name or domain
    info: Json = {"provider": {"name": name[:60], "shortName": (settings.display_short_name or name)[:20]}}
    if settings.documentation is not None:
        info["help"] = {"documentation": settings.documentation.url}
    return info
