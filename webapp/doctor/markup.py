"""Building the report's HTML out of elements, so that the writer escapes every text."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, tostring

from defusedxml.ElementTree import fromstring

Child = Element | str | None
_STATIC = Path(__file__).parent.parent / "static"


def tag(name: str, /, *children: Child, **attributes: str) -> Element:
    """An element; `class_` and `aria_label` stand for class and aria-label, None children are left out."""
    names = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
    made = Element(name, names)
    for child in children:
        if isinstance(child, str):
            _append_text(made, child)
        elif child is not None:
            made.append(child)
    return made


def page(language: str, title: str, style: str, body: Element) -> bytes:
    """A page that stands alone: our style sheet within it, no script, nothing from elsewhere."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="robots", content="noindex"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", (_STATIC / "hagaki.css").read_text("utf-8") + style),
    )
    written: bytes = tostring(tag("html", head, body, lang=language), encoding="utf-8", method="html")
    return b"<!DOCTYPE html>\n" + written


def drawing(name: str, **attributes: str) -> Element:
    """One of our drawings, to stand in the page itself."""
    root: Element = fromstring((_STATIC / "img" / name).read_bytes())
    for element in root.iter():
        # Within HTML an svg needs no namespace.
        element.tag = element.tag.rpartition("}")[2]
        element.tail = None
    for key, value in attributes.items():
        root.set(key, value)
    return root


def _append_text(parent: Element, text: str) -> None:
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text
