"""File names inside the ZIP: an address and a name, as Windows, macOS and Linux all take them."""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256

from profiles.address import Address

MOST_BYTES = 150
"""Of a name without its ending, in UTF-8: Linux takes 255 bytes, Windows 260 signs for the whole path."""
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\.|$)", re.IGNORECASE)
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def file_stem(address: Address, full_name: str = "") -> str:
    """`taro@example.jp 山田 太郎`: sorted by address, found by name, different for different addresses."""
    mailbox = safe(str(address))
    if mailbox != str(address):
        # Signs were replaced, so that two addresses could meet in one name.
        mailbox += "-" + sha256(address.key.encode()).hexdigest()[:8]
    mailbox = _shortened(mailbox, MOST_BYTES, address)
    name = safe(full_name)
    room = MOST_BYTES - len(mailbox.encode()) - 1
    name = _cut(name, room)
    return f"{mailbox} {name}".rstrip(" .") if name else mailbox


def safe(text: str) -> str:
    """Text as part of a file name: what a file system forbids becomes `_`, what nobody sees goes."""
    seen = text if text.isascii() else unicodedata.normalize("NFC", text)
    if not seen.isprintable():
        seen = "".join(sign for sign in seen if unicodedata.category(sign) not in _UNSEEN)
    cleaned = _FORBIDDEN.sub("_", seen).strip().rstrip(". ")
    return f"_{cleaned}" if _DEVICES.match(cleaned) else cleaned


def _shortened(mailbox: str, most: int, address: Address) -> str:
    if len(mailbox.encode()) <= most:
        return mailbox
    return _cut(mailbox, most - 9) + "-" + sha256(address.key.encode()).hexdigest()[:8]


def _cut(text: str, most: int) -> str:
    """At most so many bytes, no sign cut in two."""
    return text.encode()[: max(most, 0)].decode(errors="ignore").strip()
