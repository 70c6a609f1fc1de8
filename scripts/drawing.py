"""Frames and screens of the step pictures: tops of phones, tablets and windows, with what is on them.

Grey bars stand for what does not matter, real words only where the finger goes, and one vermilion ring. The
screens are light in both themes. Presentation attributes only, so that the content policy holds.
"""

from __future__ import annotations

from unicodedata import east_asian_width
from xml.etree.ElementTree import Element, SubElement

WIDTH = 240
INK, EDGE, SCREEN, PAPER = "#1a1a1a", "#767676", "#f2f2f2", "#fff"
BAR, PALE, BLUE, RING = "#c9c9c4", "#ececea", "#0066be", "#d03a1b"
NOTE, RED, GREEN, GEAR = "#4d4d4d", "#b32d10", "#115a36", "#8f8f8f"
TOP = 40
"""Where the content of an Android screen or a window begins."""
APPLE = 44
"""Where the content of an iPhone's or iPad's screen begins, below the island."""
ROW = 30

Words = tuple[str, ...]


def node(parent: Element, tag: str, **attributes: object) -> Element:
    """An element whose attribute names are written with hyphens."""
    return SubElement(parent, tag, {key.replace("_", "-"): str(value) for key, value in attributes.items()})


def box(parent: Element, x: float, y: float, width: float, height: float, radius: float, fill: str) -> None:
    """A filled rectangle."""
    node(parent, "rect", x=x, y=y, width=width, height=height, rx=radius, fill=fill)


def ring(parent: Element, x: float, y: float, width: float, height: float) -> None:
    """The one ring of a picture."""
    radius = min(14, height / 2)
    node(parent, "rect", x=x, y=y, width=width, height=height, rx=radius, fill="none", stroke=RING, stroke_width=3)


def say(parent: Element, x: float, y: float, words: str, **attributes: object) -> None:
    """A line of text."""
    node(parent, "text", x=x, y=y, **attributes).text = words


def width_of(words: str, size: float = 11.5, *, bold: bool = True) -> float:
    """How wide a line may get, whatever font the device has."""
    narrow = 0.62 if bold else 0.56
    return size * sum(1.0 if east_asian_width(sign) in "WF" else narrow for sign in words)


def line(parent: Element, path: str, colour: str = PALE) -> None:
    """A hairline."""
    node(parent, "path", d=path, stroke=colour)


# ---- frames: only their tops are seen


def phone(parent: Element) -> None:
    """An Android phone."""
    node(parent, "rect", x=1, y=1, width=238, height=420, rx=26, fill=PAPER, stroke=EDGE, stroke_width=1.5)
    box(parent, 8, 8, 224, 406, 20, SCREEN)
    node(parent, "circle", cx=120, cy=21, r=5, fill=INK)
    box(parent, 26, 18, 24, 6, 3, BAR)
    box(parent, 190, 18, 24, 6, 3, BAR)


def iphone(parent: Element) -> None:
    """An iPhone with its island."""
    node(parent, "rect", x=1, y=1, width=238, height=420, rx=34, fill=PAPER, stroke=EDGE, stroke_width=1.5)
    box(parent, 8, 8, 224, 406, 27, SCREEN)
    box(parent, 91, 15, 58, 15, 7.5, INK)
    box(parent, 30, 19, 24, 6, 3, BAR)
    box(parent, 186, 19, 24, 6, 3, BAR)


def ipad(parent: Element) -> None:
    """The left part of an iPad: its settings have a column of their own, and the rest is beyond the cut."""
    node(parent, "rect", x=1, y=1, width=420, height=420, rx=20, fill=PAPER, stroke=EDGE, stroke_width=1.5)
    box(parent, 11, 11, 400, 400, 10, SCREEN)
    box(parent, 22, 19, 24, 6, 3, BAR)
    line(parent, "M230 11V420", BAR)


def window(parent: Element) -> None:
    """A window on a computer."""
    node(parent, "rect", x=1, y=1, width=238, height=420, rx=9, fill=SCREEN, stroke=EDGE, stroke_width=1.5)
    for x in (16, 30, 44):
        node(parent, "circle", cx=x, cy=15, r=4, fill=BAR)
    line(parent, "M1.5 29H238.5", BAR)


# ---- what is on a screen


def menu(parent: Element, words: Words) -> None:
    """A list of entries, the middle one ringed."""
    title, entry = words
    say(parent, 22, TOP + 16, title, font_size=15, font_weight=700)
    top = TOP + 28
    box(parent, 20, top, 200, 5 * ROW, 9, PAPER)
    for row, length in enumerate((84, 0, 108, 62)):
        y = top + row * ROW
        if row:
            line(parent, f"M32 {y}H220")
        if length:
            box(parent, 32, y + 12, length, 6, 3, BAR)
    say(parent, 32, top + ROW + 19, entry, font_weight=600)
    ring(parent, 13, top + ROW - 1, 214, ROW + 2)


def dialog(parent: Element, words: Words) -> None:
    """A question with two buttons, the right one ringed."""
    question, no, yes = words
    box(parent, 22, TOP + 12, 196, 108, 12, PAPER)
    say(parent, 120, TOP + 38, question, text_anchor="middle", font_size=11)
    box(parent, 62, TOP + 50, 116, 6, 3, BAR)
    line(parent, f"M22 {TOP + 74}H218", BAR)
    say(parent, 73, TOP + 102, no, text_anchor="middle", fill=EDGE)
    say(parent, 164, TOP + 102, yes, text_anchor="middle", fill=BLUE, font_weight=600)
    ring(parent, 115, TOP + 82, 98, 31)


def form(parent: Element, words: Words) -> None:
    """Labelled boxes and a ringed button below them."""
    *labels, button = words
    for row, label in enumerate(labels):
        y = TOP + 4 + row * 29
        say(parent, 94, y + 15, label, text_anchor="end", font_size=10.5)
        node(parent, "rect", x=102, y=y, width=116, height=22, rx=4, fill=PAPER, stroke=BAR)
        box(parent, 110, y + 8, 70, 6, 3, BAR)
    y = TOP + 4 + len(labels) * 29
    box(parent, 130, y + 6, 88, 26, 5, PAPER)
    say(parent, 174, y + 23, button, text_anchor="middle", fill=BLUE, font_weight=600)
    ring(parent, 123, y + 2, 102, 34)


def tick(parent: Element, words: Words) -> None:
    """A box with a mark, ringed with its label, below an address."""
    title, *label = words
    node(parent, "rect", x=22, y=TOP + 6, width=196, height=26, rx=4, fill=PAPER, stroke=BAR)
    box(parent, 32, TOP + 16, 96, 6, 3, BAR)
    say(parent, 24, TOP + 56, title, font_size=10.5, fill=NOTE)
    y = TOP + 74
    node(parent, "rect", x=26, y=y, width=14, height=14, rx=2, fill=PAPER, stroke=INK)
    node(parent, "path", d=f"M29 {y + 7}l3 3 6-7", fill="none", stroke=BLUE, stroke_width=2.2)
    for row, words_of_line in enumerate(label):
        say(parent, 48, y + 11 + row * 15, words_of_line, font_size=10.5)
    ring(parent, 13, y - 9, 214, 17 + 15 * len(label))


# ---- iPhone and iPad


def gear(parent: Element, x: float, y: float, size: float) -> None:
    """The sign of a profile: a cog on grey."""
    box(parent, x, y, size, size, size * 0.23, GEAR)
    middle = {"cx": x + size / 2, "cy": y + size / 2, "fill": "none", "stroke": PAPER}
    node(
        parent,
        "circle",
        r=size / 4,
        stroke_width=round(size * 0.09, 2),
        stroke_dasharray=f"{size / 10:g} {size * 0.06:g}",
        **middle,
    )
    node(parent, "circle", r=round(size * 0.17, 2), stroke_width=round(size * 0.07, 2), **middle)


def question(parent: Element, words: Words) -> None:
    """The browser's question below its address line, the right answer ringed."""
    *asked, no, yes = words
    box(parent, 20, APPLE, 200, 20, 10, "#e6e6e6")
    box(parent, 76, APPLE + 7, 88, 6, 3, BAR)
    top = APPLE + 30
    under = top + 14 + 16 * len(asked)
    box(parent, 26, top, 188, under - top + 38, 14, PAPER)
    for row, words_of_line in enumerate(asked):
        say(parent, 120, top + 20 + 16 * row, words_of_line, text_anchor="middle", font_size=10.5)
    line(parent, f"M26 {under}H214M120 {under}V{under + 38}", BAR)
    say(parent, 73, under + 24, no, text_anchor="middle", fill=EDGE)
    say(parent, 167, under + 24, yes, text_anchor="middle", font_weight=600, fill=BLUE)
    ring(parent, 131, under + 4.5, 72, 29)


def downloaded(parent: Element, words: Words) -> None:
    """Settings: the ringed entry of a downloaded profile, above all others."""
    title, entry = words
    say(parent, 22, APPLE + 18, title, font_size=18, font_weight=700)
    box(parent, 20, APPLE + 30, 200, 26, 11, PAPER)
    box(parent, 30, APPLE + 37, 12, 12, 3, BAR)
    box(parent, 52, APPLE + 40, 74, 6, 3, PALE)
    y = APPLE + 68
    box(parent, 20, y, 200, 32, 11, PAPER)
    gear(parent, 25, y + 8, 16)
    say(parent, 47, y + 20.5, entry, font_size=11)
    ring(parent, 14, y - 5, 212, 42)
    _entries(parent, y + 48, (74, 96, 58, 84))


def entry(parent: Element, words: Words) -> None:
    """Settings: a list whose third entry is ringed."""
    title, chosen = words
    say(parent, 22, APPLE + 18, title, font_size=18, font_weight=700)
    top = APPLE + 32
    _entries(parent, top, (74, 96, 0, 84, 66))
    y = top + 52
    gear(parent, 28, y + 5, 16)
    say(parent, 52, y + 17.5, chosen, font_weight=600)
    ring(parent, 14, y - 3, 212, 32)


def _entries(parent: Element, top: float, lengths: tuple[int, ...]) -> None:
    """Rows of a list with their signs; a row of length 0 is left for words."""
    box(parent, 20, top, 200, 26 * len(lengths), 11, PAPER)
    for row, length in enumerate(lengths):
        y = top + 26 * row
        if row:
            line(parent, f"M52 {y}H220")
        if length:
            box(parent, 30, y + 7, 12, 12, 3, BAR)
            box(parent, 52, y + 10, length, 6, 3, PALE)


def profile(parent: Element, words: Words) -> None:
    """A profile to be installed: the right button above ringed, below who signed it and whether that holds."""
    name, signer, state, cancel, install = words
    say(parent, 24, APPLE + 12, cancel, fill=BLUE)
    say(parent, 214, APPLE + 12, install, text_anchor="end", font_weight=600, fill=BLUE)
    _ring_at_right(parent, install)
    _card(parent, name, 128)
    say(parent, 32, 153, signer, font_size=10.5, fill=NOTE)
    box(parent, 88, 146, 92, 6, 3, BAR)
    if state.startswith("!"):
        say(parent, 88, 172, state[1:], font_size=10.5, fill=RED)
    else:
        node(parent, "circle", cx=95, cy=168, r=7, fill="#197a4b")
        node(parent, "path", d="M91.8 168l2.4 2.4 4.8-5.6", fill="none", stroke=PAPER, stroke_width=1.8)
        say(parent, 107, 172, state, font_size=10.5, fill=GREEN)


def _ring_at_right(parent: Element, words: str) -> None:
    """The ring of the button above on the right."""
    width = width_of(words) + 18
    ring(parent, 223 - width, APPLE - 6, width, 28)


def _card(parent: Element, name: str, height: float) -> None:
    """The head of a profile: its sign and its name."""
    box(parent, 20, 80, 200, height, 11, PAPER)
    gear(parent, 32, 92, 30)
    say(parent, 72, 104, name, font_weight=600)
    box(parent, 72, 112, 84, 6, 3, BAR)
    line(parent, "M32 134H220")


def passcode(parent: Element, words: Words) -> None:
    """The passcode's dots, ringed, above the keys."""
    (title,) = words
    say(parent, 120, APPLE + 18, title, text_anchor="middle", font_weight=600)
    for place in range(6):
        fill = INK if place < 4 else "none"
        node(parent, "circle", cx=75 + 18 * place, cy=86, r=5, fill=fill, stroke=INK, stroke_width=1.2)
    ring(parent, 56, 72, 128, 28)
    for key in range(6):
        box(parent, 14 + 71 * (key % 3), 114 + 32 * (key // 3), 68, 27, 6, PAPER)
        box(parent, 42 + 71 * (key % 3), 124.5 + 32 * (key // 3), 12, 6, 3, BAR)


def sheet(parent: Element, words: Words) -> None:
    """A sheet from below asks once more; its one coloured answer is ringed."""
    answer, cancel, colour = words
    box(parent, 62, 52, 116, 6, 3, PALE)
    box(parent, 14, 76, 212, 70, 14, PAPER)
    box(parent, 70, 86, 100, 6, 3, BAR)
    box(parent, 52, 98, 136, 6, 3, PALE)
    line(parent, "M14 112H226", BAR)
    say(parent, 120, 134, answer, text_anchor="middle", font_weight=600, fill=colour)
    ring(parent, 58, 115, 124, 30)
    box(parent, 14, 156, 212, 34, 14, PAPER)
    say(parent, 120, 178, cancel, text_anchor="middle", fill=BLUE)


def installed(parent: Element, words: Words) -> None:
    """The profile is there; the button above on the right is ringed."""
    name, title, done = words
    say(parent, 114, APPLE + 12, title, text_anchor="middle", font_weight=600, font_size=11)
    say(parent, 214, APPLE + 12, done, text_anchor="end", font_weight=600, fill=BLUE)
    _ring_at_right(parent, done)
    _card(parent, name, 110)
    box(parent, 32, 148, 120, 6, 3, PALE)
    box(parent, 32, 163, 84, 6, 3, PALE)


def removable(parent: Element, words: Words) -> None:
    """An installed profile; the red entry below it is ringed."""
    name, remove = words
    box(parent, 20, APPLE + 2, 200, 80, 11, PAPER)
    gear(parent, 32, APPLE + 14, 30)
    say(parent, 72, APPLE + 26, name, font_weight=600)
    box(parent, 72, APPLE + 34, 84, 6, 3, BAR)
    line(parent, f"M32 {APPLE + 56}H220")
    box(parent, 32, APPLE + 66, 120, 6, 3, PALE)
    box(parent, 20, APPLE + 98, 200, 32, 11, PAPER)
    say(parent, 120, APPLE + 118, remove, text_anchor="middle", font_weight=600, fill=RED)
    ring(parent, 14, APPLE + 93, 212, 42)


# ---- Mac


def files(parent: Element, words: Words) -> None:
    """A folder of downloads; the file is ringed."""
    title, name = words
    say(parent, 22, TOP + 12, title, font_size=13, font_weight=700)
    for place, x in enumerate((26, 98, 170)):
        box(parent, x + 6, TOP + 34, 32, 40, 4, PAPER)
        node(parent, "path", d=f"M{x + 6} {TOP + 34}h32v40h-32z", fill="none", stroke=BAR)
        if place != 1:
            box(parent, x, TOP + 84, 44, 6, 3, PALE)
    gear(parent, 110, TOP + 44, 20)
    say(parent, 120, TOP + 91, name, text_anchor="middle", font_size=10)
    ring(parent, 72, TOP + 26, 96, 74)


def pane(parent: Element, words: Words) -> None:
    """System Settings: a list of profiles under its title, the profile ringed."""
    title, head, name = words
    say(parent, 22, TOP + 14, title, font_size=14, font_weight=700)
    say(parent, 22, TOP + 38, head, font_size=10.5, fill=NOTE)
    box(parent, 20, TOP + 51, 200, 40, 9, PAPER)
    gear(parent, 30, TOP + 60, 22)
    say(parent, 62, TOP + 75, name, font_weight=600)
    ring(parent, 14, TOP + 46, 212, 50)
    box(parent, 20, TOP + 106, 200, 34, 9, PAPER)
    box(parent, 32, TOP + 120, 96, 6, 3, PALE)


def pane_minus(parent: Element, words: Words) -> None:
    """The same list with the profile chosen; the minus below it is ringed."""
    title, name, minus = words
    say(parent, 22, TOP + 14, title, font_size=14, font_weight=700)
    box(parent, 20, TOP + 28, 200, 96, 9, PAPER)
    box(parent, 24, TOP + 32, 192, 32, 6, "#d9ebfa")
    gear(parent, 30, TOP + 37, 22)
    say(parent, 62, TOP + 52, name, font_weight=600)
    line(parent, f"M20 {TOP + 94}H220")
    say(parent, 36, TOP + 113, "+", text_anchor="middle", fill=NOTE, font_size=14)
    say(parent, 62, TOP + 113, minus, text_anchor="middle", font_size=14, font_weight=700)
    ring(parent, 47, TOP + 95, 30, 27)


def mailbox(parent: Element, words: Words) -> None:
    """Mail: the inbox, ringed, beside the list of messages."""
    (inbox,) = words
    box(parent, 1.75, 29.5, 92, 390, 0, PALE)
    box(parent, 14, TOP + 6, 44, 6, 3, BAR)
    say(parent, 20, TOP + 36, inbox, font_weight=600)
    ring(parent, 9, TOP + 19, 80, 27)
    box(parent, 20, TOP + 58, 52, 6, 3, BAR)
    box(parent, 20, TOP + 80, 40, 6, 3, BAR)
    for row in range(3):
        y = TOP + 8 + 42 * row
        node(parent, "circle", cx=108, cy=y + 4, r=3, fill=BLUE if row == 0 else BAR)
        box(parent, 118, y, 66, 6, 3, BAR)
        box(parent, 118, y + 13, 102, 6, 3, "#e0e0dc")
        line(parent, f"M118 {y + 30}H228", BAR)
