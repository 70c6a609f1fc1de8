"""The whole way without a mouse, without sight, without colours, without script and without cookies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.atlas import ADMIN, ADMIN_PASSWORD, INVITED, PAGES, World
from tests.browser.site import IPHONE, Site, Visitor, visitor
from tests.servers.people import PEOPLE

pytestmark = [pytest.mark.browser, pytest.mark.servers]
PERSON = PEOPLE["normal"]
MOST_STOPS = 60
FOCUS = """
(() => {
  const node = document.activeElement, style = getComputedStyle(node), box = node.getBoundingClientRect();
  const label = node.labels?.[0]?.textContent ?? node.getAttribute("aria-label") ?? node.textContent;
  return {name: label.trim(), tag: node.tagName, body: node === document.body,
    ringed: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight};
})()
"""
MOVING = """
document.getAnimations().filter(one => one.effect.getComputedTiming().duration > 0).length +
[...document.querySelectorAll("*")].map(node => getComputedStyle(node).transitionDuration)
  .filter(duration => parseFloat(duration) > 0).length
"""
SHIFT = """
new Promise(done => { let total = 0;
  new PerformanceObserver(list => list.getEntries().forEach(entry => { total += entry.value; }))
    .observe({type: "layout-shift", buffered: true});
  setTimeout(() => done(total), 300); })
"""
EMPLOYEE = ("form", "form-mistakes", "iphone", "android", "mac", "handover", "invitation", "advice")


def tab_to(person: Visitor, name: str) -> None:
    """Press Tab until the focus is on what has this name; every stop on the way can be seen."""
    for _ in range(MOST_STOPS):
        person.page.keyboard.press("Tab")
        stop: dict[str, Any] = person.page.evaluate(FOCUS)
        assert stop["ringed"], stop
        assert stop["seen"], stop
        if stop["name"].startswith(name):
            return
    raise AssertionError(f"Tab never reaches {name}")


def test_employee_comes_from_the_first_page_to_the_file_by_keyboard(browser: Browser, site: Site) -> None:
    with visitor(browser, site, width=820, language="en", user_agent=IPHONE) as person:
        keys = person.page.keyboard
        person.page.goto(f"{site.url}/en/")
        tab_to(person, "Email address")
        keys.type(PERSON.address)
        tab_to(person, "Your name")
        keys.type("Taro Yamada")
        tab_to(person, "Password")
        keys.type(PERSON.password)
        tab_to(person, "Show")
        keys.press("Space")
        assert person.page.get_attribute("#password", "type") == "text"
        tab_to(person, "Put the password")
        keys.press("Space")
        keys.press("Space")
        tab_to(person, "Check my mail")
        keys.press("Enter")
        person.page.wait_for_selector("a[data-starts-clock]")
        tab_to(person, "Download the profile")
        with person.page.expect_download() as download:
            keys.press("Enter")
        assert download.value.suggested_filename == "example.com.mobileconfig"
        tab_to(person, "When you cannot find")
        keys.press("Enter")

        assert person.page.locator("details[open]").count() == 1


def test_admin_logs_in_and_out_by_keyboard(browser: Browser, site: Site, world: Callable[[], World]) -> None:
    world()
    with visitor(browser, site, width=820, language="en") as person:
        keys = person.page.keyboard
        person.page.goto(f"{site.url}/en/admin/log-in")
        tab_to(person, "Mail address or name")
        keys.type(ADMIN)
        tab_to(person, "Password")
        keys.type(ADMIN_PASSWORD)
        tab_to(person, "Next")
        keys.press("Enter")
        person.page.wait_for_selector("#code")
        tab_to(person, "Code of the app")
        keys.type("000000")
        keys.press("Enter")
        person.page.wait_for_selector(".returned")

        assert person.page.locator(".returned").evaluate("node => node === document.activeElement")
        assert person.page.title().startswith("Error: ")


def test_first_stop_leads_past_the_head_of_the_page(browser: Browser, site: Site) -> None:
    with visitor(browser, site, language="ja") as person:
        person.page.goto(f"{site.url}/ja/")
        person.page.keyboard.press("Tab")
        first = person.page.evaluate(FOCUS)
        person.page.keyboard.press("Enter")

        assert first["name"] == "本文へ"
        assert person.page.url.endswith("#main")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("form", '- textbox "メールアドレス"'),
        ("form", '- textbox "氏名"'),
        ("form", '- checkbox "iPhone・Macのプロファイルにパスワードを入れる" [checked]'),
        ("form", '- navigation "設定する端末"'),
        ("form-mistakes", '- alert "入力を確かめてください"'),
        ("failed", '- heading "'),
        ("iphone", '- img "確認済み '),
        ("iphone", '- link "プロファイルをダウンロード"'),
        ("android", '- img "Thunderbirdで読み取るQRコード。パスワードは入っていません。"'),
        ("android", '- button "ポートをコピー"'),
        ("mac", '- img "スマートフォンで続けるQRコード"'),
        ("invitation", '- img "はがき番号 '),
    ],
)
def test_screen_readers_are_told(browser: Browser, world: Callable[[], World], name: str, told: str) -> None:
    with world().opened(browser, name, language="ja", width=390) as person:
        tree = person.page.locator("body").aria_snapshot()

    assert told in tree


@pytest.mark.parametrize("name", EMPLOYEE)
def test_every_picture_control_and_part_has_a_name(
    browser: Browser, world: Callable[[], World], name: str
) -> None:
    with world().opened(browser, name, language="en", width=390) as person:
        person.page.evaluate("document.querySelectorAll('details').forEach(node => { node.open = true; })")
        tree = person.page.locator("body").aria_snapshot().splitlines()

    nameless = ("- img", "- button", "- textbox", "- link", "- checkbox", "- combobox", "- alert", "- navigation")
    assert [line for line in tree if line.strip().rstrip(":") in nameless] == []
    assert sum(line.strip().startswith("- main") for line in tree) == 1


@pytest.mark.parametrize("name", ["checking", "iphone"])
def test_nothing_moves_for_those_who_asked_for_it(browser: Browser, world: Callable[[], World], name: str) -> None:
    here = world()
    with here.opened(browser, "form", language="ja", width=390) as person:
        person.page.emulate_media(reduced_motion="reduce")
        here.show(person, name, "ja")

        assert person.page.evaluate(MOVING) == 0


@pytest.mark.parametrize("name", ["checking", "failed", "iphone", "admin-admins"])
def test_states_are_told_apart_where_the_system_chooses_the_colours(
    browser: Browser, world: Callable[[], World], name: str
) -> None:
    here = world()
    with here.opened(browser, name, language="ja", width=820) as person:
        person.page.emulate_media(forced_colors="active")
        shapes = person.page.evaluate(
            """[...document.querySelectorAll(".stages li, .state, .clock li, .button, .tick input")]
            .map(node => [node, getComputedStyle(node, node.matches("li, .state") ? "::before" : null)])
            .filter(([node, style]) => !node.closest(".clock") && parseFloat(style.borderTopWidth) < 1)
            .map(([node]) => node.outerHTML.slice(0, 80))"""
        )

    assert shapes == []


@pytest.mark.parametrize("name", ["form", "invitation"])
def test_nothing_shifts_while_the_first_page_loads(
    browser: Browser, world: Callable[[], World], name: str
) -> None:
    with world().opened(browser, name, language="ja", width=390) as person:
        assert person.page.evaluate(SHIFT) == 0


def test_whole_way_without_script_and_without_cookies(browser: Browser, world: Callable[[], World]) -> None:
    path = world().places["invitation"]
    site = world().site
    context = browser.new_context(java_script_enabled=False, user_agent=IPHONE, locale="ja", accept_downloads=True)
    sent: list[str] = []
    context.on("request", lambda request: sent.append(request.headers.get("cookie", "")))
    context.route("**/*", lambda route: _without_cookies(route))
    page = context.new_page()
    page.goto(f"{site.url}/ja{path}")
    page.fill("#password", INVITED.password)
    page.click("button[value=check]")
    page.wait_for_url("**/c/**")
    page.wait_for_selector("a[data-starts-clock]", timeout=30_000)
    with page.expect_download() as download:
        page.click("a[data-starts-clock]")

    assert download.value.suggested_filename.endswith(".mobileconfig")
    assert "".join(sent) == ""
    assert context.cookies() == []
    context.close()


def _without_cookies(route: Any) -> None:
    headers = {name: value for name, value in route.request.headers.items() if name != "cookie"}
    route.continue_(headers=headers)


def test_every_page_is_tried(world: Callable[[], World]) -> None:
    """A page whose place nobody makes would fail with a KeyError here, not in the soak."""
    places = world().places

    assert all(page.path.format(**places) for page in PAGES.values())


def test_codes_are_white_on_dark_pages(browser: Browser, world: Callable[[], World]) -> None:
    with world().opened(browser, "android", language="ja", width=390, scheme="dark") as person:
        ground = person.page.locator(".qr").first.evaluate("node => getComputedStyle(node).backgroundColor")

    assert ground == "rgb(255, 255, 255)"
