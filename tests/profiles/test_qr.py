"""QR codes, read back by two independent readers: zbar and zxing-cpp."""

from __future__ import annotations

import re
import subprocess
from io import BytesIO
from xml.etree.ElementTree import fromstring

import pytest
import zxingcpp
from PIL import Image

from profiles import qr
from profiles.model import RenderOptions
from profiles.thunderbird_qr import render
from tests.conftest import require

from .accounts import account

LINK = "https://setup.host.example/h/0123456789abcdefghijkl"
TEXTS = {
    "link": LINK,
    "account": render(account(), RenderOptions()).data.decode(),
    "emoji": "ü 🎐 ]]> \"'&<>",
}


def read_with_zxing(image):
    (found,) = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode)
    return found.bytes.decode()


def read_with_zbar(png, tmp_path):
    """`binary`, since zbar otherwise guesses a Japanese encoding."""
    path = tmp_path / "code.png"
    path.write_bytes(png)
    command = [require("zbarimg"), "--quiet", "--raw", "--oneshot", "-Sbinary", str(path)]
    return subprocess.run(command, capture_output=True, check=True).stdout.decode()


def image_of_terminal(text):
    """Paint half blocks as a terminal does: two pixels per sign."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in text.splitlines()]
    image = Image.new("L", (len(lines[0]), 2 * len(lines)), 255)
    for row, line in enumerate(lines):
        for column, sign in enumerate(line):
            image.putpixel((column, 2 * row), 0 if sign in "▀█" else 255)
            image.putpixel((column, 2 * row + 1), 0 if sign in "▄█" else 255)
    return image.resize((image.width * 6, image.height * 6), Image.Resampling.NEAREST)


def image_of_path(svg):
    """Draw the one relative path of the picture, run by run."""
    root = fromstring(svg)
    side = int(root.get("viewBox").split()[2])
    image = Image.new("L", (side, side), 255)
    x = y = 0
    d = root.find("{http://www.w3.org/2000/svg}path").get("d")
    for dx, dy, length, back in re.findall(r"m(-?\d+) (-?\d+)h(\d+)v1h-(\d+)z", d):
        x, y = x + int(dx), y + int(dy)
        assert length == back
        for column in range(x, x + int(length)):
            image.putpixel((column, y), 0)
    return image.resize((side * 6, side * 6), Image.Resampling.NEAREST)


@pytest.mark.parametrize("level", ["L", "M", "Q", "H"])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_png_is_read_by_zbar_and_zxing(text, level, tmp_path):
    png = qr.png(qr.matrix(text, level))

    assert read_with_zbar(png, tmp_path) == text
    assert read_with_zxing(Image.open(BytesIO(png))) == text


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_svg_path_draws_the_code(text):
    assert read_with_zxing(image_of_path(qr.svg(qr.matrix(text), label="code"))) == text


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_terminal_blocks_draw_the_code(text):
    assert read_with_zxing(image_of_terminal(qr.terminal(qr.matrix(text)))) == text


def test_svg_is_one_black_path_on_white_with_a_quiet_zone_and_a_name():
    matrix = qr.matrix(LINK)
    root = fromstring(qr.svg(matrix, label='"Scan" & go'))
    ground, path = root

    side = str(len(matrix) + 8)
    assert root.get("viewBox") == f"0 0 {side} {side}"
    assert (root.get("role"), root.get("aria-label")) == ("img", '"Scan" & go')
    assert (ground.get("width"), ground.get("height"), ground.get("fill")) == (side, side, "#fff")
    assert path.get("fill") == "#000"
    assert path.get("d").startswith("m4 4h7")
    assert len(qr.svg(matrix, label="code")) < 6000


def test_png_has_a_quiet_zone_of_four_modules_and_two_colours():
    image = Image.open(BytesIO(qr.png(qr.matrix(LINK), scale=6)))

    assert image.mode == "1"
    assert image.width == image.height == 6 * (len(qr.matrix(LINK)) + 8)
    assert {image.getpixel((23, row)) for row in range(image.height)} == {255}
    assert image.getpixel((24, 24)) == 0


def test_terminal_says_its_colours_on_every_line():
    """Thunderbird reads no inverted codes, and most terminals are dark."""
    lines = qr.terminal(qr.matrix(LINK)).splitlines()

    assert all(line.startswith("\x1b[38;5;16m\x1b[48;5;231m") and line.endswith("\x1b[0m") for line in lines)
