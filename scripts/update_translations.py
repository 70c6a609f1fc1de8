"""Brings the Japanese catalogues up to date with the marked texts of the code.

`profiles` holds the texts marked with N_ in profiles/, `messages` those of webapp/ and templates/. New texts come
in untranslated, vanished ones go, nothing is guessed (no fuzzy entries). Run it after a change of a text,
translate what it names, then `make translations`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from webapp.cli import hagaki
from webapp.cli.spoken import help_texts

ROOT = Path(__file__).parent.parent
TRANSLATIONS = ROOT / "webapp" / "translations"
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "N_": None,
    "_": None,
    "_l": None,
    "gettext": None,
    "lazy_gettext": None,
    "translate": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
}
FOLDERS = {
    "profiles": {"profiles": [("**.py", "python")]},
    "messages": {
        "webapp": [("**.py", "python")],
        "templates": [("**.html", "jinja2"), ("**.txt", "jinja2")],
    },
}


def marked(domain: str) -> Catalog:
    """The texts of one domain as the code has them."""
    template = Catalog()
    for folder, methods in FOLDERS[domain].items():
        found = extract_from_dir(ROOT / folder, methods, keywords=KEYWORDS)
        for filename, _, message, comments, context in found:
            if message:
                place = (f"{folder}/{filename}", 0)
                template.add(message, None, [place], auto_comments=comments, context=context)
    if domain == "messages":
        # Help is not marked: it stands where click wants it.
        for text in help_texts(hagaki):
            template.add(text, None, [("webapp/cli", 0)])
    return template


def untranslated(catalogue: Catalog) -> list[str]:
    """What still waits for a translation."""
    return [str(message.id) for message in catalogue if message.id and not message.string]


def update(domain: str, language: str = "ja") -> Catalog:
    """Rewrite one catalogue and return it."""
    path = TRANSLATIONS / language / "LC_MESSAGES" / f"{domain}.po"
    with path.open("rb") as source:
        catalogue = read_po(source, locale=language)
    catalogue.update(marked(domain), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    with path.open("wb") as target:
        write_po(target, catalogue, width=0, sort_output=True, include_lineno=False)
    return catalogue


if __name__ == "__main__":
    for name in sys.argv[1:] or FOLDERS:
        for text in untranslated(update(name)):
            print(f"{name}: {text}")
