"""Several accounts of one person in one file: names that stay, passwords that do not mix, formats that refuse."""

from __future__ import annotations

import plistlib
from dataclasses import replace
from xml.etree.ElementTree import fromstring

import pytest

from profiles import k9s, mobileconfig, settings_sheet
from profiles.address import Address
from profiles.formats import FORMATS
from profiles.model import RenderOptions
from profiles.problems import Code, ProblemError

from .accounts import COMPLETE, EXCHANGE, IMAP_STARTTLS, account, service
from .apple_payloads import faults

FIRST = account(COMPLETE)
SHARED = replace(COMPLETE.account(Address("info", "corp.example"), username="taro"), path_prefix="INBOX")
THIRD = service(id="other", display_name="Other").account(Address("taro", "other.example"))


def profile_of(*accounts, passwords=(), **options):
    artifact = mobileconfig.render_several(accounts, RenderOptions(**options), passwords=passwords)
    return plistlib.loads(artifact.data)


def names_of(profile):
    return [(part["PayloadIdentifier"], part["PayloadUUID"]) for part in (profile, *profile["PayloadContent"])]


def test_new_profile_replaces_the_installed_one_with_all_accounts_in_it():
    """A device replaces what has the same identifier, and keeps the payloads whose two names are equal."""
    alone, two, three = profile_of(FIRST), profile_of(FIRST, SHARED), profile_of(FIRST, SHARED, THIRD)

    assert {profile["PayloadIdentifier"] for profile in (alone, two, three)} == {alone["PayloadIdentifier"]}
    assert names_of(two)[:4] == names_of(alone)
    assert names_of(three)[:7] == names_of(two)
    assert len(set(names_of(three))) == len(names_of(three)) == 8
    assert faults(three) == []


def test_one_account_alone_is_the_same_file_as_ever():
    assert mobileconfig.render_several((FIRST,), RenderOptions()) == mobileconfig.render(FIRST, RenderOptions())


def test_each_account_has_its_own_password_or_none():
    mail, calendar, contacts, shared, *_ = profile_of(FIRST, SHARED, passwords=("one", None))["PayloadContent"]

    assert mail["IncomingPassword"] == calendar["CalDAVPassword"] == contacts["CardDAVPassword"] == "one"
    assert not [key for key in shared if key in ("IncomingPassword", "OutgoingPassword")]


def test_a_second_account_of_one_service_is_not_called_like_the_first():
    payloads = profile_of(FIRST, SHARED)["PayloadContent"]

    assert payloads[0]["EmailAccountDescription"] == "Example Corporation"
    assert payloads[3]["EmailAccountDescription"] == "info@corp.example"


def test_services_may_differ():
    payloads = profile_of(FIRST, THIRD, EXCHANGE.account(Address("taro", "corp.example.jp")))["PayloadContent"]

    assert [payload["PayloadType"].split(".")[2] for payload in payloads] == [
        "mail", "caldav", "carddav", "mail", "eas",
    ]  # fmt: skip


def test_one_account_that_cannot_be_said_refuses_the_file():
    starttls = service(incoming_servers=(IMAP_STARTTLS,)).account(Address("info", "corp.example"))

    with pytest.raises(ProblemError) as refusal:
        mobileconfig.render_several((FIRST, starttls), RenderOptions())

    assert [problem.code for problem in refusal.value.problems] == [Code.FORMAT_CANNOT_HOLD]


def test_password_that_would_not_come_back_is_refused():
    with pytest.raises(ProblemError) as refusal:
        mobileconfig.render_several((FIRST, SHARED), RenderOptions(), passwords=("one", "two\n"))

    assert [problem.code for problem in refusal.value.problems] == [Code.PASSWORD_UNUSABLE]


def test_settings_file_lists_every_account_with_its_own_uuid():
    data = k9s.render_several((FIRST, SHARED), RenderOptions(), passwords=("one", None)).data

    accounts = fromstring(data).findall("accounts/account")

    assert [one.findtext("name") for one in accounts] == ["Example Corporation", "info@corp.example"]
    assert [one.findtext("identities/identity/email") for one in accounts] == [
        "taro.yamada@corp.example", "info@corp.example",
    ]  # fmt: skip
    assert [one.findtext("incoming-server/password") for one in accounts] == ["one", None]
    assert len({one.get("uuid") for one in accounts}) == 2


def test_sheet_lists_every_account_and_no_password():
    text = settings_sheet.render_several((FIRST, SHARED), RenderOptions(password="secret")).data.decode()
    page = settings_sheet.render_several_html((FIRST, SHARED), RenderOptions(password="secret")).data.decode()

    for sheet in (text, page):
        assert "taro.yamada@corp.example" in sheet
        assert "Mail settings of info@corp.example" in sheet
        assert "secret" not in sheet


@pytest.mark.parametrize("name", ["mobileconfig", "k9s", "sheet"])
def test_format_of_several_accounts_gives_the_same_file_for_one(name):
    found = FORMATS[name]
    assert found.render_several is not None

    assert found.render_several((FIRST,), RenderOptions(password="x")) == found.render(
        FIRST, RenderOptions(password="x")
    )


@pytest.mark.parametrize("name", ["autoconfig", "autodiscover", "pacc", "thunderbird-qr"])
def test_other_formats_hold_one_account(name):
    assert FORMATS[name].render_several is None
