"""Addresses: what people type is mended and told, what could change a dialogue is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.address import parse_address, to_ascii, to_host
from profiles.problems import Code


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("taro@example.jp", "taro@example.jp"),
        ("  taro@EXAMPLE.jp ", "taro@example.jp"),
        ("Taro.Yamada+mail@example.jp", "Taro.Yamada+mail@example.jp"),
        ("o'neil@example.com", "o'neil@example.com"),
        ("taro@例え.jp", "taro@xn--r8jz45g.jp"),
    ],
)
def test_plain_addresses_are_read_without_a_word(typed: str, read: str) -> None:
    address, problems = parse_address(typed)

    assert str(address) == read
    assert problems == ()


@pytest.mark.parametrize(
    "typed",
    [
        "ｔａｒｏ＠ｅｘａｍｐｌｅ．ｊｐ",
        "taro@example。jp",
        "ta\u200bro@example.jp",
        "mailto:taro@example.jp?subject=Hello",
        "<taro@example.jp>",
        "\ufefftaro@example.jp",
    ],
)
def test_slips_are_mended_and_told(typed: str) -> None:
    address, problems = parse_address(typed, place="address")

    assert str(address) == "taro@example.jp"
    assert [(p.code, p.place, p.is_error) for p in problems] == [(Code.ADDRESS_MENDED, "address", False)]


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "taro",
        "@example.jp",
        "taro@",
        "taro@localhost",
        "taro@127.0.0.1",
        "taro@[127.0.0.1]",
        "taro@127.1",
        '"ta ro"@example.jp',
        "ta ro@example.jp",
        "taro..yamada@example.jp",
        ".taro@example.jp",
        "太郎@example.jp",
        "taro@exa mple.jp",
        "taro@example.jp\r\nRCPT TO:<x@example.com>",
        "taro\x00@example.jp",
        "taro@-example.jp",
        "taro@exa_mple.jp",
        "a" * 65 + "@example.jp",
        "taro@" + "a" * 64 + ".jp",
        "a" * 64 + "@" + ".".join(["b" * 60] * 4) + ".jp",
        "a" * 100_000 + "@example.jp",
    ],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    address, problems = parse_address(typed)

    assert address is None
    assert [p.code for p in problems] == [Code.ADDRESS_INVALID]
    assert all(value.isprintable() and len(value) <= 320 for value in problems[0].params.values())


@given(st.text())
def test_any_text_ends_in_an_address_of_safe_signs_or_a_problem(text: str) -> None:
    address, problems = parse_address(text)

    assert (address is None) == any(p.is_error for p in problems)
    if address is not None:
        assert str(address).isascii()
        assert str(address).isprintable()
        assert parse_address(str(address)) == (address, ())


def test_mailboxes_are_recognised_in_lower_case() -> None:
    address, _ = parse_address("Taro@Example.JP")

    assert address is not None
    assert address.key == "taro@example.jp"


@pytest.mark.parametrize("name", ["127.1", "1.2.3.4", "a..b", "", ".", "-a.jp", "a" * 254, "xn--\u3042.jp "])
def test_what_is_no_host_name_has_no_labels(name: str) -> None:
    assert to_ascii(name) is None


@pytest.mark.parametrize(
    ("text", "host"),
    [("Mail.Example.JP.", "mail.example.jp"), ("[::1]", "::1"), ("10.0.0.5", "10.0.0.5"), ("127.1", None)],
)
def test_hosts_may_be_ip_addresses_in_full(text: str, host: str | None) -> None:
    assert to_host(text) == host
