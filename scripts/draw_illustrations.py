"""Draws the pictures of the steps on Android phones and computers, in both languages, into webapp/static/img/.

Usage: scripts/draw_illustrations.py
Presentation attributes only, so that the content policy holds; grey bars for what does not matter, real words
only where the finger goes, one vermilion ring. The iPhone's pictures (ios-*.svg) are drawn by hand in this style.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

FOLDER = Path(__file__).resolve().parent.parent / "webapp" / "static" / "img"
WIDTH, HEIGHT = 240, 176
FONTS = {
    "ja": "'Hiragino Sans','Noto Sans JP','Noto Sans CJK JP',Meiryo,sans-serif",
    "en": "-apple-system,'Helvetica Neue','Noto Sans',Arial,sans-serif",
}
INK, EDGE, SCREEN, PAPER = "#1a1a1a", "#767676", "#f2f2f2", "#fff"
BAR, PALE, BLUE, RING = "#c9c9c4", "#ececea", "#0066be", "#d03a1b"
TOP = 40
"""Where the content of a screen or window begins."""
ROW = 30

Words = tuple[str, ...]
Draw = Callable[[Element, Words], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A frame, what is in it, and its words; the last word is the ringed one, the first the title."""

    frame: Callable[[Element], None]
    draw: Draw
    words: Mapping[str, Words]


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


def phone(parent: Element) -> None:
    """The top of an Android phone."""
    node(parent, "rect", x=1, y=1, width=238, height=420, rx=26, fill=PAPER, stroke=EDGE, stroke_width=1.5)
    box(parent, 8, 8, 224, 406, 20, SCREEN)
    node(parent, "circle", cx=120, cy=21, r=5, fill=INK)
    box(parent, 26, 18, 24, 6, 3, BAR)
    box(parent, 190, 18, 24, 6, 3, BAR)


def window(parent: Element) -> None:
    """The top of a window on a computer."""
    node(parent, "rect", x=1, y=1, width=238, height=420, rx=9, fill=SCREEN, stroke=EDGE, stroke_width=1.5)
    for x in (16, 30, 44):
        node(parent, "circle", cx=x, cy=15, r=4, fill=BAR)
    node(parent, "path", d="M1.5 29H238.5", stroke=BAR)


def menu(parent: Element, words: Words) -> None:
    """A list of entries, the middle one ringed."""
    title, entry = words
    say(parent, 22, TOP + 16, title, font_size=15, font_weight=700)
    top = TOP + 28
    box(parent, 20, top, 200, 5 * ROW, 9, PAPER)
    for line, length in enumerate((84, 0, 108, 62)):
        y = top + line * ROW
        if line:
            node(parent, "path", d=f"M32 {y}H220", stroke=PALE)
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
    node(parent, "path", d=f"M22 {TOP + 74}H218", stroke=BAR)
    say(parent, 73, TOP + 102, no, text_anchor="middle", fill=EDGE)
    say(parent, 164, TOP + 102, yes, text_anchor="middle", fill=BLUE, font_weight=600)
    ring(parent, 115, TOP + 82, 98, 31)


def form(parent: Element, words: Words) -> None:
    """Labelled boxes and a ringed button below them."""
    *labels, button = words
    for line, label in enumerate(labels):
        y = TOP + 4 + line * 29
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
    say(parent, 24, TOP + 56, title, font_size=10.5, fill="#4d4d4d")
    y = TOP + 74
    node(parent, "rect", x=26, y=y, width=14, height=14, rx=2, fill=PAPER, stroke=INK)
    node(parent, "path", d=f"M29 {y + 7}l3 3 6-7", fill="none", stroke=BLUE, stroke_width=2.2)
    for line, words_of_line in enumerate(label):
        say(parent, 48, y + 11 + line * 15, words_of_line, font_size=10.5)
    ring(parent, 13, y - 9, 214, 17 + 15 * len(label))


PICTURES: Mapping[str, Picture] = {
    "mac-1-settings": Picture(
        frame=window,
        draw=menu,
        words={"ja": ("一般", "デバイス管理"), "en": ("General", "Device Management")},
    ),
    "mac-2-install": Picture(
        frame=window,
        draw=dialog,
        words={
            "ja": ("インストールしますか?", "キャンセル", "インストール"),
            "en": ("Install the profile?", "Cancel", "Install"),
        },
    ),
    "android-1-import": Picture(
        frame=phone, draw=menu, words={"ja": ("設定", "設定をインポート"), "en": ("Settings", "Import settings")}
    ),
    "android-2-scan": Picture(
        frame=phone,
        draw=menu,
        words={"ja": ("設定をインポート", "QRコードをスキャン"), "en": ("Import settings", "Scan QR code")},
    ),
    "android-2-file": Picture(
        frame=phone,
        draw=menu,
        words={"ja": ("設定をインポート", "ファイルを選択"), "en": ("Import settings", "Choose file")},
    ),
    "gmail": Picture(
        frame=phone,
        draw=menu,
        words={"ja": ("メールのセットアップ", "その他"), "en": ("Set up email", "Other")},
    ),
    "samsung": Picture(
        frame=phone,
        draw=form,
        words={
            "ja": ("アドレス", "パスワード", "手動設定"),
            "en": ("Email", "Password", "Manual setup"),
        },
    ),
    "fairemail": Picture(
        frame=phone,
        draw=form,
        words={"ja": ("氏名", "アドレス", "パスワード", "確認"), "en": ("Name", "Email", "Password", "Check")},
    ),
    "outlook-1-add": Picture(
        frame=window,
        draw=menu,
        words={"ja": ("アカウント情報", "アカウントの追加"), "en": ("Account Information", "Add Account")},
    ),
    "outlook-2-manual": Picture(
        frame=window,
        draw=tick,
        words={
            "ja": ("詳細オプション", "自分で自分のアカウントを", "手動で設定"),
            "en": ("Advanced options", "Let me set up my account", "manually"),
        },
    ),
    "outlook-3-kind": Picture(
        frame=window, draw=menu, words={"ja": ("詳細設定", "IMAP"), "en": ("Advanced setup", "IMAP")}
    ),
    "new-outlook-1-add": Picture(
        frame=window,
        draw=menu,
        words={"ja": ("アカウント", "アカウントの追加"), "en": ("Accounts", "Add account")},
    ),
    "new-outlook-2-provider": Picture(
        frame=window,
        draw=menu,
        words={"ja": ("プロバイダーの選択", "IMAP"), "en": ("Choose provider", "IMAP")},
    ),
    "thunderbird-1-add": Picture(
        frame=window,
        draw=menu,
        words={"ja": ("アカウント操作", "メールアカウントを追加"), "en": ("Account Actions", "Add Mail Account")},
    ),
    "thunderbird-2-continue": Picture(
        frame=window,
        draw=form,
        words={
            "ja": ("氏名", "アドレス", "パスワード", "続ける"),
            "en": ("Name", "Email", "Password", "Continue"),
        },
    ),
    "evolution": Picture(
        frame=window, draw=menu, words={"ja": ("新規", "メールアカウント"), "en": ("New", "Mail Account")}
    ),
    "kmail": Picture(
        frame=window,
        draw=menu,
        words={"ja": ("設定", "アカウントを追加"), "en": ("Settings", "Add Account")},
    ),
}


def svg(picture: Picture, language: str) -> bytes:
    """One picture as a file."""
    words = picture.words[language]
    quoted = f"「{words[-1]}」" if language == "ja" else f"“{words[-1]}”"
    root = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {WIDTH} {HEIGHT}",
            "role": "img",
            "aria-label": quoted,
        },
    )
    clip = node(node(root, "defs"), "clipPath", id="c")
    node(clip, "path", d=f"M0 0h{WIDTH}v{HEIGHT}H0z")
    group = node(root, "g", clip_path="url(#c)", font_family=FONTS[language], font_size=11.5, fill=INK)
    picture.frame(group)
    picture.draw(group, words)
    node(root, "path", d=f"M1 {HEIGHT - 0.75}H239", stroke=BAR, stroke_width=1.5, stroke_dasharray="3 4")
    indent(root, "")
    return tostring(root, encoding="utf-8") + b"\n"


def main() -> None:
    """Draw all of them."""
    for language in FONTS:
        for name, picture in PICTURES.items():
            (FOLDER / language / f"{name}.svg").write_bytes(svg(picture, language))


if __name__ == "__main__":
    main()
