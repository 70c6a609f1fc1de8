"""Writes every kind of mail in both languages into a folder: .eml, .html and .txt, to be looked at.

.venv/bin/python scripts/preview_mails.py FOLDER
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from profiles.address import Address
from webapp.mails import Kind, Letter, compose

NOW = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
NAMES = {"ja": ("株式会社サンプル", "山田 太郎"), "en": ("Example Corporation", "Taro Yamada")}
HELP = {
    "ja": "情報システム部 内線100(平日9:00〜17:00) help@corp.example",
    "en": "Help desk: extension 100, help@corp.example",
}


def letters() -> Iterator[tuple[str, Letter]]:
    """Every kind, by the name of its file."""
    for language, (company, name) in NAMES.items():
        for kind in Kind:
            for needs_pin in (False, True) if kind is Kind.INVITATION else (False,):
                letter = Letter(
                    kind=kind,
                    language=language,
                    sender=Address("hagaki", "corp.example"),
                    company=company,
                    recipient=Address("taro.private", "mail.example"),
                    reference=b"preview",
                    address=Address("taro.yamada", "corp.example"),
                    full_name=name,
                    link="https://m.corp.example/s/dGhpcyBpcyBhIHRva2Vu8w",
                    expires_at=datetime(2026, 12, 31, 14, 59, tzinfo=UTC),
                    timezone=ZoneInfo("Asia/Tokyo"),
                    number="402-0137",
                    help=HELP[language],
                    needs_pin=needs_pin,
                )
                yield f"{kind}{'-pin' if needs_pin else ''}-{language}", letter


def main() -> None:
    """Write them."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, letter in letters():
        message = compose(letter, now=NOW)
        (folder / f"{name}.eml").write_bytes(message.as_bytes())
        for subtype, suffix in (("plain", "txt"), ("html", "html")):
            part = message.get_body((subtype,))
            assert part is not None
            (folder / f"{name}.{suffix}").write_text(part.get_content(), "utf-8")


if __name__ == "__main__":
    main()
