"""Reads one table (parsed TOML) into values, collecting every problem with its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

from profiles.model import LocalizedText
from profiles.problems import N_, Code, Problem, quoted

Word = TypeVar("Word", bound=StrEnum)

TEXT_LIMIT = 2000
_OURS = frozenset(("expected", "known", "suggestion"))
"""Parameters that hold our own words, whatever their length."""
_LANGUAGE = re.compile(r"[a-z]{2,3}\Z")


class Reader:
    """One table. Each key is taken once; `finish` names the keys that nobody took.

    `place` is the file (and key path) that problems name, `problems` the list they are added to.
    """

    def __init__(
        self, table: Mapping[str, object], place: str, problems: list[Problem], *, prefix: str = ""
    ) -> None:
        self._table = table
        self._place = place
        self._prefix = prefix
        self._problems = problems
        self._taken: list[str] = []

    def place(self, key: str) -> str:
        """`corp.toml: incomingServer[1].port`"""
        return f"{self._place}: {self._prefix}{quoted(key)}"

    def report(self, key: str, code: Code, **params: str) -> None:
        """Note a problem of one key."""
        values = {name: value if name in _OURS else quoted(value) for name, value in params.items()}
        self._problems.append(Problem(code, values, place=self.place(key)))

    def has(self, key: str) -> bool:
        """Whether the key is written."""
        return key in self._table

    def is_clean(self, key: str) -> bool:
        """Whether no problem of the key is noted yet."""
        return all(problem.place != self.place(key) for problem in self._problems)

    def text(
        self, key: str, *, required: bool = False, limit: int = TEXT_LIMIT, lines: bool = False
    ) -> str | None:
        """A printable, non-empty string without outer blanks; `lines` allows line breaks."""
        value = self._take(key, str, N_("a text"), required=required)
        if not isinstance(value, str):
            return None
        text = value.strip()
        printable = text.replace("\n", "") if lines else text
        if not text or len(text) > limit or not printable.isprintable():
            self.report(key, Code.VALUE_INVALID, value=text)
            return None
        return text

    def integer(self, key: str, *, low: int, high: int, required: bool = False) -> int | None:
        """A whole number between two limits."""
        value = self._take(key, int, N_("a whole number"), required=required)
        if not isinstance(value, int):
            return None
        if not low <= value <= high:
            # A number of thousands of digits has no decimal string in Python, and no use here.
            self.report(key, Code.VALUE_INVALID, value=str(value) if abs(value) < 10**20 else "…")
            return None
        return value

    def switch(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self._take(key, bool, N_("true or false"))
        return default if value is None else bool(value)

    def day(self, key: str) -> str | None:
        """A date, written as TOML's own or as a text, as `2026-08-31`."""
        value = self._take(key, (str, date), N_("a date such as 2026-08-31"))
        if value is None:
            return None
        try:
            return date.fromisoformat(str(value)).isoformat()
        except ValueError:
            self.report(key, Code.VALUE_INVALID, value=str(value))
            return None

    def moment(self, key: str) -> str | None:
        """A day, or a moment with its hour, written as TOML's own or as a text."""
        value = self._take(key, (str, date), N_("a date such as 2026-08-31"))
        if value is None:
            return None
        text = value.isoformat() if isinstance(value, date) else str(value)
        for kind in (date, datetime):
            try:
                return kind.fromisoformat(text).isoformat()
            except ValueError:
                continue
        self.report(key, Code.VALUE_INVALID, value=text)
        return None

    def word(self, key: str, words: type[Word], *, required: bool = False) -> Word | None:
        """One of a closed set, whatever its letter case."""
        value = self.text(key, required=required, limit=80)
        if value is None:
            return None
        return self._known_word(key, value, words)

    def words(self, key: str, words: type[Word]) -> tuple[Word, ...]:
        """A list of words of a closed set, or one word alone."""
        found = (self._known_word(key, text, words) for text in self.texts(key))
        return tuple(dict.fromkeys(word for word in found if word is not None))

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """A list of strings, or one string alone."""
        value = self._take(key, (list, str), N_("a list of texts"), required=required)
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list):
            return ()
        texts = [item.strip() for item in values if isinstance(item, str) and item.strip().isprintable()]
        if required and not values:
            self.report(key, Code.KEY_MISSING)
        if len(texts) != len(values) or "" in texts:
            self.report(key, Code.VALUE_TYPE, expected=N_("a list of texts"))
        return tuple(text for text in texts if text)

    def localized(self, key: str) -> LocalizedText | None:
        """One text, or a table of language and text."""
        value = self._take(key, (str, dict), N_('a text or a table of languages such as { en = "…", ja = "…" }'))
        if isinstance(value, str):
            value = {"en": value}
        if not isinstance(value, dict):
            return None
        inner = Reader(value, self._place, self._problems, prefix=f"{self._prefix}{key}.")
        pairs = [(language, inner.text(language, lines=True)) for language in value if _LANGUAGE.match(language)]
        inner.finish()
        texts = tuple((language, text) for language, text in pairs if text is not None)
        return LocalizedText(texts=texts) if texts else None

    def table(self, key: str) -> Reader | None:
        """A table inside."""
        value = self._take(key, dict, N_("a table"))
        if not isinstance(value, dict):
            return None
        return Reader(value, self._place, self._problems, prefix=f"{self._prefix}{key}.")

    def tables(self, key: str) -> tuple[Reader, ...]:
        """An array of tables; places count from 1, as people do."""
        value = self._take(key, list, N_("an array of tables, each with its name in double brackets"))
        if not isinstance(value, list):
            return ()
        if not all(isinstance(item, dict) for item in value):
            self.report(
                key, Code.VALUE_TYPE, expected=N_("an array of tables, each with its name in double brackets")
            )
        return tuple(
            Reader(item, self._place, self._problems, prefix=f"{self._prefix}{key}[{number}].")
            for number, item in enumerate(value, 1)
            if isinstance(item, dict)
        )

    def finish(self) -> None:
        """Refuse what is written but means nothing, and say which key may have been meant."""
        for key in self._table:
            if key not in self._taken:
                near = get_close_matches(key.lower(), {known.lower(): known for known in self._taken}, n=1)
                self.report(key, Code.KEY_UNKNOWN, suggestion=self._spelled(near))

    def _spelled(self, near: list[str]) -> str:
        return next((key for key in self._taken if key.lower() in near), ", ".join(self._taken))

    def _known_word(self, key: str, value: str, words: type[Word]) -> Word | None:
        for word in words:
            if word.value.lower() == value.lower():
                return word
        self.report(key, Code.VALUE_UNKNOWN, value=value, known=", ".join(words))
        return None

    def _take(
        self, key: str, kind: type | tuple[type, ...], expected: str, *, required: bool = False
    ) -> object | None:
        self._taken.append(key)
        value = self._table.get(key)
        if value is None:
            if required:
                self.report(key, Code.KEY_MISSING)
            return None
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
            self.report(key, Code.VALUE_TYPE, expected=expected)
            return None
        return value
