"""Texts, dates and durations in both languages, without Flask."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from profiles.model import LocalizedText
from profiles.problems import Code, Problem
from webapp import i18n

TOKYO = ZoneInfo("Asia/Tokyo")
NEW_YEAR = datetime(2026, 12, 31, 14, 59, tzinfo=UTC)


def test_a_moment_is_written_in_the_hosts_zone() -> None:
    assert i18n.format_moment(NEW_YEAR, "ja", TOKYO) == "2026年12月31日(木) 23:59"
    assert i18n.format_moment(NEW_YEAR, "en", TOKYO) == "Thursday 31 December 2026, 23:59"
    assert i18n.format_day(NEW_YEAR, "ja", TOKYO) == "2026年12月31日(木)"
    assert i18n.format_clock(NEW_YEAR, TOKYO) == "23:59"


@pytest.mark.parametrize(
    ("seconds", "japanese", "english"),
    [
        (0, "0秒", "0 seconds"),
        (1, "1秒", "1 second"),
        (600, "10分", "10 minutes"),
        (5400, "1時間30分", "1 hour 30 minutes"),
        (90061, "1日1時間", "1 day 1 hour"),
        (0.2, "1秒", "1 second"),
        (-5, "0秒", "0 seconds"),
    ],
)
def test_durations(seconds: float, japanese: str, english: str) -> None:
    duration = timedelta(seconds=seconds)

    assert i18n.format_duration(duration, "ja") == japanese
    assert i18n.format_duration(duration, "en") == english


def test_an_unknown_text_stays_as_it_is_and_is_filled() -> None:
    assert i18n.translate("No such text, %(name)s.", "ja", name="山田") == "No such text, 山田."
    assert i18n.translate("100 % sure", "en") == "100 % sure"
    assert i18n.translate("", "ja") == ""


def test_a_missing_parameter_shows_as_a_dash() -> None:
    assert i18n.translate("%(server)s said no.", "en") == "– said no."


@pytest.mark.parametrize("code", list(Code))
@pytest.mark.parametrize("language", ["ja", "en"])
def test_every_problem_can_be_described(code: Code, language: str) -> None:
    summary, advice = i18n.describe(Problem(code), language)

    assert summary
    assert "%(" not in summary + advice


def test_a_provider_s_own_advice_goes_before_ours() -> None:
    advice = LocalizedText(texts=(("en", "Make an app password."), ("ja", "アプリ パスワードを作ります。")))
    problem = Problem(Code.AUTH_APP_PASSWORD, {"advice": advice})  # type: ignore[dict-item]

    assert i18n.describe(problem, "ja")[1] == "アプリ パスワードを作ります。"
    assert i18n.describe(problem, "en")[1] == "Make an app password."
