"""The short way of reading a POX request reads exactly what expat reads."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.webapp.endpoints.asking import pox
from webapp.endpoints.pox_request import PoxRefused, PoxRequest, parse, parse_any

_PIECES = [piece for piece in re.split(rb"(?<=>)|(?=<)|(?<= )", pox("taro@corp.example")) if piece]
_JUNK = st.one_of(
    st.sampled_from(
        [
            b"",
            b" ",
            b"\n",
            b"\0",
            b"&amp;",
            b"]]>",
            b"<!--x-->",
            b"<x/>",
            b"'",
            b'"',
            b"\x0b",
            b"\xff",
            b"\xc2\xa0",
            b"=",
        ]
    ),
    st.sampled_from(_PIECES),
    st.binary(max_size=3),
)


def outcome(read: object, body: bytes) -> PoxRequest | tuple[int, str]:
    """What a reader makes of a body."""
    try:
        return read(body)  # type: ignore[operator]
    except PoxRefused as refused:
        return refused.error


@settings(max_examples=1500, deadline=None)
@given(
    cuts=st.lists(st.tuples(st.integers(0, len(_PIECES)), st.integers(0, 2), _JUNK), max_size=3),
)
def test_usual_form_is_read_as_expat_reads_it(cuts: list[tuple[int, int, bytes]]) -> None:
    pieces = list(_PIECES)
    for at, dropped, junk in cuts:
        pieces[at : at + dropped] = [junk]
    body = b"".join(pieces)

    assert outcome(parse, body) == outcome(parse_any, body)


@settings(max_examples=500, deadline=None)
@given(st.text(st.characters(max_codepoint=0x17F), max_size=20), st.text(max_size=20))
def test_any_text_is_read_as_expat_reads_it(address: str, schema: str) -> None:
    body = pox(address, schema) if (address + schema).isprintable() else pox("x")

    assert outcome(parse, body) == outcome(parse_any, body)
