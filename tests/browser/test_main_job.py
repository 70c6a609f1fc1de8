"""The main job in a real browser: an address and a password in, a checked account on the phone out."""

from __future__ import annotations

import plistlib
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.browser.conftest import Held
from tests.browser.site import ANDROID, IPHONE, WINDOWS, Site, visitor
from tests.conftest import require
from tests.servers.people import PEOPLE, WRONG
from tests.test_canaries import places

pytestmark = [pytest.mark.browser, pytest.mark.servers]
PERSON = PEOPLE["normal"]
WIDTHS = (1280, 390)
LANGUAGES = ("ja", "en")


def scan(page: Page, selector: str, picture: Path) -> str:
    """Read the code in a part of the page from its picture, as a phone's camera does."""
    page.locator(selector).scroll_into_view_if_needed()
    page.locator(selector).screenshot(path=picture)
    command = [require("zbarimg"), "--raw", "--quiet", "-Sdisable", "-Sqrcode.enable", str(picture)]
    return subprocess.run(command, check=True, capture_output=True).stdout.decode().strip()


def opened(profile: Path, site: Site) -> dict[str, object]:
    """Verify a profile with OpenSSL and parse what is in it."""
    plain = profile.with_suffix(".plist")
    command = f"cms -verify -inform DER -in {profile} -CAfile {site.root} -purpose any -out {plain}"
    subprocess.run([require("openssl"), *command.split()], check=True, capture_output=True)
    return plistlib.loads(plain.read_bytes())["PayloadContent"][0]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_checked_on_one_screen_and_continued_on_the_phone_by_its_code(
    browser: Browser, site: Site, tmp_path: Path, width: int, language: str
) -> None:
    with visitor(browser, site, width=width, language=language) as computer:
        computer.page.goto(f"{site.url}/{language}/")
        computer.check(PERSON.address, PERSON.password)
        url = scan(computer.page, ".stamp", tmp_path / "stamp.png")

        assert computer.errors == []
        assert computer.foreign == []
        assert computer.context.cookies() == []
    with visitor(browser, site, width=390, language=language, user_agent=IPHONE) as phone:
        phone.page.goto(url)
        with phone.page.expect_download() as download:
            phone.page.click("main form button")
        download.value.save_as(tmp_path / "phone.mobileconfig")

        assert download.value.suggested_filename == "example.com.mobileconfig"
        assert phone.foreign == []
        assert phone.context.cookies() == []
    mail = opened(tmp_path / "phone.mobileconfig", site)
    assert mail["EmailAddress"] == PERSON.address
    assert mail["IncomingMailServerHostName"] == "mail.example.com"
    assert mail["IncomingPassword"] == PERSON.password


@pytest.mark.parametrize("language", LANGUAGES)
def test_phone_itself_downloads_and_counts_eight_minutes(
    browser: Browser, site: Site, tmp_path: Path, language: str
) -> None:
    with visitor(browser, site, width=390, language=language, user_agent=IPHONE) as phone:
        phone.page.goto(f"{site.url}/{language}/")
        phone.check(PERSON.address, PERSON.password)
        with phone.page.expect_download() as download:
            phone.page.click("a[data-starts-clock]")
        download.value.save_as(tmp_path / "phone.mobileconfig")

        assert re.fullmatch(r"8:00|7:\d\d", phone.page.locator(".clock strong").inner_text())
        assert phone.page.locator(".clock li").count() == 8
    assert opened(tmp_path / "phone.mobileconfig", site)["EmailAddress"] == PERSON.address


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_stages_are_seen_while_the_check_runs(
    browser: Browser, site: Site, held: Held, width: int, language: str
) -> None:
    held.go_on.clear()
    with visitor(browser, site, width=width, language=language) as person:
        person.page.goto(f"{site.url}/{language}/")
        polls: list[dict[str, Any]] = []

        def remember(route: Route) -> None:
            answer = route.fetch()
            polls.append(answer.json())
            route.fulfill(response=answer)

        person.page.route("**/c/*.json", remember)
        person.fill(held.address, WRONG)
        person.page.click("button[value=check]")
        person.page.wait_for_selector("[data-leg=imap] .now, [data-leg=smtp] .now")
        held.go_on.set()
        person.page.wait_for_selector("main:not([data-poll])")

    assert [leg["service"] for leg in polls[0]["legs"]] == ["imap", "smtp"]
    assert polls[-1]["state"] == "failed"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_wrong_password_shows_its_advice_and_keeps_the_address(
    browser: Browser, site: Site, width: int, language: str
) -> None:
    person_of = PEOPLE["second"]
    with visitor(browser, site, width=width, language=language) as person:
        person.page.goto(f"{site.url}/{language}/")
        person.check(person_of.address, WRONG)
        page = person.page

        assert page.title().startswith({"ja": "エラー：", "en": "Error: "}[language])
        assert "AUTH_WRONG_PASSWORD" in page.locator(".facts").first.inner_text()
        assert page.locator(".returned p").first.inner_text()
        assert page.locator(".returned").evaluate("node => node === document.activeElement")
        assert page.input_value("#address") == person_of.address
        assert page.input_value("#password") == ""

        page.fill("#password", person_of.password)
        page.click("button[value=check]")
        page.wait_for_selector(".stamp")


def test_whole_way_without_javascript(browser: Browser, site: Site, tmp_path: Path) -> None:
    with visitor(browser, site, width=390, user_agent=IPHONE, script=False) as phone:
        phone.page.goto(f"{site.url}/en/")
        phone.fill(PERSON.address, PERSON.password)
        phone.page.click("button[value=check]")
        phone.page.wait_for_url("**/c/**")
        phone.page.wait_for_selector("a[data-starts-clock]")  # the page refreshes itself
        with phone.page.expect_download() as download:
            phone.page.click("a[data-starts-clock]")
        download.value.save_as(tmp_path / "phone.mobileconfig")

        assert phone.context.cookies() == []
        assert phone.page.locator("[data-copy]:visible").count() == 0
    assert opened(tmp_path / "phone.mobileconfig", site)["EmailAddress"] == PERSON.address


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_thunderbirds_code_is_read_from_the_page(
    browser: Browser, site: Site, tmp_path: Path, width: int, scheme: str
) -> None:
    with visitor(browser, site, width=width, scheme=scheme, user_agent=ANDROID) as person:
        person.page.goto(f"{site.url}/ja/")
        person.check(PERSON.address, PERSON.password)
        text = scan(person.page, ".qr", tmp_path / "code.png")
        with person.page.expect_download() as download:
            person.page.click("a[download]")

        assert download.value.suggested_filename == "example.com.k9s"
    assert text.startswith('[1,[1,1],[0,"mail.example.com",')
    assert PERSON.password not in text


def test_keyboard_alone_is_enough(browser: Browser, site: Site) -> None:
    with visitor(browser, site, language="en") as person:
        page = person.page
        page.goto(f"{site.url}/en/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.focus("#address")
        page.keyboard.type(PERSON.address)
        page.keyboard.press("Tab")
        page.keyboard.type("Taro")
        page.keyboard.press("Tab")
        page.keyboard.type(PERSON.password)
        page.keyboard.press("Enter")
        page.wait_for_selector(".stamp")


def test_password_can_be_looked_at(browser: Browser, site: Site) -> None:
    with visitor(browser, site, language="en") as person:
        page = person.page
        page.goto(f"{site.url}/en/")
        page.fill("#password", "abc")
        button = page.locator(".pass button")

        button.click()

        assert page.get_attribute("#password", "type") == "text"
        assert button.get_attribute("aria-pressed") == "true"


def test_hint_appears_while_the_address_is_typed(browser: Browser, site: Site) -> None:
    with visitor(browser, site, language="ja") as person:
        page = person.page
        page.goto(f"{site.url}/ja/")
        page.locator("#address").press_sequentially("taro@gmail.com")
        page.wait_for_selector("#provider-hint")
        label = page.locator("label[for=password]").inner_text()

        page.fill("#address", "taro@outlook.com")
        page.wait_for_selector("#secret", state="hidden")
        hidden = page.locator("#password").is_hidden()

    assert label != "パスワード"
    assert hidden
    assert person.foreign == []


def test_private_window_and_no_password_left_in_the_data(browser: Browser, site: Site) -> None:
    canary = "canary-7f31-%s-'x"
    with visitor(browser, site, user_agent=WINDOWS) as person:
        person.page.goto(f"{site.url}/ja/")
        person.check("canary@example.com", canary)

    assert places(site.data, canary) == []
