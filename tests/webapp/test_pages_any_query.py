"""Queries that nobody meant: no page may answer 500 whatever stands behind the question mark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.webapp.page_world import SLOW, WRONG, Pages, close_pages, open_pages

QUERIES = (
    "",
    "?device=mac",
    "?device=computer",
    "?device=iphone&device=mac",
    "?device=%00%0d%0a",
    "?device=" + "x" * 500,
    "?language=xx&token=1&view=2&code=3",
    "?format=nothing&name=../../etc/passwd",
    "?%ff=%fe",
)
PATHS = ("", "/iphone", "/mac")


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    opened = open_pages(tmp_path / "data")
    yield opened
    close_pages(opened)


@pytest.mark.parametrize("query", QUERIES)
def test_first_page_answers_any_query(pages: Pages, query: str) -> None:
    assert {pages.client.get(path + query).status_code for path in ("/", "/ja/", "/en/")} == {200}


@pytest.mark.parametrize("query", QUERIES)
def test_finished_check_answers_any_query(pages: Pages, query: str) -> None:
    check = f"/c/{pages.checked()}"

    assert {pages.client.get(check + path + query).status_code for path in PATHS} == {200}


@pytest.mark.parametrize("password", [SLOW, WRONG])
@pytest.mark.parametrize("query", QUERIES)
def test_running_and_failed_check_answer_any_query(pages: Pages, query: str, password: str) -> None:
    check = pages.submit("/", password=password).headers["Location"]

    assert pages.client.get(check.partition("?")[0] + query).status_code == 200
