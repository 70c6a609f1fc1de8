"""Mozilla autoconfig (config-v1.1.xml), by the strictest union of what all known clients read correctly."""

from __future__ import annotations

from dataclasses import replace
from xml.etree.ElementTree import Element, SubElement

from profiles.admission import NEEDS_BOTH_WAYS, refusal, require_username
from profiles.model import (
    ADDRESS,
    LOCAL_PART,
    Artifact,
    MailAccount,
    Protocol,
    RenderOptions,
    Server,
    ServiceSettings,
    SocketType,
)
from profiles.xml_document import add, document

NAME = "autoconfig"
CONTENT_TYPE = "text/xml; charset=utf-8"


def render(account: MailAccount, _options: RenderOptions) -> Artifact:
    """Render the account's service, as its servers stand in the account."""
    data = render_settings(_settings_of(account), account.address.domain)
    return Artifact(data=data, content_type=CONTENT_TYPE, filename="config-v1.1.xml")


def render_settings(settings: ServiceSettings, domain: str) -> bytes:
    """Render what `domain` publishes: itself only, never its neighbours, the same for every mailbox."""
    here = settings.for_domain(domain)
    incoming = published_incoming(here)
    if not incoming or not here.outgoing_servers:
        raise refusal(NAME, NEEDS_BOTH_WAYS)
    # Exactly one outgoing server: Thunderbird for Android takes the first, aerc the last.
    outgoing = here.outgoing_servers[0]
    require_username(*incoming, outgoing)
    root = Element("clientConfig", version="1.1")
    provider = SubElement(root, "emailProvider", id=domain)
    add(provider, "domain", domain)
    add(provider, "displayName", here.display_name or domain)
    add(provider, "displayShortName", here.display_short_name or here.display_name or domain)
    for server in incoming:
        _add_server(provider, "incomingServer", server)
    _add_server(provider, "outgoingServer", outgoing)
    _add_documentation(provider, here)
    return document(root)


def published_incoming(settings: ServiceSettings) -> tuple[Server, ...]:
    """One IMAP server first, then one POP3 server.

    The first incoming server must be IMAP for FairEmail and Geary, and Evolution takes the last IMAP server.
    POP3 beside IMAP only with TLS from the start.
    """
    imap = [s for s in settings.incoming_servers if s.protocol is Protocol.IMAP]
    pop3 = [s for s in settings.incoming_servers if s.protocol is Protocol.POP3]
    direct = [s for s in pop3 if s.socket_type is SocketType.SSL]
    return (*imap[:1], *(direct or ([] if imap else pop3))[:1])


def _add_server(provider: Element, tag: str, server: Server) -> None:
    # The order of the children matters: FairEmail wants the port before the socketType.
    element = SubElement(provider, tag, type=server.protocol.value)
    add(element, "hostname", server.hostname)
    add(element, "port", str(server.port))
    add(element, "socketType", server.socket_type.value)
    for way in server.authentication:
        add(element, "authentication", way.value)
    add(element, "username", server.username)


def _add_documentation(provider: Element, settings: ServiceSettings) -> None:
    # Calendar and contacts stay out: no client sets them up from here (they use SRV and /.well-known), and
    # FairEmail would take their <username> for the mail server's, since its last one wins.
    if settings.documentation is None:
        return
    documentation = SubElement(provider, "documentation", url=settings.documentation.url)
    for language, title in settings.documentation.title.texts:
        add(documentation, "descr", title).set("lang", language)


def _settings_of(account: MailAccount) -> ServiceSettings:
    def templated(server: Server) -> Server:
        return replace(server, username=_template(server.username, account))

    return replace(
        account.settings,
        incoming_servers=tuple(templated(server) for server in account.incoming),
        outgoing_servers=tuple(templated(server) for server in account.outgoing),
    )


def _template(username: str, account: MailAccount) -> str:
    return {str(account.address): ADDRESS, account.address.local: LOCAL_PART}.get(username, username)
