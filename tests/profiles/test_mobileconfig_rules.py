"""What a service decides about its profiles: when they remove themselves, and which switches stay the person's."""

from __future__ import annotations

import plistlib
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from profiles.catalogue import parse, to_toml
from profiles.mobileconfig import render
from profiles.model import MailAccount, ProfileRules, RenderOptions, ServiceSettings
from profiles.problems import Code

from .accounts import EXCHANGE, POP3_ONLY, account, service
from .apple_payloads import faults

TOKYO = ZoneInfo("Asia/Tokyo")
SERVERS = """
domains = ["corp.example"]
organization = "Example Corporation, Tokyo"
consent = { en = "Rules.", ja = "規則です。" }
[[incomingServer]]
type = "imap"
hostname = "mail.corp.example"
socketType = "SSL"
[[outgoingServer]]
type = "smtp"
hostname = "mail.corp.example"
socketType = "SSL"
[profile]
"""


def settings_of(*lines):
    found, problems = parse(SERVERS + "\n".join(lines), place="corp.toml")
    assert problems == ()
    assert found is not None
    return found


def faults_of(*lines):
    found, problems = parse(SERVERS + "\n".join(lines), place="corp.toml")
    assert found is None
    return [(problem.code, problem.place) for problem in problems]


def profile_of(settings: ServiceSettings | MailAccount, **options):
    one = settings if isinstance(settings, MailAccount) else account(settings)
    profile = plistlib.loads(render(one, RenderOptions(**options)).data)
    assert faults(profile) == []
    return profile


def mail_of(settings, **options):
    return profile_of(settings, **options)["PayloadContent"][0]


@pytest.mark.parametrize(
    ("line", "utc"),
    [
        # a day lasts until its end, where the host is
        ("removalDate = 2027-03-31", datetime(2027, 3, 31, 15)),
        ('removalDate = "2027-03-31"', datetime(2027, 3, 31, 15)),
        ("removalDate = 2027-03-31T18:00:00", datetime(2027, 3, 31, 9)),
        ("removalDate = 2027-03-31T18:00:00Z", datetime(2027, 3, 31, 18)),
        ('removalDate = "2027-03-31T18:00-05:00"', datetime(2027, 3, 31, 23)),
    ],
)
def test_removal_date_of_the_domain_is_written_in_universal_time(line, utc):
    assert profile_of(settings_of(line), zone=TOKYO)["RemovalDate"] == utc


def test_days_until_removal_are_counted_by_the_device():
    """The same file for everybody and at any time: no clock is read."""
    profile = profile_of(settings_of("removeAfterDays = 365"))

    assert profile["DurationUntilRemoval"] == 365 * 86400.0
    assert "RemovalDate" not in profile


def test_both_are_written_and_the_device_takes_the_earlier():
    profile = profile_of(settings_of("removalDate = 2027-03-31", "removeAfterDays = 30"))

    assert {"RemovalDate", "DurationUntilRemoval"} <= set(profile)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("removalDate = 2027-03-31", "after 2027-03-31."),
        ("removalDate = 2027-03-31T18:00:00Z", "after 2027-04-01 03:00."),
        ("removeAfterDays = 90", "90 days after it is installed."),
    ],
)
def test_the_device_says_when_the_profile_goes(line, words):
    assert words in profile_of(settings_of(line), zone=TOKYO)["PayloadDescription"]


def test_date_of_the_rendering_wins_over_the_domains():
    moment = datetime(2026, 12, 31, 12, tzinfo=UTC)

    profile = profile_of(settings_of("removalDate = 2027-03-31"), removal_date=moment)

    assert profile["RemovalDate"] == datetime(2026, 12, 31, 12)


def test_profile_stays_unless_the_domain_says_otherwise():
    profile = profile_of(service())

    assert not {"RemovalDate", "DurationUntilRemoval"} & set(profile)


@pytest.mark.parametrize(
    ("line", "code", "key"),
    [
        ('removalDate = "soon"', Code.VALUE_INVALID, "removalDate"),
        ("removalDate = 365", Code.VALUE_TYPE, "removalDate"),
        ("removalDate = 12:00:00", Code.VALUE_TYPE, "removalDate"),
        ("removeAfterDays = 0", Code.VALUE_INVALID, "removeAfterDays"),
        ("removeAfterDays = 100000", Code.VALUE_INVALID, "removeAfterDays"),
        ("removeAfterDays = 2027-03-31", Code.VALUE_TYPE, "removeAfterDays"),
        ('allowMailDrop = "no"', Code.VALUE_TYPE, "allowMailDrop"),
        ("pathPrefix = true", Code.VALUE_TYPE, "pathPrefix"),
        ("removaldate = 2027-03-31", Code.KEY_UNKNOWN, "removaldate"),
    ],
)
def test_a_slip_is_named_with_its_place(line, code, key):
    assert faults_of(line) == [(code, f"corp.toml: profile.{key}")]


def test_switches_are_the_persons_unless_the_domain_decides():
    mail = mail_of(settings_of())

    assert mail["allowMailDrop"] is True
    assert "disableMailRecentsSyncing" not in mail
    assert mail["SMIMESigningUserOverrideable"] is True
    # without it no lock shows beside a new mail, and a certificate of one's own encrypts nothing
    assert mail["SMIMEEnableEncryptionPerMessageSwitch"] is True


@pytest.mark.parametrize("base", [settings_of(), EXCHANGE])
def test_switches_of_the_domain_are_written(base):
    written = settings_of(
        "allowMailDrop = false", "disableMailRecentsSyncing = true", "smimeUserOverrideable = false"
    )

    mail = mail_of(replace(base, profile=written.profile))

    assert mail["allowMailDrop"] is False
    assert mail["disableMailRecentsSyncing"] is True
    assert not [key for key in mail if key.startswith("SMIME")]


def test_path_prefix_of_the_domain_serves_accounts_that_nobody_checked():
    settings = settings_of('pathPrefix = "INBOX"')

    assert mail_of(settings)["IncomingMailServerIMAPPathPrefix"] == "INBOX"
    # the check asked the server, which has none
    assert "IncomingMailServerIMAPPathPrefix" not in mail_of(replace(account(settings), path_prefix=None))


def test_path_prefix_is_for_imap_alone():
    assert "IncomingMailServerIMAPPathPrefix" not in mail_of(
        replace(POP3_ONLY, profile=ProfileRules(path_prefix="INBOX"))
    )


def test_organization_and_consent_are_the_domains():
    profile = profile_of(settings_of(), language="ja")

    assert profile["PayloadOrganization"] == "Example Corporation, Tokyo"
    assert profile["ConsentText"] == {"default": "規則です。", "en": "Rules.", "ja": "規則です。"}


def test_rules_are_written_back_as_they_were_read():
    settings = settings_of(
        "removalDate = 2027-03-31T18:00:00+09:00", "removeAfterDays = 365", 'pathPrefix = "INBOX"',
        "allowMailDrop = false", "disableMailRecentsSyncing = true", "smimeUserOverrideable = false",
    )  # fmt: skip

    assert parse(to_toml(settings), place="again.toml") == (settings, ())
    assert "[profile]" not in to_toml(settings_of())
