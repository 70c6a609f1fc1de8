"""Thunderbird's QR code text, by its own format description."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from profiles import qr
from profiles.address import Address
from profiles.model import Authentication, RenderOptions
from profiles.problems import Code, ProblemError
from profiles.thunderbird_qr import render

from .accounts import IMAP, POP3_ONLY, SMTP, account, service

WORKED_EXAMPLE = (
    '[1,[1,1],[0,"imap.domain.example",993,3,1,"user@domain.example"],'
    '[[[0,"smtp.domain.example",465,3,1,"user@domain.example"],["user@domain.example","Jane Doe"]]]]'
)


def code_of(mail_account=None, **options):
    return json.loads(render(mail_account or account(), RenderOptions(**options)).data)


def test_worked_example_of_the_format():
    settings = service(
        incoming_servers=(replace(IMAP, hostname="imap.domain.example"),),
        outgoing_servers=(replace(SMTP, hostname="smtp.domain.example"),),
    )
    jane = settings.account(Address("user", "domain.example"), "Jane Doe")

    text = render(jane, RenderOptions()).data.decode()

    assert text == WORKED_EXAMPLE
    assert len(text) == 160
    assert len(qr.matrix(text)) == 53, "version 9 at level M"


def test_names_are_utf_8_not_escaped():
    assert "山田 太郎" in render(account(), RenderOptions()).data.decode()


def test_pop3_and_starttls():
    _, _, incoming, [[outgoing, _]] = code_of(account(POP3_ONLY))

    assert incoming == [1, "mail.corp.example", 995, 3, 1, "taro.yamada"]
    assert outgoing == [0, "mail.corp.example", 587, 2, 1, "taro.yamada"]


@pytest.mark.parametrize("password", [None, ""])
def test_nothing_optional_is_written_without_a_password(password):
    """The app's reader throws on null, so what is absent is left out."""
    text = render(account(), RenderOptions(password=password)).data

    assert len(json.loads(text)[2]) == 6
    assert b"null" not in text


def test_passwords_stand_last():
    _, _, incoming, [[outgoing, _]] = code_of(password="one", outgoing_password="two")

    assert incoming[6:] == ["", "one"]
    assert outgoing[6:] == ["two"]


def test_one_password_serves_both():
    _, _, incoming, [[outgoing, _]] = code_of(password="one")

    assert (incoming[-1], outgoing[-1]) == ("one", "one")


def test_identity_without_a_name_is_an_empty_name():
    assert code_of(account(full_name=""))[3][0][1] == ["taro.yamada@corp.example", ""]


@pytest.mark.parametrize(
    ("way", "number"),
    [
        (Authentication.OAUTH2, 6),
        (Authentication.PASSWORD_ENCRYPTED, 2),
        (Authentication.TLS_CLIENT_CERT, 5),
    ],
)
def test_other_ways_to_sign_in(way, number):
    settings = service(incoming_servers=(replace(IMAP, authentication=(way,)),))

    assert code_of(account(settings))[2][4] == number


@pytest.mark.parametrize("way", [Authentication.NTLM, Authentication.GSSAPI])
def test_way_that_android_rejects_is_refused(way):
    settings = service(incoming_servers=(replace(IMAP, authentication=(way,)),))

    with pytest.raises(ProblemError) as refusal:
        code_of(account(settings))

    assert [problem.code for problem in refusal.value.problems] == [Code.FORMAT_CANNOT_HOLD]
