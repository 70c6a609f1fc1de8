"""A letter as HTML for mail programs: tables and inline styles, nothing from elsewhere, calm in the dark.

It is built of elements, so that the writer escapes every text. The looks are those of the postcards: a card on a
desk, the number in its boxes, ink blue for what one can press.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, tostring

from webapp.mails.words import Contents

GOTHIC = (
    "'Hiragino Sans','Hiragino Kaku Gothic ProN','Noto Sans JP','Noto Sans CJK JP',"
    "'BIZ UDPGothic','Yu Gothic UI',Meiryo,'Segoe UI',Helvetica,Arial,sans-serif"
)
MINCHO = "'Hiragino Mincho ProN','Yu Mincho','Noto Serif JP','Noto Serif CJK JP',Georgia,serif"
MONO = "ui-monospace,'SF Mono',Consolas,'Noto Sans Mono',monospace"

GROUND, PAPER, SLIP, LINE = "#eff0ec", "#ffffff", "#f7f7f4", "#d8d8d2"
TEXT, FAINT, INK, ON_INK, VERMILION, VERMILION_WORDS = (
    "#1a1a1a",
    "#4d4d4d",
    "#00428c",
    "#ffffff",
    "#d03a1b",
    "#b32d10",
)

STYLE = """
:root { color-scheme: light dark; supported-color-schemes: light dark; }
body { -webkit-text-size-adjust: 100%; }
a { text-underline-offset: .2em; }
:lang(ja) { line-break: strict; word-break: auto-phrase; }
.sender, .sender * { word-break: normal; }
@media (max-width: 479px) {
  .edge { padding-left: 20px !important; padding-right: 20px !important; }
  .desk { padding: 0 !important; }
  .paper { border-left: 0 !important; border-right: 0 !important; }
  .press, .press a { display: block !important; }
}
@media (prefers-color-scheme: dark) {
  .ground { background: #121314 !important; }
  .paper { background: #1c1d1e !important; border-color: #3c3d3e !important; }
  .slip { background: #252627 !important; }
  .text { color: #f0efec !important; }
  .faint { color: #bcbab4 !important; }
  .rule { border-color: #3c3d3e !important; }
  .ink { color: #97d3ff !important; }
  .press { background: #97d3ff !important; }
  .press a { color: #00234b !important; }
  .box { border-color: #ff8f73 !important; color: #f0efec !important; }
  .vermilion { color: #ffa790 !important; }
}
"""


def page(said: Contents, language: str) -> str:
    """Write the letter."""
    root = Element("html", lang=language)
    _head(root, said)
    body = _add(root, "body", "ground", f"margin:0;padding:0;background:{GROUND}", bgcolor=GROUND)
    # What lists of mails show beside the subject; on the page itself it would be said twice.
    _words(body, "div", "", "display:none;max-height:0;overflow:hidden;mso-hide:all", said.opening[0])
    desk = _add(_table(body, "ground", "", bgcolor=GROUND), "tr")
    middle = _add(desk, "td", "desk", "padding:28px 12px", align="center")
    card = _table(middle, "paper", f"max-width:560px;background:{PAPER};border:1px solid {LINE}", bgcolor=PAPER)
    _masthead(card, said)
    _opening(card, said, language)
    if said.link:
        _press(card, said)
        _steps(card, said)
        _facts(card, said)
        _notes(card, said)
    _words(
        _row(card, "16px", "24px"),
        "p",
        "faint rule",
        f"{_font(13, FAINT)};margin:0;padding-top:16px;border-top:1px solid {LINE}",
        said.colophon,
    )
    return f"<!DOCTYPE html>\n{tostring(root, encoding='unicode', method='html')}\n"


def _head(root: Element, said: Contents) -> None:
    head = _add(root, "head")
    SubElement(head, "meta", charset="utf-8")
    for name, content in (
        ("viewport", "width=device-width, initial-scale=1"),
        ("color-scheme", "light dark"),
        ("supported-color-schemes", "light dark"),
        # A card number is not a telephone number.
        ("format-detection", "telephone=no, date=no, address=no, email=no"),
    ):
        SubElement(head, "meta", name=name, content=content)
    _words(head, "title", "", "", said.subject)
    SubElement(head, "style").text = STYLE


def _masthead(card: Element, said: Contents) -> None:
    top = _add(_table(_row(card, "24px", "0"), "", ""), "tr")
    sender = _add(top, "td", "faint sender", _font(14, FAINT), valign="top")
    _words(sender, "bdi", "", "", said.company)
    if not said.number:
        return
    corner = _add(top, "td", "", "padding-left:12px", valign="top", align="right", width="190")
    _words(
        corner,
        "div",
        "vermilion",
        f"{_font(12, VERMILION_WORDS)};line-height:1.2;padding-bottom:5px",
        said.number_label,
    )
    boxes = _add(SubElement(corner, "table", _bare(role="presentation", style="border-collapse:separate")), "tr")
    for index, digit in enumerate(said.number.replace("-", "")):
        if index:
            _add(
                boxes, "td", "", f"width:{10 if index == 3 else 3}px;font-size:1px;line-height:1px"
            ).text = "\u00a0"
        _box(boxes, digit, 2 if index < 3 else 1)


def _box(boxes: Element, digit: str, thickness: int) -> None:
    style = (
        f"{_font(16, TEXT)};line-height:26px;width:18px;height:26px;"
        f"border:{thickness}px solid {VERMILION};text-align:center"
    )
    _words(boxes, "td", "box", style, digit)


def _opening(card: Element, said: Contents, language: str) -> None:
    cell = _row(card, "20px", "0")
    if said.greeting:
        spaced = ";letter-spacing:.06em" if language == "ja" else ""
        greeting = _add(cell, "p", "text", f"margin:0 0 14px;font:500 21px/1.4 {MINCHO};color:{TEXT}{spaced}")
        _words(greeting, "bdi", "", "", said.greeting)
    _words(cell, "h1", "text", f"margin:0 0 10px;font:700 22px/1.4 {GOTHIC};color:{TEXT}", said.title)
    for paragraph in said.opening:
        _words(cell, "p", "text", f"{_font(16, TEXT)};margin:0 0 10px", paragraph)


def _press(card: Element, said: Contents) -> None:
    cell = _row(card, "10px", "0")
    button = _add(SubElement(cell, "table", _bare(role="presentation", width="100%")), "tr")
    # The cell is coloured, not the link alone: some mail programs drop what a link is painted with.
    ink = _add(button, "td", "press", f"background:{INK};border-radius:6px", bgcolor=INK, align="center")
    style = (
        f"display:block;padding:13px 24px;font:700 17px/1.4 {GOTHIC};color:{ON_INK};"
        "text-decoration:none;border-radius:6px"
    )
    _words(ink, "a", "", style, said.button, href=said.link)
    under = _add(cell, "p", "faint", f"{_font(13, FAINT)};margin:12px 0 0")
    under.text = said.instead
    SubElement(under, "br")
    style = f"color:{INK};font-family:{MONO};font-size:13px;word-break:break-all"
    _words(under, "a", "ink", style, said.link, href=said.link)


def _steps(card: Element, said: Contents) -> None:
    table = _table(_row(card, "22px", "0"), "", "")
    for number, step in enumerate(said.steps, 1):
        row = _add(table, "tr")
        style = f"width:26px;padding:0 0 8px;font:500 18px/1.5 {MINCHO};color:{INK}"
        _words(row, "td", "ink", style, str(number), valign="top")
        _words(row, "td", "text", f"{_font(15, TEXT)};padding:0 0 8px", step, valign="top")


def _facts(card: Element, said: Contents) -> None:
    table = _table(_row(card, "12px", "0"), "", "")
    # The number stands in its boxes already.
    for label, value in (fact for fact in said.facts if fact[0] != said.number_label):
        row = _add(table, "tr")
        edge = f"padding:7px 0;border-top:1px solid {LINE}"
        style = f"{_font(14, FAINT)};{edge};width:116px"
        _words(row, "td", "faint rule", style, label, valign="top")
        cell = _add(row, "td", "text rule", f"{_font(14, TEXT)};{edge}", valign="top")
        _words(cell, "bdi", "", "", value)


def _notes(card: Element, said: Contents) -> None:
    row = _add(_table(_row(card, "12px", "0"), "", ""), "tr")
    slip = _add(row, "td", "slip", f"background:{SLIP};padding:12px 16px", bgcolor=SLIP)
    for index, note in enumerate(said.notes):
        _words(slip, "p", "text", f"{_font(14, TEXT)};margin:{4 if index else 0}px 0 0", note)


def _font(size: int, colour: str) -> str:
    return f"font:400 {size}px/1.65 {GOTHIC};color:{colour}"


def _row(card: Element, above: str, below: str) -> Element:
    return _add(_add(card, "tr"), "td", "edge", f"padding:{above} 32px {below};overflow-wrap:anywhere")


def _table(parent: Element, name: str, style: str, **attributes: str) -> Element:
    return _add(parent, "table", name, style, **_bare(role="presentation", width="100%"), **attributes)


def _bare(**attributes: str) -> dict[str, str]:
    """A table without the gaps that mail programs give it."""
    return {"cellpadding": "0", "cellspacing": "0", "border": "0", **attributes}


def _add(parent: Element, kind: str, name: str = "", style: str = "", **attributes: str) -> Element:
    given = {"class": name, "style": style} | attributes
    return SubElement(parent, kind, {key: value for key, value in given.items() if value})


def _words(parent: Element, kind: str, name: str, style: str, words: str, **attributes: str) -> None:
    _add(parent, kind, name, style, **attributes).text = words
