"""Pages with a form that was refused, pages of providers with their own sign-in, and that nothing moves."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.browser.site import WINDOWS, Site, Visitor, visitor
from tests.servers.people import PEOPLE, WRONG

pytestmark = [pytest.mark.browser, pytest.mark.servers]
DEVICES = ("iphone", "android", "mac", "windows", "linux")
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def paths(browser: Browser, site: Site) -> tuple[str, ...]:
    """A page of every kind, without its language."""
    with visitor(browser, site, user_agent=WINDOWS) as person:
        page = person.page
        page.goto(f"{site.url}/ja/")
        good = path_of(person, person.check(PEOPLE["normal"].address, PEOPLE["normal"].password))
        handover = page.get_attribute("a[href*='/h/']", "href") or ""
        page.goto(f"{site.url}/ja/")
        bad = path_of(person, person.check(PEOPLE["second"].address, WRONG))
    handed = "/h/" + handover.rpartition("/")[2]
    advice = ("/advice", "/advice?devices=one&space=scarce")
    return (
        "/",
        *advice,
        bad,
        *(f"{good}/{device}" for device in DEVICES),
        handed,
        f"{handed}/iphone",
        f"{handed}/android",
        "/nothing",
    )


def path_of(person: Visitor, url: str) -> str:
    """The path of a page without its language."""
    return url.removeprefix(person.site.url + "/ja")


@pytest.mark.parametrize("language", ["ja", "en"])
def test_form_with_problems_is_accessible(browser: Browser, site: Site, language: str) -> None:
    with visitor(browser, site, width=320, language=language) as person:
        page = person.page
        page.goto(f"{site.url}/{language}/")
        person.fill("taro@unknown.example", " x ")
        page.click("button[value=check]")
        page.wait_for_selector(".returned")
        found = Axe().run(page)

        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate(TOO_WIDE) == 0
        assert page.locator(".returned").evaluate("node => node === document.activeElement")


@pytest.mark.parametrize("device", ["iphone", "android"])
@pytest.mark.parametrize(("language", "scheme"), [("ja", "light"), ("en", "dark")])
def test_page_of_a_provider_with_its_own_sign_in_is_accessible(
    browser: Browser, site: Site, device: str, language: str, scheme: str
) -> None:
    with visitor(browser, site, width=320, language=language, scheme=scheme) as person:
        page = person.page
        page.goto(f"{site.url}/{language}/?device={device}")
        page.fill("#address", "taro@outlook.com")
        page.wait_for_selector("button[value=profile]")
        page.evaluate("document.querySelectorAll('details').forEach(node => node.open = true)")
        found = Axe().run(page)

        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate(TOO_WIDE) == 0
        with page.expect_download() as download:
            page.click("button[value=profile]")
    assert download.value.suggested_filename.startswith("outlook.com.")


def test_nothing_moves_while_a_page_loads(browser: Browser, site: Site, paths: tuple[str, ...]) -> None:
    measure = """
    new Promise(done => { let total = 0;
      new PerformanceObserver(list => list.getEntries().forEach(entry => { total += entry.value; }))
        .observe({type: "layout-shift", buffered: true});
      setTimeout(() => done(total), 300); })
    """
    with visitor(browser, site, width=390) as person:
        for path in paths:
            person.page.goto(f"{site.url}/ja{path}")

            assert person.page.evaluate(measure) < 0.01, path
