"""The values that flow through Hagaki: Server, ServiceSettings, MailAccount, Artifact.

They are plain values and know nothing of formats, files or networks. Choices (which server comes first, what a
user name is) are made here, so that renderers only translate.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from profiles.address import Address

ADDRESS = "%EMAILADDRESS%"
LOCAL_PART = "%EMAILLOCALPART%"
DOMAIN = "%EMAILDOMAIN%"
ASK = "%ASK%"
"""User name that only the person knows: the form asks for it."""
_PLACEHOLDER = re.compile("|".join((ADDRESS, LOCAL_PART, DOMAIN, ASK)))


class Protocol(StrEnum):
    """A mail protocol, spelled as in autoconfig's `type`."""

    IMAP = "imap"
    POP3 = "pop3"
    SMTP = "smtp"


class SocketType(StrEnum):
    """How TLS begins. Plain text has no member: Hagaki never configures it."""

    SSL = "SSL"
    STARTTLS = "STARTTLS"


class Authentication(StrEnum):
    """How a server lets people in, spelled as in autoconfig's `authentication`."""

    PASSWORD_CLEARTEXT = "password-cleartext"
    PASSWORD_ENCRYPTED = "password-encrypted"
    OAUTH2 = "OAuth2"
    NTLM = "NTLM"
    GSSAPI = "GSSAPI"
    TLS_CLIENT_CERT = "TLS-client-cert"


class SignIn(StrEnum):
    """What a person signs in with."""

    PASSWORD = "password"
    APP_PASSWORD = "app-password"
    OAUTH = "oauth"


class Source(StrEnum):
    """Where settings came from."""

    DOMAIN = "domain"
    PROVIDER = "provider"
    OPTIONS = "options"
    AUTOCONFIG = "autoconfig"
    ISPDB = "ispdb"
    SRV = "srv"
    MX = "mx"
    PACC = "pacc"
    JMAP = "jmap"
    GUESS = "guess"


DEFAULT_PORTS: dict[tuple[Protocol, SocketType], int] = {
    (Protocol.IMAP, SocketType.SSL): 993,
    (Protocol.IMAP, SocketType.STARTTLS): 143,
    (Protocol.POP3, SocketType.SSL): 995,
    (Protocol.POP3, SocketType.STARTTLS): 110,
    (Protocol.SMTP, SocketType.SSL): 465,
    (Protocol.SMTP, SocketType.STARTTLS): 587,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalizedText:
    """One text in several languages, as a domain or provider writes it (not through gettext)."""

    texts: tuple[tuple[str, str], ...]
    """Pairs of language ("en", "ja") and text, in the order written."""

    def get(self, language: str) -> str:
        """Return the text in `language`, else in English, else the first one."""
        table = dict(self.texts)
        return table.get(language) or table.get("en") or (self.texts[0][1] if self.texts else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A page to read, with its title per language."""

    url: str
    title: LocalizedText


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """How to reach one service: protocol, host, port, TLS, ways to sign in, user name."""

    protocol: Protocol
    hostname: str
    """ASCII (A-labels), lower case; may hold %EMAILDOMAIN% in ServiceSettings, never in a MailAccount."""
    port: int
    socket_type: SocketType
    authentication: tuple[Authentication, ...] = (Authentication.PASSWORD_CLEARTEXT,)
    """In the provider's order of preference."""
    username: str = ADDRESS
    """A template (%EMAILADDRESS%, %EMAILLOCALPART%, %ASK%, …) in ServiceSettings, final in a MailAccount."""

    @property
    def endpoint(self) -> str:
        """`host:port`, as problems and reports name a server; an IPv6 address in brackets."""
        return f"[{self.hostname}]:{self.port}" if ":" in self.hostname else f"{self.hostname}:{self.port}"

    @property
    def needs_oauth(self) -> bool:
        """Whether a password cannot sign in here."""
        return set(self.authentication) == {Authentication.OAUTH2}

    def with_address(self, address: Address, username: str | None = None) -> Server:
        """Fill the templates; `username` stands in for %ASK%."""
        return replace(
            self,
            hostname=fill_host(self.hostname, address.domain),
            username=fill_username(self.username, address, username),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DavService:
    """Calendar (CalDAV) or contacts (CardDAV) of a domain."""

    url: str
    """https URL; may hold %EMAILDOMAIN% in ServiceSettings."""
    username: str = ADDRESS


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsPolicy:
    """What a provider's old servers need relaxed. Verification has no switch."""

    legacy_renegotiation: bool = False
    """Allow servers without RFC 5746 (OpenSSL's SSL_OP_LEGACY_SERVER_CONNECT)."""
    security_level: int = 2
    """OpenSSL security level; 1 admits SHA-1 handshakes and small keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRules:
    """What a service decides about its Apple profiles. What it does not say is left to the person."""

    removal_date: str | None = None
    """The last day (`2027-03-31`), or a moment, in ISO 8601; without a zone it means the host's."""
    remove_after_days: int | None = None
    """Counted by the device from the installation; of both, the earlier one wins there."""
    path_prefix: str | None = None
    """IMAP path prefix of accounts that nobody checked; a check asks the server itself."""
    allow_mail_drop: bool = True
    disable_recents_syncing: bool = False
    smime_overrideable: bool = True
    """Whether a person may choose S/MIME and a certificate of their own."""

    @property
    def removes_itself(self) -> bool:
        """Whether a device takes the profile, and the accounts with it, away again."""
        return self.removal_date is not None or self.remove_after_days is not None

    def removal_moment(self, zone: tzinfo) -> datetime | None:
        """When the removal date is over, in the zone of the host."""
        return None if self.removal_date is None else read_moment(self.removal_date, zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """The servers of one mail service and the domains it serves, before a person's address is known."""

    id: str
    display_name: str
    display_short_name: str
    domains: tuple[str, ...]
    """Lower-case A-labels. A provider may write `*.example.ne.jp` for every subdomain."""
    incoming_servers: tuple[Server, ...]
    """IMAP and POP3 in order of preference."""
    outgoing_servers: tuple[Server, ...]
    """SMTP in order of preference."""
    mx_suffixes: tuple[str, ...] = ()
    """A domain whose MX ends so is served here (providers only)."""
    calendar: DavService | None = None
    addressbook: DavService | None = None
    activesync_url: str | None = None
    jmap_url: str | None = None
    documentation: Link | None = None
    organization: str | None = None
    """The company's name on pages and in profiles; display_name where absent."""
    help: LocalizedText | None = None
    """Whom to ask, as shown at the foot of every employee page."""
    consent: LocalizedText | None = None
    """The host's own words, shown by an Apple device before it installs a profile."""
    sign_in: SignIn = SignIn.PASSWORD
    password_label: LocalizedText | None = None
    """What the password field is called where it is not the ordinary password ("App password")."""
    password_hint: LocalizedText | None = None
    """Read before the password field."""
    refusal_advice: LocalizedText | None = None
    """What to do after the server refused the password."""
    links: tuple[Link, ...] = ()
    """The provider's own pages."""
    last_checked: str | None = None
    """ISO date on which a person last compared this with the provider's pages."""
    tls: TlsPolicy = field(default_factory=TlsPolicy)
    profile: ProfileRules = field(default_factory=ProfileRules)
    source: Source = Source.DOMAIN

    def serves(self, domain: str) -> bool:
        """Whether `domain` (lower-case A-labels) is one of ours, wild cards included."""
        return any(
            domain == ours or (ours.startswith("*.") and domain.endswith(ours[1:])) for ours in self.domains
        )

    @property
    def asks_username(self) -> bool:
        """Whether the person must tell a user name besides the address."""
        return any(ASK in server.username for server in self.incoming_servers + self.outgoing_servers)

    @property
    def needs_oauth(self) -> bool:
        """Whether no server takes a password."""
        return self.sign_in is SignIn.OAUTH

    @property
    def uses_exchange(self) -> bool:
        """Whether Exchange ActiveSync with the provider's own sign-in page is the way in (Microsoft 365)."""
        return self.needs_oauth and self.activesync_url is not None

    def asking_username(self) -> ServiceSettings:
        """The same service for a person whose user name is not the one it says."""
        return replace(
            self,
            incoming_servers=tuple(replace(server, username=ASK) for server in self.incoming_servers),
            outgoing_servers=tuple(replace(server, username=ASK) for server in self.outgoing_servers),
            calendar=None if self.calendar is None else replace(self.calendar, username=ASK),
            addressbook=None if self.addressbook is None else replace(self.addressbook, username=ASK),
        )

    def for_domain(self, domain: str) -> ServiceSettings:
        """The settings as `domain` alone publishes them: host templates filled, its neighbours left out."""
        return replace(
            self,
            domains=(domain,),
            incoming_servers=_fill_hosts(self.incoming_servers, domain),
            outgoing_servers=_fill_hosts(self.outgoing_servers, domain),
            calendar=_fill_dav_host(self.calendar, domain),
            addressbook=_fill_dav_host(self.addressbook, domain),
            activesync_url=_fill_optional(self.activesync_url, domain),
            jmap_url=_fill_optional(self.jmap_url, domain),
        )

    def account(
        self,
        address: Address,
        full_name: str = "",
        *,
        username: str | None = None,
        prefer: Protocol | None = None,
    ) -> MailAccount:
        """Make the account of one person.

        `username` stands in for %ASK%; `prefer` puts IMAP or POP3 first where the service has it.
        """
        here = self.for_domain(address.domain)
        incoming = sorted(here.incoming_servers, key=lambda server: server.protocol is not prefer)
        return MailAccount(
            address=address,
            full_name=full_name,
            incoming=tuple(s.with_address(address, username) for s in incoming),
            outgoing=tuple(s.with_address(address, username) for s in here.outgoing_servers),
            calendar=_fill_dav_user(here.calendar, address, username),
            addressbook=_fill_dav_user(here.addressbook, address, username),
            settings=here,
            path_prefix=self.profile.path_prefix,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MailAccount:
    """One person's account: every template filled. The first incoming and outgoing server is the chosen one."""

    address: Address
    full_name: str
    incoming: tuple[Server, ...]
    outgoing: tuple[Server, ...]
    settings: ServiceSettings
    """The service it came from, as its domain alone publishes it."""
    calendar: DavService | None = None
    addressbook: DavService | None = None
    path_prefix: str | None = None
    """IMAP path prefix found by the check ("INBOX"), before it the service's own; None when there is none."""

    @property
    def usernames(self) -> tuple[str, ...]:
        """The user name of every service, mail first."""
        mail = tuple(server.username for server in (*self.incoming, *self.outgoing))
        dav = tuple(service.username for service in (self.calendar, self.addressbook) if service is not None)
        return (*mail, *dav)

    @property
    def incoming_server(self) -> Server:
        """The server that mail is read from."""
        return self.incoming[0]

    @property
    def outgoing_server(self) -> Server:
        """The server that mail is sent through."""
        return self.outgoing[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """What a renderer makes: bytes, their content type and a file name (ASCII, no path)."""

    data: bytes = field(repr=False)
    content_type: str
    filename: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderOptions:
    """What a rendering needs besides the account. The password never shows in a repr."""

    language: str = "en"
    password: str | None = field(default=None, repr=False)
    outgoing_password: str | None = field(default=None, repr=False)
    """Only where SMTP needs another password."""
    unchecked: bool = False
    """The account was not (successfully) checked; formats that can say so do."""
    consent_text: LocalizedText | None = None
    """Words before installing instead of the service's own."""
    removal_date: datetime | None = None
    """When an Apple device removes the profile, instead of the service's own date."""
    zone: tzinfo = UTC
    """The host's, for dates without one."""
    translate: Callable[[str], str] = field(default=str, repr=False, compare=False)
    """Translates a text marked with N_ into `language`; profiles/ itself only marks."""


def read_moment(text: str, zone: tzinfo) -> datetime:
    """The moment that ISO 8601 text means; a day alone means its end. ValueError for anything else."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    return datetime.combine(day + timedelta(days=1), time(), zone)


def fill_username(template: str, address: Address, username: str | None = None) -> str:
    """Replace the placeholders of a user name."""
    values = {ADDRESS: str(address), LOCAL_PART: address.local, DOMAIN: address.domain, ASK: username or ASK}
    # In one pass: a local part may itself look like a placeholder.
    return _PLACEHOLDER.sub(lambda found: values[found.group()], template)


def fill_host(template: str, domain: str) -> str:
    """Replace the domain placeholder of a host name or URL."""
    return template.replace(DOMAIN, domain)


def _fill_hosts(servers: tuple[Server, ...], domain: str) -> tuple[Server, ...]:
    return tuple(replace(server, hostname=fill_host(server.hostname, domain)) for server in servers)


def _fill_optional(url: str | None, domain: str) -> str | None:
    return None if url is None else fill_host(url, domain)


def _fill_dav_host(service: DavService | None, domain: str) -> DavService | None:
    return None if service is None else replace(service, url=fill_host(service.url, domain))


def _fill_dav_user(service: DavService | None, address: Address, username: str | None) -> DavService | None:
    if service is None:
        return None
    return replace(service, username=fill_username(service.username, address, username))
