"""The page that helps to choose IMAP or POP3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.webapp.cli.command import is_japanese
from tests.webapp.page_world import DOMAIN_TOML, Pages, close_pages, open_pages, title


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    opened = open_pages(tmp_path / "data")
    yield opened
    close_pages(opened)


POP3 = """[[incomingServer]]
type = "pop3"
hostname = "mail.example.co.jp"
port = 995
socketType = "SSL"
authentication = ["password-cleartext"]
username = "%EMAILADDRESS%"
"""


def test_the_form_leads_to_the_questions_where_both_can_be_had(pages: Pages) -> None:
    alone = pages.client.get("/en/").text
    both = DOMAIN_TOML.replace("[[outgoingServer]]", POP3 + "[[outgoingServer]]")
    pages.services.directory.add(both, replace=True)

    assert "/advice" not in alone
    assert 'href="/en/advice"' in pages.client.get("/en/").text


@pytest.mark.parametrize("path", ["/advice", "/en/advice", "/ja/advice"])
def test_questions_come_without_a_recommendation(pages: Pages, path: str) -> None:
    answer = pages.client.get(path)

    assert answer.status_code == 200
    assert answer.text.count("<fieldset") == 5
    assert answer.text.count('type="radio"') == 10
    assert answer.text.count(" checked>") == 5
    assert "?protocol=" not in answer.text


def test_answers_lead_to_a_recommendation_and_the_form_with_it(pages: Pages) -> None:
    page = pages.client.get("/en/advice?devices=one&space=scarce").text

    assert "We recommend POP3" in page
    assert "Back the device up" in page
    assert 'href="/en/?protocol=pop3"' in page
    assert 'value="scarce" checked>' in page


def test_it_speaks_japanese(pages: Pages) -> None:
    page = pages.client.get("/ja/advice?devices=several").text

    assert is_japanese(title(page))
    assert "IMAPなら" in page


def test_nonsense_counts_as_the_common_answer(pages: Pages) -> None:
    page = pages.client.get("/en/advice?devices=%00&space[]=x&shared=<b>").text

    assert "We recommend IMAP" in page
    assert "<b>" not in page


def test_the_choice_opens_the_form_with_it(pages: Pages) -> None:
    page = pages.client.get("/en/?protocol=pop3").text
    nonsense = pages.client.get("/en/?protocol=smtp").text

    assert 'name="protocol" value="pop3"' in page
    assert "Set up with POP3" in page
    assert 'name="protocol"' not in nonsense
