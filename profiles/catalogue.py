"""A mail service as TOML, in autoconfig's own words, to ServiceSettings and back.

Every problem is collected with its file and key; a table with an error gives no settings. The order of servers is
the file's own, which is the service's preference, with one exception: IMAP stands before POP3, because FairEmail
and Geary want the first incoming server to be IMAP. Implicit TLS is therefore not moved before STARTTLS.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from urllib.parse import urlsplit

from profiles.address import to_ascii, to_host
from profiles.model import (
    ADDRESS,
    ASK,
    DEFAULT_PORTS,
    DOMAIN,
    LOCAL_PART,
    Authentication,
    DavService,
    Link,
    LocalizedText,
    ProfileRules,
    Protocol,
    Server,
    ServiceSettings,
    SignIn,
    SocketType,
    Source,
    TlsPolicy,
)
from profiles.problems import N_, Code, Problem, quoted
from profiles.reader import Reader

SIZE_LIMIT = 2 * 1024 * 1024
"""A host may serve thousands of customers' domains by one entry: 50,000 names take some 1.5 MB."""
_ID = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,252}[A-Za-z0-9])?\Z")
# A single % is an ordinary sign of user names and URLs; "%EMAILADDRESS" without its end is a known slip.
_PLACEHOLDER = re.compile(r"%[A-Z]{3,}%?")
_SAMPLE_DOMAIN = "domain.invalid"
_MOST_DAYS = 3650
"""A profile that removes itself after more than ten years was meant otherwise."""
_KNOWN_PORTS = frozenset((25, *DEFAULT_PORTS.values()))
_INCOMING = ("imap", "pop3")
_OUTGOING = ("smtp",)


class _WrittenSocketType(StrEnum):
    SSL = "SSL"
    STARTTLS = "STARTTLS"
    PLAIN = "plain"


def parse(
    text: str, *, place: str, source: Source = Source.DOMAIN
) -> tuple[ServiceSettings | None, tuple[Problem, ...]]:
    """Read one service. Settings are None where a problem is an error; `place` is the file that problems name."""
    if len(text) > SIZE_LIMIT:
        return None, (Problem(Code.FILE_UNREADABLE, place=place),)
    try:
        table = tomllib.loads(text)
    except ValueError as error:
        return None, (Problem(Code.TOML_SYNTAX, {"reason": quoted(str(error))}, place=place),)
    except RecursionError:
        return None, (Problem(Code.TOML_SYNTAX, {"reason": N_("too many brackets")}, place=place),)
    problems: list[Problem] = []
    settings = _settings(Reader(table, place, problems), source)
    if any(problem.is_error for problem in problems):
        return None, tuple(problems)
    return settings, tuple(problems)


def _settings(reader: Reader, source: Source) -> ServiceSettings:
    domains = tuple(_domains(reader, source))
    id_ = _id(reader, domains)
    display_name = reader.text("displayName", limit=60) or id_
    incoming = tuple(_servers(reader, "incomingServer", _INCOMING))
    settings = ServiceSettings(
        id=id_,
        display_name=display_name,
        display_short_name=reader.text("displayShortName", limit=20) or display_name[:20].strip(),
        domains=domains,
        # A stable sort: within a protocol the order stays as written.
        incoming_servers=tuple(sorted(incoming, key=lambda server: server.protocol is not Protocol.IMAP)),
        outgoing_servers=tuple(_servers(reader, "outgoingServer", _OUTGOING)),
        mx_suffixes=tuple(_names(reader, "mxSuffix")),
        calendar=_dav(reader, "calendar"),
        addressbook=_dav(reader, "addressbook"),
        activesync_url=_activesync_url(reader),
        jmap_url=_service_url(reader, "jmap"),
        documentation=_link(reader.table("documentation")),
        organization=reader.text("organization", limit=120),
        help=reader.localized("help"),
        consent=reader.localized("consent"),
        sign_in=reader.word("signIn", SignIn) or _sign_in(incoming),
        password_label=reader.localized("passwordLabel"),
        password_hint=reader.localized("passwordHint"),
        refusal_advice=reader.localized("refusalAdvice"),
        links=tuple(link for link in map(_link, reader.tables("link")) if link is not None),
        last_checked=reader.day("lastChecked"),
        tls=_tls(reader.table("tls")),
        profile=_profile(reader.table("profile")),
        source=source,
    )
    reader.finish()
    return settings


def _id(reader: Reader, domains: tuple[str, ...]) -> str:
    id_ = reader.text("id", required=not domains, limit=254) or (domains[0] if domains else "")
    if id_ and not _ID.match(id_):
        reader.report("id", Code.VALUE_INVALID, value=id_)
    return id_


def _domains(reader: Reader, source: Source) -> Iterator[str]:
    # A provider may be known by its MX alone (Microsoft 365 has no domains of its own).
    required = source is not Source.PROVIDER or not reader.has("mxSuffix")
    seen: set[str] = set()
    for written in reader.texts("domains", required=required):
        name = _domain(written, wildcards=source is Source.PROVIDER)
        if name is None:
            reader.report("domains", Code.VALUE_INVALID, value=written)
        elif name in seen:
            reader.report("domains", Code.DOMAIN_REPEATED, domain=name)
        else:
            seen.add(name)
            yield name


def _domain(written: str, *, wildcards: bool) -> str | None:
    bare = written.removeprefix("*.") if wildcards else written
    name = to_ascii(bare)
    if name is None or "." not in name:
        return None
    return name if bare == written else f"*.{name}"


def _names(reader: Reader, key: str) -> Iterator[str]:
    for written in reader.texts(key):
        name = to_ascii(written)
        if name is None:
            reader.report(key, Code.VALUE_INVALID, value=written)
        else:
            yield name


def _servers(reader: Reader, key: str, types: tuple[str, ...]) -> Iterator[Server]:
    tables = reader.tables(key)
    if not tables and reader.is_clean(key):
        reader.report(key, Code.KEY_MISSING)
    for table in tables:
        server = _server(table, types)
        table.finish()
        if server is not None:
            yield server


def _server(reader: Reader, types: tuple[str, ...]) -> Server | None:
    protocol = reader.word("type", Protocol, required=True)
    if protocol is not None and protocol.value not in types:
        reader.report("type", Code.VALUE_UNKNOWN, value=protocol.value, known=", ".join(types))
        protocol = None
    hostname = _hostname(reader)
    socket_type = _socket_type(reader)
    port = _port(reader, protocol, socket_type)
    authentication = reader.words("authentication", Authentication) or (Authentication.PASSWORD_CLEARTEXT,)
    username = _username(reader)
    if protocol is None or hostname is None or socket_type is None or port is None:
        return None
    return Server(
        protocol=protocol,
        hostname=hostname,
        port=port,
        socket_type=socket_type,
        authentication=authentication,
        username=username,
    )


def _hostname(reader: Reader) -> str | None:
    written = reader.text("hostname", required=True, limit=253)
    if written is None:
        return None
    # Placeholders in host names are ours alone: they are filled before anything is rendered.
    name = to_host(written.replace(DOMAIN, _SAMPLE_DOMAIN))
    if name is None:
        reader.report("hostname", Code.HOST_INVALID, host=written)
        return None
    return name.replace(_SAMPLE_DOMAIN, DOMAIN) if DOMAIN in written else name


def _socket_type(reader: Reader) -> SocketType | None:
    written = reader.word("socketType", _WrittenSocketType, required=True)
    if written is _WrittenSocketType.PLAIN:
        reader.report("socketType", Code.SERVER_PLAIN_TEXT)
    return None if written in (None, _WrittenSocketType.PLAIN) else SocketType(written.value)


def _port(reader: Reader, protocol: Protocol | None, socket_type: SocketType | None) -> int | None:
    port = reader.integer("port", low=1, high=65535)
    if protocol is None or socket_type is None:
        return port
    usual = DEFAULT_PORTS[protocol, socket_type]
    if port is None:
        return None if reader.has("port") else usual
    if port != usual and port in _KNOWN_PORTS:
        reader.report(
            "port", Code.PORT_SECURITY_MISMATCH, port=str(port), security=socket_type.value, usual=str(usual)
        )
    return port


def _username(reader: Reader) -> str:
    template = reader.text("username", limit=320) or ADDRESS
    _know_placeholders(reader, "username", template, (ADDRESS, LOCAL_PART, DOMAIN, ASK))
    return template


def _know_placeholders(reader: Reader, key: str, template: str, known: tuple[str, ...]) -> None:
    unknown = sorted(set(_PLACEHOLDER.findall(template)) - set(known))
    if unknown:
        reader.report(key, Code.VALUE_UNKNOWN, value=", ".join(unknown), known=", ".join(known))


def _dav(reader: Reader, key: str) -> DavService | None:
    table = reader.table(key)
    if table is None:
        return None
    url, username = _url(table, "url"), _username(table)
    table.finish()
    return None if url is None else DavService(url=url, username=username)


def _activesync_url(reader: Reader) -> str | None:
    # Its devices sign in with the address, and no output can tell them another name.
    table = reader.table("activesync")
    if table is None:
        return None
    url, username = _url(table, "url"), table.text("username")
    if username is not None and username != ADDRESS:
        table.report("username", Code.VALUE_UNKNOWN, value=username, known=ADDRESS)
    table.finish()
    return url


def _service_url(reader: Reader, key: str) -> str | None:
    table = reader.table(key)
    if table is None:
        return None
    url = _url(table, "url")
    table.finish()
    return url


def _link(table: Reader | None) -> Link | None:
    if table is None:
        return None
    url, title = _url(table, "url"), table.localized("title")
    table.finish()
    return None if url is None else Link(url=url, title=title or LocalizedText(texts=(("en", url),)))


def _url(reader: Reader, key: str) -> str | None:
    written = reader.text(key, required=True)
    if written is None:
        return None
    if not _is_https(written.replace(DOMAIN, _SAMPLE_DOMAIN)):
        reader.report(key, Code.VALUE_INVALID, value=written)
        return None
    _know_placeholders(reader, key, written, (DOMAIN,))
    return written


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    host = to_host(parts.hostname or "")
    # Blanks would be dropped or escaped, each client in its own way; a name and password have no place here.
    plain = url.isascii() and " " not in url and "@" not in parts.netloc
    return parts.scheme == "https" and host is not None and port != 0 and plain


def _tls(table: Reader | None) -> TlsPolicy:
    if table is None:
        return TlsPolicy()
    level = table.integer("securityLevel", low=1, high=2)
    policy = TlsPolicy(
        legacy_renegotiation=table.switch("legacyRenegotiation", default=False),
        security_level=2 if level is None else level,
    )
    table.finish()
    return policy


def _profile(table: Reader | None) -> ProfileRules:
    """Apple profiles, in Apple's own words where there are some."""
    if table is None:
        return ProfileRules()
    rules = ProfileRules(
        removal_date=table.moment("removalDate"),
        remove_after_days=table.integer("removeAfterDays", low=1, high=_MOST_DAYS),
        path_prefix=table.text("pathPrefix", limit=120),
        allow_mail_drop=table.switch("allowMailDrop", default=True),
        disable_recents_syncing=table.switch("disableMailRecentsSyncing", default=False),
        smime_overrideable=table.switch("smimeUserOverrideable", default=True),
    )
    table.finish()
    return rules


def _sign_in(incoming: Iterable[Server]) -> SignIn:
    servers = tuple(incoming)
    return SignIn.OAUTH if servers and all(server.needs_oauth for server in servers) else SignIn.PASSWORD


# writing


def to_toml(settings: ServiceSettings) -> str:
    """Write settings so that `parse` reads the same value back; the order is that of the operator's guide."""
    plain: dict[str, object] = {
        "id": settings.id,
        "displayName": settings.display_name,
        "displayShortName": settings.display_short_name,
        "domains": list(settings.domains),
        "mxSuffix": list(settings.mx_suffixes),
        "organization": settings.organization,
        "signIn": settings.sign_in.value,
        "help": _languages(settings.help),
        "consent": _languages(settings.consent),
        "passwordLabel": _languages(settings.password_label),
        "passwordHint": _languages(settings.password_hint),
        "refusalAdvice": _languages(settings.refusal_advice),
        "lastChecked": settings.last_checked,
    }
    lines = list(_pairs(plain))
    for server in settings.incoming_servers:
        lines += ["", "[[incomingServer]]", *_pairs(_server_table(server))]
    for server in settings.outgoing_servers:
        lines += ["", "[[outgoingServer]]", *_pairs(_server_table(server))]
    for name, table in _tables(settings):
        lines += ["", f"[{name}]", *_pairs(table)]
    for link in settings.links:
        lines += ["", "[[link]]", *_pairs(_link_table(link))]
    return "\n".join(lines) + "\n"


def _tables(settings: ServiceSettings) -> Iterator[tuple[str, dict[str, object]]]:
    for name, service in (("calendar", settings.calendar), ("addressbook", settings.addressbook)):
        if service is not None:
            yield name, {"url": service.url, "username": service.username}
    for name, url in (("activesync", settings.activesync_url), ("jmap", settings.jmap_url)):
        if url is not None:
            yield name, {"url": url}
    if settings.documentation is not None:
        yield "documentation", _link_table(settings.documentation)
    if settings.tls != TlsPolicy():
        yield (
            "tls",
            {
                "legacyRenegotiation": settings.tls.legacy_renegotiation,
                "securityLevel": settings.tls.security_level,
            },
        )
    if settings.profile != ProfileRules():
        yield "profile", _profile_table(settings.profile)


def _server_table(server: Server) -> dict[str, object]:
    return {
        "type": server.protocol.value,
        "hostname": server.hostname,
        "port": server.port,
        "socketType": server.socket_type.value,
        "authentication": [way.value for way in server.authentication],
        "username": server.username,
    }


def _profile_table(rules: ProfileRules) -> dict[str, object]:
    return {
        "removalDate": rules.removal_date,
        "removeAfterDays": rules.remove_after_days,
        "pathPrefix": rules.path_prefix,
        "allowMailDrop": rules.allow_mail_drop,
        "disableMailRecentsSyncing": rules.disable_recents_syncing,
        "smimeUserOverrideable": rules.smime_overrideable,
    }


def _link_table(link: Link) -> dict[str, object]:
    return {"url": link.url, "title": _languages(link.title)}


def _languages(text: LocalizedText | None) -> dict[str, str] | None:
    return None if text is None else dict(text.texts)


def _pairs(table: Mapping[str, object]) -> Iterator[str]:
    for key, value in table.items():
        if value is not None and value != []:
            yield f"{key} = {_value(value)}"


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_value(key)} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    # A JSON string of printable text is a TOML basic string; DEL alone would have to be escaped besides.
    return json.dumps(value, ensure_ascii=False)
