"""What people type comes back from every file as it went in."""

from __future__ import annotations

import json
import plistlib
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from profiles import autodiscover, k9s, mobileconfig, thunderbird_qr
from profiles.address import Address
from profiles.model import ASK, Protocol, RenderOptions
from profiles.problems import Code, ProblemError
from profiles.xml_document import is_writable

from .accounts import ADDRESS, account, server, service

TYPED = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"), min_size=1)
TRAPS = (
    "& < > \" ' ]]>",
    "&amp;",
    "山田 太郎",
    "Zoë Müller 🎐👩‍👩‍👧",
    "<![CDATA[",
    "%(address)s",
    "%EMAILADDRESS%",
    " x ",
)


def with_traps(test):
    for trap in TRAPS:
        test = example(name=trap, password=trap)(test)
    return given(name=TYPED, password=TYPED)(test)


@with_traps
def test_mobileconfig(name, password):
    data = mobileconfig.render(account(full_name=name), RenderOptions(password=password)).data
    mail = plistlib.loads(data)["PayloadContent"][0]

    assert (mail["EmailAccountName"], mail["IncomingPassword"]) == (name, password)


@with_traps
def test_k9s(name, password):
    root = fromstring(k9s.render(account(full_name=name), RenderOptions(password=password)).data)

    assert root.findtext(".//identity/name") == name
    assert [element.text for element in root.iter("password")] == [password, password]


@with_traps
def test_thunderbird_qr(name, password):
    data = thunderbird_qr.render(account(full_name=name), RenderOptions(password=password)).data
    _, _, incoming, [[outgoing, identity]] = json.loads(data)

    assert (incoming[7], outgoing[6], identity[1]) == (password, password, name)


@given(st.from_regex(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}", fullmatch=True))
@example("%EMAILLOCALPART%")
def test_autodiscover_address(local):
    answer = autodiscover.render_settings_for_address(service(), Address(local, "corp.example"))
    names = [element.text for element in fromstring(answer).iter() if element.tag.endswith("LoginName")]

    assert names == [f"{local}@corp.example"] * 2


@given(TYPED)
def test_what_people_type_is_writable(text):
    assert is_writable(text) == all(not 0x7F <= ord(sign) <= 0x9F for sign in text)


@pytest.mark.parametrize("sign", [*map(chr, range(0x20)), "\x7f", "\x85", "\udc80", "\ufffe", "\uffff"])
def test_what_would_not_come_back_is_not_writable(sign):
    assert not is_writable(f"a{sign}b")


@pytest.mark.parametrize("format_", [mobileconfig, k9s, thunderbird_qr])
@pytest.mark.parametrize("sign", ["\x01", "\r", "\n", "\udc80", "\ufffe"])
def test_user_name_that_would_not_come_back_is_refused(format_, sign):
    """Lists and the command line bring user names that no form has seen."""
    asked = service(
        incoming_servers=(server(Protocol.IMAP, 993, username=ASK),),
        outgoing_servers=(server(Protocol.SMTP, 465, username=ASK),),
    )

    with pytest.raises(ProblemError) as refusal:
        format_.render(asked.account(ADDRESS, username=f"a{sign}b"), RenderOptions())

    assert [problem.code for problem in refusal.value.problems] == [Code.USERNAME_UNUSABLE]
