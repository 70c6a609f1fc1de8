"""Where a Japanese heading may break: between its phrases, also in browsers that cannot find them themselves.

Chromium does so by `word-break: auto-phrase`; for Safari and Firefox the phrases are marked with <wbr>, and the
stylesheet lets headings break nowhere else. What stands in 「」 is a name on somebody's screen and stays whole.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

import budoux
from markupsafe import Markup

from webapp import languages

_KEPT = re.compile(r'(<span class="nb">.*?</span>)')
LONGEST_NAME = 14
"""A quoted name longer than this must break on the narrowest phone."""


@cache
def _parser() -> budoux.Parser:
    return budoux.load_default_japanese_parser()


@lru_cache(1024)
def split(text: str) -> tuple[str, ...]:
    """The phrases of a text."""
    phrases: list[str] = []
    for phrase in _parser().parse(text):
        if phrases and _is_within_name(phrases[-1], phrase):
            phrases[-1] += phrase
        else:
            phrases.append(phrase)
    return tuple(phrases)


def _is_within_name(before: str, phrase: str) -> bool:
    opened = before.rpartition("「")[2]
    is_open = "「" in before and "」" not in opened
    return is_open and len(opened) + len(phrase) <= LONGEST_NAME


def marked(text: object) -> str | Markup:
    """A heading with a possible break after each phrase, beside those that its translator chose."""
    words = text if isinstance(text, Markup) else str(text)
    if languages.language() != "ja":
        return words
    if not isinstance(words, Markup):
        return _breakable(words)
    parts = _KEPT.split(words)
    return Markup("").join(Markup(part) if "<" in part else _breakable(Markup(part).unescape()) for part in parts)  # noqa: S704 - our own texts


def _breakable(text: str) -> Markup:
    # A browser may break after 」 whatever the stylesheet says, so such a phrase is held together.
    held = Markup('<span class="nb">{}</span>')
    return Markup("<wbr>").join(held.format(phrase) if "」" in phrase[:-1] else phrase for phrase in split(text))
