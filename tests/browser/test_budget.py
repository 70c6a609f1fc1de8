"""What a page may weigh, and that it can be used without a mouse."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Response

from tests.browser.site import IPHONE, WINDOWS, Site, Visitor, visitor
from tests.servers.people import PEOPLE
from webapp import setup

pytestmark = [pytest.mark.browser, pytest.mark.servers]
FIRST_PAGE = 60_000
STYLESHEET = 30_000
STATIC = Path(setup.__file__).parent.parent / "static"
FOCUSED = """
(() => { const node = document.activeElement; const box = node.getBoundingClientRect();
  const style = getComputedStyle(node);
  return {name: node.outerHTML.slice(0, 90), body: node === document.body,
    ringed: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    visible: box.width > 0 && box.height > 0}; })()
"""


@pytest.fixture(scope="module")
def done(browser: Browser, site: Site) -> str:
    """The path of a finished check, without its language."""
    with visitor(browser, site) as person:
        person.page.goto(f"{site.url}/en/")
        url = person.check(PEOPLE["normal"].address, PEOPLE["normal"].password)
    return url.removeprefix(f"{site.url}/en")


def test_stylesheet_is_small() -> None:
    assert (STATIC / "hagaki.css").stat().st_size < STYLESHEET


@pytest.mark.parametrize("language", ["ja", "en"])
def test_first_page_weighs_little(browser: Browser, site: Site, language: str) -> None:
    answers: list[Response] = []
    with visitor(browser, site, width=390, language=language, user_agent=IPHONE) as person:
        person.page.on("response", lambda answer: answers.append(answer))
        person.page.goto(f"{site.url}/{language}/", wait_until="networkidle")
        weights = {answer.url: len(answer.body()) for answer in answers}

    assert sum(weights.values()) < FIRST_PAGE, weights
    assert len(weights) <= 5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", ["iphone", "android", "windows"])
def test_every_stop_of_the_tab_key_can_be_seen(
    browser: Browser, site: Site, done: str, device: str, scheme: str
) -> None:
    with visitor(browser, site, width=820, language="en", scheme=scheme, user_agent=WINDOWS) as person:
        person.page.goto(f"{site.url}/en{done}/{device}")

        stops = tab_through(person)

    assert len(stops) > 8
    assert [stop["name"] for stop in stops if not (stop["ringed"] and stop["visible"])] == []


def tab_through(person: Visitor) -> list[dict[str, object]]:
    """Everything that the Tab key reaches, in order."""
    stops: list[dict[str, object]] = []
    for _ in range(80):
        person.page.keyboard.press("Tab")
        stop = person.page.evaluate(FOCUSED)
        if stop["body"]:
            break
        stops.append(stop)
    return stops
