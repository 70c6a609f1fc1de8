"""Apple configuration profiles: a person's accounts as an unsigned .mobileconfig (guide: Apple's payload schemas).

One profile per person holds mail and, where the service has them, calendar and contacts. Microsoft 365 and
Outlook.com take no password, and the mail payload knows no OAuth: they get the Exchange payload, which opens
Microsoft's own sign-in page (iPhone and iPad only). Apple's Google payload needs MDM. Signing is signing.py's.
"""

from __future__ import annotations

import plistlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from urllib.parse import urlsplit

from profiles.address import Address
from profiles.admission import (
    NEEDS_OAUTH,
    NEEDS_STARTTLS_FOR_READING,
    refusal,
    require_both_ways,
    sign_in_word,
)
from profiles.identifiers import derived_uuid, profile_identifier
from profiles.model import (
    ASK,
    Artifact,
    Authentication,
    DavService,
    LocalizedText,
    MailAccount,
    Protocol,
    RenderOptions,
    Server,
    SocketType,
)
from profiles.problems import N_
from profiles.xml_document import require_writable

NAME = "mobileconfig"
CONTENT_TYPE = "application/x-apple-aspen-config"

PROFILE_NAME = N_("Mail for %(address)s")
MAIL_NAME = N_("Mail (%(address)s)")
CALENDAR_NAME = N_("Calendar (%(address)s)")
CONTACTS_NAME = N_("Contacts (%(address)s)")
EXCHANGE_NAME = N_("Exchange (%(address)s)")
ADDS_MAIL = N_("Adds the mail account %(address)s.")
ADDS_CALENDAR = N_("Adds the calendar of %(address)s.")
ADDS_CONTACTS = N_("Adds the contacts of %(address)s.")
ADDS_EXCHANGE = N_("Adds mail, calendar and contacts of %(address)s. The device asks you to sign in.")
REMOVED_AFTER_DAY = N_("This profile removes itself, and the account with it, after %(day)s.")
REMOVED_AFTER_DAYS = N_(
    "This profile removes itself, and the account with it, %(days)s days after it is installed."
)
NOT_CHECKED = N_("These settings were not checked with the mail server.")
CONSENT = N_(
    "This profile adds the account %(address)s to this device. If you added the account by hand before,"
    " delete that one first. Removing this profile also removes the account from this device."
)

_ACCOUNT_TYPES = {Protocol.IMAP: "EmailTypeIMAP", Protocol.POP3: "EmailTypePOP"}
_AUTHENTICATION = {
    Authentication.PASSWORD_CLEARTEXT: "EmailAuthPassword",
    Authentication.PASSWORD_ENCRYPTED: "EmailAuthCRAMMD5",
    Authentication.NTLM: "EmailAuthNTLM",
}

Plist = dict[str, object]

_SMIME_SWITCHES = (
    "SMIMESigningUserOverrideable",
    "SMIMESigningCertificateUUIDUserOverrideable",
    "SMIMEEncryptByDefaultUserOverrideable",
    "SMIMEEncryptionCertificateUUIDUserOverrideable",
    "SMIMEEnableEncryptionPerMessageSwitch",
)
"""Without these nobody can choose a certificate of their own later, or encrypt one mail and not the next."""
_DAY_SECONDS = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Person:
    """Whose profile it is, how it is to be written, and the identifier that every payload extends."""

    account: MailAccount
    options: RenderOptions
    owner: Address
    """Whose profile it is: the first account's address."""
    identifier: str

    @property
    def is_owner(self) -> bool:
        """Whether this is the first account, whose payloads have the shortest names."""
        return self.account.address.key == self.owner.key

    def say(self, text: str) -> str:
        """Translate a text and put the address into it."""
        return self.options.translate(text) % {"address": str(self.account.address)}

    @property
    def label(self) -> str:
        """What the device calls the account: a second one of the same service needs another name."""
        name = self.account.settings.display_name if self.is_owner else ""
        return name or str(self.account.address)


def render(account: MailAccount, options: RenderOptions) -> Artifact:
    """Render the profile; same account and options, same bytes."""
    return render_several((account,), options)


def render_several(
    accounts: Sequence[MailAccount], options: RenderOptions, *, passwords: Sequence[str | None] = ()
) -> Artifact:
    """Render one profile of all accounts of a person; a device replaces the one that the first account had."""
    for account in accounts:
        passwords_of_all = (options.password, options.outgoing_password, *passwords)
        require_writable(account.full_name, *passwords_of_all, usernames=account.usernames)
    # Keys are sorted, identifiers derived and no time is written: an unchanged account is an unchanged file.
    data = plistlib.dumps(profile_of(accounts, options, passwords=passwords), sort_keys=True)
    filename = f"{accounts[0].address.domain}.mobileconfig"
    return Artifact(data=data, content_type=CONTENT_TYPE, filename=filename)


def profile(account: MailAccount, options: RenderOptions) -> Plist:
    """The profile of one account as plist values."""
    return profile_of((account,), options)


def profile_of(
    accounts: Sequence[MailAccount], options: RenderOptions, *, passwords: Sequence[str | None] = ()
) -> Plist:
    """One profile of several accounts of one person, named after the first.

    A device keeps only one downloaded profile at a time, so all of a person go into one. `passwords` are those of
    the accounts, in order; without them every account has the one of `options`.
    """
    uuid = derived_uuid(accounts[0].address, "profile")
    identifier = profile_identifier(accounts[0].address, uuid)
    owner = accounts[0].address
    people = [
        _Person(account=account, options=each, owner=owner, identifier=identifier)
        for account, each in zip(accounts, _options_of(accounts, options, passwords), strict=True)
    ]
    parts = [part for person in people for part in _parts(person)]
    person, about = people[0], [words for _, words in parts]
    if options.unchecked:
        about.append(person.say(NOT_CHECKED))
    about += _about_removal(accounts[0], options)
    return {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": person.identifier,
        "PayloadUUID": str(uuid).upper(),
        "PayloadDisplayName": person.say(PROFILE_NAME),
        "PayloadDescription": "\n".join(about),
        "PayloadOrganization": person.account.settings.organization or person.label,
        # A Mac takes mail payloads for a person only, never for the whole system.
        "PayloadScope": "User",
        "ConsentText": _consent(people),
        "PayloadContent": [payload for payload, _ in parts],
        **_removal(accounts[0], options),
    }


def _options_of(
    accounts: Sequence[MailAccount], options: RenderOptions, passwords: Sequence[str | None]
) -> Iterator[RenderOptions]:
    for password in passwords or [options.password] * len(accounts):
        yield replace(options, password=password)


def _parts(person: _Person) -> Iterator[tuple[Plist, str]]:
    """Every payload of one account, with the words that say what it adds."""
    account = person.account
    if account.settings.uses_exchange:
        yield _exchange(person), person.say(ADDS_EXCHANGE)
    else:
        yield _mail(person), person.say(ADDS_MAIL)
    if account.calendar is not None:
        yield _calendar(person, account.calendar), person.say(ADDS_CALENDAR)
    if account.addressbook is not None:
        yield _contacts(person, account.addressbook), person.say(ADDS_CONTACTS)


def _removal(owner: MailAccount, options: RenderOptions) -> Plist:
    rules = owner.settings.profile
    moment, days = options.removal_date or rules.removal_moment(options.zone), rules.remove_after_days
    removal: Plist = {}
    if moment is not None:
        # plistlib writes a time without a zone and means UTC.
        removal["RemovalDate"] = moment.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    if days is not None:
        # Beside a date the device takes whichever comes first. Apple's own profiles write it as a real.
        removal["DurationUntilRemoval"] = days * _DAY_SECONDS
    return removal


def _about_removal(owner: MailAccount, options: RenderOptions) -> Iterator[str]:
    rules = owner.settings.profile
    moment, days = options.removal_date or rules.removal_moment(options.zone), rules.remove_after_days
    if moment is not None:
        yield options.translate(REMOVED_AFTER_DAY) % {"day": _last(moment.astimezone(options.zone))}
    if days is not None:
        yield options.translate(REMOVED_AFTER_DAYS) % {"days": days}


def _last(moment: datetime) -> str:
    """The day that ends with the moment, else the moment itself; in ISO 8601, which every language reads."""
    if moment.time() == time():
        return (moment - timedelta(days=1)).date().isoformat()
    return f"{moment:%Y-%m-%d %H:%M}"


def _switches(account: MailAccount) -> Plist:
    """Switches of Mail that a profile would otherwise decide for the person."""
    rules = account.settings.profile
    return {
        # Forbidden unless allowed.
        "allowMailDrop": rules.allow_mail_drop,
        # Unsaid, it stays on.
        **({"disableMailRecentsSyncing": True} if rules.disable_recents_syncing else {}),
        **(dict.fromkeys(_SMIME_SWITCHES, True) if rules.smime_overrideable else {}),
    }


def _exchange(person: _Person) -> Plist:
    address = str(person.account.address)
    return {
        **_payload(person, "com.apple.eas.account", "eas"),
        "PayloadDisplayName": person.say(EXCHANGE_NAME),
        "EmailAddress": address,
        "UserName": address,
        "Host": urlsplit(person.account.settings.activesync_url or "").hostname or "",
        "SSL": True,
        "OAuth": True,
        **_switches(person.account),
    }


def _mail(person: _Person) -> Plist:
    account, options = person.account, person.options
    incoming, outgoing = _admitted(account)
    return {
        **_payload(person, "com.apple.mail.managed", "mail"),
        "PayloadDisplayName": person.say(MAIL_NAME),
        "EmailAccountDescription": person.label,
        "EmailAccountType": _ACCOUNT_TYPES[incoming.protocol],
        "EmailAddress": str(account.address),
        **_known(EmailAccountName=account.full_name),
        **_switches(account),
        **_incoming(incoming, account, options),
        **_outgoing(outgoing, options),
    }


def _incoming(server: Server, account: MailAccount, options: RenderOptions) -> Plist:
    is_imap = server.protocol is Protocol.IMAP
    return {
        "IncomingMailServerAuthentication": sign_in_word(server, _AUTHENTICATION, NAME),
        "IncomingMailServerHostName": server.hostname,
        "IncomingMailServerPortNumber": server.port,
        # The device's default is false: a missing key would mean plain text.
        "IncomingMailServerUseSSL": True,
        **_known(
            IncomingMailServerUsername=_username(server.username),
            IncomingPassword=options.password,
            # Only what the server's NAMESPACE said: a wrong prefix shows every folder twice.
            IncomingMailServerIMAPPathPrefix=account.path_prefix if is_imap else None,
        ),
    }


def _outgoing(server: Server, options: RenderOptions) -> Plist:
    return {
        "OutgoingMailServerAuthentication": sign_in_word(server, _AUTHENTICATION, NAME),
        "OutgoingMailServerHostName": server.hostname,
        # Without a port the device tries 25 first.
        "OutgoingMailServerPortNumber": server.port,
        # There is no key for STARTTLS. With 587 devices read true as STARTTLS (Apple's own iCloud settings).
        "OutgoingMailServerUseSSL": True,
        # Without this the device asks twice, or silently keeps no password for sending.
        "OutgoingPasswordSameAsIncomingPassword": not options.outgoing_password,
        **_known(
            OutgoingMailServerUsername=_username(server.username),
            OutgoingPassword=options.outgoing_password,
        ),
    }


def _calendar(person: _Person, service: DavService) -> Plist:
    return {
        **_payload(person, "com.apple.caldav.account", "caldav"),
        "PayloadDisplayName": person.say(CALENDAR_NAME),
        **_dav("CalDAV", person, service),
    }


def _contacts(person: _Person, service: DavService) -> Plist:
    return {
        **_payload(person, "com.apple.carddav.account", "carddav"),
        "PayloadDisplayName": person.say(CONTACTS_NAME),
        **_dav("CardDAV", person, service),
    }


def _dav(prefix: str, person: _Person, service: DavService) -> Plist:
    # No principal URL: iOS and macOS read it differently; both find it through /.well-known.
    url = urlsplit(service.url)
    login = {f"{prefix}Username": _username(service.username), f"{prefix}Password": person.options.password}
    return {
        f"{prefix}AccountDescription": person.label,
        f"{prefix}HostName": url.hostname or "",
        f"{prefix}Port": url.port or 443,
        # Documented default true, real default false before iOS 16.
        f"{prefix}UseSSL": True,
        **_known(**login),
    }


def _admitted(account: MailAccount) -> tuple[Server, Server]:
    incoming, outgoing = require_both_ways(account, NAME)
    if account.settings.needs_oauth:
        raise refusal(NAME, NEEDS_OAUTH, incoming)
    if incoming.socket_type is not SocketType.SSL:
        raise refusal(NAME, NEEDS_STARTTLS_FOR_READING, incoming)
    return incoming, outgoing


def _payload(person: _Person, payload_type: str, kind: str) -> Plist:
    if not person.is_owner:
        # Another account than in a profile of its own: the same mailbox may be installed there too.
        kind = f"{kind}.{derived_uuid(person.account.address, 'profile').hex}"
    return {
        "PayloadType": payload_type,
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{person.identifier}.{kind}",
        "PayloadUUID": str(derived_uuid(person.owner, kind)).upper(),
    }


def _consent(people: Sequence[_Person]) -> Plist:
    text = _own_words(people[0])
    if text is None:
        return {"default": "\n".join(person.say(CONSENT) for person in people)}
    return {"default": text.get(people[0].options.language), **dict(text.texts)}


def _own_words(person: _Person) -> LocalizedText | None:
    return person.options.consent_text or person.account.settings.consent


def _username(username: str) -> str | None:
    """A user name that only the person knows is left out: the device asks for it."""
    return None if ASK in username else username


def _known(**values: str | None) -> Mapping[str, str]:
    """Leave out what is absent or empty: an empty string would be taken for a value."""
    return {key: value for key, value in values.items() if value}
