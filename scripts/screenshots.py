"""Pictures of every page, at a phone's and a desk's width, light and dark, in both languages.

Usage: scripts/screenshots.py [FOLDER] [PAGE…]     (default: screenshots/ and every page)
Without PAGE it also writes docs/images/, the README's pictures. One good and one failed check serve all pages.
Starts private mail servers as the tests do, so it needs root and what scripts/install-test-servers installs.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser.site import ANDROID, IPHONE, WINDOWS, Site, Visitor, chromium, serving, visitor  # noqa: E402
from tests.servers.environment import Environment  # noqa: E402
from tests.servers.people import PEOPLE, WRONG  # noqa: E402

GOOD, OTHER = PEOPLE["normal"], PEOPLE["second"]
WIDTHS = {"phone": 360, "desk": 1280}
LOOKS = tuple((language, scheme) for language in ("ja", "en") for scheme in ("light", "dark"))
LINE = IPHONE.replace("Version/26.0", "Line/15.1.0")
COLOURS = 64
"""Enough for pages of flat colour; a quarter of the size."""


def nothing(person: Visitor) -> None:
    """The page as it comes."""


LOAD_PICTURES = """
Promise.all([...document.querySelectorAll("img[loading]")].map(
  img => { img.loading = "eager"; return img.decode(); }))
"""
"""Those below the fold wait until somebody scrolls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page: where it is, from which browser, and what is done there before the picture."""

    path: str = "/"
    act: Callable[[Visitor], None] = nothing
    user_agent: str = IPHONE


def hint(person: Visitor) -> None:
    """The provider's hint before the password."""
    person.page.fill("#address", "taro@gmail.com")
    person.page.wait_for_selector("#provider-hint")


def own_sign_in(person: Visitor) -> None:
    """A provider that takes no password."""
    person.page.fill("#address", "taro@outlook.com")
    person.page.wait_for_selector("#secret", state="hidden")


def mistakes(person: Visitor) -> None:
    """An address that is none, and a password that looks like a slip."""
    person.fill("ｔａｒｏ＠example", "ｐａｓｓ")
    person.page.click("button[value=check]")
    person.page.wait_for_selector(".returned")


def servers_by_hand(person: Visitor) -> None:
    """A provider that nobody knows."""
    person.fill("taro@mail.example.org", "secret")
    person.page.click("button[value=check]")
    person.page.wait_for_selector("#incoming_hostname")


def running(person: Visitor) -> None:
    """The stages while they run; held there, because the servers here answer in no time."""
    person.page.route("**/c/*.json", lambda route: route.abort())
    person.fill(GOOD.address, GOOD.password)
    person.page.click("button[value=check]")
    person.page.wait_for_url("**/c/**")


def started_clock(person: Visitor) -> None:
    """After the download has begun; it is not fetched, because a delivery counts."""
    person.page.route("**/d/**", lambda route: route.fulfill(status=204))
    person.page.click("a[data-starts-clock]")
    person.page.wait_for_timeout(1200)


PAGES: Mapping[str, Page] = {
    "form": Page(),
    "form-hint": Page(act=hint),
    "form-own-sign-in": Page(act=own_sign_in),
    "form-mistakes": Page(act=mistakes),
    "form-servers": Page(act=servers_by_hand),
    "form-line": Page(user_agent=LINE),
    "checking": Page(act=running),
    "failed": Page(path="{failed}"),
    "iphone": Page(path="{done}/iphone", act=started_clock),
    "android": Page(path="{done}/android", user_agent=ANDROID),
    "mac": Page(path="{done}/mac", user_agent=WINDOWS),
    "windows": Page(path="{done}/windows", user_agent=WINDOWS),
    "linux": Page(path="{done}/linux", user_agent=WINDOWS),
    "handover": Page(path="{handover}/iphone"),
    "handover-android": Page(path="{handover}/android", user_agent=ANDROID),
    "not-found": Page(path="/nothing", user_agent=WINDOWS),
}

README_HEIGHTS = {"phone": 780, "desk": 860}
README = (
    ("form", "phone", "en", "light"),
    ("checking", "phone", "ja", "dark"),
    ("failed", "phone", "ja", "light"),
    ("windows", "desk", "en", "light"),
    ("iphone", "phone", "ja", "light"),
    ("android", "phone", "en", "light"),
)
"""Page, width, language and theme of the README's pictures; the upper part only."""


def main() -> None:
    """Take every picture."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "screenshots"
    names = sys.argv[2:] or list(PAGES)
    folder.mkdir(parents=True, exist_ok=True)
    with site_and_browser() as (site, browser):
        places = check_twice(browser, site)
        for kind, language, scheme in ((k, *look) for k in WIDTHS for look in LOOKS):
            for name in names:
                picture(browser, site, places, folder / f"{name}-{kind}-{language}-{scheme}.png")
    if len(sys.argv) <= 2:
        write_readme_pictures(folder, ROOT / "docs" / "images")


@contextmanager
def site_and_browser() -> Iterator[tuple[Site, Browser]]:
    """Hagaki at an address that phones could reach, and Chromium."""
    with (
        Environment.start() as environment,
        tempfile.TemporaryDirectory() as data,
        serving(environment, Path(data), base_url="https://m.example.com") as site,
        chromium(shutil.which("chromium") or "chromium") as browser,
    ):
        yield site, browser


def check_twice(browser: Browser, site: Site) -> Mapping[str, str]:
    """The paths of a good and a failed check and of the good one's hand-over, without a language."""
    with visitor(browser, site) as person:
        person.page.goto(f"{site.url}/ja/")
        done = person.check(GOOD.address, GOOD.password)
        link = person.page.get_attribute("a[href*='/h/']", "href") or ""
        person.page.goto(f"{site.url}/ja/")
        failed = person.check(OTHER.address, WRONG)
    base = f"{site.url}/ja"
    return {
        "done": done.removeprefix(base),
        "failed": failed.removeprefix(base),
        "handover": "/h/" + link.rpartition("/")[2],
    }


def picture(browser: Browser, site: Site, places: Mapping[str, str], target: Path) -> None:
    """Go to the page that the target is named after, and take its picture."""
    name, kind, language, scheme = target.stem.rsplit("-", 3)
    page = PAGES[name]
    with visitor(
        browser, site, width=WIDTHS[kind], language=language, scheme=scheme, user_agent=page.user_agent
    ) as person:
        person.page.goto(f"{site.url}/{language}{page.path.format(**places)}")
        page.act(person)
        person.page.evaluate(LOAD_PICTURES)
        write_png(person.page.screenshot(full_page=True), target)
    print(target.name, flush=True)


def write_png(data: bytes, target: Path) -> None:
    """Write a picture with a palette."""
    with Image.open(BytesIO(data)) as picture:
        small = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        small.save(target, optimize=True)


def write_readme_pictures(folder: Path, target: Path) -> None:
    """Cut the README's pictures from the tops of the whole pages."""
    target.mkdir(parents=True, exist_ok=True)
    for name, kind, language, scheme in README:
        stem = f"{name}-{kind}-{language}-{scheme}"
        with Image.open(folder / f"{stem}.png") as whole:
            scale = whole.width / WIDTHS[kind]
            height = min(whole.height, round(README_HEIGHTS[kind] * scale))
            whole.crop((0, 0, whole.width, height)).save(target / f"{stem}.png", optimize=True)


if __name__ == "__main__":
    main()
