"""The HTML of every mail as a browser paints it: nothing hangs over, axe finds nothing, nothing is fetched."""

from __future__ import annotations

from functools import partial
from itertools import product
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Request

from profiles.address import Address
from tests.webapp.mails.writing import message, text_of
from webapp.mails import Kind

pytestmark = pytest.mark.browser

LONG = {
    "full_name": "ヴィットーリオ・エマヌエーレ・フォン・シュヴァルツェンベルク゠小鳥遊",
    "company": "株式会社サンプル・コーポレーション・インターナショナル・ジャパン東京本社",
    "address": Address(
        "very.long.address.of.a.person.with.many.names.and.more", "subdomain.of.a.corporation.example"
    ),
    "help": "情報システム部 ヘルプデスク https://help.corp.example/very/long/path/that/does/not/end/anywhere",
}
LETTERS = {
    "invitation": {"needs_pin": True},
    "reminder": {"kind": Kind.REMINDER},
    "long": LONG,
}

PHONE = 360
GROUNDS = {"light": "rgb(239, 240, 236)", "dark": "rgb(18, 19, 20)"}
NO_LANDMARKS = {"rules": {name: {"enabled": False} for name in ("region", "landmark-one-main")}}
"""A mail stands within the page of a mail program, which has them."""


@pytest.mark.parametrize(("name", "language"), [*product(LETTERS, ("ja", "en"))])
def test_a_mail_can_be_read_on_phone_and_desk_in_light_and_dark(
    browser: Browser, pictures: Path, name: str, language: str
) -> None:
    page_text = text_of(message(language=language, **LETTERS[name]), "html")
    file = pictures / f"mail-{name}-{language}.html"
    file.write_text(page_text, "utf-8")
    faults: list[str] = []
    for width, scheme in product((PHONE, 800), ("light", "dark")):
        page = browser.new_page(viewport={"width": width, "height": 700}, color_scheme=scheme)
        fetched: list[str] = []
        page.on("request", partial(_note, fetched))
        page.goto(file.as_uri())
        if page.evaluate("document.documentElement.scrollWidth") > width:
            faults.append(f"hangs over at {width}")
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        if ground != GROUNDS[scheme]:
            faults.append(f"{scheme} at {width} is {ground}")
        box = page.locator(".press a").bounding_box()
        if box is None or box["height"] < 44:
            faults.append(f"the button is no target: {box}")
        if width == PHONE:
            found = Axe().run(page, options=NO_LANDMARKS)
            faults += [f"{one['id']} in {scheme}" for one in found.response["violations"]]
        faults += fetched[1:]
        page.close()

    assert faults == []


def _note(fetched: list[str], request: Request) -> None:
    fetched.append(request.url)
