"""`hagaki render`: the artifact and nothing else."""

from __future__ import annotations

import json
import plistlib
import stat
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
import zxingcpp
from PIL import Image

from profiles.formats import FORMATS
from tests.conftest import require
from tests.webapp.cli.command import Command

SERVERS = ["--incoming", "imaps://mail.example.com:993", "--outgoing", "smtps://mail.example.com:465"]
ADDRESS = "hanako@example.com"
PASSWORD = "canary 100% 山"


@pytest.mark.parametrize("name", list(FORMATS))
def test_every_format_is_written_to_standard_output(name: str, hagaki: Command) -> None:
    done = hagaki("render", ADDRESS, "--format", name, "--unsigned", "--name", "山田 花子", *SERVERS)

    assert b"mail.example.com" in done.raw
    assert done.err == ""


@pytest.mark.parametrize("name", list(FORMATS))
def test_a_file_holds_what_standard_output_would(name: str, hagaki: Command) -> None:
    hagaki("render", ADDRESS, "--format", name, "--unsigned", *SERVERS, "-o", "out.bin")

    printed = hagaki("render", ADDRESS, "--format", name, "--unsigned", *SERVERS)

    assert (hagaki.folder / "out.bin").read_bytes() == printed.raw


def test_a_dash_means_standard_output(hagaki: Command) -> None:
    printed = hagaki("render", ADDRESS, "--format", "sheet", *SERVERS, "-o", "-")

    assert printed.raw == hagaki("render", ADDRESS, "--format", "sheet", *SERVERS).raw
    assert not (hagaki.folder / "-").exists()


def test_a_profile_is_signed_and_verifies(hagaki: Command) -> None:
    openssl = require("openssl")
    hagaki("render", ADDRESS, "--format", "mobileconfig", *SERVERS, "-o", "signed.mobileconfig")
    unsigned = hagaki("render", ADDRESS, "--format", "mobileconfig", "--unsigned", *SERVERS)
    root = hagaki("signing", "status", "--json").json["root"]

    verified = subprocess.run(
        [openssl, "cms", "-verify", "-inform", "DER", "-in", "signed.mobileconfig", "-binary",
         "-purpose", "any", "-CAfile", root],
        cwd=hagaki.folder, capture_output=True,
    )  # fmt: skip

    assert verified.returncode == 0, verified.stderr
    assert verified.stdout == unsigned.raw


def test_the_password_of_standard_input_is_put_in(hagaki: Command) -> None:
    done = hagaki(
        "render", ADDRESS, "--format", "mobileconfig", "--unsigned", "--password-stdin", *SERVERS, stdin=PASSWORD
    )

    mail = plistlib.loads(done.raw)["PayloadContent"][0]
    assert mail["IncomingPassword"] == PASSWORD


def test_a_file_with_a_password_is_private(hagaki: Command) -> None:
    options = ["render", ADDRESS, "--format", "mobileconfig", "--unsigned", *SERVERS]
    hagaki(*options, "-o", "open.mobileconfig")
    hagaki(*options, "-o", "private.mobileconfig", "--password-stdin", stdin=PASSWORD)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in hagaki.folder.glob("*.mobileconfig")}

    assert modes["private.mobileconfig"] == 0o600
    assert modes["open.mobileconfig"] & 0o044 == 0o044


def test_the_same_account_is_the_same_file(hagaki: Command) -> None:
    options = ["render", ADDRESS, "--format", "mobileconfig", "--unsigned", *SERVERS]

    assert hagaki(*options).raw == hagaki(*options).raw


def test_thunderbirds_code_reads_back(hagaki: Command) -> None:
    options = ["render", ADDRESS, "--format", "thunderbird-qr", "--name", "山田 花子", *SERVERS]
    text = hagaki(*options).out
    hagaki(*options, "-o", "code.png")

    with Image.open(hagaki.folder / "code.png") as picture:
        (code,) = zxingcpp.read_barcodes(picture.convert("L"))

    assert code.text == text
    assert json.loads(text)[2][1] == "mail.example.com"


def test_thunderbirds_code_as_svg(hagaki: Command) -> None:
    hagaki("render", ADDRESS, "--format", "thunderbird-qr", *SERVERS, "-o", "code.SVG")

    assert ElementTree.parse(hagaki.folder / "code.SVG").getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_the_sheet_as_a_page_in_japanese(hagaki: Command) -> None:
    hagaki("render", ADDRESS, "--format", "sheet", "--language", "ja", *SERVERS, "-o", "sheet.html")
    page = (hagaki.folder / "sheet.html").read_text()

    assert page.startswith("<!DOCTYPE html>")
    assert 'lang="ja"' in page
    assert ADDRESS in page


@pytest.mark.parametrize("name", ["mobileconfig", "thunderbird-qr", "k9s"])
def test_a_format_that_cannot_hold_the_account_leaves_no_file(name: str, hagaki: Command) -> None:
    done = hagaki("render", ADDRESS, "--format", name, *SERVERS[:2], "-o", "out.bin", status=1)

    assert "FORMAT_CANNOT_HOLD" in done.err
    assert done.raw == b""
    assert not (hagaki.folder / "out.bin").exists()


def test_an_unknown_domain_is_a_problem(hagaki: Command) -> None:
    done = hagaki("render", "a@nowhere.example", "--format", "sheet", status=1)

    assert "SETTINGS_UNKNOWN" in done.err
    assert done.raw == b""


def test_a_hosted_domain_needs_no_options(hagaki: Command, corp: Path) -> None:
    hagaki("domain", "add", corp)

    done = hagaki("render", "taro@corp.example.jp", "--format", "sheet")

    assert "mail.corp.example" in done.out


def test_a_provider_needs_no_options(hagaki: Command) -> None:
    done = hagaki("render", "hanako@gmail.com", "--format", "sheet")

    assert "imap.gmail.com" in done.out


def test_a_folder_that_is_not_there_is_wrong_use(hagaki: Command) -> None:
    done = hagaki("render", ADDRESS, "--format", "sheet", *SERVERS, "-o", "missing/out.txt", status=None)

    assert done.status in (1, 2)
    assert "missing/out.txt" in done.err


def test_further_addresses_of_a_person_stand_in_the_same_profile(hagaki: Command) -> None:
    options = ["render", ADDRESS, "--format", "mobileconfig", "--unsigned", *SERVERS]

    alone = plistlib.loads(hagaki(*options).raw)
    both = plistlib.loads(
        hagaki(*options, "--also", "info@example.com", "--password-stdin", stdin=f"{PASSWORD}\nother\n").raw
    )

    assert [part["EmailAddress"] for part in both["PayloadContent"]] == [ADDRESS, "info@example.com"]
    assert [part["IncomingPassword"] for part in both["PayloadContent"]] == [PASSWORD, "other"]
    assert both["PayloadIdentifier"] == alone["PayloadIdentifier"]
    assert both["PayloadContent"][0]["PayloadUUID"] == alone["PayloadContent"][0]["PayloadUUID"]


@pytest.mark.parametrize(("text", "passwords"), [("one\n", ["one", None]), ("\nother", [None, "other"])])
def test_an_address_without_a_line_has_no_password(
    text: str, passwords: list[str | None], hagaki: Command
) -> None:
    done = hagaki(
        "render", ADDRESS, "--also", "info@example.com", "--format", "mobileconfig", "--unsigned",
        "--password-stdin", *SERVERS, stdin=text,
    )  # fmt: skip

    payloads = plistlib.loads(done.raw)["PayloadContent"]
    assert [part.get("IncomingPassword") for part in payloads] == passwords


def test_more_passwords_than_addresses_are_refused(hagaki: Command) -> None:
    done = hagaki(
        "render", ADDRESS, "--also", "info@example.com", "--format", "mobileconfig", "--unsigned",
        "--password-stdin", *SERVERS, stdin="one\ntwo\nthree", status=1,
    )  # fmt: skip

    assert "--password-stdin" in done.err
    assert done.raw == b""


@pytest.mark.parametrize("name", ["autoconfig", "autodiscover", "pacc", "thunderbird-qr"])
def test_a_format_for_one_address_says_so(name: str, hagaki: Command) -> None:
    done = hagaki("render", ADDRESS, "--also", "info@example.com", "--format", name, *SERVERS, status=2)

    assert f"{name} holds one address" in done.err


def test_the_same_address_twice_is_wrong_use(hagaki: Command) -> None:
    done = hagaki("render", ADDRESS, "--also", ADDRESS.upper(), "--format", "k9s", *SERVERS, status=2)

    assert "an address stands twice." in done.err


def test_a_profile_removes_itself_at_the_end_of_the_day_of_the_host(hagaki: Command) -> None:
    done = hagaki(
        "render", ADDRESS, "--format", "mobileconfig", "--unsigned", "--removal-date", "2999-03-31", *SERVERS,
        variables={"HAGAKI_TIMEZONE": "Asia/Tokyo"},
    )  # fmt: skip

    assert plistlib.loads(done.raw)["RemovalDate"].isoformat() == "2999-03-31T15:00:00"


@pytest.mark.parametrize(("date", "reason"), [("2020-03-31", "is over"), ("soon", "is not a date")])
def test_a_removal_date_that_no_device_could_keep_is_wrong_use(date: str, reason: str, hagaki: Command) -> None:
    done = hagaki("render", ADDRESS, "--format", "mobileconfig", "--removal-date", date, *SERVERS, status=2)

    assert reason in done.err
