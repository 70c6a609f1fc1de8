"""Pictures of every page, at a phone's and a desk's width, light and dark, in both languages.

Without names of pages it also writes docs/images/, the README's pictures. Starts private mail servers as the
tests do, so it needs root and what scripts/install-test-servers installs.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser.atlas import PAGES, World, explore  # noqa: E402
from tests.browser.faults import PICTURES_LOADED  # noqa: E402
from tests.browser.site import Site, chromium, serving  # noqa: E402
from tests.servers.environment import Environment  # noqa: E402

WIDTHS = {"phone": 360, "desk": 1280}
LOOKS = tuple((language, scheme) for language in ("ja", "en") for scheme in ("light", "dark"))
COLOURS = 64
"""Enough for pages of flat colour; a quarter of the size."""
LOAD_PICTURES = "document.querySelectorAll('img[loading]').forEach(img => { img.loading = 'eager'; })"
"""Those below the fold wait until somebody scrolls."""

README_HEIGHTS = {"phone": 780, "desk": 860}
README = (
    ("form", "phone", "en", "light"),
    ("checking", "phone", "ja", "dark"),
    ("failed", "phone", "ja", "light"),
    ("windows", "desk", "en", "light"),
    ("iphone", "phone", "ja", "light"),
    ("android", "phone", "en", "light"),
    ("admin-batch", "desk", "en", "light"),
    ("admin-list", "desk", "ja", "light"),
)
"""Page, width, language and theme of the README's pictures; the upper part only."""


def main() -> None:
    """Take every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folder", nargs="?", type=Path, default=ROOT / "screenshots", help="where they are written"
    )
    parser.add_argument("page", nargs="*", help="a page of tests/browser/atlas.py")
    chosen = parser.parse_args()
    folder, names = chosen.folder, chosen.page or list(PAGES)
    folder.mkdir(parents=True, exist_ok=True)
    with site_and_browser() as (site, browser):
        world = explore(browser, site)
        for name in names:
            if world.is_stale:
                world = explore(browser, site, world)
            for kind, language, scheme in ((kind, *look) for kind in WIDTHS for look in LOOKS):
                picture(browser, world, folder / f"{name}-{kind}-{language}-{scheme}.png")
    if not chosen.page:
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


def picture(browser: Browser, world: World, target: Path) -> None:
    """Go to the page that the target is named after, and take its picture."""
    name, kind, language, scheme = target.stem.rsplit("-", 3)
    with world.opened(browser, name, language=language, width=WIDTHS[kind], scheme=scheme) as person:
        person.page.evaluate(LOAD_PICTURES)
        person.page.evaluate(PICTURES_LOADED)
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
