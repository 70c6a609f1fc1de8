"""What a mail says, in both parts and languages, and what names of a list cannot do to it."""

from __future__ import annotations

import re
from email.header import decode_header, make_header
from email.utils import parseaddr
from html.parser import HTMLParser
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.address import Address
from tests.webapp.mails.writing import LETTER, LINK, message, read, text_of, written
from webapp.mails import Kind
from webapp.mails.plain import WIDTH, width

LANGUAGES = ("ja", "en")
KINDS = tuple(Kind)
HOSTILE = (
    'Bobby "Tables" <x@evil.example>',
    "太郎\r\nBcc: evil@evil.example",
    "a\nSubject: free money",
    "<script>alert(1)</script>",
    "</td></table><img src=//evil.example/x>",
    "\u202egpj.exe\u202c 山田",
    "山田,太郎;(comment)",
    "=?utf-8?b?PHNjcmlwdD4=?=",
    "𠮷田 髙志" * 12,
    "O'Brien, \\ \"",
    "a" * 100,
    "، مرحبا بك يا أحمد",
    "\x00\x07\x1b[31m",
    "&lt;b&gt; &amp;",
)


class Outline(HTMLParser):
    """The tags, addresses and words of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "background", "action")]

    def handle_data(self, data: str) -> None:
        self.words += data


def test_headers_of_an_invitation() -> None:
    found = message()

    assert found["From"].addresses[0].display_name == "株式会社サンプル"
    assert found["From"].addresses[0].addr_spec == "hagaki@corp.example"
    assert found["To"].addresses[0].display_name == "山田 太郎"
    assert found["To"].addresses[0].addr_spec == "taro.private@mail.example"
    assert found["Reply-To"] == "help@corp.example"
    assert found["Subject"] == "メールの設定のご案内（株式会社サンプル）"
    assert found["Date"] == "Wed, 25 Nov 2026 10:00:00 +0900"
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["Content-Language"] == "ja"
    assert found.get_content_type() == "multipart/alternative"


@pytest.mark.parametrize(("kind", "language"), [*product((Kind.INVITATION, Kind.REMINDER), LANGUAGES)])
@pytest.mark.parametrize("part", ["plain", "html"])
def test_both_parts_say_link_address_expiry_number_and_whom_to_ask(kind: Kind, language: str, part: str) -> None:
    content = text_of(message(kind=kind, language=language), part)

    words = Outline(content).words if part == "html" else content
    expires = {"ja": "2026年12月31日(木) 23:59", "en": "Thursday 31 December 2026, 23:59"}[language]
    for said in (LINK, "taro.yamada@corp.example", expires, "help@corp.example", "株式会社サンプル"):
        assert said in re.sub(r"\n +", "", words)
    number = "4020137" if part == "html" else "402-0137"
    assert number in re.sub(r"\s", "", words)


@pytest.mark.parametrize(("kind", "language"), [*product(KINDS, LANGUAGES)])
def test_the_text_fits_into_72_columns(kind: Kind, language: str) -> None:
    content = text_of(message(kind=kind, language=language, company="株式会社サンプル・コーポレーション東京本社"))

    assert [line for line in content.splitlines() if width(line, wide=language == "ja") > WIDTH] == []


def test_japanese_lines_do_not_begin_with_punctuation_or_divide_katakana() -> None:
    content = text_of(message(kind=Kind.REMINDER))

    for line, following in zip(content.splitlines(), content.splitlines()[1:], strict=False):
        assert not following.startswith(tuple("、。）」ー"))
        assert not (line.endswith("ー") and following.startswith("タ"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_are_those_of_the_language(language: str) -> None:
    content = text_of(message(language=language, company="Example", full_name="Taro", help=""))

    assert bool(re.search(r"[ぁ-ヺ]", content)) == (language == "ja")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_link_that_asks_for_a_pin_says_that_the_pin_comes_another_way(language: str) -> None:
    without, with_pin = (text_of(message(language=language, needs_pin=pin)) for pin in (False, True))

    assert "PIN" not in without
    assert "PIN" in with_pin
    assert {"ja": "別の方法", "en": "another way"}[language] in with_pin


@pytest.mark.parametrize(("kind", "language"), [*product(KINDS, LANGUAGES)])
def test_html_loads_nothing_and_leads_to_the_link_alone(kind: Kind, language: str) -> None:
    page = text_of(message(kind=kind, language=language), "html")
    outline = Outline(page)

    assert set(outline.addresses) == (set() if kind is Kind.TEST else {LINK})
    assert {"img", "script", "link", "iframe", "form", "svg"} & set(outline.tags) == set()
    assert not re.search(r"url\(|@import|http-equiv", page)
    assert f'<html lang="{language}">' in page


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("language", LANGUAGES)
def test_names_change_neither_headers_nor_markup(name: str, language: str) -> None:
    calm = message(language=language)

    found = message(language=language, full_name=name, company=name, help=name)

    # A help desk with an address in its words is one that can be replied to.
    assert set(calm.keys()) - {"Reply-To"} == set(found.keys()) - {"Reply-To"}
    assert len(found.keys()) == len(set(found.keys()))
    assert [one.addr_spec for one in found["To"].addresses] == ["taro.private@mail.example"]
    assert [one.addr_spec for one in found["From"].addresses] == ["hagaki@corp.example"]
    page = text_of(found, "html")
    assert Outline(page).tags == Outline(text_of(calm, "html")).tags
    assert set(Outline(page).addresses) == {LINK}
    for sign in "\u202e\u202c\x00\x07\x1b":
        assert sign not in page + text_of(found) + found["Subject"] + str(found["To"])


@settings(max_examples=150, deadline=None)
@given(name=st.text(max_size=100), company=st.text(max_size=60))
def test_whatever_a_name_holds_the_message_is_seven_bits_and_reads_back(name: str, company: str) -> None:
    data = written(full_name=name, company=company)

    assert data.isascii()
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert b"\n" not in data.replace(b"\r\n", b"")
    found = read(data)
    assert found.defects == []
    assert [one.addr_spec for one in found["To"].addresses] == ["taro.private@mail.example"]
    assert [one.addr_spec for one in found["From"].addresses] == ["hagaki@corp.example"]
    assert LINK in text_of(found)
    assert found["Message-ID"] == LETTER.message_id


@pytest.mark.parametrize(
    "name", ["山田 太郎", "髙橋、花子", "Yamada, Taro", 'Taro "T" Yamada', "J. Doe", "名" * 100], ids=len
)
def test_a_name_comes_back_as_it_was(name: str) -> None:
    raw = re.search(rb"(?ms)^To: (.*?)\r\n(?! )", written(full_name=name))

    assert raw is not None
    assert max(map(len, raw[0].split(b"\r\n"))) <= 78
    # The newer parser of the standard library puts blanks between the encoded words of a name.
    found = str(make_header(decode_header(raw[1].decode())))
    assert parseaddr(found if name.isascii() else f'"{found.partition(" <")[0]}" <x@y.example>')[0] == name


def test_the_same_letter_has_the_same_message_id_and_another_one_has_not() -> None:
    ids = [
        str(message(**changes)["Message-ID"])
        for changes in ({}, {}, {"reference": b"row 2"}, {"kind": Kind.REMINDER}, {"full_name": "other"})
    ]

    assert ids[0] == ids[1] == ids[4]
    assert len(set(ids)) == 3
    assert ids[0].endswith("@corp.example>")


def test_an_international_domain_goes_as_a_labels() -> None:
    data = written(recipient=Address("taro", "xn--wgv71a119e.example"))

    assert b"taro@xn--wgv71a119e.example" in data


def test_without_a_help_desk_that_can_be_written_to_replies_go_to_the_sender() -> None:
    assert message(help="内線 100")["Reply-To"] is None


def test_a_person_without_a_name_is_not_addressed() -> None:
    content = text_of(message(full_name="", language="en"))

    assert "Dear" not in content
