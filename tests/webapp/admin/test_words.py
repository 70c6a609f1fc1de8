"""What is said of who acts."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask_babel import force_locale

from tests.webapp.admin.world import Host
from webapp.admin.batch_words import ACTIONS
from webapp.admin.words import DETAILS, actor, subject, told
from webapp.batches.following import Action
from webapp.presentation import Count


@pytest.mark.parametrize(
    ("name", "ja", "en"),
    [
        ("token payroll 2026", "トークン payroll 2026", "token payroll 2026"),
        ("card 0000012", "はがき 0000012", "card 0000012"),
        ("command line", "コマンドライン", "the command line"),
        ("owner@example.co.jp", "owner@example.co.jp", "owner@example.co.jp"),
        ("token", "token", "token"),  # an admin of this name
    ],
)
def test_an_actor_is_named_in_the_language_of_the_page(host: Host, name: str, ja: str, en: str) -> None:
    assert said_of(host, lambda: actor(name)) == {"ja": ja, "en": en}


def test_numbers_of_people_have_their_thousands_apart(host: Host) -> None:
    press = ACTIONS[Action.REVOKE].press

    assert said_of(host, lambda: press(Count(50_000)))["en"] == "Revoke 50,000 links"
    for template in Path("templates/admin").glob("*.html"):
        for call in re.findall(r"ngettext\(.*?\) [}%]", template.read_text("utf-8")):
            assert "grouped" in call or "format(" in call, f"{template.name}: {call}"


@pytest.mark.parametrize(
    ("text", "ja", "en"),
    [
        ("batch 12", "一括作成 番号12", "Batch no. 12"),
        ("leavers 45", "退職者の処理 45", "Leavers, run 45"),
        ("batch.csv", "batch.csv", "batch.csv"),
    ],
)
def test_a_subject_is_named_in_the_language_of_the_page(host: Host, text: str, ja: str, en: str) -> None:
    assert said_of(host, lambda: subject(text)) == {"ja": ja, "en": en}


@pytest.mark.parametrize(
    ("name", "value", "ja", "en"),
    [
        ("mode", "ready-made", "パスワード入り", "Ready-made"),
        ("step", "password", "メールのパスワードを変える", "Change the mailbox password"),
        ("card", "12", "000-0012", "000-0012"),
        ("cards", "1–1200", "000-0001–000-1200", "000-0001–000-1200"),
        ("name", "owner", "owner", "owner"),  # a list of this name
        ("role", "owner", "所有者", "Owner"),
    ],
)
def test_a_detail_is_told_in_the_language_of_the_page(host: Host, name: str, value: str, ja: str, en: str) -> None:
    assert said_of(host, lambda: told(name, value)[1]) == {"ja": ja, "en": en}


def test_every_detail_that_is_written_has_words() -> None:
    """Keyword arguments of each call that writes an entry, read from the source."""
    nodes = [
        node for path in Path("webapp").rglob("*.py") for node in ast.walk(ast.parse(path.read_text("utf-8")))
    ]
    calls = [node for node in nodes if isinstance(node, ast.Call) and node.args]
    written = {
        word.arg
        for call in calls
        if re.search(r"(record|_tell)\(connection, ", ast.unparse(call))
        for word in call.keywords
        if word.arg not in (None, "alone")
    }

    assert written
    assert written - set(DETAILS) == set()


def said_of(host: Host, say: Callable[[], str]) -> dict[str, str]:
    """What is said in each language."""
    said = {}
    with host.pages.app.test_request_context():
        for language in ("ja", "en"):
            with force_locale(language):
                said[language] = say()
    return said
