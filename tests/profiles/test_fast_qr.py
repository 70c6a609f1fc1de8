"""The quick codes say the same as the careful ones, module for module."""

from __future__ import annotations

import io
import random
import string

import pytest
import qrcode
import zxingcpp
from PIL import Image
from qrcode.util import MODE_8BIT_BYTE, QRData

from profiles import fast_qr, qr

SIGNS = string.ascii_letters + string.digits + "-_"
PREFIX = "https://m.example.co.jp/s/"


def tokens(count: int) -> list[str]:
    """Tokens as links have them."""
    chance = random.Random(7)
    return ["".join(chance.choices(SIGNS, k=22)) for _ in range(count)]


def matrix(code: fast_qr.Code) -> qr.Matrix:
    """The modules as profiles.qr writes them."""
    return tuple(
        tuple(row >> (code.side - 1 - column) & 1 == 1 for column in range(code.side)) for row in code.rows
    )


def with_mask(text: str, level: int, version: int, mask: int) -> qr.Matrix:
    """The modules by `qrcode` itself."""
    code = qrcode.QRCode(version=version, error_correction=level, mask_pattern=mask, border=0)
    code.add_data(QRData(text.encode(), mode=MODE_8BIT_BYTE), optimize=0)
    code.make(fit=False)
    return tuple(tuple(map(bool, row)) for row in code.get_matrix())


@pytest.mark.parametrize(
    "prefix", ["https://m.jp/s/", PREFIX, "http://127.0.0.1:8080/s/", "https://" + "x" * 90 + "/s/"]
)
def test_every_module_is_that_of_some_mask_of_the_careful_code(prefix: str) -> None:
    codes = fast_qr.LinkCodes(prefix, 22)
    version = (codes.side - 17) // 4

    for token in tokens(5):
        found = matrix(codes.code(token))
        masks = [with_mask(prefix + token, fast_qr._LEVELS["Q"], version, mask) for mask in range(8)]
        assert masks.count(found) == 1


def test_a_thousand_codes_are_read_back() -> None:
    codes = fast_qr.LinkCodes(PREFIX, 22)

    for token in tokens(1000):
        (read,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(fast_qr.png(codes.code(token)))))
        assert (read.text, read.ec_level) == (PREFIX + token, "Q")


@pytest.mark.parametrize("level", ["L", "M", "Q", "H"])
def test_the_level_is_kept(level: str) -> None:
    code = fast_qr.LinkCodes(PREFIX, 22, level).code("A" * 22)

    (read,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(fast_qr.png(code))))

    assert read.ec_level == level
    assert code.side == len(qr.matrix(PREFIX + "A" * 22, level))


def test_pictures_are_those_of_the_careful_way() -> None:
    code = fast_qr.LinkCodes(PREFIX, 22).code("B" * 22)
    modules = matrix(code)

    quick, careful = (Image.open(io.BytesIO(data)) for data in (fast_qr.png(code), qr.png(modules)))

    assert quick.size == careful.size
    assert quick.convert("1").tobytes() == careful.convert("1").tobytes()
    black = sum(length for piece in code.data for _, length in fast_qr.runs(piece))
    assert black == sum(map(sum, modules))
    picture = fast_qr.svg(code, label='a<b>&"c')
    assert 'aria-label="a&lt;b&gt;&amp;&quot;c"' in picture
    assert picture.count("M") == sum(len(fast_qr.runs(piece)) for piece in code.data)


def test_runs_of_a_piece() -> None:
    assert fast_qr.runs(0b10110001) == ((0, 1), (2, 2), (7, 1))
    assert fast_qr.runs(0xFF) == ((0, 8),)
    assert fast_qr.runs(0) == ()


def test_a_token_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="length"):
        fast_qr.LinkCodes(PREFIX, 22).code("short")
