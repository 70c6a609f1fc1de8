"""A list from Excel becomes a stack of cards, in the browser: upload, map, mend, make, watch, download, print."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from tests.browser import faults
from tests.browser.atlas import ADMIN_PASSWORD, code_now, key_of
from tests.browser.site import Site, Visitor, visitor
from tests.servers.processes import PATIENCE
from tests.webapp.batches.lists import csv_bytes

pytestmark = [pytest.mark.browser, pytest.mark.servers]
OPERATOR = "lists@example.co.jp"
HEADINGS = ("番号", "社員", "宛先", "部署")
PEOPLE = (
    ("1", "髙橋 花子", "hanako.t@example.com", "営業部"),
    ("2", "鈴木 一郎", "ichiro.s@example.com", "製造部"),
)
WRONG, RIGHT = (
    ("3", "伊藤 さくら", "sakura.i@exmaple", "開発部"),
    ("3", "伊藤 さくら", "sakura.i@example.com", "開発部"),
)
UPLOAD = "アップロードして確かめる"


@dataclass(frozen=True, slots=True)
class Clerk:
    """An operator who has logged in."""

    site: Site
    cookies: StorageState


@pytest.fixture(scope="module")
def clerk(browser: Browser, site: Site) -> Clerk:
    """Made on the command line, logged in by hand."""
    made = site.hagaki(
        "admin", "create", OPERATOR, "--role", "operator", "--password-stdin", "--json", words=ADMIN_PASSWORD
    )
    secret = key_of(json.loads(made)["totp"])
    with visitor(browser, site) as person:
        page = person.page
        page.goto(f"{site.url}/ja/admin/log-in")
        page.fill("#name", OPERATOR)
        page.fill("#password", ADMIN_PASSWORD)
        page.click("main form .button")
        page.fill("#code", code_now(secret))
        page.click("main form .button")
        page.wait_for_selector("main.admin")
        return Clerk(site, person.context.storage_state())


def cp932(*rows: tuple[str, ...], name: str = "新入社員.csv") -> Mapping[str, object]:
    """A file as Excel saves it in Japan."""
    return {"name": name, "mimeType": "text/csv", "buffer": csv_bytes([HEADINGS, *rows], encoding="cp932")}


def upload(
    page: Page, site: Site, file: Mapping[str, object], *, language: str = "ja", mode: str = "invitations"
) -> None:
    """Choose a file and go on to its page."""
    page.goto(f"{site.url}/{language}/admin/lists/new")
    page.check(f"#mode-{mode}")
    page.set_input_files("#file", file)  # type: ignore[arg-type]
    page.click("main form .button")
    page.wait_for_selector("form.stack")


def map_columns(page: Page) -> None:
    """Say by hand what the columns mean."""
    page.select_option("[name=column-1]", "full_name")
    page.select_option("[name=column-2]", "address")
    with page.expect_navigation():
        page.get_by_role("button", name="この設定で読み直す").click()
    page.wait_for_selector("#found")


@pytest.fixture
def window(browser: Browser, clerk: Clerk) -> Iterator[Visitor]:
    with visitor(browser, clerk.site, cookies=clerk.cookies) as person:
        yield person
        assert person.foreign == []
        assert [error for error in person.errors if "422" not in error] == []


def test_from_a_list_to_cards(window: Visitor, clerk: Clerk, tmp_path: Path) -> None:
    page, site = window.page, clerk.site
    upload(page, site, cp932(*PEOPLE, WRONG))

    # the columns are not understood, and chosen by hand
    assert "メールアドレスの列がありません" in page.inner_text(".returned")
    map_columns(page)
    assert "Shift_JIS (CP932)" in page.inner_text(".head .small")

    # one row is wrong, and says so at its cell
    issue = page.locator("tr.issue")
    assert issue.count() == 1
    assert issue.locator("mark").inner_text() == "sakura.i@exmaple"
    with page.expect_download() as returned:
        page.get_by_role("button", name="問題の行だけのCSV").click()
    assert "伊藤 さくら,sakura.i@exmaple" in Path(returned.value.path()).read_text("cp932")

    # mended in the file and uploaded again
    upload(page, site, cp932(*PEOPLE, RIGHT))
    map_columns(page)
    assert page.locator("tr.issue").count() == 0

    # one card to try the printer with, then all of them
    page.select_option("#layout", "a4-4")
    with page.expect_download() as card:
        page.get_by_role("button", name="1枚だけ試し刷り").click()
    assert Path(card.value.path()).read_bytes().startswith(b"%PDF-")
    page.get_by_role("button", name="作れる3行を作る").click()
    page.wait_for_url("**/admin/batches/*")
    finish(page)

    with page.expect_download() as everything:
        page.get_by_role("link", name="ZIP").click()
    with zipfile.ZipFile(io.BytesIO(Path(everything.value.path()).read_bytes())) as archive:
        names = archive.namelist()
    assert sum(name.startswith("profiles/") for name in names) == 3
    with page.expect_download() as cards:
        page.get_by_role("link", name="PDF").first.click()
    assert Path(cards.value.path()).read_bytes().startswith(b"%PDF-")

    # the same list once more: everybody keeps the card
    upload(page, site, cp932(*PEOPLE, RIGHT))
    map_columns(page)
    assert "このうち3人には、まだ使えるはがきがあります" in page.inner_text("main")


def finish(page: Page) -> None:
    """Wait until the page itself says that the batch is done."""
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        if page.locator("[data-batch]").count() == 0:
            return
        page.wait_for_timeout(500)
    raise AssertionError(page.inner_text("main"))


def test_without_script_too(browser: Browser, clerk: Clerk) -> None:
    with visitor(browser, clerk.site, cookies=clerk.cookies, script=False) as person:
        upload(person.page, clerk.site, cp932(*PEOPLE, name="ohne.csv"))
        map_columns(person.page)
        gone = person.page.url
        person.page.get_by_role("button", name="やめて名簿を消す").click()
        expect(person.page.get_by_role("status").first).to_contain_text("名簿を消しました")
        person.page.goto(gone)

        assert person.page.inner_text("h1") == "この名簿はもうありません。"


def test_by_keyboard_alone(window: Visitor, clerk: Clerk) -> None:
    """Everything is reached with the tab key, and the enter key in a field reads again and makes nothing."""
    page = window.page
    upload(page, clerk.site, cp932(*PEOPLE, WRONG))
    map_columns(page)
    page.focus("#days")
    page.keyboard.press("Control+A")
    page.keyboard.type("14")

    with page.expect_navigation():
        page.keyboard.press("Enter")

    assert "/admin/lists/" in page.url
    assert page.input_value("#days") == "14"
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.getAttribute('formaction') || ''").rpartition("/")[2])
    assert {"make", "card", "delete"} <= set(reached)


def test_a_file_is_dropped_onto_the_page(window: Visitor, clerk: Clerk) -> None:
    page = window.page
    page.goto(f"{clerk.site.url}/ja/admin/lists/new")
    carried = page.evaluate_handle(
        "() => { const carried = new DataTransfer();"
        " carried.items.add(new File(['address\\ntaro@example.com\\n'], 'dropped.csv')); return carried; }"
    )

    page.dispatch_event("main", "dragover", {"dataTransfer": carried})
    marked = page.locator(".drop.over").count()
    page.dispatch_event("main", "drop", {"dataTransfer": carried})
    page.get_by_role("button", name=UPLOAD).click()
    page.wait_for_selector("form.stack")

    assert marked == 1
    assert page.inner_text("h1") == "dropped.csv"


def test_a_file_that_is_too_large_is_told_by_the_page(window: Visitor, clerk: Clerk, tmp_path: Path) -> None:
    """Not by the browser, whose connection would be cut in the middle of sending."""
    page = window.page
    page.goto(f"{clerk.site.url}/ja/admin/lists/new")
    large = tmp_path / "large.csv"
    large.write_bytes(b"x" * 26 * 2**20)
    page.set_input_files("#file", large)

    page.get_by_role("button", name=UPLOAD).click()
    page.wait_for_selector(".field-error")

    assert "25 MBを超えています" in page.inner_text(".field-error")
    window.errors.clear()  # the browser's own note of the 413


HEADS = {"ja": ("メールアドレス", "氏名", "パスワード"), "en": ("address", "name", "password")}
TARO = ("taro@example.com", "山田 太郎")


def lists(language: str) -> dict[str, tuple[bytes, str]]:
    """A list for every kind of page; what it quotes is in the page's language."""
    heads = HEADS[language]
    return {
        "mixed": (csv_bytes([heads, (*TARO, "x"), ("@", "", "=1")]), "invitations"),
        "ready": (csv_bytes([(*heads, "PIN"), (*TARO, "ｘ", "12345")]), "ready-made"),
        "unknown": (csv_bytes([("1", "2"), ("3", "山田 太郎")]), "invitations"),
        "unreadable": (b"\xff\xd8\xff nothing", "invitations"),
    }


@pytest.fixture(scope="module")
def urls(browser: Browser, clerk: Clerk) -> dict[str, dict[str, str]]:
    """A page of every kind in each language."""
    found: dict[str, dict[str, str]] = {}
    with visitor(browser, clerk.site, cookies=clerk.cookies) as person:
        for language in HEADS:
            here = f"{clerk.site.url}/{language}/admin/lists"
            found[language] = {"new": f"{here}/new", "ended": f"{here}/{'A' * 22}"}
            for name, (data, mode) in lists(language).items():
                file = {"name": "2026.csv", "mimeType": "text/csv", "buffer": data}
                upload(person.page, clerk.site, file, mode=mode, language=language)
                found[language][name] = person.page.url
    return found


LOOKS = (
    (320, "ja", "light"),
    (1280, "en", "dark"),
    *(pytest.param(*look, marks=pytest.mark.soak) for look in ((360, "en", "dark"), (1280, "ja", "light"))),
)


@pytest.mark.parametrize(("width", "language", "scheme"), LOOKS)
def test_pages_of_lists_fit_read_and_stay_at_home(
    browser: Browser, clerk: Clerk, urls: dict[str, dict[str, str]], width: int, language: str, scheme: str
) -> None:
    problems = []
    with visitor(
        browser, clerk.site, width=width, language=language, scheme=scheme, cookies=clerk.cookies
    ) as person:
        for name, url in urls[language].items():
            person.page.goto(url)
            problems += [f"{name}: {found}" for found in faults.look(person.page, language)]

        assert problems == []
        assert person.foreign == []
