"""The sheet of values: what to type by hand, as rows for a page, as text and as a page of its own.

It never holds a password. Labels are translated through the options; values stand as the servers want them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from profiles.mobileconfig import NOT_CHECKED
from profiles.model import (
    ASK,
    Artifact,
    Authentication,
    DavService,
    MailAccount,
    Protocol,
    RenderOptions,
    Server,
    SocketType,
)
from profiles.problems import N_
from profiles.xml_document import add

NAME = "sheet"
CONTENT_TYPE = "text/plain; charset=utf-8"

TITLE = N_("Mail settings of %(address)s")
ACCOUNT = N_("Account")
INCOMING = {Protocol.IMAP: N_("Incoming mail (IMAP)"), Protocol.POP3: N_("Incoming mail (POP3)")}
OUTGOING = N_("Outgoing mail (SMTP)")
CALENDAR = N_("Calendar (CalDAV)")
CONTACTS = N_("Contacts (CardDAV)")
HELP = N_("Help")

MAIL_ADDRESS = N_("Email address")
FULL_NAME = N_("Your name")
SERVER = N_("Server")
PORT = N_("Port")
SECURITY = N_("Security")
SIGNING_IN = N_("Authentication")
USERNAME = N_("User name")
PASSWORD = N_("Password")
WEB_ADDRESS = N_("Address (URL)")

MAIL_PASSWORD = N_("your mail password")
ASKED_USERNAME = N_("the user name you got from your provider")

_SECURITY = {SocketType.SSL: "SSL/TLS", SocketType.STARTTLS: "STARTTLS"}
_SIGNING_IN = {
    Authentication.PASSWORD_CLEARTEXT: N_("Normal password"),
    Authentication.PASSWORD_ENCRYPTED: N_("Encrypted password"),
    Authentication.OAUTH2: N_("OAuth2 (sign in on the provider's page)"),
    Authentication.NTLM: N_("NTLM"),
    Authentication.GSSAPI: N_("Kerberos / GSSAPI"),
    Authentication.TLS_CLIENT_CERT: N_("TLS certificate"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One value with its label. `key` names the value whatever the language ("incoming.hostname")."""

    key: str
    label: str
    value: str
    copyable: bool = True
    """Whether the value is typed as it stands; a switch or a remark is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Rows that belong together."""

    key: str
    title: str
    rows: tuple[Row, ...]


def render(account: MailAccount, options: RenderOptions) -> Artifact:
    """Render the sheet as text."""
    return render_several((account,), options)


def render_several(
    accounts: Sequence[MailAccount], options: RenderOptions, *, passwords: Sequence[str | None] = ()
) -> Artifact:
    """Render the sheets of all accounts of a person as one text."""
    del passwords  # a sheet never holds one
    text = "\n\n\n".join("\n\n".join(_blocks(account, options)) for account in accounts)
    filename = f"{accounts[0].address.domain}.txt"
    return Artifact(data=f"{text}\n".encode(), content_type=CONTENT_TYPE, filename=filename)


def _blocks(account: MailAccount, options: RenderOptions) -> Iterator[str]:
    yield options.translate(TITLE) % {"address": str(account.address)}
    if options.unchecked:
        yield options.translate(NOT_CHECKED)
    yield from (_text(section) for section in sections(account, options))


def rows(account: MailAccount, options: RenderOptions) -> tuple[Row, ...]:
    """Every row of the sheet, in order."""
    return tuple(row for section in sections(account, options) for row in section.rows)


def sections(account: MailAccount, options: RenderOptions) -> tuple[Section, ...]:
    """The sheet as sections of rows, for pages that draw it with copy buttons."""
    found = [_account(account, options)]
    if account.incoming:
        title = INCOMING[account.incoming_server.protocol]
        found.append(_server("incoming", title, account.incoming_server, account=account, options=options))
    if account.outgoing:
        found.append(_server("outgoing", OUTGOING, account.outgoing_server, account=account, options=options))
    if account.calendar is not None:
        found.append(_dav("calendar", CALENDAR, account.calendar, options))
    if account.addressbook is not None:
        found.append(_dav("addressbook", CONTACTS, account.addressbook, options))
    return (*found, *_help(account, options))


def security_word(server: Server) -> str:
    """`SSL/TLS` or `STARTTLS`, as most apps write it."""
    return _SECURITY[server.socket_type]


def password_word(account: MailAccount, options: RenderOptions) -> str:
    """What to type as the password, in the provider's words ("App password") where it has some."""
    label = account.settings.password_label
    return options.translate(MAIL_PASSWORD) if label is None else label.get(options.language)


def username_word(username: str, options: RenderOptions) -> str:
    """The user name, or words for one that only the person knows."""
    return options.translate(ASKED_USERNAME) if ASK in username else username


def _account(account: MailAccount, options: RenderOptions) -> Section:
    say = options.translate
    found = [Row(key="account.address", label=say(MAIL_ADDRESS), value=str(account.address))]
    if account.full_name:
        found.append(Row(key="account.full_name", label=say(FULL_NAME), value=account.full_name))
    return Section(key="account", title=say(ACCOUNT), rows=tuple(found))


def _server(key: str, title: str, server: Server, *, account: MailAccount, options: RenderOptions) -> Section:
    say = options.translate
    return Section(
        key=key,
        title=say(title),
        rows=(
            Row(key=f"{key}.hostname", label=say(SERVER), value=server.hostname),
            Row(key=f"{key}.port", label=say(PORT), value=str(server.port)),
            Row(key=f"{key}.socketType", label=say(SECURITY), value=security_word(server), copyable=False),
            Row(
                key=f"{key}.authentication",
                label=say(SIGNING_IN),
                value=say(_SIGNING_IN[_way(server)]),
                copyable=False,
            ),
            username_row(key, say(USERNAME), server.username, options),
            *_password(key, server, account=account, options=options),
        ),
    )


def username_row(key: str, label: str, username: str, options: RenderOptions) -> Row:
    """The row of a user name; nothing to copy where only the person knows it."""
    value = username_word(username, options)
    return Row(key=f"{key}.username", label=label, value=value, copyable=ASK not in username)


def _way(server: Server) -> Authentication:
    plain = Authentication.PASSWORD_CLEARTEXT
    return plain if plain in server.authentication else server.authentication[0]


def _password(key: str, server: Server, *, account: MailAccount, options: RenderOptions) -> tuple[Row, ...]:
    if server.needs_oauth:
        return ()
    value = password_word(account, options)
    return (Row(key=f"{key}.password", label=options.translate(PASSWORD), value=value, copyable=False),)


def _dav(key: str, title: str, service: DavService, options: RenderOptions) -> Section:
    say = options.translate
    return Section(
        key=key,
        title=say(title),
        rows=(
            Row(key=f"{key}.url", label=say(WEB_ADDRESS), value=service.url),
            username_row(key, say(USERNAME), service.username, options),
        ),
    )


def _help(account: MailAccount, options: RenderOptions) -> tuple[Section, ...]:
    found = []
    if account.settings.documentation is not None:
        link = account.settings.documentation
        found.append(Row(key="help.documentation", label=link.title.get(options.language), value=link.url))
    if account.settings.help is not None:
        text = account.settings.help.get(options.language)
        found.append(Row(key="help.contact", label=options.translate(HELP), value=text, copyable=False))
    return (Section(key="help", title=options.translate(HELP), rows=tuple(found)),) if found else ()


def _text(section: Section) -> str:
    width = max(_width(row.label) for row in section.rows)
    lines = [f"  {row.label}{' ' * (width - _width(row.label))}  {row.value}" for row in section.rows]
    return "\n".join([section.title, *lines])


def _width(text: str) -> int:
    """Columns on a terminal: Japanese signs take two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


# A file opened from a disk has no stylesheet of ours beside it. One click selects a whole value.
_STYLE = (
    "body{font:16px/1.6 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}"
    "th{text-align:start;font-weight:400;padding-inline-end:1.5rem;vertical-align:top}"
    "td{font-family:ui-monospace,monospace;overflow-wrap:anywhere}td.copy{user-select:all}"
)


def render_html(account: MailAccount, options: RenderOptions) -> Artifact:
    """Render the sheet as a page that stands alone."""
    return render_several_html((account,), options)


def render_several_html(
    accounts: Sequence[MailAccount], options: RenderOptions, *, passwords: Sequence[str | None] = ()
) -> Artifact:
    """Render the sheets of all accounts of a person as one page."""
    del passwords  # a sheet never holds one
    page = Element("html", lang=options.language)
    head = SubElement(page, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    add(head, "title", options.translate(TITLE) % {"address": str(accounts[0].address)})
    add(head, "style", _STYLE)
    main = SubElement(SubElement(page, "body"), "main")
    for account in accounts:
        _add_sheet(main, account, options)
    indent(page)
    data = b"<!DOCTYPE html>\n" + tostring(page, encoding="utf-8", method="html") + b"\n"
    filename = f"{accounts[0].address.domain}.html"
    return Artifact(data=data, content_type="text/html; charset=utf-8", filename=filename)


def _add_sheet(main: Element, account: MailAccount, options: RenderOptions) -> None:
    add(main, "h1", options.translate(TITLE) % {"address": str(account.address)})
    if options.unchecked:
        add(main, "p", options.translate(NOT_CHECKED))
    for section in sections(account, options):
        _add_section(main, section)


def _add_section(main: Element, section: Section) -> None:
    add(main, "h2", section.title)
    table = SubElement(main, "table")
    for row in section.rows:
        line = SubElement(table, "tr")
        add(line, "th", row.label).set("scope", "row")
        cell = add(line, "td", row.value)
        if row.copyable:
            cell.set("class", "copy")
