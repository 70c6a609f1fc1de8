"""Hand-outs as they come out of the printer: real sizes, codes that scan, names that can be copied, no secrets."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from profiles import fast_qr
from tests.conftest import require
from webapp import i18n
from webapp.handouts import Card, Layout, Sheets
from webapp.handouts.card import CODE_LEAST, card_name

NAMES = [
    "𠮷田 髙志", "山田 太郎", "勅使河原 さくら", "クリスティーナ・スミス", "Jane Doe", "邉﨑 瀨奈", "", "渡邊 ㈱①",
    "Maximilian von und zu Hohenstein-Langenberg", "佐藤", "鈴木 一郎", "髙橋 花子",
]  # fmt: skip
PER_PAGE = {Layout.POSTCARD: 1, Layout.A4_4: 4, Layout.A4_8: 8}
MILLIMETRES = {Layout.POSTCARD: (100, 148), Layout.A4_4: (210, 297), Layout.A4_8: (210, 297)}


def link(number: int) -> str:
    """A link as long as real ones."""
    return f"https://m.example.co.jp/s/AbCdEfGhIjKlMnOp{number:06}"


CODES = fast_qr.LinkCodes(link(0)[:-22], 22)


def card(number: int, name: str, language: str = "ja") -> Card:
    """An invented card."""
    return Card(
        number=4_020_137 + number,
        address=f"person{number}@example.co.jp",
        full_name=name,
        department="営業部 第二課" if language == "ja" else "Sales",
        company="株式会社サンプル" if language == "ja" else "Example Corporation",
        code=CODES.code(link(number)[-22:]),
        host="m.example.co.jp",
        expires="2026年12月31日(木) 23:59" if language == "ja" else "Thursday 31 December 2026, 23:59",
        expires_day="12.31" if language == "ja" else "31 Dec",
        help="情報システム部 ヘルプデスク 内線 5500" if language == "ja" else "IT help desk, extension 5500",
    )


def printed(folder: Path, layout: Layout, names: Sequence[str], language: str = "ja") -> Path:
    """A PDF with a card for each name."""
    sheets = Sheets(
        layout,
        language=language,
        translate=lambda text: i18n.catalogue(language).gettext(text),
        title="社員.csv",
        now=datetime(2026, 11, 25, tzinfo=UTC),
    )
    for number, name in enumerate(names):
        sheets.add(card(number, name, language))
    path = folder / f"{layout}-{language}.pdf"
    path.write_bytes(sheets.data())
    return path


def text_of(path: Path) -> str:
    """What a viewer copies."""
    done = subprocess.run([require("pdftotext"), str(path), "-"], capture_output=True, check=True)
    return done.stdout.decode()


def pictures(path: Path, dots: int) -> list[Path]:
    """Its pages as a printer with so many dots per inch sees them."""
    target = path.with_suffix("") / str(dots)
    target.mkdir(parents=True)
    subprocess.run(
        [require("pdftoppm"), "-r", str(dots), "-gray", "-png", str(path), str(target / "p")], check=True
    )
    return sorted(target.iterdir())


@pytest.mark.parametrize("dots", [150, 300])
@pytest.mark.parametrize("layout", list(Layout))
def test_every_code_is_read_back(layout: Layout, dots: int, tmp_path: Path) -> None:
    path = printed(tmp_path, layout, NAMES)

    found = [
        (code.text, code.ec_level)
        for picture in pictures(path, dots)
        for code in zxingcpp.read_barcodes(Image.open(picture))
    ]

    assert sorted(found) == [(link(number), "Q") for number in range(len(NAMES))]


@pytest.mark.parametrize("dots", [150, 300])
def test_zbar_reads_them_too(dots: int, tmp_path: Path) -> None:
    path = printed(tmp_path, Layout.POSTCARD, NAMES[:6])

    done = subprocess.run(
        [require("zbarimg"), "-q", "--raw", *map(str, pictures(path, dots))], capture_output=True, check=True
    )

    assert sorted(done.stdout.decode().split()) == [link(number) for number in range(6)]


@pytest.mark.soak
@pytest.mark.parametrize("dots", [150, 300])
def test_a_thousand_codes_are_read_back(dots: int, tmp_path: Path) -> None:
    path = printed(tmp_path, Layout.A4_4, ["山田 太郎"] * 1000)

    found = [code.text for picture in pictures(path, dots) for code in zxingcpp.read_barcodes(Image.open(picture))]

    assert sorted(found) == [link(number) for number in range(1000)]


@pytest.mark.parametrize("layout", [Layout.A4_4, Layout.A4_8])
def test_a_hundred_codes_are_read_back(layout: Layout, tmp_path: Path) -> None:
    path = printed(tmp_path, layout, ["山田 太郎"] * 100)

    found = [code.text for picture in pictures(path, 150) for code in zxingcpp.read_barcodes(Image.open(picture))]

    assert sorted(found) == [link(number) for number in range(100)]


@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize("language", ["ja", "en"])
def test_names_and_words_can_be_copied(layout: Layout, language: str, tmp_path: Path) -> None:
    text = text_of(printed(tmp_path, layout, NAMES, language))

    for name in NAMES:
        if len(name) < 30:
            assert name in text
    assert "person6@example.co.jp" in text, "the address stands where there is no name"
    assert "m.example.co.jp" in text
    if language == "ja":
        assert "𠮷田 髙志 様" in text
        assert "2026年12月31日(木) 23:59" in text
        assert "相談先" in text
        assert "カメラを上の切手に向け" in text
    else:
        assert "Thursday 31 December 2026, 23:59" in text
        assert "様" not in text
        assert not re.search("[ぁ-ん]", text.replace("勅使河原 さくら", ""))


@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize(("language", "words"), [("ja", "別に届くPIN"), ("en", "PIN that you get another way")])
def test_a_card_says_what_its_page_asks_for(layout: Layout, language: str, words: str, tmp_path: Path) -> None:
    sheets = Sheets(
        layout,
        language=language,
        translate=lambda text: i18n.catalogue(language).gettext(text),
        title="社員.csv",
        now=datetime(2026, 11, 25, tzinfo=UTC),
    )
    for needs_pin in (True, False):
        sheets.add(replace(card(1, "山田 太郎", language), needs_pin=needs_pin))
    path = tmp_path / "cards.pdf"
    path.write_bytes(sheets.data())

    text = " ".join(text_of(path).split()).replace("PIN を", "PINを")

    squeezed = text.replace(" ", "") if language == "ja" else text
    assert squeezed.count(words) == 1
    assert squeezed.count("パスワードを入れます" if language == "ja" else "type the password") == 1


@pytest.mark.parametrize("layout", list(Layout))
def test_pages_have_the_size_of_the_paper(layout: Layout, tmp_path: Path) -> None:
    path = printed(tmp_path, layout, NAMES)

    done = subprocess.run([require("pdfinfo"), str(path)], capture_output=True, check=True)
    said = done.stdout.decode()
    width, height = map(float, re.findall(r"Page size: +([\d.]+) x ([\d.]+)", said)[0])

    assert (width / 72 * 25.4, height / 72 * 25.4) == pytest.approx(MILLIMETRES[layout], abs=0.1)
    assert int(re.findall(r"Pages: +(\d+)", said)[0]) == -(-len(NAMES) // PER_PAGE[layout])


def test_fonts_are_embedded_as_a_subset(tmp_path: Path) -> None:
    path = printed(tmp_path, Layout.A4_8, NAMES)

    done = subprocess.run([require("pdffonts"), str(path)], capture_output=True, check=True)

    rows = done.stdout.decode().splitlines()[2:]
    assert len(rows) == 2
    for row in rows:
        assert re.match(r"[A-Z]{6}\+", row)
        assert re.search(r"yes +yes +yes", row), "embedded, a subset, with Unicode values"
    assert path.stat().st_size < 150_000


@pytest.mark.parametrize("host", ["m.jp", "m.example.co.jp", "long." * 20 + "jp"])
def test_the_code_is_large_enough_whatever_its_link(host: str, tmp_path: Path) -> None:
    code = fast_qr.LinkCodes(f"https://{host}/s/", 22).code("x" * 22)
    sheets = Sheets(Layout.POSTCARD, language="ja", translate=str, title="x", now=datetime.now(UTC))
    sheets.add(replace(card(1, "山田"), code=code))
    path = tmp_path / "a.pdf"
    path.write_bytes(sheets.data())

    (read,) = zxingcpp.read_barcodes(Image.open(pictures(path, 300)[0]))

    side = (read.position.top_right.x - read.position.top_left.x) / 300 * 25.4
    assert side > CODE_LEAST - 0.8, "measured between the corners' pixels"
    assert read.text == f"https://{host}/s/{'x' * 22}"


def test_cards_need_no_more_than_the_link() -> None:
    """A PIN travels another way; there is no field that could hold one, nor a password."""
    secret = {name for name in Card.__dataclass_fields__ if "pin" in name or "password" in name}
    assert secret == {"needs_pin"}
    assert Card.__dataclass_fields__["needs_pin"].type == "bool"


def test_a_card_number_reads_like_a_postal_code() -> None:
    assert card_name(4020137) == "402-0137"
    assert card_name(7) == "000-0007"
