"""The pictures of the steps are what their script draws, clip no word, and keep to the content policy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest

from scripts.draw_illustrations import FOLDER, FONTS, PICTURES, svg
from scripts.drawing import RING, WIDTH, width_of

DRAWN = sorted(FOLDER.glob("*/*.svg"))
EDGE = 12
"""How far words stay from the edge of a picture."""
SHARE = {"start": (0.0, 1.0), "middle": (0.5, 0.5), "end": (1.0, 0.0)}
TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
EVERY = pytest.mark.parametrize("path", DRAWN, ids=lambda path: f"{path.parent.name}-{path.stem}")


@pytest.mark.parametrize("language", FONTS)
@pytest.mark.parametrize("name", PICTURES)
def test_picture_is_the_one_that_the_script_draws(name: str, language: str) -> None:
    assert (FOLDER / language / f"{name}.svg").read_bytes() == svg(PICTURES[name], language)


def test_folder_holds_nothing_that_the_script_does_not_draw() -> None:
    assert {(path.parent.name, path.stem) for path in DRAWN} == {(f, name) for f in FONTS for name in PICTURES}


@pytest.mark.parametrize("name", PICTURES)
def test_picture_is_shown_on_a_page(name: str) -> None:
    stem = name.removeprefix("ios-").removeprefix("ipad-")
    pages = "".join(path.read_text("utf-8") for path in TEMPLATES.glob("setup/*.html"))

    assert f'"{name}"' in pages or f'-{stem}"' in pages


@EVERY
def test_picture_is_small_and_has_attributes_for_style(path: Path) -> None:
    data = path.read_bytes()

    elements = list(fromstring(data).iter())

    assert len(data) < 3000
    assert not [e for e in elements if "style" in e.attrib or e.tag.endswith(("style", "script", "image"))]


@EVERY
def test_no_word_is_clipped_and_one_ring_is_seen(path: Path) -> None:
    picture = fromstring(path.read_bytes())
    height = float(picture.attrib["viewBox"].split()[3])

    rings = [e for e in picture.iter() if e.get("stroke") == RING]
    clipped = [
        words for words, left, right, y in texts(picture) if left < EDGE or right > WIDTH - EDGE or y > height
    ]

    assert clipped == []
    assert len(rings) == 1
    assert float(rings[0].attrib["y"]) + float(rings[0].attrib["height"]) < height


def texts(picture: Element) -> Iterator[tuple[str, float, float, float]]:
    """Every line of text with its left and right end and its base line."""
    for element in picture.iter():
        if element.tag.endswith("text"):
            size = float(element.get("font-size", "11.5"))
            width = width_of(element.text or "", size, bold="font-weight" in element.attrib)
            before, after = SHARE[element.get("text-anchor", "start")]
            x = float(element.attrib["x"])
            yield element.text or "", x - width * before, x + width * after, float(element.attrib["y"])


def test_both_languages_have_the_same_pictures() -> None:
    assert len({tuple(path.name for path in DRAWN if path.parent.name == language) for language in FONTS}) == 1
