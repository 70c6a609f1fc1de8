"""The keys of Apple's payloads that Hagaki writes: type, presence and allowed values.

From Apple's device-management schema (release branch of 2024-10); the mail payload is unchanged since.
"""

from __future__ import annotations

from datetime import datetime

COMMON = {
    "PayloadIdentifier": str,
    "PayloadUUID": str,
    "PayloadType": str,
    "PayloadVersion": int,
    "PayloadDescription": str,
    "PayloadDisplayName": str,
    "PayloadOrganization": str,
}
COMMON_REQUIRED = {"PayloadIdentifier", "PayloadUUID", "PayloadType", "PayloadVersion"}

TOP = COMMON | {
    "PayloadContent": list,
    "HasRemovalPasscode": bool,
    "PayloadRemovalDisallowed": bool,
    "PayloadScope": str,
    "TargetDeviceType": int,
    "ConsentText": dict,
    "RemovalDate": datetime,
    "DurationUntilRemoval": float,
}
TOP_REQUIRED = COMMON_REQUIRED | {"PayloadContent"}

_DAV = {
    "AccountDescription": str,
    "HostName": str,
    "Username": str,
    "Password": str,
    "PrincipalURL": str,
    "UseSSL": bool,
    "Port": int,
}

PAYLOADS = {
    "com.apple.mail.managed": {
        "EmailAccountDescription": str,
        "EmailAccountName": str,
        "EmailAccountType": str,
        "EmailAddress": str,
        "IncomingMailServerAuthentication": str,
        "IncomingMailServerHostName": str,
        "IncomingMailServerPortNumber": int,
        "IncomingMailServerUseSSL": bool,
        "IncomingMailServerUsername": str,
        "IncomingPassword": str,
        "OutgoingPassword": str,
        "OutgoingPasswordSameAsIncomingPassword": bool,
        "OutgoingMailServerAuthentication": str,
        "OutgoingMailServerHostName": str,
        "OutgoingMailServerPortNumber": int,
        "OutgoingMailServerUseSSL": bool,
        "OutgoingMailServerUsername": str,
        "PreventMove": bool,
        "PreventAppSheet": bool,
        "SMIMEEnabled": bool,
        "SMIMESigningEnabled": bool,
        "SMIMESigningCertificateUUID": str,
        "SMIMEEncryptionEnabled": bool,
        "SMIMEEncryptionCertificateUUID": str,
        "SMIMEEnablePerMessageSwitch": bool,
        "disableMailRecentsSyncing": bool,
        "allowMailDrop": bool,
        "IncomingMailServerIMAPPathPrefix": str,
        "SMIMESigningUserOverrideable": bool,
        "SMIMESigningCertificateUUIDUserOverrideable": bool,
        "SMIMEEncryptByDefault": bool,
        "SMIMEEncryptByDefaultUserOverrideable": bool,
        "SMIMEEncryptionCertificateUUIDUserOverrideable": bool,
        "SMIMEEnableEncryptionPerMessageSwitch": bool,
        "VPNUUID": str,
    },
    "com.apple.eas.account": {
        "EmailAddress": str,
        "Host": str,
        "SSL": bool,
        "OAuth": bool,
        "UserName": str,
        "Password": str,
        "PreventMove": bool,
        "PreventAppSheet": bool,
        "disableMailRecentsSyncing": bool,
        "MailNumberOfPastDaysToSync": int,
        "allowMailDrop": bool,
        "SMIMESigningUserOverrideable": bool,
        "SMIMESigningCertificateUUIDUserOverrideable": bool,
        "SMIMEEncryptByDefault": bool,
        "SMIMEEncryptByDefaultUserOverrideable": bool,
        "SMIMEEncryptionCertificateUUIDUserOverrideable": bool,
        "SMIMEEnableEncryptionPerMessageSwitch": bool,
        "EnableMail": bool,
        "OverridePreviousPassword": bool,
    },
    "com.apple.caldav.account": {f"CalDAV{key}": kind for key, kind in _DAV.items()} | {"VPNUUID": str},
    "com.apple.carddav.account": {f"CardDAV{key}": kind for key, kind in _DAV.items()} | {"VPNUUID": str},
}

REQUIRED = {
    "com.apple.mail.managed": {
        "EmailAccountType",
        "IncomingMailServerAuthentication",
        "IncomingMailServerHostName",
        "OutgoingMailServerAuthentication",
        "OutgoingMailServerHostName",
    },
    "com.apple.eas.account": set(),
    "com.apple.caldav.account": {"CalDAVHostName"},
    "com.apple.carddav.account": {"CardDAVHostName"},
}

_AUTHENTICATION = {
    "EmailAuthNone",
    "EmailAuthPassword",
    "EmailAuthCRAMMD5",
    "EmailAuthNTLM",
    "EmailAuthHTTPMD5",
}
ALLOWED = {
    "PayloadScope": {"System", "User"},
    "PayloadVersion": {1},
    "EmailAccountType": {"EmailTypeIMAP", "EmailTypePOP"},
    "IncomingMailServerAuthentication": _AUTHENTICATION,
    "OutgoingMailServerAuthentication": _AUTHENTICATION,
}


def faults(profile: dict[str, object]) -> list[str]:
    """Everything in a profile that Apple's schema does not allow."""
    found = _faults("profile", profile, TOP, TOP_REQUIRED)
    for payload in profile["PayloadContent"]:
        name = payload["PayloadType"]
        found += _faults(name, payload, COMMON | PAYLOADS[name], COMMON_REQUIRED | REQUIRED[name])
    return found


def _faults(name: str, values: dict[str, object], keys: dict[str, type], required: set[str]) -> list[str]:
    missing = [f"{name}: {key} is missing" for key in sorted(required - set(values))]
    unknown = [f"{name}: {key} is unknown" for key in sorted(set(values) - set(keys))]
    known = [key for key in values if key in keys]
    # type() and not isinstance: true is an integer to Python, never to a device.
    types = [f"{name}: {key} is {type(values[key])}" for key in known if type(values[key]) is not keys[key]]
    restricted = [key for key in known if key in ALLOWED]
    bad = [f"{name}: {key} is {values[key]}" for key in restricted if values[key] not in ALLOWED[key]]
    empty = [f"{name}: {key} is empty" for key in known if values[key] in ("", [], {})]
    return missing + unknown + types + bad + empty
