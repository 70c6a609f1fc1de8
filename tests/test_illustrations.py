"""The pictures of the steps are what their script draws, and hold nothing that the content policy forbids."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from scripts.draw_illustrations import FOLDER, FONTS, PICTURES, svg

DRAWN = sorted(FOLDER.glob("*/*.svg"))


@pytest.mark.parametrize("language", FONTS)
@pytest.mark.parametrize("name", PICTURES)
def test_picture_is_the_one_that_the_script_draws(name: str, language: str) -> None:
    assert (FOLDER / language / f"{name}.svg").read_bytes() == svg(PICTURES[name], language)


@pytest.mark.parametrize("path", DRAWN, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_picture_is_small_and_has_attributes_for_style(path: Path) -> None:
    data = path.read_bytes()

    elements = list(fromstring(data).iter())

    assert len(data) < 3000
    assert not [e for e in elements if "style" in e.attrib or e.tag.endswith(("style", "script", "image"))]


def test_both_languages_have_the_same_pictures() -> None:
    assert len({tuple(path.name for path in DRAWN if path.parent.name == language) for language in FONTS}) == 1
