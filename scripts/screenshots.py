"""Pictures of every page, at a phone's and a desk's width, light and dark, in both languages.

Usage: scripts/screenshots.py [FOLDER]     (default: screenshots/)
Starts private mail servers as the tests do, so it needs root and what scripts/install-test-servers installs.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser.site import ANDROID, IPHONE, WINDOWS, Site, Visitor, chromium, serving, visitor  # noqa: E402
from tests.servers.environment import Environment  # noqa: E402
from tests.servers.people import PEOPLE, WRONG  # noqa: E402

GOOD, OTHER = PEOPLE["normal"], PEOPLE["second"]
WIDTHS = {"phone": 360, "desk": 1280}
LOOKS = tuple((language, scheme) for language in ("ja", "en") for scheme in ("light", "dark"))


def first_page(person: Visitor) -> None:
    """Nothing typed yet."""


def hint(person: Visitor) -> None:
    """The provider's hint before the password."""
    person.page.fill("#address", "taro@gmail.com")
    person.page.wait_for_selector("#provider-hint")


def own_sign_in(person: Visitor) -> None:
    """A provider that takes no password."""
    person.page.fill("#address", "taro@outlook.com")
    person.page.wait_for_selector("#secret", state="hidden")


def servers_by_hand(person: Visitor) -> None:
    """A provider that nobody knows, and a password that looks like a slip."""
    person.fill("ｔａｒｏ＠example.org", "ｐａｓｓ")
    person.page.click("button[value=check]")
    person.page.wait_for_selector(".returned")


def running(person: Visitor) -> None:
    """The stages while they run; held there, because the servers here answer in no time."""
    person.page.route("**/c/*.json", lambda route: route.abort())
    person.fill(GOOD.address, GOOD.password)
    person.page.click("button[value=check]")
    person.page.wait_for_url("**/c/**")


def failed(person: Visitor) -> None:
    """A wrong password."""
    person.check(OTHER.address, WRONG)


def done(device: str) -> Callable[[Visitor], None]:
    """The page of one device."""

    def show(person: Visitor) -> None:
        url = person.check(GOOD.address, GOOD.password)
        person.page.goto(f"{url}/{device}")

    return show


def started_clock(person: Visitor) -> None:
    """The iPhone's page after the download has begun."""
    done("iphone")(person)
    with person.page.expect_download():
        person.page.click("a[data-starts-clock]")
    person.page.wait_for_timeout(1200)


def handover(person: Visitor) -> None:
    """Where the stamp leads."""
    done("windows")(person)
    url = person.page.get_attribute("a[href*='/h/']", "href") or ""
    language = person.page.evaluate("document.documentElement.lang")
    person.page.goto(f"{person.site.url}/{language}/h/{url.rpartition('/')[2]}/iphone")


def in_line(person: Visitor) -> None:
    """LINE's own browser is told to open Safari."""


def not_found(person: Visitor) -> None:
    """No such page."""
    language = person.page.evaluate("document.documentElement.lang")
    person.page.goto(f"{person.site.url}/{language}/nothing")


LINE = IPHONE.replace("Version/26.0", "Line/15.1.0")
PAGES: Mapping[str, tuple[Callable[[Visitor], None], str]] = {
    "form": (first_page, IPHONE),
    "form-hint": (hint, IPHONE),
    "form-own-sign-in": (own_sign_in, IPHONE),
    "form-servers": (servers_by_hand, WINDOWS),
    "form-line": (in_line, LINE),
    "checking": (running, IPHONE),
    "failed": (failed, IPHONE),
    "iphone": (started_clock, IPHONE),
    "android": (done("android"), ANDROID),
    "mac": (done("mac"), WINDOWS),
    "windows": (done("windows"), WINDOWS),
    "linux": (done("linux"), WINDOWS),
    "handover": (handover, IPHONE),
    "not-found": (not_found, WINDOWS),
}


def main() -> None:
    """Take every picture."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    path = shutil.which("chromium") or "chromium"
    with (
        Environment.start() as environment,
        tempfile.TemporaryDirectory() as data,
        serving(environment, Path(data), base_url="https://m.example.com") as site,
        chromium(path) as browser,
    ):
        for name, (go, user_agent) in PAGES.items():
            for kind, width in WIDTHS.items():
                for language, scheme in LOOKS:
                    target = folder / f"{name}-{kind}-{language}-{scheme}.png"
                    with visitor(
                        browser, site, width=width, language=language, scheme=scheme, user_agent=user_agent
                    ) as person:
                        picture(person, site, language, go, target)


def picture(person: Visitor, site: Site, language: str, go: Callable[[Visitor], None], target: Path) -> None:
    """Go to one page and take its picture."""
    person.page.goto(f"{site.url}/{language}/")
    go(person)
    person.page.screenshot(path=target, full_page=True)
    print(target.name)


if __name__ == "__main__":
    main()
