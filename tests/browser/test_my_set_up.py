"""My set-up in a real browser, without JavaScript too: from the card to two accounts and a lost phone."""

from __future__ import annotations

import csv
import plistlib
import subprocess
import zipfile
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser import faults
from tests.browser.site import ANDROID, IPHONE, Site, Visitor, visitor
from tests.conftest import require
from tests.servers.people import PEOPLE, WRONG

pytestmark = [pytest.mark.browser, pytest.mark.servers]
PERSON, SHARED = PEOPLE["normal"], PEOPLE["id"]
DEVICES = ("iphone", "android", "mac", "windows", "linux")


@pytest.fixture
def card(site: Site, tmp_path: Path) -> str:
    """The path of the person's card; every test gets the same one, for whoever has a card keeps it."""
    people, archive = tmp_path / "people.csv", tmp_path / "people.zip"
    people.write_text(f"メールアドレス,氏名\n{PERSON.address},山田 太郎\n", "utf-8")
    site.hagaki("bulk", str(people), "-o", str(archive), "--only", "qr")
    with zipfile.ZipFile(archive) as made:
        link = next(csv.DictReader(StringIO(made.read("results.csv").decode("utf-8-sig"))))["link"]
    return "/s/" + link.rpartition("/")[2]


def fill_in(person: Visitor, password: str, **fields: str) -> str:
    """Type into the form of the page, press, wait for the end; return the path of the check."""
    page = person.page
    for name, value in {**fields, "password": password}.items():
        page.fill(f"#{name}", value)
    page.click("button[value=check]")
    page.wait_for_url("**/c/**")
    page.wait_for_selector("main:not([data-poll])")
    return page.url


def download(person: Visitor, site: Site, target: Path) -> dict[str, Any]:
    """Download the profile of the page, verify and read it."""
    with person.page.expect_download() as got:
        person.page.click("a[data-starts-clock]")
    got.value.save_as(target)
    plain = target.with_suffix(".plist")
    command = f"cms -verify -inform DER -in {target} -CAfile {site.root} -purpose any -out {plain}"
    subprocess.run([require("openssl"), *command.split()], check=True, capture_output=True)
    return dict(plistlib.loads(plain.read_bytes()))


@pytest.mark.parametrize(("language", "script"), [("ja", False), ("en", True)])
def test_from_the_card_to_two_accounts_and_a_lost_phone(
    browser: Browser, site: Site, card: str, tmp_path: Path, language: str, script: bool
) -> None:
    with visitor(browser, site, width=390, language=language, user_agent=IPHONE, script=script) as person:
        page = person.page
        page.goto(f"{site.url}/{language}{card}")
        first = fill_in(person, PERSON.password)
        alone = download(person, site, tmp_path / "one.mobileconfig")
        page.click("main a[href$='/add']")
        fill_in(person, SHARED.password, address=SHARED.address, username=SHARED.username)
        both = download(person, site, tmp_path / "two.mobileconfig")
        page.click("main a[href$='/mine']")
        listed = page.locator("main dl.ways dt").all_inner_texts()
        page.click("dl.ways a[href*='/lost']")
        page.locator("input[name=set_up]").first.check()
        page.click("main form button")
        page.wait_for_selector("ol.steps")
        steps = page.locator("ol.steps h3").count()
        ended = page.goto(first)
        again = page.goto(f"{site.url}/{language}{card}")

        assert [part["EmailAddress"] for part in both["PayloadContent"]] == [PERSON.address, SHARED.address]
        assert both["PayloadContent"][1]["IncomingMailServerUsername"] == SHARED.username
        assert [part["IncomingPassword"] for part in both["PayloadContent"]] == [PERSON.password, SHARED.password]
        assert both["PayloadIdentifier"] == alone["PayloadIdentifier"]
        assert sum("iPhone" in one for one in listed) >= 2
        assert steps == 7
        assert ended is not None
        assert ended.status == 410
        assert again is not None
        assert again.status == 200
        assert person.foreign == []
        assert person.context.cookies() == []


def test_a_shared_mailbox_with_a_wrong_password_is_tried_again_in_place(
    browser: Browser, site: Site, card: str
) -> None:
    with visitor(browser, site, width=390, language="ja", user_agent=ANDROID) as person:
        page = person.page
        page.goto(f"{site.url}/ja{card}/address")
        fill_in(person, WRONG, address=SHARED.address, username=SHARED.username)
        assert page.locator(".returned").count() == 1
        assert page.input_value("#username") == SHARED.username
        fill_in(person, SHARED.password)

        assert page.locator(".returned").count() == 0
        assert page.locator(".qr svg").count() == 1


@pytest.mark.parametrize(("language", "scheme"), [("ja", "light"), ("en", "dark")])
def test_its_pages_fit_and_are_accessible(
    browser: Browser, site: Site, card: str, language: str, scheme: str
) -> None:
    paths = [card, *(f"{card}/{name}" for name in ("mine", "lost", "address"))]
    paths += [f"{card}/{name}/{device}" for name in ("password", "remove") for device in DEVICES]
    problems: list[str] = []
    with visitor(browser, site, width=320, language=language, scheme=scheme) as person:
        page = person.page

        def look(name: str) -> None:
            problems.extend(f"{name}: {fault}" for fault in faults.look(page, language))

        for path in paths:
            page.goto(f"{site.url}/{language}{path}")
            look(path)
        page.goto(f"{site.url}/{language}{card}")
        check = fill_in(person, PERSON.password)
        page.goto(f"{check}/add")
        look("add")
        fill_in(person, SHARED.password, address=SHARED.address, username=SHARED.username)
        for device in ("iphone", "android"):
            page.click(f".devices a[href$='/{device}']")
            look(f"two accounts, {device}")
        page.goto(f"{site.url}/{language}{card}/lost?again=1")
        page.click("main form button")
        page.wait_for_selector("ol.steps")
        look("lost")

        assert problems == []
        assert person.foreign == []
        assert person.errors == []
