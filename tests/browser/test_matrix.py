"""Every page at every width, in both languages and themes: it fits, reads, can be pressed, and its codes scan.

The usual run looks at each page once on the narrowest phone and once on a tablet or desk, language and theme
changing from one to the next; the soak looks at every combination.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import faults
from tests.browser.atlas import LANGUAGES, PAGES, World
from tests.browser.site import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.servers]
WIDTHS = (320, 390, 820, 1440)
LOOKS = tuple(product(LANGUAGES, ("light", "dark")))
WIDE = 820
WITH_CODES = ("mac", "windows", "linux", "iphone", "android", "admin-setup")
EXPECTED = ("422", "429", "ERR_FAILED")
"""Answers to forms with problems or sent too often, and the polls that are held back."""
GONE = ("not-found", "admin-not-found", "link-ended")


def chosen(names: tuple[str, ...]) -> list[tuple[str, int, str, str]]:
    """Each page on the narrowest phone and on a tablet or desk, in the look whose turn it is."""
    return [
        (name, width, *LOOKS[(number + turn) % len(LOOKS)])
        for number, name in enumerate(names)
        for turn, width in enumerate((320, (820, 1440)[number % 2]))
    ]


def every(names: tuple[str, ...]) -> list[tuple[str, int, str, str]]:
    """Each page in each width and each look."""
    return [(name, width, *look) for name in names for width in WIDTHS for look in LOOKS]


def marked(names: tuple[str, ...]) -> list[object]:
    """The chosen combinations, and the others for the soak."""
    first = chosen(names)
    rest = [pytest.param(*case, marks=pytest.mark.soak) for case in every(names) if case not in first]
    return [*first, *rest]


@pytest.mark.parametrize(("name", "width", "language", "scheme"), marked(tuple(PAGES)))
def test_page_fits_reads_and_stays_at_home(
    browser: Browser, world: Callable[[], World], name: str, width: int, language: str, scheme: str
) -> None:
    with world().opened(browser, name, language=language, width=width, scheme=scheme) as person:
        found = list(faults.look(person.page, language, PAGES[name].typed))
        if width >= WIDE:
            found += zoomed(person, width)

        assert found == []
        assert person.foreign == []
        expected = (*EXPECTED, "404", "410") if name in GONE else EXPECTED
        assert [error for error in person.errors if not any(sign in error for sign in expected)] == []


@pytest.mark.parametrize(("name", "width", "language", "scheme"), marked(WITH_CODES))
def test_every_code_is_read_from_the_picture(
    browser: Browser, world: Callable[[], World], tmp_path: Path, name: str, width: int, language: str, scheme: str
) -> None:
    with world().opened(browser, name, language=language, width=width, scheme=scheme) as person:
        read = faults.codes(person.page, tmp_path)

    assert read
    assert all(text.startswith(("http", "[1,[1,1],", "otpauth://")) for text in read), read


def zoomed(person: Visitor, width: int) -> list[str]:
    """What is wrong at 200 %, which is half as wide a window: nothing scrolls sideways, nothing is cut off."""
    person.page.set_viewport_size({"width": width // 2, "height": 450})
    over = person.page.evaluate(faults.TOO_WIDE)
    clipped = person.page.evaluate(faults.CLIPPED)
    return [f"at 200 %: {words}" for words in clipped] + ([f"at 200 %: {over} px too wide"] if over > 0 else [])
