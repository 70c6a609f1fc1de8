"""Apple configuration profiles: one MailAccount as an unsigned .mobileconfig (guide: Apple's payload schemas).

One profile per person holds mail and, where the service has them, calendar and contacts. Signing is signing.py's.
"""

from __future__ import annotations

import plistlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

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
ADDS_MAIL = N_("Adds the mail account %(address)s.")
ADDS_CALENDAR = N_("Adds the calendar of %(address)s.")
ADDS_CONTACTS = N_("Adds the contacts of %(address)s.")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Person:
    """Whose profile it is, how it is to be written, and the identifier that every payload extends."""

    account: MailAccount
    options: RenderOptions
    identifier: str

    def say(self, text: str) -> str:
        """Translate a text and put the address into it."""
        return self.options.translate(text) % {"address": str(self.account.address)}

    @property
    def label(self) -> str:
        """What the device calls the account."""
        return self.account.settings.display_name or str(self.account.address)


def render(account: MailAccount, options: RenderOptions) -> Artifact:
    """Render the profile; same account and options, same bytes."""
    require_writable(account.full_name, options.password, options.outgoing_password)
    # Keys are sorted, identifiers derived and no time is written: an unchanged account is an unchanged file.
    data = plistlib.dumps(profile(account, options), sort_keys=True)
    return Artifact(data=data, content_type=CONTENT_TYPE, filename=f"{account.address.domain}.mobileconfig")


def profile(account: MailAccount, options: RenderOptions) -> Plist:
    """The profile as plist values."""
    uuid = derived_uuid(account.address, "profile")
    person = _Person(account=account, options=options, identifier=profile_identifier(account.address, uuid))
    payloads, about = [_mail(person)], [person.say(ADDS_MAIL)]
    if account.calendar is not None:
        payloads.append(_calendar(person, account.calendar))
        about.append(person.say(ADDS_CALENDAR))
    if account.addressbook is not None:
        payloads.append(_contacts(person, account.addressbook))
        about.append(person.say(ADDS_CONTACTS))
    if options.unchecked:
        about.append(person.say(NOT_CHECKED))
    return {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": person.identifier,
        "PayloadUUID": str(uuid).upper(),
        "PayloadDisplayName": person.say(PROFILE_NAME),
        "PayloadDescription": "\n".join(about),
        "PayloadOrganization": account.settings.organization or person.label,
        # A Mac takes mail payloads for a person only, never for the whole system.
        "PayloadScope": "User",
        "ConsentText": _consent(person, options.consent_text),
        "PayloadContent": payloads,
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
    return {
        "PayloadType": payload_type,
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{person.identifier}.{kind}",
        "PayloadUUID": str(derived_uuid(person.account.address, kind)).upper(),
    }


def _consent(person: _Person, text: LocalizedText | None) -> Plist:
    if text is None:
        return {"default": person.say(CONSENT)}
    return {"default": text.get(person.options.language), **dict(text.texts)}


def _username(username: str) -> str | None:
    """A user name that only the person knows is left out: the device asks for it."""
    return None if ASK in username else username


def _known(**values: str | None) -> Mapping[str, str]:
    """Leave out what is absent or empty: an empty string would be taken for a value."""
    return {key: value for key, value in values.items() if value}
