"""The relay and the sender, as the settings name them."""

from __future__ import annotations

import pytest

from profiles.address import Address, parse_recipient
from profiles.problems import Code, ProblemError
from tests.webapp.mails.writing import written
from webapp.mails import Relay, read_relay, sender_of
from webapp.mails.relay import Security


@pytest.mark.parametrize(
    ("url", "relay"),
    [
        ("smtps://smtp.corp.example", Relay(host="smtp.corp.example", port=465, security=Security.TLS)),
        (
            "smtp+starttls://smtp.corp.example",
            Relay(host="smtp.corp.example", port=587, security=Security.STARTTLS),
        ),
        ("smtp://localhost", Relay(host="localhost", port=25, security=Security.OFFERED)),
        ("smtp://[::1]:2525", Relay(host="::1", port=2525, security=Security.OFFERED)),
        ("smtps://メール.example:99", Relay(host="xn--4dkua4c.example", port=99, security=Security.TLS)),
        (
            "smtps://a%40b.example:p%2F%23%3A%25@smtp.corp.example",
            Relay(
                host="smtp.corp.example", port=465, security=Security.TLS, username="a@b.example", password="p/#:%"
            ),
        ),
    ],
)
def test_a_url_names_a_relay(url: str, relay: Relay) -> None:
    assert read_relay(url) == relay


@pytest.mark.parametrize(
    ("host", "is_local"),
    [("localhost", True), ("127.0.0.7", True), ("::1", True), ("10.0.0.1", False), ("m.x", False)],
)
def test_what_is_within_this_machine(host: str, is_local: bool) -> None:
    assert Relay(host=host, port=25, security=Security.OFFERED).is_local is is_local


def test_a_password_shows_in_no_repr() -> None:
    assert "hush" not in repr(read_relay("smtps://u:hush@smtp.corp.example"))


@pytest.mark.parametrize(("url", "code"), [(None, Code.MAIL_NOT_SET_UP), ("smtp://a b/", Code.SETTING_INVALID)])
def test_without_a_usable_relay_the_setting_is_named(url: str | None, code: Code) -> None:
    with pytest.raises(ProblemError) as caught:
        read_relay(url)

    (problem,) = caught.value.problems
    assert (problem.code, problem.place) == (code, "HAGAKI_SMTP_URL")


def test_the_sender_is_the_setting_else_the_address_of_the_log_in() -> None:
    relay = read_relay("smtps://login%40corp.example:x@smtp.corp.example")

    assert str(sender_of(relay, None)) == "login@corp.example"
    assert str(sender_of(relay, Address("hagaki", "corp.example"))) == "hagaki@corp.example"
    with pytest.raises(ProblemError) as caught:
        sender_of(read_relay("smtps://login:x@smtp.corp.example"), None)
    assert caught.value.problems[0].place == "HAGAKI_MAIL_FROM"


@pytest.mark.parametrize("text", ["taro..y@docomo.example", "taro.@docomo.example", ".taro@docomo.example"])
def test_old_mobile_addresses_with_dots_in_odd_places_are_written_in_quotation_marks(text: str) -> None:
    address, problems = parse_recipient(text)

    assert address is not None
    assert problems == ()
    local, _, domain = text.partition("@")
    assert address.path == f'"{local}"@{domain}'
    assert f'<"{local}"@{domain}>'.encode() in written(recipient=address)


@pytest.mark.parametrize(
    "text", ["taro", "a b@docomo.example", 'x"y@docomo.example', "a..b@docomo", "a\r\n@b.example"]
)
def test_anything_else_stays_refused(text: str) -> None:
    address, problems = parse_recipient(text)

    assert address is None
    assert [problem.code for problem in problems] == [Code.ADDRESS_INVALID]
