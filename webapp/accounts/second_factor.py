"""The second factor: codes of an authenticator app (RFC 6238) and recovery codes.

SHA-1, six digits and thirty seconds are what every authenticator app understands; several ignore anything else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
from urllib.parse import quote, urlencode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

STEP_SECONDS = 30
DIGITS = 6
SECRET_BYTES = 20
RECOVERY_CODES = 8
_NONCE_BYTES = 12
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def new_secret() -> bytes:
    """A fresh secret."""
    return secrets.token_bytes(SECRET_BYTES)


def code_at(secret: bytes, step: int) -> str:
    """The code of a time step."""
    digest = hmac.digest(secret, struct.pack(">Q", step), "sha1")
    start = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def step_of(secret: bytes, code: str, now: float) -> int | None:
    """The time step that a code belongs to: this one, or one beside it for clocks that are a little off."""
    typed = code.strip().replace(" ", "")
    current = int(now // STEP_SECONDS)
    for step in (current, current - 1, current + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), typed.encode()):
            return step
    return None


def as_text(secret: bytes) -> str:
    """The secret as an app takes it by hand."""
    return base64.b32encode(secret).decode().rstrip("=")


def app_uri(secret: bytes, *, name: str, host: str) -> str:
    """What the QR code holds."""
    label = quote(f"Hagaki ({host}):{name}", safe="@:")
    values = {"secret": as_text(secret), "issuer": f"Hagaki ({host})"}
    # Some apps show a "+" as it is.
    return f"otpauth://totp/{label}?" + urlencode(values, quote_via=quote)


def new_recovery_codes() -> tuple[str, ...]:
    """Fresh codes for the day when the phone is lost; each works once."""
    return tuple(
        "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3))
        for _ in range(RECOVERY_CODES)
    )


class Vault:
    """Seals secrets of the second factor with a key that stands outside the database."""

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.sha256(b"hagaki second factor " + key).digest()

    def derived(self, token: str) -> bytes:
        """The secret that belongs to a set-up link: the page can be opened again without storing anything."""
        return hmac.digest(self._key, b"set-up " + token.encode(), "sha256")[:SECRET_BYTES]

    def seal(self, secret: bytes, admin_id: int) -> bytes:
        """What the database keeps."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self._key).encrypt(nonce, secret, str(admin_id).encode())

    def open(self, sealed: bytes, admin_id: int) -> bytes | None:
        """The secret; None where the key is another one now."""
        try:
            return AESGCM(self._key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], str(admin_id).encode())
        except InvalidTag:
            return None

    def recovery_hash(self, code: str, admin_id: int) -> bytes:
        """What the database knows of a recovery code, however it was typed."""
        plain = "".join(sign for sign in code.casefold() if sign in _ALPHABET)
        return hmac.digest(self._key, f"recovery {admin_id} {plain}".encode(), "sha256")
