"""What can be wrong with how a page looks and reads; each function lists what it found on the page in a window."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.conftest import require

OPEN_EVERYTHING = """
document.querySelectorAll("details").forEach(node => { node.open = true; });
document.querySelectorAll("img[loading]").forEach(node => { node.loading = "eager"; });
"""
PICTURES_LOADED = """
Promise.all([...document.images].filter(node => !node.complete).map(
  node => new Promise(done => { node.onload = node.onerror = done; })))
"""
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SMALL_TARGETS = """
(() => {
  const inSentence = node => getComputedStyle(node).display === "inline" &&
    [...node.parentElement.childNodes].some(other => other !== node && other.textContent.trim() &&
      !(other.nodeType === 1 && other.matches("a, br")));
  return [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, summary, textarea")]
    .filter(node => node.checkVisibility() && !node.closest(".skip, .hidden") && !inSentence(node))
    .filter(node => { const box = node.getBoundingClientRect();
      const least = node.matches("[type=checkbox], [type=radio]") ? 24 : 43.5;
      return box.height < least || box.width < 24; })
    .map(node => node.outerHTML.slice(0, 90));
})()
"""
CLIPPED = """
(() => {
  const found = [], width = document.documentElement.clientWidth;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const unseen = node => node && (getComputedStyle(node).clipPath === "inset(50%)" || unseen(node.parentElement));
  const cut = (box, node) => {
    for (let a = node; a; a = a.parentElement) {
      const style = getComputedStyle(a), edge = a.getBoundingClientRect();
      if (/auto|scroll/.test(style.overflowX)) return false;
      const beside = box.left < edge.left - 1 || box.right > edge.right + 1;
      const beyond = box.top < edge.top - 2 || box.bottom > edge.bottom + 2;
      if (/hidden|clip/.test(style.overflowX) && beside) return true;
      if (/hidden|clip/.test(style.overflowY) && beyond) return true;
    }
    return box.left < -1 || box.right > width + 1;
  };
  for (let node; node = walker.nextNode();) {
    const parent = node.parentElement;
    if (!node.data.trim() || parent.closest(".hidden, .skip, script, noscript, select, svg")) continue;
    if (!parent.checkVisibility({visibilityProperty: true}) || unseen(parent)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    if ([...range.getClientRects()].some(box => box.width > 0 && cut(box, parent))) found.push(node.data.trim());
  }
  for (const node of document.querySelectorAll("input[readonly], button, .button"))
    if (node.checkVisibility() && !node.closest(".hidden") && node.scrollWidth > node.clientWidth + 1)
      found.push(node.value || node.textContent.trim());
  return found;
})()
"""
OVERLAPPING = """
(() => {
  const boxes = [...document.querySelectorAll("main :is(a, button, input, select, summary, img)")]
    .filter(node => node.checkVisibility() && !node.closest(".hidden"))
    .map(node => [node, node.getBoundingClientRect()]);
  const found = [];
  boxes.forEach(([a, p], n) => boxes.slice(n + 1).forEach(([b, q]) => {
    if (a.contains(b) || b.contains(a)) return;
    const wide = Math.min(p.right, q.right) - Math.max(p.left, q.left);
    const high = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
    if (wide > 2 && high > 2) found.push(a.outerHTML.slice(0, 60) + " / " + b.outerHTML.slice(0, 60));
  }));
  return found;
})()
"""
BAD_PICTURES = """
[...document.images].filter(node => node.checkVisibility())
  .filter(({width, height, naturalWidth, naturalHeight, alt}) =>
    !naturalWidth || Math.abs(width / height - naturalWidth / naturalHeight) > .02 || alt === null)
  .map(node => node.src)
"""
WORDS = """
(typed => {
  const told = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const tongue = node => node.closest("[lang]").lang;
  for (let node; node = walker.nextNode();) {
    const parent = node.parentElement;
    const data = "script, noscript, code, samp, pre, time, .postcode, .values dd, .breakable";
    if (!node.data.trim() || parent.closest(typed ? `${data}, ${typed}` : data)) continue;
    told.push([tongue(parent), node.data.trim()]);
  }
  for (const node of document.body.querySelectorAll("[alt], [aria-label], [title], [placeholder]"))
    for (const name of typed && node.closest(typed) ? [] : ["alt", "aria-label", "title", "placeholder"])
      if (node.getAttribute(name)) told.push([tongue(node), node.getAttribute(name)]);
  if (!typed) told.push([document.documentElement.lang, document.title]);
  return told;
})
"""
JAPANESE = re.compile(r"[\u3005-\u30ff\u4e00-\u9fff]")
NO_WORDS = re.compile(
    r"https?://\S+|/\S+/\S+|[\w.+%-]+@[\w.-]+|[\w-]*…?(\.[\w-]+)+(:\d+)?|[A-Z]+(_[A-Z]+)+"
    r"|hagaki( [a-z-]+)+|[\w.-]*[@＠][\w.-]*|taro",
    re.ASCII,
)
"""Addresses, names of hosts and files, codes, settings, commands."""
WORD = re.compile(r"[A-Za-z][A-Za-z’'-]*\d*")
_NAMES = """
Hagaki iPhone iPad Mac macOS Android Windows Linux Microsoft Google Apple Yahoo JAPAN LINE Firefox Safari
Thunderbird K-9 Mail Gmail Samsung FairEmail Outlook Evolution KMail Exchange Chrome DuckDuckGo Instagram
Authenticator Bitwarden Password Workspace iCloud Delta Chat Face Example Corporation English
Find Hub Play SMS iOS
autoconfig Autodiscover PACC aerc
IMAP POP POP3 SMTP SSL TLS STARTTLS SPA VPN QR DNS API CSV TSV ZIP PDF URL LAN Wi-Fi ID PIN IP HTTP HTTPS OK
Excel CalDAV CardDAV MX SRV TXT CNAME TTL Web https http
Shift JIS CP932 UTF-8 UTF-16 EUC-JP Windows-1252 A4 mm MB KB
UTF-8 UTF-16 Shift JIS CP932 EUC-JP Windows-1252 kB MB mm A4
"""
NAMES_IN_JAPANESE = frozenset(_NAMES.split())
"""Names and abbreviations that Japanese pages write in Latin letters, as the apps do."""
APPS_OWN_ENGLISH = ("Add Account...",)
"""What an app leaves in English on a Japanese device: KMail has no other words there."""
NAMES_IN_ENGLISH = (
    "株式会社サンプル",
    "山田 太郎",
    "日本語",
    "葉書",
    "鈴木 花子",
    "山田 葵",
    "佐藤 蓮",
    "営業部",
    "総務部",
)


def look(page: Page, language: str, typed: str = "") -> Iterator[str]:
    """Everything at once, with all details open; `typed` selects what people wrote, in whatever language."""
    page.evaluate(OPEN_EVERYTHING)
    page.evaluate(PICTURES_LOADED)
    if (over := page.evaluate(TOO_WIDE)) > 0:
        yield f"{over} px wider than the window"
    yield from (f"small target {node}" for node in page.evaluate(SMALL_TARGETS))
    yield from (f"clipped: {words}" for words in page.evaluate(CLIPPED))
    yield from (f"overlapping: {nodes}" for nodes in page.evaluate(OVERLAPPING))
    yield from (f"bad picture {source}" for source in page.evaluate(BAD_PICTURES))
    yield from strange_words(page, language, typed)
    found = Axe().run(page)
    if found.violations_count:
        yield found.generate_report()


def strange_words(page: Page, language: str, typed: str = "") -> Iterator[str]:
    """Words of the other language, the names left out that are written so in both."""
    told: list[Any] = page.evaluate(WORDS, typed)
    for tongue, words in told:
        if tongue == "ja" and (strange := _latin(_without(words, APPS_OWN_ENGLISH))):
            yield f"English in Japanese: {strange} in {words!r}"
        if tongue == "en" and JAPANESE.search(_without(words, NAMES_IN_ENGLISH)):
            yield f"Japanese in English: {words!r}"
    if tongues := {tongue for tongue, _ in told} - {"ja", "en"}:
        yield f"unknown languages {tongues}"
    if page.get_attribute("html", "lang") != language:
        yield "another language than asked"


def _latin(words: str) -> list[str]:
    return [
        word for word in WORD.findall(NO_WORDS.sub(" ", words)) if word not in NAMES_IN_JAPANESE and len(word) > 1
    ]


def _without(words: str, names: tuple[str, ...]) -> str:
    for name in names:
        words = words.replace(name, "")
    return words


def codes(page: Page, folder: Path) -> list[str]:
    """What a camera reads from each code on the page; an empty text where it reads nothing."""
    page.evaluate(OPEN_EVERYTHING)
    found = []
    for number, code in enumerate(page.locator(".stamp, .qr").all()):
        if code.is_visible():
            picture = folder / f"code-{number}.png"
            code.scroll_into_view_if_needed()
            code.screenshot(path=picture)
            found.append(scan(picture))
    return found


def scan(picture: Path) -> str:
    """Read a picture as a phone's camera does."""
    command = [require("zbarimg"), "--raw", "--quiet", "-Sdisable", "-Sqrcode.enable", str(picture)]
    return subprocess.run(command, check=False, capture_output=True).stdout.decode().strip()
