"""The .k9s settings file that Thunderbird for Android and K-9 Mail import."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element, SubElement

from profiles.admission import require_both_ways, require_username, sign_in_word
from profiles.identifiers import derived_uuid
from profiles.model import Artifact, Authentication, MailAccount, Protocol, RenderOptions, Server, SocketType
from profiles.xml_document import add, document, require_writable

NAME = "k9s"
# A type of its own would open as text in some browsers; the app reads the file through its picker only.
CONTENT_TYPE = "application/octet-stream"

_DECLARATION = b"<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n"
_TYPES = {Protocol.IMAP: "IMAP", Protocol.POP3: "POP3", Protocol.SMTP: "SMTP"}
_SECURITY = {SocketType.SSL: "SSL_TLS_REQUIRED", SocketType.STARTTLS: "STARTTLS_REQUIRED"}
_AUTHENTICATION = {
    Authentication.PASSWORD_CLEARTEXT: "PLAIN",
    Authentication.PASSWORD_ENCRYPTED: "CRAM_MD5",
    Authentication.OAUTH2: "XOAUTH2",
    Authentication.TLS_CLIENT_CERT: "EXTERNAL",
}

# As the app itself begins (its DefaultDeletePolicyProvider): what is deleted on the phone stays on a POP3 server,
# for the computer that reads it too.
_DELETE_POLICIES = {Protocol.IMAP: "DELETE", Protocol.POP3: "NEVER"}


def render(account: MailAccount, options: RenderOptions) -> Artifact:
    """Render the file; without a password the app asks for it after the import."""
    return render_several((account,), options)


def render_several(
    accounts: Sequence[MailAccount], options: RenderOptions, *, passwords: Sequence[str | None] = ()
) -> Artifact:
    """Render one file with all accounts of a person; the app lets them tick which ones to import."""
    root = Element("k9settings", version="99", format="1")
    listed = SubElement(root, "accounts")
    for account, password in zip(accounts, passwords or [options.password] * len(accounts), strict=True):
        # The app lists them by name, and two of one service must not look alike.
        name = account.settings.display_name if account is accounts[0] else ""
        _add_account(listed, account, name or str(account.address), replace(options, password=password))
    data = document(root, _DECLARATION)
    return Artifact(data=data, content_type=CONTENT_TYPE, filename=f"{accounts[0].address.domain}.k9s")


def _add_account(accounts: Element, account: MailAccount, name: str, options: RenderOptions) -> None:
    require_writable(account.full_name, options.password, options.outgoing_password, usernames=account.usernames)
    incoming, outgoing = require_both_ways(account, NAME)
    require_username(incoming, outgoing)
    element = SubElement(accounts, "account", uuid=str(derived_uuid(account.address, NAME)))
    add(element, "name", name)
    settings = SubElement(element, "settings")
    add(settings, "value", _DELETE_POLICIES[incoming.protocol]).set("key", "deletePolicy")
    _add_server(element, "incoming-server", incoming, options.password)
    _add_server(element, "outgoing-server", outgoing, options.outgoing_password or options.password)
    _add_identity(element, account)


def _add_server(account: Element, tag: str, server: Server, password: str | None) -> None:
    element = SubElement(account, tag, type=_TYPES[server.protocol])
    add(element, "host", server.hostname)
    add(element, "port", str(server.port))
    add(element, "connection-security", _SECURITY[server.socket_type])
    add(element, "authentication-type", sign_in_word(server, _AUTHENTICATION, NAME))
    add(element, "username", server.username)
    if password:
        add(element, "password", password)


def _add_identity(account: Element, mail_account: MailAccount) -> None:
    identity = SubElement(SubElement(account, "identities"), "identity")
    if mail_account.full_name:
        add(identity, "name", mail_account.full_name)
    add(identity, "email", str(mail_account.address))
