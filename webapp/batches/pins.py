"""PINs of ready-made links: six digits, given by the list or made here, told to the employee another way."""

from __future__ import annotations

import hmac
import re
import secrets
import unicodedata

PIN_DIGITS = 6
MOST_WRONG_PINS = 5
"""After the fifth wrong one the link is locked: five guesses of a million."""
_BLANKS = re.compile(r"[\s\-‐‑–−ー]+")
_DIGITS = "01234567890"


def read_pin(text: str) -> str | None:
    """The digits of a PIN as people write it: any width, blanks and hyphens between; None for anything else.

    What is returned may have another length than a PIN: whether that can be mended is not decided here.
    """
    digits = _BLANKS.sub("", unicodedata.normalize("NFKC", text))
    return digits if digits.isascii() and digits.isdigit() else None


def is_pin(digits: str) -> bool:
    """Whether these digits are a PIN."""
    return len(digits) == PIN_DIGITS and digits.isascii() and digits.isdigit()


def without_lost_zero(digits: str) -> str | None:
    """Five digits with the zero in front that a spreadsheet took away; None for any other length.

    A spreadsheet takes 012345 for a number and shows 12345. Fewer digits may also be a four-digit PIN by mistake,
    so they are not guessed at.
    """
    return f"0{digits}" if len(digits) == PIN_DIGITS - 1 else None


def is_trivial(pin: str, *others: str) -> bool:
    """Whether this is among the first that anybody tries: one digit, a run of digits, or another known number."""
    one_digit = len(set(pin)) == 1
    run = pin in _DIGITS or pin[::-1] in _DIGITS
    known = {digits.zfill(PIN_DIGITS) for other in others if (digits := read_pin(other))}
    return one_digit or run or pin in known


def new_pin(*others: str) -> str:
    """A random PIN that is not trivial, and does not begin with the zero that a spreadsheet takes away."""
    while True:
        pin = str(secrets.choice(range(10 ** (PIN_DIGITS - 1), 10**PIN_DIGITS)))
        if not is_trivial(pin, *others):
            return pin


def is_same(typed: str, pin: str) -> bool:
    """Compare without telling by the time it takes how much of it is right."""
    return hmac.compare_digest(typed.encode(), pin.encode())
