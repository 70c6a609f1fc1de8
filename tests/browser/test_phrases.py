"""Japanese headings break between phrases, also where the browser cannot find them itself (Safari, Firefox)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser

from tests.browser.atlas import World
from webapp.phrases import LONGEST_NAME, split

pytestmark = [pytest.mark.browser, pytest.mark.servers]
PAGES = (
    "form",
    "form-own-sign-in",
    "advice",
    "failed",
    "iphone",
    "android",
    "mac",
    "handover",
    "not-found",
    "invitation",
    "pin",
    "windows",
    "add-account",
    "mine",
    "mine-password",
    "mine-remove",
    "mine-lost",
)
LINES = """
(() => {
  const found = [];
  for (const node of document.querySelectorAll("h1, h2, h3, summary, legend")) {
    if (!node.checkVisibility() || node.closest(".hidden")) continue;
    node.style.wordBreak = "keep-all";  // what the stylesheet says where there is no auto-phrase
    const lines = [];
    let last = -1;
    const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
    for (let text; text = walker.nextNode();)
      for (let n = 0; n < text.data.length; n++) {
        const range = document.createRange();
        range.setStart(text, n); range.setEnd(text, n + 1);
        const box = range.getClientRects()[0];
        if (!box || !text.data[n].trim()) continue;
        if (box.top > last + 8) { lines.push(""); last = box.top; }
        lines[lines.length - 1] += text.data[n];
      }
    found.push(lines);
  }
  return found;
})()
"""


def broken_within_a_phrase(lines: list[str]) -> list[str]:
    """The places where a line ends and no phrase does."""
    whole = "".join(lines)
    ends = set()
    at = 0
    for phrase in split(whole):
        at += len(phrase)
        ends.add(at)
    bad = []
    at = 0
    for line in lines[:-1]:
        at += len(line)
        before, after = whole[:at], whole[at:]
        # A word in Latin letters has no inner end, and a break beside it is one that BudouX may not name.
        if at not in ends and not (before[-1:].isascii() or after[:1].isascii() or after[:1] == "「"):
            bad.append(f"{before} / {after}")
    return bad


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [320, 390])
def test_headings_break_between_phrases_without_the_browsers_help(
    browser: Browser, world: Callable[[], World], name: str, width: int
) -> None:
    with world().opened(browser, name, language="ja", width=width) as person:
        person.page.evaluate("document.querySelectorAll('details').forEach(node => { node.open = true; })")
        headings: list[list[str]] = person.page.evaluate(LINES)

    assert headings
    assert [bad for lines in headings for bad in broken_within_a_phrase(lines)] == []


def test_name_on_a_screen_stays_whole() -> None:
    assert "「プロファイルを削除」を" in split("プロファイルを選び、「プロファイルを削除」を押す")


def test_long_name_may_break() -> None:
    phrases = split("「プロファイルがダウンロード済み」が見つからないとき")

    assert max(len(phrase) for phrase in phrases) <= LONGEST_NAME + 2


def test_english_is_left_alone() -> None:
    assert "".join(split("Tap “Install” once more")) == "Tap “Install” once more"
