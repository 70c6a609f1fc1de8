"""Every code has its words, in both languages, and its place in the troubleshooting pages."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from profiles.problems import TEXTS, Code, Problem, ProblemError, Severity
from webapp.i18n import describe

ROOT = Path(__file__).parent.parent.parent
PLACEHOLDER = re.compile(r"%\(\w+\)s|%%")


def script(name: str) -> ModuleType:
    """A module of scripts/."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def japanese() -> Catalog:
    with (ROOT / "webapp/translations/ja/LC_MESSAGES/profiles.po").open("rb") as po:
        return read_po(po, locale="ja")


def words() -> list[str]:
    return [text for entry in TEXTS.values() for text in (entry.summary, entry.advice)]


def test_every_code_has_its_words() -> None:
    assert list(set(Code) - set(TEXTS)) == []


def test_codes_are_spelled_as_they_are_named() -> None:
    assert [code for code in Code if code.name != code.value] == []


@pytest.mark.parametrize("code", Code)
def test_a_problem_without_its_parameters_still_speaks(code: Code) -> None:
    for language in ("en", "ja"):
        summary, advice = describe(Problem(code), language)

        assert summary
        assert advice
        assert "%(" not in summary + advice


@pytest.mark.parametrize("text", words())
def test_a_text_ends_as_a_sentence_and_says_no_blame(text: str) -> None:
    assert text[-1] in ".?"
    assert not re.search(r"\b(you (failed|forgot|made)|an error occurred|illegal|invalid input)\b", text, re.I)


@pytest.mark.parametrize("text", words())
def test_every_text_is_translated_with_its_placeholders(text: str, japanese: Catalog) -> None:
    message = japanese.get(text)

    assert message is not None
    assert sorted(PLACEHOLDER.findall(str(message.string))) == sorted(PLACEHOLDER.findall(text))


def test_every_marked_text_of_profiles_is_translated(japanese: Catalog) -> None:
    marked = script("update_translations").marked("profiles")

    missing = [
        message.id for message in marked if message.id and not getattr(japanese.get(message.id), "string", "")
    ]

    assert missing == []
    assert not any(message.fuzzy for message in japanese if message.id)


def test_japanese_is_written_as_agreed(japanese: Catalog) -> None:
    """Half-width digits and letters, full-width kana."""
    for message in japanese:
        if message.id:
            assert not re.search(r"[０-９Ａ-Ｚａ-ｚｦ-ﾟ]", str(message.string)), message.string


def test_sentences_for_the_admin_begin_alike_in_both_languages(japanese: Catalog) -> None:
    for text in words():
        message = japanese.get(text)
        assert message is not None
        assert ("Admin:" in text) == ("管理者の方へ：" in str(message.string)), text


@pytest.mark.parametrize(
    ("severity", "codes"),
    [
        (Severity.WARNING, {Code.QUOTA_70, Code.QUOTA_80, Code.CERT_EXPIRES_SOON, Code.TLS_OLD_CIPHER}),
        (Severity.WARNING, {Code.FOLDERS_UNSUBSCRIBED}),
        (Severity.INFO, {Code.NAMESPACE_PREFIX, Code.NOT_TRIED, Code.SMTP_GREYLISTED}),
        (Severity.ERROR, {Code.QUOTA_FULL, Code.AUTH_WRONG_PASSWORD, Code.CERT_SELF_SIGNED}),
    ],
)
def test_only_errors_fail_a_check(severity: Severity, codes: set[Code]) -> None:
    assert {TEXTS[code].severity for code in codes} == {severity}


@pytest.mark.parametrize(("language", "name"), [("en", "troubleshooting.md"), ("ja", "troubleshooting.ja.md")])
def test_the_troubleshooting_pages_are_those_of_the_table(language: str, name: str) -> None:
    """Refresh them with scripts/write_troubleshooting.py."""
    written = (ROOT / "docs" / name).read_text("utf-8")

    assert written == script("write_troubleshooting").page(language)
    assert [line[4:] for line in written.splitlines() if line.startswith("### ")] == list(Code)


def test_the_pages_have_an_example_for_every_placeholder() -> None:
    used = set().union(*(text.params for text in TEXTS.values()))

    assert used == set(script("write_troubleshooting").SAMPLES)


def test_an_error_names_all_its_problems() -> None:
    problems = [Problem(Code.KEY_MISSING, place="a.toml: id"), Problem(Code.CONNECT_REFUSED, server="a.example:1")]

    error = ProblemError(problems)

    assert error.problems == tuple(problems)
    assert str(error) == "KEY_MISSING a.toml: id; CONNECT_REFUSED"
