"""QR codes for whole lists: the same modules in a twentieth of the time, by zxing-cpp instead of `qrcode`.

The two may choose different masks, so a page and a printed card can differ in looks, never in what they say.
"""

from __future__ import annotations

from io import BytesIO

import zxingcpp
from PIL import Image

from profiles.qr import QUIET_ZONE, Matrix


def matrix(text: str, level: str = "Q") -> Matrix:
    """The modules of `text` in the smallest version at error correction `level`."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=level)
    picture = code.to_image(scale=1, add_quiet_zones=False)
    pixels = memoryview(picture)  # type: ignore[arg-type] # it is a buffer, which its stubs do not say
    side = pixels.shape[0] if pixels.shape else 0
    black = [value == 0 for value in pixels.tobytes()]
    return tuple(tuple(black[start : start + side]) for start in range(0, side * side, side))


def png(matrix: Matrix, *, scale: int = 8) -> bytes:
    """A black and white PNG; compressed lightly, since a list makes thousands."""
    side = len(matrix)
    code = Image.frombytes("L", (side, side), bytes(0 if module else 255 for row in matrix for module in row))
    whole = Image.new("L", (side + 2 * QUIET_ZONE,) * 2, 255)
    whole.paste(code, (QUIET_ZONE, QUIET_ZONE))
    size = (side + 2 * QUIET_ZONE) * scale
    target = BytesIO()
    whole.resize((size, size), Image.Resampling.NEAREST).convert("1", dither=Image.Dither.NONE).save(
        target, "PNG", compress_level=1
    )
    return target.getvalue()
