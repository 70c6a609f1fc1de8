"""Apple profiles, read back with plistlib and held against Apple's schema."""

from __future__ import annotations

import plistlib
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from profiles import mobileconfig
from profiles.address import Address
from profiles.mobileconfig import render
from profiles.model import Authentication, DavService, LocalizedText, Protocol, RenderOptions, SignIn
from profiles.problems import Code, ProblemError

from .accounts import (
    COMPLETE,
    EXCHANGE,
    IMAP,
    IMAP_STARTTLS,
    POP3,
    POP3_ONLY,
    POP3_STARTTLS,
    SMTP,
    SUBMISSION,
    account,
    service,
)
from .apple_payloads import faults


def profile_of(mail_account=None, **options):
    return plistlib.loads(render(mail_account or account(), RenderOptions(**options)).data)


def mail_of(mail_account=None, **options):
    return profile_of(mail_account, **options)["PayloadContent"][0]


VARIANTS = {
    "plain": (account(), {}),
    "complete": (replace(account(COMPLETE), path_prefix="INBOX"), {}),
    "password": (account(COMPLETE), {"password": "secret"}),
    "two passwords": (account(), {"password": "secret", "outgoing_password": "other"}),
    "pop3": (account(POP3_ONLY), {"password": "secret"}),
    "no name": (account(full_name=""), {}),
    "unchecked": (account(), {"unchecked": True}),
    "exchange": (account(EXCHANGE), {}),
    "removed by itself": (account(), {"removal_date": datetime(2027, 1, 1, tzinfo=UTC)}),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_key_has_the_name_and_type_of_apples_schema(variant):
    mail_account, options = VARIANTS[variant]

    assert faults(profile_of(mail_account, **options)) == []


def test_file_is_for_safari_and_named_in_ascii():
    artifact = render(account(), RenderOptions())

    assert artifact.content_type == "application/x-apple-aspen-config"
    assert artifact.filename == "corp.example.mobileconfig"


def test_identifiers_are_unique_inside_and_payloads_extend_the_profiles():
    profile = profile_of(account(COMPLETE))
    payloads = profile["PayloadContent"]

    identifiers = [profile["PayloadIdentifier"], *(p["PayloadIdentifier"] for p in payloads)]
    uuids = [profile["PayloadUUID"], *(p["PayloadUUID"] for p in payloads)]

    assert len(set(identifiers)) == len(set(uuids)) == 4
    assert all(name.startswith(profile["PayloadIdentifier"] + ".") for name in identifiers[1:])
    assert all(re.fullmatch(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", uuid) for uuid in uuids)


def names_of(profile):
    return [(part["PayloadIdentifier"], part["PayloadUUID"]) for part in (profile, *profile["PayloadContent"])]


def test_identifiers_stay_when_host_port_name_or_password_change():
    moved = service(incoming_servers=(replace(IMAP, hostname="new.corp.example", port=10993),))

    after = profile_of(account(moved, full_name="Hanako"), password="x", language="ja")

    assert names_of(after) == names_of(profile_of())


def test_identifiers_ignore_the_letter_case_of_the_address():
    shouted = service().account(Address("Taro.Yamada", "corp.example"))

    assert names_of(profile_of(shouted)) == names_of(profile_of())


def test_uuid_is_the_one_that_devices_hold():
    """A new value here would give every person a second profile beside the installed one."""
    assert profile_of()["PayloadUUID"] == "9C6A286C-D670-5E00-AD4A-CD86F03C8CF0"


def test_two_mailboxes_share_nothing():
    addresses = [
        Address("a", "corp.example"),
        Address("b", "corp.example"),
        Address("a", "corp.example.jp"),
        Address("a.b", "corp.example"),
        Address("a-b", "corp.example"),
        Address("a+b", "corp.example"),
    ]

    names = [name for one in addresses for name in names_of(profile_of(COMPLETE.account(one)))]

    assert len({identifier for identifier, _ in names}) == len({uuid for _, uuid in names}) == 4 * len(addresses)


@pytest.mark.parametrize(("outgoing", "port"), [(SMTP, 465), (SUBMISSION, 587)])
def test_both_ports_are_written_and_tls_is_always_on(outgoing, port):
    """Without a port the device tries 25; without UseSSL it speaks plain text."""
    mail = mail_of(account(service(outgoing_servers=(outgoing,))))

    assert (mail["IncomingMailServerPortNumber"], mail["OutgoingMailServerPortNumber"]) == (993, port)
    assert mail["IncomingMailServerUseSSL"] is True
    assert mail["OutgoingMailServerUseSSL"] is True


@pytest.mark.parametrize("incoming", [IMAP_STARTTLS, POP3_STARTTLS])
def test_reading_with_starttls_is_refused(incoming):
    with pytest.raises(ProblemError) as refusal:
        render(account(service(incoming_servers=(incoming,))), RenderOptions())

    (problem,) = refusal.value.problems
    assert problem.code is Code.FORMAT_CANNOT_HOLD
    assert problem.server == incoming.endpoint


@pytest.mark.parametrize(
    "settings",
    [
        service(sign_in=SignIn.OAUTH),
        service(incoming_servers=(replace(IMAP, authentication=(Authentication.OAUTH2,)),)),
        service(outgoing_servers=(replace(SMTP, authentication=(Authentication.OAUTH2,)),)),
        service(incoming_servers=(replace(IMAP, authentication=(Authentication.GSSAPI,)),)),
    ],
)
def test_sign_in_that_the_payload_cannot_say_is_refused(settings):
    with pytest.raises(ProblemError) as refusal:
        render(account(settings), RenderOptions())

    assert [problem.code for problem in refusal.value.problems] == [Code.FORMAT_CANNOT_HOLD]


@pytest.mark.parametrize("missing", ["incoming", "outgoing"])
def test_account_of_one_service_is_refused(missing):
    with pytest.raises(ProblemError):
        render(replace(account(), **{missing: ()}), RenderOptions())


@pytest.mark.parametrize(
    ("ways", "word"),
    [
        ((Authentication.PASSWORD_CLEARTEXT,), "EmailAuthPassword"),
        ((Authentication.OAUTH2, Authentication.PASSWORD_CLEARTEXT), "EmailAuthPassword"),
        ((Authentication.PASSWORD_ENCRYPTED, Authentication.PASSWORD_CLEARTEXT), "EmailAuthPassword"),
        ((Authentication.PASSWORD_ENCRYPTED,), "EmailAuthCRAMMD5"),
        ((Authentication.NTLM,), "EmailAuthNTLM"),
    ],
)
def test_authentication_is_what_the_server_takes(ways, word):
    settings = service(
        incoming_servers=(replace(IMAP, authentication=ways),),
        outgoing_servers=(replace(SMTP, authentication=ways),),
    )

    mail = mail_of(account(settings))

    assert mail["IncomingMailServerAuthentication"] == mail["OutgoingMailServerAuthentication"] == word


@pytest.mark.parametrize("password", [None, ""])
def test_no_password_key_without_a_password(password):
    for payload in profile_of(account(COMPLETE), password=password)["PayloadContent"]:
        assert not [key for key in payload if key.endswith("Password") and key != SAME]


SAME = "OutgoingPasswordSameAsIncomingPassword"


def test_one_password_serves_all_payloads():
    mail, calendar, contacts = profile_of(account(COMPLETE), password="secret")["PayloadContent"]

    assert mail["IncomingPassword"] == calendar["CalDAVPassword"] == contacts["CardDAVPassword"] == "secret"
    assert mail[SAME] is True
    assert "OutgoingPassword" not in mail


def test_other_smtp_password_is_written_beside():
    mail = mail_of(password="secret", outgoing_password="other")

    assert (mail["IncomingPassword"], mail["OutgoingPassword"], mail[SAME]) == ("secret", "other", False)


def test_pop3_is_a_pop_account_without_path_prefix():
    mail_account = replace(
        account(service(incoming_servers=(IMAP, POP3)), prefer=Protocol.POP3), path_prefix="INBOX"
    )

    mail = mail_of(mail_account)

    assert mail["EmailAccountType"] == "EmailTypePOP"
    assert mail["IncomingMailServerHostName"] == "pop.corp.example"
    assert "IncomingMailServerIMAPPathPrefix" not in mail


@pytest.mark.parametrize(("prefix", "written"), [("INBOX", "INBOX"), ("", None), (None, None)])
def test_path_prefix_is_what_the_server_said(prefix, written):
    mail = mail_of(replace(account(), path_prefix=prefix))

    assert mail.get("IncomingMailServerIMAPPathPrefix") == written


def test_dav_payloads_come_from_the_urls():
    _, calendar, contacts = profile_of(account(COMPLETE))["PayloadContent"]

    assert (calendar["CalDAVHostName"], calendar["CalDAVPort"], calendar["CalDAVUseSSL"]) == (
        "dav.corp.example",
        443,
        True,
    )
    assert (contacts["CardDAVHostName"], contacts["CardDAVPort"]) == ("dav.corp.example", 8443)
    assert "CalDAVPrincipalURL" not in calendar
    assert "CardDAVPrincipalURL" not in contacts


def test_user_name_that_only_the_person_knows_is_asked_by_the_device():
    settings = service(
        incoming_servers=(replace(IMAP, username="%ASK%"),),
        calendar=DavService(url="https://dav.corp.example/", username="%ASK%"),
    )

    mail, calendar = profile_of(account(settings))["PayloadContent"]

    assert "IncomingMailServerUsername" not in mail
    assert "CalDAVUsername" not in calendar


def test_two_user_names_are_kept_apart():
    """iCloud reads mail with the local part and sends it with the address."""
    mail = mail_of(account(service(incoming_servers=(replace(IMAP, username="%EMAILLOCALPART%"),))))

    assert mail["IncomingMailServerUsername"] == "taro.yamada"
    assert mail["OutgoingMailServerUsername"] == "taro.yamada@corp.example"


def test_human_texts_are_translated():
    profile = profile_of(account(COMPLETE), language="ja", translate=lambda text: f"訳 {text}")

    texts = [profile["ConsentText"]["default"], profile["PayloadDisplayName"]]
    texts += [payload["PayloadDisplayName"] for payload in profile["PayloadContent"]]

    assert all(text.startswith("訳 ") and "taro.yamada@corp.example" in text for text in texts)
    assert all(line.startswith("訳 ") for line in profile["PayloadDescription"].splitlines())
    assert profile["PayloadOrganization"] == "株式会社サンプル"


def test_unchecked_profile_says_so():
    description = profile_of(unchecked=True)["PayloadDescription"]

    assert "not checked" in description
    assert "not checked" not in profile_of()["PayloadDescription"]


def test_hosts_own_consent_has_a_default():
    text = LocalizedText(texts=(("en", "Rules."), ("ja", "規則です。")))

    assert profile_of(language="ja", consent_text=text)["ConsentText"] == {
        "default": "規則です。",
        "en": "Rules.",
        "ja": "規則です。",
    }


def test_profile_belongs_to_a_person_on_a_mac():
    assert profile_of()["PayloadScope"] == "User"


@pytest.mark.parametrize("bad", ["\r", "\n", "\x00", "\x7f", "\ud800", "\ufffe", "\uffff"])
def test_characters_that_would_not_come_back_are_refused(bad):
    """plistlib writes U+FFFE unreadably and turns CR into LF."""
    with pytest.raises(ProblemError) as name_refusal:
        render(account(full_name=f"a{bad}b"), RenderOptions())
    with pytest.raises(ProblemError) as password_refusal:
        render(account(), RenderOptions(password=f"a{bad}b"))

    assert [p.code for p in name_refusal.value.problems] == [Code.NAME_UNUSABLE]
    assert [p.code for p in password_refusal.value.problems] == [Code.PASSWORD_UNUSABLE]


def test_service_without_passwords_gets_exchange_with_its_own_sign_in():
    """Microsoft 365: the mail payload knows no OAuth, and no password is written or asked for."""
    (exchange,) = profile_of(account(EXCHANGE), password="typed by mistake")["PayloadContent"]

    assert exchange["PayloadType"] == "com.apple.eas.account"
    assert (exchange["Host"], exchange["SSL"], exchange["OAuth"]) == ("eas.corp.example", True, True)
    assert exchange["EmailAddress"] == exchange["UserName"] == "taro.yamada@corp.example"
    assert "Password" not in exchange


def test_service_with_passwords_keeps_the_mail_payload_beside_activesync():
    settings = service(activesync_url="https://eas.corp.example/Microsoft-Server-ActiveSync")

    assert mail_of(account(settings))["PayloadType"] == "com.apple.mail.managed"


@pytest.mark.parametrize("settings", [service(), EXCHANGE])
def test_what_belongs_to_the_person_is_left_open(settings):
    mail = mail_of(account(settings))

    assert mail["allowMailDrop"] is True
    assert "disableMailRecentsSyncing" not in mail
    assert {key for key in mail if key.startswith("SMIME")} == {
        "SMIMESigningUserOverrideable",
        "SMIMESigningCertificateUUIDUserOverrideable",
        "SMIMEEncryptByDefaultUserOverrideable",
        "SMIMEEncryptionCertificateUUIDUserOverrideable",
        "SMIMEEnableEncryptionPerMessageSwitch",
    }


def test_profile_that_ends_is_written_in_universal_time():
    tokyo = timezone(timedelta(hours=9))

    profile = profile_of(removal_date=datetime(2027, 1, 1, 8, 59, 30, 5, tzinfo=tokyo))

    assert profile["RemovalDate"] == datetime(2026, 12, 31, 23, 59, 30)
    assert "RemovalDate" not in profile_of()


def test_domains_consent_is_shown_unless_the_rendering_has_another():
    house = LocalizedText(texts=(("ja", "社内の規則です。"), ("en", "Company rules.")))
    other = LocalizedText(texts=(("en", "For contractors."),))
    mail_account = account(service(consent=house))

    assert profile_of(mail_account, language="ja")["ConsentText"]["default"] == "社内の規則です。"
    assert profile_of(mail_account, consent_text=other)["ConsentText"] == {
        "default": "For contractors.",
        "en": "For contractors.",
    }


TWO = (account(COMPLETE), COMPLETE.account(Address("info", "corp.example")))


def test_accounts_of_one_person_share_a_profile():
    profile = mobileconfig.profile_of(TWO, RenderOptions(), passwords=("one", None))
    payloads = profile["PayloadContent"]

    assert faults(profile) == []
    assert [payload["PayloadType"].split(".")[2] for payload in payloads] == ["mail", "caldav", "carddav"] * 2
    assert [payload.get("IncomingPassword") for payload in payloads[::3]] == ["one", None]
    assert "info@corp.example" in profile["PayloadDescription"]
    assert "info@corp.example" in profile["ConsentText"]["default"]


def test_second_account_changes_no_name_of_the_first():
    alone = names_of(profile_of(TWO[0]))

    together = names_of(mobileconfig.profile_of(TWO, RenderOptions()))

    assert together[:4] == alone
    assert len({name for name, _ in together}) == len({uuid for _, uuid in together}) == 7
    assert not set(together[1:]) & set(names_of(profile_of(TWO[1])))
