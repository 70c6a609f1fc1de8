"""Every format of typical accounts, byte for byte."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from profiles import autodiscover, dns_records, qr, settings_sheet
from profiles.formats import FORMATS
from profiles.model import LocalizedText, RenderOptions

from .accounts import ADDRESS, COMPLETE, EXCHANGE, POP3_ONLY, account

CASES = {
    "complete": (replace(account(COMPLETE), path_prefix="INBOX"), RenderOptions()),
    "with-password": (
        account(full_name='Zoë & <Taro> "O\'Neil" 🎐'),
        RenderOptions(password="p&<>\"' ]]>ü🎐", outgoing_password="other&one", unchecked=True),
    ),
    "exchange": (
        account(EXCHANGE),
        RenderOptions(removal_date=datetime(2027, 3, 31, 15, 0, tzinfo=UTC)),
    ),
    "pop3": (
        account(POP3_ONLY, full_name=""),
        RenderOptions(
            language="ja", consent_text=LocalizedText(texts=(("en", "Company rules."), ("ja", "社内の規則です。")))
        ),
    ),
}


# PACC knows neither STARTTLS nor short user names.
HELD = [
    (case, name)
    for case in CASES
    for name in FORMATS
    if (case, name) != ("pop3", "pacc") and (case != "exchange" or name == "mobileconfig")
]


@pytest.mark.parametrize(("case", "format_name"), HELD)
def test_format_is_as_reviewed(case, format_name, assert_golden):
    mail_account, options = CASES[case]

    artifact = FORMATS[format_name].render(mail_account, options)

    assert_golden(f"{case}/{artifact.filename}", artifact.data)


@pytest.mark.parametrize("format_name", FORMATS)
def test_same_account_gives_same_bytes(format_name):
    mail_account, options = CASES["complete"]

    renderings = {FORMATS[format_name].render(mail_account, options).data for _ in range(3)}

    assert len(renderings) == 1


def test_html_sheet_is_as_reviewed(assert_golden):
    artifact = settings_sheet.render_html(*CASES["complete"])

    assert_golden("complete/sheet.html", artifact.data)


def test_zone_file_is_as_reviewed(assert_golden):
    records = dns_records.records(COMPLETE, "corp.example", "setup.host.example")

    assert_golden("complete/zone.txt", dns_records.zone_file(records).encode())


def test_mobilesync_answer_is_as_reviewed(assert_golden):
    answer = autodiscover.mobilesync_answer(COMPLETE.activesync_url, ADDRESS)

    assert_golden("complete/mobilesync.xml", answer)


def test_error_answer_is_as_reviewed(assert_golden):
    answer = autodiscover.error_answer(
        *autodiscover.INVALID_REQUEST, time="21:25:04.8897083", server_id=4130155072
    )

    assert_golden("autodiscover-error.xml", answer)


def test_svg_is_as_reviewed(assert_golden):
    picture = qr.svg(qr.matrix("https://setup.host.example/h/x"), label='"QR" & more')

    assert_golden("code.svg", picture.encode())
