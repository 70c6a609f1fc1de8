"""Passwords of admins: which are taken, how they are kept, and good ones to offer."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from profiles.problems import Code, Problem

SHORTEST = 12
LONGEST = 1024
_FEWEST_DIFFERENT = 5
_COMMON = frozenset(
    (
        "123456789012", "1234567890123", "12345678901234", "1234567890ab", "1q2w3e4r5t6y", "1qaz2wsx3edc",
        "1qazxsw23edc", "abcdefghijkl", "abcdefghijklm", "adminadmin12", "adminadminadmin", "administrator",
        "administrator1", "asdfghjkl123", "changeme1234", "changemechangeme", "correcthorsebatterystaple",
        "hagakihagaki", "iloveyou1234", "letmein12345", "letmeinplease", "p@ssw0rd1234", "passw0rd1234",
        "password0000", "password1234", "password12345", "password123456", "passwordpassword", "q1w2e3r4t5y6",
        "qwerty123456", "qwertyuiop12", "qwertyuiop123", "qwertyuiopasdf", "qwertyuiop[]", "testtesttest",
        "welcome12345", "zaq12wsxcde3", "zxcvbnm12345",
    )
)  # fmt: skip
"""Those of the well-known lists that are long enough to be typed here at all."""
_LETTERS = "abcdefghijkmnopqrstuvwxyz"
_CAPITALS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_DIGITS = "23456789"
_MARKS = "-_.+"
OFFERED_LENGTH = 20


def weakness(password: str, name: str) -> Problem | None:
    """What speaks against a new password."""
    plain = password.casefold()
    own = name.partition("@")[0]
    guessable = plain in _COMMON or len(set(plain)) < _FEWEST_DIFFERENT or plain.replace(own, "") == ""
    if not SHORTEST <= len(password) <= LONGEST or guessable:
        return Problem(Code.ADMIN_PASSWORD_WEAK, {"shortest": str(SHORTEST)}, place="password")
    return None


def offer() -> str:
    """A fresh password of mixed kinds without signs that look alike."""
    kinds = (_LETTERS, _CAPITALS, _DIGITS, _MARKS)
    signs = [secrets.choice(kind) for kind in kinds]
    signs += [secrets.choice(_LETTERS + _CAPITALS + _DIGITS) for _ in range(OFFERED_LENGTH - len(kinds))]
    secrets.SystemRandom().shuffle(signs)
    return "".join(signs)


class Passwords:
    """Hashes by argon2id with the library's parameters; tests bring cheaper ones."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        # Checked where there is no admin of a name, so that the answer takes as long.
        self._nobody = self._hasher.hash(secrets.token_urlsafe())

    def hash(self, password: str) -> str:
        """What the database keeps."""
        return self._hasher.hash(password)

    def is_right(self, password_hash: str | None, password: str) -> bool:
        """Whether this is the password; as slow without a hash as with one."""
        try:
            self._hasher.verify(password_hash or self._nobody, password)
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    def is_dated(self, password_hash: str) -> bool:
        """Whether it was hashed more weakly than is done now."""
        return self._hasher.check_needs_rehash(password_hash)
