"""One table, read key by key."""

from __future__ import annotations

from datetime import date

import pytest

from profiles.model import SocketType
from profiles.problems import Code, Problem
from profiles.reader import Reader


def reader(table: dict[str, object]) -> tuple[Reader, list[Problem]]:
    """A reader of `table` and the list of its problems."""
    problems: list[Problem] = []
    return Reader(table, "file.toml", problems), problems


def test_an_absent_key_is_none_and_no_problem() -> None:
    table, problems = reader({})

    assert table.text("name") is None
    assert table.integer("count", low=1, high=2) is None
    assert table.texts("names") == ()
    assert table.localized("title") is None
    assert table.table("inner") is None
    assert table.tables("rows") == ()
    assert table.switch("on", default=True) is True
    assert table.day("day") is None
    assert problems == []


def test_a_required_key_is_missed() -> None:
    table, problems = reader({})

    table.text("name", required=True)

    assert [(p.code, p.place) for p in problems] == [(Code.KEY_MISSING, "file.toml: name")]


def test_one_text_stands_for_a_list_and_for_a_language() -> None:
    table, problems = reader({"names": "one", "title": "Mail"})

    assert table.texts("names") == ("one",)
    title = table.localized("title")
    assert title is not None
    assert title.get("ja") == "Mail"
    assert problems == []


def test_line_breaks_are_allowed_only_where_asked() -> None:
    table, problems = reader({"name": "a\nb", "title": {"en": "a\nb"}})

    assert table.text("name") is None
    assert table.localized("title") is not None
    assert [p.place for p in problems] == ["file.toml: name"]


@pytest.mark.parametrize("value", [date(2026, 8, 31), "2026-08-31"])
def test_a_day_may_be_a_text_or_tomls_own(value: object) -> None:
    table, _ = reader({"lastChecked": value})

    assert table.day("lastChecked") == "2026-08-31"


@pytest.mark.parametrize("value", ["2026-13-01", "yesterday", ""])
def test_a_day_that_does_not_exist_is_refused(value: str) -> None:
    table, problems = reader({"lastChecked": value})

    assert table.day("lastChecked") is None
    assert [p.code for p in problems] == [Code.VALUE_INVALID]


def test_words_of_a_closed_set_are_told_with_those_that_are_known() -> None:
    table, problems = reader({"socketType": "TLS"})

    assert table.word("socketType", SocketType) is None
    assert problems[0].params == {"value": "TLS", "known": "SSL, STARTTLS"}


def test_places_count_tables_from_one() -> None:
    table, problems = reader({"rows": [{"n": 1}, {"n": 99}]})

    for row in table.tables("rows"):
        row.integer("n", low=1, high=9)

    assert [p.place for p in problems] == ["file.toml: rows[2].n"]


def test_problems_quote_a_file_short_and_printable() -> None:
    table, problems = reader({"na\x1bme": 1, "text": "\x00" + "x" * 5000})

    table.text("text")
    table.finish()

    assert [p.place for p in problems] == ["file.toml: text", "file.toml: na·me"]
    assert problems[0].params["value"] == "·" + "x" * 79
