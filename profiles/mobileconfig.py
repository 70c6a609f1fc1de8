"""Apple configuration profiles: one MailAccount as an unsigned .mobileconfig (guide: Apple's payload schemas).

One profile per person holds mail and, where the service has them, calendar and contacts. Signing is signing.py's.
"""

from __future__ import annotations

import plistlib
from collections.abc import Callable, Mapping
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
Say = Callable[[str], str]


def render(account: MailAccount, options: RenderOptions) -> Artifact:
    """Render the profile; same account and options, same bytes."""
    require_writable(account.full_name, options.password, options.outgoing_password)
    # Keys are sorted, identifiers derived and no time is written: an unchanged account is an unchanged file.
    data = plistlib.dumps(profile(account, options), sort_keys=True)
    return Artifact(data=data, content_type=CONTENT_TYPE, filename=f"{account.address.domain}.mobileconfig")


def profile(account: MailAccount, options: RenderOptions) -> Plist:
    """The profile as plist values."""
    say = _speaker(account, options)
    payloads = [_mail(account, options, say)]
    if account.calendar is not None:
        payloads.append(_calendar(account, account.calendar, options, say))
    if account.addressbook is not None:
        payloads.append(_contacts(account, account.addressbook, options, say))
    about = [str(payload["PayloadDescription"]) for payload in payloads]
    if options.unchecked:
        about.append(say(NOT_CHECKED))
    return {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": profile_identifier(account.address),
        "PayloadUUID": _uuid(account, "profile"),
        "PayloadDisplayName": say(PROFILE_NAME),
        "PayloadDescription": "\n".join(about),
        "PayloadOrganization": _organization(account),
        # A Mac takes mail payloads for a person only, never for the whole system.
        "PayloadScope": "User",
        "ConsentText": _consent(options.consent_text, options, say),
        "PayloadContent": payloads,
    }


def _mail(account: MailAccount, options: RenderOptions, say: Say) -> Plist:
    incoming, outgoing = _admitted(account)
    return {
        **_common(account, "com.apple.mail.managed", "mail"),
        "PayloadDisplayName": say(MAIL_NAME),
        "PayloadDescription": say(ADDS_MAIL),
        "EmailAccountDescription": account.settings.display_name or str(account.address),
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


def _calendar(account: MailAccount, service: DavService, options: RenderOptions, say: Say) -> Plist:
    return {
        **_common(account, "com.apple.caldav.account", "caldav"),
        "PayloadDisplayName": say(CALENDAR_NAME),
        "PayloadDescription": say(ADDS_CALENDAR),
        **_dav("CalDAV", account, service, options),
    }


def _contacts(account: MailAccount, service: DavService, options: RenderOptions, say: Say) -> Plist:
    return {
        **_common(account, "com.apple.carddav.account", "carddav"),
        "PayloadDisplayName": say(CONTACTS_NAME),
        "PayloadDescription": say(ADDS_CONTACTS),
        **_dav("CardDAV", account, service, options),
    }


def _dav(prefix: str, account: MailAccount, service: DavService, options: RenderOptions) -> Plist:
    # No principal URL: iOS and macOS read it differently; both find it through /.well-known.
    url = urlsplit(service.url)
    return {
        f"{prefix}AccountDescription": account.settings.display_name or str(account.address),
        f"{prefix}HostName": url.hostname or "",
        f"{prefix}Port": url.port or 443,
        # Documented default true, real default false before iOS 16.
        f"{prefix}UseSSL": True,
        **_known(
            **{f"{prefix}Username": _username(service.username), f"{prefix}Password": options.password},
        ),
    }


def _admitted(account: MailAccount) -> tuple[Server, Server]:
    incoming, outgoing = require_both_ways(account, NAME)
    if account.settings.needs_oauth:
        raise refusal(NAME, NEEDS_OAUTH, incoming)
    if incoming.socket_type is not SocketType.SSL:
        raise refusal(NAME, NEEDS_STARTTLS_FOR_READING, incoming)
    return incoming, outgoing


def _common(account: MailAccount, payload_type: str, kind: str) -> Plist:
    return {
        "PayloadType": payload_type,
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{profile_identifier(account.address)}.{kind}",
        "PayloadUUID": _uuid(account, kind),
        "PayloadOrganization": _organization(account),
    }


def _consent(text: LocalizedText | None, options: RenderOptions, say: Say) -> Plist:
    if text is None:
        return {"default": say(CONSENT)}
    return {"default": text.get(options.language), **dict(text.texts)}


def _uuid(account: MailAccount, kind: str) -> str:
    return str(derived_uuid(account.address, kind)).upper()


def _organization(account: MailAccount) -> str:
    return account.settings.organization or account.settings.display_name or account.address.domain


def _username(username: str) -> str | None:
    """A user name that only the person knows is left out: the device asks for it."""
    return None if ASK in username else username


def _known(**values: str | None) -> Mapping[str, str]:
    """Leave out what is absent or empty: an empty string would be taken for a value."""
    return {key: value for key, value in values.items() if value}


def _speaker(account: MailAccount, options: RenderOptions) -> Say:
    words = {"address": str(account.address)}
    return lambda text: options.translate(text) % words
