"""A ready-made card in a real browser: the PIN by keyboard, without JavaScript, on a narrow phone, to the end."""

from __future__ import annotations

import csv
import plistlib
import subprocess
import zipfile
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.faults import SMALL_TARGETS, TOO_WIDE
from tests.browser.site import ANDROID, IPHONE, Site, visitor
from tests.conftest import require
from tests.servers.people import PEOPLE

pytestmark = [pytest.mark.browser, pytest.mark.servers]
PERSON = PEOPLE["kanji"]


@dataclass(frozen=True, slots=True)
class Card:
    """A printed card, and the PIN that came another way."""

    path: str
    pin: str


@pytest.fixture
def card(site: Site, tmp_path: Path) -> Card:
    """A card of its own for each test: its address is no mailbox, and nothing is tried."""
    people, archive, pins = tmp_path / "people.csv", tmp_path / "people.zip", tmp_path / "pins.csv"
    address = f"{tmp_path.name.replace('_', '-').lower()}@example.com"
    people.write_text(f"メールアドレス,氏名,パスワード\n{address},山田 太郎,{PERSON.password}\n", "utf-8")
    made = ("--mode", "ready-made", "--only", "qr", "--pins", str(pins))
    site.hagaki("bulk", str(people), "-o", str(archive), *made)
    with zipfile.ZipFile(archive) as opened:
        results = opened.read("results.csv").decode("utf-8-sig")
    link = next(csv.DictReader(StringIO(results)))["link"]
    pin = next(csv.DictReader(StringIO(pins.read_text("utf-8-sig"))))["pin"]
    return Card("/s/" + link.rpartition("/")[2], pin)


def wrong(pin: str) -> str:
    """Another PIN."""
    return f"{(int(pin) + 111_111) % 1_000_000:06}"


def faults(page: Page) -> list[str]:
    """What is wrong with a page for whoever needs it large, narrow or read out."""
    found = [f"{violation['id']}: {violation['help']}" for violation in Axe().run(page).response["violations"]]
    if page.evaluate(TOO_WIDE) > 0:
        found.append("wider than the window")
    return found + list(page.evaluate(SMALL_TARGETS))


@pytest.mark.parametrize(("language", "script"), [("ja", False), ("en", True)])
def test_the_pin_by_keyboard_leads_to_the_profile(
    browser: Browser, site: Site, card: Card, tmp_path: Path, language: str, script: bool
) -> None:
    with visitor(browser, site, width=320, language=language, user_agent=IPHONE, script=script) as person:
        page = person.page
        page.goto(f"{site.url}/{language}{card.path}")
        page.focus("#pin")
        page.keyboard.type(card.pin)
        width, shown = page.evaluate("(e => [e.clientWidth, e.scrollWidth])(document.getElementById('pin'))")
        page.keyboard.press("Enter")
        page.wait_for_url("**/c/**")
        with person.page.expect_download() as got:
            page.click("a[data-starts-clock]")
        got.value.save_as(tmp_path / "made.mobileconfig")
        page.click("#works button")
        page.wait_for_selector("#works[role=status]")

    plain = tmp_path / "made.plist"
    command = f"cms -verify -inform DER -in {tmp_path / 'made.mobileconfig'} -CAfile {site.root} -purpose any"
    verify = [require("openssl"), *command.split(), "-out", str(plain)]
    subprocess.run(verify, check=True, capture_output=True)
    assert plistlib.loads(plain.read_bytes())["PayloadContent"][0]["IncomingPassword"] == PERSON.password
    assert shown <= width  # all six boxes are seen at once


@pytest.mark.parametrize(("language", "scheme", "width"), [("ja", "dark", 320), ("en", "light", 1280)])
def test_every_state_of_the_page_reads_well(
    browser: Browser, site: Site, card: Card, language: str, scheme: str, width: int
) -> None:
    with visitor(browser, site, width=width, language=language, user_agent=ANDROID, scheme=scheme) as person:
        page, found = person.page, {}
        page.goto(f"{site.url}/{language}/s/{'A' * 22}")
        found["test card"] = faults(page)
        page.goto(f"{site.url}/{language}{card.path}")
        found["asked"] = faults(page)
        page.fill("#pin", card.pin)
        page.click("main form .button")
        page.wait_for_url("**/c/**")
        found["opened"] = faults(page)
        page.click("form[action*=show-password] button")
        page.wait_for_selector("dl.values code")
        shown = page.inner_text("dl.values code")
        found["password"] = faults(page)
        for tried in range(5):
            page.goto(f"{site.url}/{language}{card.path}")
            page.fill("#pin", wrong(card.pin))
            page.click("main form .button")
            page.wait_for_selector(".returned")
            if tried == 0:
                found["wrong"] = faults(page)
                assert page.evaluate("document.activeElement.className") == "returned"
        assert page.locator("#pin").count() == 0
        found["locked"] = faults(page)

    assert shown == PERSON.password
    assert found == {state: [] for state in found}
