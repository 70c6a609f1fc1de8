"""Batches in the browser: progress with and without script, new links for chosen people, leavers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from http.client import HTTPConnection
from itertools import count
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import faults
from tests.browser.atlas import World
from tests.browser.site import Site, visitor
from tests.servers.people import PEOPLE

pytestmark = [pytest.mark.browser, pytest.mark.servers]
MANY = [person for person in PEOPLE.values() if person.address.endswith("@example.com")][:18]
"""More than a worker takes at once."""
RATE = "1.5"
"""Log-ins per second: slow enough to be watched, fast enough for a test."""
NUMBERS = count()


def post_list(site: Site, text: str, **fields: str) -> int:
    """Make a batch through the API, as a program does."""
    made = site.hagaki("token", "create", f"2026-{next(NUMBERS)}", "--scope", "batches:write")
    border = uuid4().hex
    parts = [f'--{border}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items()]
    head = f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="people.csv"\r\n\r\n'
    body = f"{''.join(parts)}{head}{text}\r\n--{border}--\r\n".encode()
    connection = HTTPConnection(site.url.removeprefix("http://"), timeout=30)
    headers = {
        "Authorization": f"Bearer {made.split()[-1]}",
        "Content-Type": f"multipart/form-data; boundary={border}",
    }
    connection.request("POST", "/api/v1/batches", body, headers)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return int(answer["id"])


def slow_batch(site: Site, name: str) -> int:
    """A batch that takes some seconds, because it tries every password gently."""
    rows = "".join(f"{one.address},someone,password {number}\n" for number, one in enumerate(MANY))
    return post_list(
        site, f"address,name,password\n{rows}", mode="ready-made", check="true", check_rate=RATE, name=name
    )


def quick_batch(page: Page, site: Site, *addresses: str) -> str:
    """A finished batch; where its page is."""
    rows = "".join(f"{address},{address.partition('@')[0]}\n" for address in addresses)
    url = f"{site.url}/ja/admin/batches/{post_list(site, f'address,name{chr(10)}{rows}')}"
    page.goto(url)
    page.wait_for_selector("[data-batch]", state="detached", timeout=60_000)
    return url


def test_figures_move_while_somebody_looks_and_the_end_shows_itself(
    browser: Browser, site: Site, world: Callable[[], World]
) -> None:
    with visitor(browser, site, language="en", cookies=world().cookies) as person:
        batch = slow_batch(site, "watched")
        page = person.page
        page.goto(f"{site.url}/en/admin/batches/{batch}")
        page.evaluate("window.sameDocument = true")
        waiting = page.locator("[data-now=waiting]")
        expect(waiting).not_to_have_text(waiting.inner_text(), timeout=30_000)
        still = page.evaluate("window.sameDocument === true")
        faulty = list(faults.look(page, "en"))
        page.wait_for_selector("[data-batch]", state="detached", timeout=60_000)

        assert still
        assert faulty == []
        assert "finished" in page.locator("section:has(#progress)").inner_text()
        assert person.errors == []


def test_without_script_the_page_refreshes_itself_to_the_end(
    browser: Browser, site: Site, world: Callable[[], World]
) -> None:
    with visitor(browser, site, width=390, cookies=world().cookies, script=False) as person:
        batch = slow_batch(site, "unwatched")
        page = person.page
        page.goto(f"{site.url}/ja/admin/batches/{batch}")
        assert page.locator("[role=progressbar]").count() == 1

        expect(page.locator("section:has(#progress)")).to_contain_text("完了", timeout=60_000)
        assert page.locator("[role=progressbar]").count() == 0


def test_chosen_people_get_new_links_without_script(
    browser: Browser, site: Site, world: Callable[[], World]
) -> None:
    with visitor(browser, site, width=390, cookies=world().cookies, script=False) as person:
        page = person.page
        url = quick_batch(page, site, "one@example.com", "two@example.com", "three@example.com")
        page.locator("input[name=row]").nth(0).check()
        page.locator("input[name=row]").nth(2).check()
        page.select_option("#action", "reissue")
        page.get_by_role("button", name="確認へ進む").click()
        assert list(page.locator("dd").all_inner_texts())[:2] == ["2", "2"]

        page.get_by_role("button", name="2件のリンクを作り直す").click()

        expect(page.get_by_role("status").first).to_contain_text("2件のリンクを作り直しました。")
        assert page.url.startswith(url)


def test_leaver_is_ended_and_the_steps_are_ticked_off(
    browser: Browser, site: Site, world: Callable[[], World]
) -> None:
    with visitor(browser, site, language="ja", cookies=world().cookies) as person:
        page = person.page
        url = quick_batch(page, site, "leaver@example.com")
        page.goto(f"{site.url}/ja/admin/leavers")
        page.fill("textarea", "退職者 <leaver@example.com>")
        page.get_by_role("button", name="対象を確認する").click()
        page.get_by_role("button", name="1人分をすべて無効にする").click()
        page.get_by_role("button", name="済みにする：メールのパスワードを変える").click()

        assert list(faults.look(page, "ja", "td, th, .small")) == []
        assert page.get_by_role("button", name="済みにする").count() == 4
        page.goto(f"{url}?show=revoked")
        expect(page.locator("#people ~ form table")).to_contain_text("リンクを無効にした")


def test_a_session_that_ended_meanwhile_leads_to_the_log_in_and_says_so(
    browser: Browser, site: Site, world: Callable[[], World]
) -> None:
    with visitor(browser, site, language="en", cookies=world().cookies) as person:
        page = person.page
        url = f"{site.url}/en/admin/batches/{slow_batch(site, 'left alone')}"
        page.goto(url)
        page.wait_for_selector("[data-batch]")
        cookie = next(one for one in person.context.cookies() if "hagaki" in one["name"])
        person.context.add_cookies([{**cookie, "value": "A" * 22}])

        page.wait_for_url(re.compile(r"/log-in\?next="))

        assert "Your session has ended" in page.inner_text("main")
        assert page.input_value("input[name=next]") == url.removeprefix(site.url)
        assert list(faults.look(page, "en")) == []


def test_a_batch_deleted_meanwhile_is_told_by_its_page(
    browser: Browser, site: Site, world: Callable[[], World]
) -> None:
    with visitor(browser, site, language="en", cookies=world().cookies) as person:
        page, other = person.page, person.context.new_page()
        url = f"{site.url}/en/admin/batches/{slow_batch(site, 'gone')}"
        page.goto(url)
        page.wait_for_selector("[data-batch]")
        other.goto(f"{url}/delete")
        other.fill("#typed", "gone")
        other.get_by_role("button", name="Delete everything").click()
        expect(other.get_by_role("status").first).to_contain_text("The batch was deleted.")

        page.bring_to_front()

        page.get_by_role("heading", name="There is no batch").wait_for()
        person.errors.clear()  # the browser's own note of the 404


def test_whoever_ticks_people_keeps_the_ticks_when_the_batch_ends(
    browser: Browser, site: Site, world: Callable[[], World]
) -> None:
    with visitor(browser, site, language="en", cookies=world().cookies) as person:
        page = person.page
        page.goto(f"{site.url}/en/admin/batches/{slow_batch(site, 'ticked')}")
        page.evaluate("window.sameDocument = true")
        page.locator("input[name=row]").first.check()
        expect(page.locator("[data-now=state]")).to_have_text("finished", timeout=60_000)

        kept = page.evaluate("window.sameDocument === true"), page.locator("input[name=row]:checked").count()
        page.locator("input[name=row]").first.uncheck()
        page.locator("h1").click()
        page.wait_for_selector("[data-batch]", state="detached")

        assert kept == (True, 1)
        assert "unattended" not in page.url


def test_a_second_press_while_the_first_is_worked_on_does_nothing(
    browser: Browser, site: Site, world: Callable[[], World]
) -> None:
    """Very many people take longer than the five seconds that a second press elsewhere has to wait."""
    with visitor(browser, site, language="en", cookies=world().cookies) as person:
        page = person.page
        url = quick_batch(page, site, "press@example.com")
        page.clock.install()
        page.goto(url.replace("/ja/", "/en/"))
        page.select_option("#action", "revoke")
        page.select_option("#who", "all")
        page.get_by_role("button", name="Go on to the question").click()
        # An answer without content leaves the page standing, like one that has not come yet.
        page.route("**/chosen/revoke", lambda route: route.fulfill(status=204))
        page.evaluate(
            "window.refused = []; addEventListener('submit', press => window.refused.push(press.defaultPrevented))"
        )
        button = page.locator("form[data-waits] .button:not(.second)")

        button.click()
        expect(button).to_have_text("One moment…")
        page.clock.run_for(60_000)
        button.click()

        assert page.evaluate("window.refused") == [False, True]
