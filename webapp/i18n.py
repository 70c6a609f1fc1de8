"""Words and dates in a person's language, with and without Flask. Problems get their texts here alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from functools import cache
from gettext import NullTranslations
from pathlib import Path
from typing import Literal

from babel.dates import format_datetime
from babel.support import Translations
from babel.units import format_unit

from profiles.model import LocalizedText
from profiles.problems import Problem

FOLDER = Path(__file__).parent / "translations"
DOMAINS = ("messages", "profiles")
_PATTERNS = {"ja": "y年M月d日(E) HH:mm", "en": "EEEE d MMMM y, HH:mm"}
_DATE_PATTERNS = {"ja": "y年M月d日(E)", "en": "EEEE d MMMM y"}
_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
_TRANSLATED_PARAMS = frozenset(("advice", "expected", "reason"))
"""Parameters that hold a marked text of ours, not a name or value."""


def translate(msgid: str, language: str, **params: object) -> str:
    """The text in `language`, its placeholders filled; a missing parameter shows as a dash, never as an error."""
    text = catalogue(language).gettext(msgid) if msgid else ""
    return text % _Params(params) if params or "%(" in text else text


def describe(problem: Problem, language: str) -> tuple[str, str]:
    """Summary and advice of a problem.

    A provider's own words go before ours: `advice` among the parameters replaces the advice of the code.
    """
    params = _params(problem, language)
    summary = translate(problem.text.summary, language, **params)
    return summary, params.get("advice") or translate(problem.text.advice, language, **params)


def format_moment(moment: datetime, language: str, timezone: tzinfo) -> str:
    """`2026年12月31日(木) 23:59`, `Thursday 31 December 2026, 23:59`, in the host's zone."""
    return _formatted(moment, _PATTERNS.get(language, _PATTERNS["en"]), language, timezone)


def format_day(moment: datetime, language: str, timezone: tzinfo) -> str:
    """The date alone."""
    return _formatted(moment, _DATE_PATTERNS.get(language, _DATE_PATTERNS["en"]), language, timezone)


def format_clock(moment: datetime, timezone: tzinfo) -> str:
    """`23:59`, the same in every language."""
    return f"{moment.astimezone(timezone):%H:%M}"


def format_duration(duration: timedelta, language: str) -> str:
    """`1時間30分`, `1 hour 30 minutes`: the two largest units, rounded up to the next second."""
    seconds = max(0, -int(-duration.total_seconds() // 1))
    # CLDR's long Japanese forms have no number in Babel; the short ones are the ordinary words ("30 分").
    length: Literal["short", "long"] = "short" if language == "ja" else "long"
    parts: list[str] = []
    for unit, size in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(format_unit(count, f"duration-{unit}", length, locale=language))
        if len(parts) == 2:
            break
    parts = parts or [format_unit(0, "duration-second", length, locale=language)]
    return "".join(parts).replace(" ", "") if language == "ja" else " ".join(parts)


@cache
def catalogue(language: str) -> NullTranslations:
    """The texts of both domains in one language; msgids themselves where there is no catalogue."""
    found = [Translations.load(FOLDER, [language], domain) for domain in DOMAINS]
    found[0].add_fallback(found[1])
    return found[0]


class _Params(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "–"


def _params(problem: Problem, language: str) -> dict[str, str]:
    given: Mapping[str, object] = {
        "server": problem.server or "",
        "place": problem.place or "",
        "server_text": problem.server_text or "",
    } | dict(problem.params)
    return {name: _localized(name, value, language) for name, value in given.items()}


def _localized(name: str, value: object, language: str) -> str:
    if isinstance(value, LocalizedText):
        return value.get(language)
    return translate(str(value), language) if name in _TRANSLATED_PARAMS else str(value)


def _formatted(moment: datetime, pattern: str, language: str, timezone: tzinfo) -> str:
    return format_datetime(moment.astimezone(timezone), pattern, locale=language)
