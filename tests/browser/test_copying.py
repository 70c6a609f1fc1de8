"""The copy buttons where a browser refuses the clipboard, as views inside apps do."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.atlas import LINE
from tests.browser.site import Site, visitor

pytestmark = [pytest.mark.browser, pytest.mark.servers]
NO_CLIPBOARD = "navigator.clipboard.writeText = () => Promise.reject(new Error('refused'));"
NO_OLD_WAY = "document.execCommand = () => false;"


@pytest.mark.parametrize(
    ("refused", "says"), [("", True), (NO_CLIPBOARD, True), (NO_CLIPBOARD + NO_OLD_WAY, False)]
)
def test_a_refused_clipboard_leaves_the_link_selected(
    browser: Browser, site: Site, refused: str, says: bool
) -> None:
    with visitor(browser, site, width=390, language="en", user_agent=LINE) as person:
        person.page.add_init_script(refused)
        person.page.goto(f"{site.url}/en/")
        button = person.page.locator(".link-row button")
        button.click()
        if says:
            person.page.wait_for_function("document.querySelector('.link-row button').textContent === 'Copied'")
        else:
            person.page.wait_for_function(
                "getSelection().toString() === document.querySelector('.link-row code').textContent"
            )

        assert person.errors == []
