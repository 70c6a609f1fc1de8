"""Draws the pictures of the steps on every device, in both languages, into webapp/static/img/.

Usage: scripts/draw_illustrations.py
The screens are in drawing.py; this table says which words stand on them. They are the device's own, and
docs/wording.md says where each was read.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, indent, tostring

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts import drawing as d  # noqa: E402

FOLDER = ROOT / "webapp" / "static" / "img"
FONTS = {
    "ja": "'Hiragino Sans','Noto Sans JP','Noto Sans CJK JP',Meiryo,sans-serif",
    "en": "-apple-system,'Helvetica Neue','Noto Sans',Arial,sans-serif",
}

Draw = Callable[[Element, d.Words], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A frame, what is in it, its words, and how much of it is seen."""

    frame: Callable[[Element], None]
    draw: Draw
    words: Mapping[str, d.Words]
    ringed: Mapping[str, str] | None = None
    """What the ring is around, where that is not the last word."""
    height: int = 176


def _profile(verified: bool) -> Picture:
    state = {"ja": "検証済み", "en": "Verified"} if verified else {"ja": "!未検証", "en": "!Not Verified"}
    return Picture(
        frame=d.iphone,
        draw=d.profile,
        words={
            "ja": ("会社のメール", "署名者", state["ja"], "キャンセル", "インストール"),
            "en": ("Company mail", "Signed by", state["en"], "Cancel", "Install"),
        },
        height=196,
    )


def _settings(frame: Callable[[Element], None], title: str) -> Mapping[str, Picture]:
    """The pictures of Apple's settings, which an iPad shows in a column."""
    return {
        f"{title}-2-settings": Picture(
            frame=frame,
            draw=d.downloaded,
            words={"ja": ("設定", "プロファイルがダウンロード済み"), "en": ("Settings", "Profile Downloaded")},
            height=200,
        ),
        f"{title}-remove-1-general": Picture(
            frame=frame,
            draw=d.entry,
            words={"ja": ("設定", "一般"), "en": ("Settings", "General")},
            height=186,
        ),
        f"{title}-remove-2-management": Picture(
            frame=frame,
            draw=d.entry,
            words={"ja": ("一般", "VPNとデバイス管理"), "en": ("General", "VPN & Device Management")},
            height=186,
        ),
    }


PICTURES: Mapping[str, Picture] = {
    "ios-1-allow": Picture(
        frame=d.iphone,
        draw=d.question,
        words={
            "ja": (
                "このWebサイトは構成プロファイルを",
                "ダウンロードしようとしています。",
                "許可しますか?",
                "無視",
                "許可",
            ),
            "en": (
                "This website is trying to download",
                "a configuration profile. Do you",
                "want to allow this?",
                "Ignore",
                "Allow",
            ),
        },
        height=186,
    ),
    **_settings(d.iphone, "ios"),
    **_settings(d.ipad, "ipad"),
    "ios-3-install": _profile(verified=True),
    "ios-3-install-unverified": _profile(verified=False),
    "ios-4-passcode": Picture(
        frame=d.iphone,
        draw=d.passcode,
        words={"ja": ("パスコードを入力",), "en": ("Enter Passcode",)},
        height=186,
    ),
    "ios-5-again": Picture(
        frame=d.iphone,
        draw=d.sheet,
        words={"ja": ("インストール", "キャンセル", d.BLUE), "en": ("Install", "Cancel", d.BLUE)},
        ringed={"ja": "インストール", "en": "Install"},
        height=200,
    ),
    "ios-6-done": Picture(
        frame=d.iphone,
        draw=d.installed,
        words={
            "ja": ("会社のメール", "インストール完了", "完了"),
            "en": ("Company mail", "Profile Installed", "Done"),
        },
        height=182,
    ),
    "ios-remove-3-profile": Picture(
        frame=d.iphone,
        draw=d.removable,
        words={"ja": ("会社のメール", "プロファイルを削除"), "en": ("Company mail", "Remove Profile")},
        height=196,
    ),
    "ios-remove-4-confirm": Picture(
        frame=d.iphone,
        draw=d.sheet,
        words={"ja": ("削除", "キャンセル", d.RED), "en": ("Remove", "Cancel", d.RED)},
        ringed={"ja": "削除", "en": "Remove"},
        height=200,
    ),
    "mac-1-open": Picture(
        frame=d.window,
        draw=d.files,
        words={"ja": ("ダウンロード", "….mobileconfig"), "en": ("Downloads", "….mobileconfig")},
    ),
    "mac-2-management": Picture(
        frame=d.window,
        draw=d.menu,
        words={"ja": ("一般", "デバイス管理"), "en": ("General", "Device Management")},
    ),
    "mac-3-profile": Picture(
        frame=d.window,
        draw=d.pane,
        words={
            "ja": ("デバイス管理", "ダウンロード済み", "会社のメール"),
            "en": ("Device Management", "Downloaded", "Company mail"),
        },
    ),
    "mac-4-install": Picture(
        frame=d.window,
        draw=d.dialog,
        words={
            "ja": ("会社のメール", "キャンセル", "インストール"),
            "en": ("Company mail", "Cancel", "Install"),
        },
    ),
    "mac-5-mail": Picture(frame=d.window, draw=d.mailbox, words={"ja": ("受信",), "en": ("Inbox",)}),
    "mac-remove-1-profile": Picture(
        frame=d.window,
        draw=d.pane_minus,
        words={"ja": ("デバイス管理", "会社のメール", "−"), "en": ("Device Management", "Company mail", "−")},
    ),
    "mac-remove-2-confirm": Picture(
        frame=d.window,
        draw=d.dialog,
        words={"ja": ("会社のメール", "キャンセル", "削除"), "en": ("Company mail", "Cancel", "Remove")},
    ),
    "android-1-import": Picture(
        frame=d.phone,
        draw=d.menu,
        words={"ja": ("設定", "設定をインポート"), "en": ("Settings", "Import settings")},
    ),
    "android-2-scan": Picture(
        frame=d.phone,
        draw=d.menu,
        words={"ja": ("設定をインポート", "QR コードをスキャン"), "en": ("Import settings", "Scan QR code")},
    ),
    "android-2-file": Picture(
        frame=d.phone,
        draw=d.menu,
        words={"ja": ("設定をインポート", "ファイルを選択"), "en": ("Import settings", "Select file")},
    ),
    "gmail": Picture(
        frame=d.phone,
        draw=d.menu,
        words={"ja": ("メールのセットアップ", "その他"), "en": ("Set up email", "Other")},
    ),
    "samsung": Picture(
        frame=d.phone,
        draw=d.form,
        words={
            "ja": ("アドレス", "パスワード", "手動設定"),
            "en": ("Email", "Password", "Manual setup"),
        },
    ),
    "fairemail": Picture(
        frame=d.phone,
        draw=d.form,
        words={"ja": ("氏名", "アドレス", "パスワード", "確認"), "en": ("Name", "Email", "Password", "Check")},
    ),
    "outlook-1-add": Picture(
        frame=d.window,
        draw=d.menu,
        words={"ja": ("アカウント情報", "アカウントの追加"), "en": ("Account Information", "Add Account")},
    ),
    "outlook-2-manual": Picture(
        frame=d.window,
        draw=d.tick,
        words={
            "ja": ("詳細オプション", "自分で自分のアカウントを", "手動で設定"),
            "en": ("Advanced options", "Let me set up my account", "manually"),
        },
    ),
    "outlook-3-kind": Picture(
        frame=d.window, draw=d.menu, words={"ja": ("詳細設定", "IMAP"), "en": ("Advanced setup", "IMAP")}
    ),
    "new-outlook-1-add": Picture(
        frame=d.window,
        draw=d.menu,
        words={"ja": ("アカウント", "アカウントの追加"), "en": ("Accounts", "Add account")},
    ),
    "new-outlook-2-provider": Picture(
        frame=d.window,
        draw=d.menu,
        words={"ja": ("プロバイダーの選択", "IMAP"), "en": ("Choose provider", "IMAP")},
    ),
    "thunderbird-1-add": Picture(
        frame=d.window,
        draw=d.menu,
        words={"ja": ("アカウントを追加", "メールアカウント..."), "en": ("Add Account", "Mail Account…")},
    ),
    "thunderbird-2-continue": Picture(
        frame=d.window,
        draw=d.form,
        words={
            "ja": ("氏名", "アドレス", "続ける"),
            "en": ("Full name", "Email", "Continue"),
        },
    ),
    "evolution": Picture(
        frame=d.window, draw=d.menu, words={"ja": ("新規", "メールのアカウント"), "en": ("New", "Mail Account")}
    ),
    "kmail": Picture(
        frame=d.window,
        draw=d.menu,
        words={"ja": ("設定", "Add Account..."), "en": ("Settings", "Add Account...")},
    ),
}


def svg(picture: Picture, language: str) -> bytes:
    """One picture as a file."""
    words = picture.words[language]
    ringed = picture.ringed[language] if picture.ringed else words[-1]
    height = picture.height
    root = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {d.WIDTH} {height}",
            "role": "img",
            "aria-label": f"「{ringed}」" if language == "ja" else f"“{ringed}”",
        },
    )
    clip = d.node(d.node(root, "defs"), "clipPath", id="c")
    d.node(clip, "path", d=f"M0 0h{d.WIDTH}v{height}H0z")
    group = d.node(root, "g", clip_path="url(#c)", font_family=FONTS[language], font_size=11.5, fill=d.INK)
    picture.frame(group)
    picture.draw(group, words)
    d.node(root, "path", d=f"M1 {height - 0.75}H239", stroke=d.BAR, stroke_width=1.5, stroke_dasharray="3 4")
    indent(root, "")
    return tostring(root, encoding="utf-8") + b"\n"


def main() -> None:
    """Draw all of them, and remove what is drawn no more."""
    for language in FONTS:
        folder = FOLDER / language
        for name, picture in PICTURES.items():
            (folder / f"{name}.svg").write_bytes(svg(picture, language))
        for path in folder.glob("*.svg"):
            if path.stem not in PICTURES:
                path.unlink()


if __name__ == "__main__":
    main()
