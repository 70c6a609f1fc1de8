"""File names that every system takes, with kanji kept."""

from __future__ import annotations

import unicodedata

import pytest

from profiles.address import Address
from webapp.batches.names import file_stem, safe

TARO = Address("taro", "corp.example")


def test_a_file_is_found_by_address_and_name() -> None:
    assert file_stem(TARO, "𠮷田 髙志") == "taro@corp.example 𠮷田 髙志"
    assert file_stem(TARO) == "taro@corp.example"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('a/b\\c:d*e?f"g<h>i|j', "a_b_c_d_e_f_g_h_i_j"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("trailing. . ", "trailing"),
        ("con", "_con"),
        ("NUL.txt", "_NUL.txt"),
        ("com1", "_com1"),
        ("CONrad", "CONrad"),
        ("\u202egnp.exe", "gnp.exe"),
        ("a\u200bb\x07c", "abc"),
        ("が", "が"),
        ("か\u3099", "が"),
    ],
)
def test_what_a_system_forbids_is_replaced(text: str, name: str) -> None:
    assert safe(text) == name


def test_addresses_that_differ_in_forbidden_signs_get_different_names() -> None:
    names = {file_stem(Address(local, "corp.example")) for local in ("a*b", "a?b", "a|b", "a_b")}

    assert len(names) == 4


def test_names_stay_short_without_cutting_a_sign() -> None:
    stem = file_stem(Address("a" * 64, "b" * 60 + "." + "c" * 60 + ".example"), "𠮷" * 100)

    assert len(stem.encode()) <= 150
    assert unicodedata.is_normalized("NFC", stem)
    assert file_stem(Address("a" * 64, "b" * 60 + "." + "c" * 60 + ".example.jp")) != stem
