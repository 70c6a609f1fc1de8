"""A letter as text: 72 columns, 36 full-width signs, with the line breaks that Japanese allows."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from webapp.mails.words import Contents

WIDTH = 72
_GAP = 2
_NOT_FIRST = frozenset("、。，．・：；？！ー―…々ゝゞっゃゅょぁぃぅぇぉッャュョァィゥェォ」』）】〕〉》’”")
_NOT_LAST = frozenset("「『（【〔〈《‘“")


def text(said: Contents, language: str) -> str:
    """Write the letter."""
    wide = language == "ja"
    blocks = [said.company, said.greeting]
    blocks += [_wrapped(paragraph, wide=wide) for paragraph in said.opening]
    # The link stands alone: whoever marks it should get it whole.
    blocks += [said.link]
    blocks += ["\n".join(_step(number, step, wide=wide) for number, step in enumerate(said.steps, 1))]
    blocks += ["\n".join(_facts(said, wide=wide))]
    blocks += ["\n".join(_wrapped(note, wide=wide) for note in said.notes)]
    body = "\n\n".join(block for block in blocks if block)
    # Two hyphens and a blank: what follows is a signature to every mail program.
    return f"{body}\n\n-- \n{_wrapped(said.colophon, wide=wide)}\n"


def width(words: str, *, wide: bool) -> int:
    """Columns on a terminal; signs of doubtful width are wide among Japanese ones."""
    kinds = ("W", "F", "A") if wide else ("W", "F")
    return sum(
        0 if unicodedata.combining(sign) else 1 + (unicodedata.east_asian_width(sign) in kinds) for sign in words
    )


def _step(number: int, step: str, *, wide: bool) -> str:
    return _wrapped(step, wide=wide, first=f"{number}. ", indent=3)


def _facts(said: Contents, *, wide: bool) -> Iterator[str]:
    left = max((width(label, wide=wide) for label, _ in said.facts), default=0) + _GAP
    for label, value in said.facts:
        gap = left - width(label, wide=wide)
        # Where signs are two columns wide, so is the blank that keeps the values in line.
        blank = "\u3000" * (gap // 2) + " " * (gap % 2) if wide else " " * gap
        yield _wrapped(value, wide=wide, first=label + blank, indent=left)


def _wrapped(words: str, *, wide: bool, first: str = "", indent: int = 0) -> str:
    lines, line, used = [], first, indent
    for piece in _pieces(words):
        size = width(piece, wide=wide)
        if used > indent and used + width(piece.rstrip(), wide=wide) > WIDTH:
            lines.append(line.rstrip(" "))
            line, used = " " * indent, indent
        line += piece
        used += size
    return "\n".join((*lines, line.rstrip(" ")))


def _pieces(words: str) -> Iterator[str]:
    """What must not be divided: words with the blank after them, full-width signs with their punctuation."""
    piece = ""
    for sign in words:
        if piece and _may_break(piece[-1], sign):
            yield piece
            piece = ""
        piece += sign
    if piece:
        yield piece


def _may_break(before: str, after: str) -> bool:
    if after == " " or after in _NOT_FIRST or before in _NOT_LAST or unicodedata.combining(after):
        return False
    if _is_katakana(before) and _is_katakana(after):
        return False
    return before == " " or _is_wide(before) or _is_wide(after)


def _is_wide(sign: str) -> bool:
    return unicodedata.east_asian_width(sign) in ("W", "F")


def _is_katakana(sign: str) -> bool:
    """Words from abroad are hard to read in two pieces."""
    return "\u30a1" <= sign <= "\u30ff"
