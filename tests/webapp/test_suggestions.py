"""What a failed check offers in one press, and what the press puts into the form."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask_babel import Babel
from werkzeug.datastructures import MultiDict

from profiles.address import Address
from profiles.model import MailAccount, Protocol, Server, ServiceSettings, SocketType, Source
from profiles.problems import Code, Problem
from webapp.setup.forms import SetupForm
from webapp.setup.suggestions import apply_suggestion, suggestions

IMAP = Server(protocol=Protocol.IMAP, hostname="mail.example.com", port=993, socket_type=SocketType.SSL)
SMTP = Server(protocol=Protocol.SMTP, hostname="mail.example.com", port=465, socket_type=SocketType.SSL)
ACCOUNT: MailAccount = ServiceSettings(
    id="example.com",
    display_name="Example",
    display_short_name="Example",
    domains=("example.com",),
    incoming_servers=(IMAP,),
    outgoing_servers=(SMTP,),
    source=Source.OPTIONS,
).account(Address("taro", "example.com"))


@pytest.fixture(autouse=True)
def _language() -> Iterator[None]:
    app = Flask(__name__)
    Babel(app)
    with app.test_request_context():
        yield


def form(**fields: str) -> SetupForm:
    typed = {
        "address": "taro@example.com",
        "incoming_hostname": "mail.example.com",
        "outgoing_hostname": "mail.example.com",
        **fields,
    }
    return SetupForm(MultiDict(typed), meta={"csrf": False})


def pressed(problem: Problem) -> SetupForm:
    """The form after the only offer was pressed."""
    (offer,) = suggestions(ACCOUNT, [problem])
    filled = form()
    apply_suggestion(filled, offer.value)
    return filled


def test_a_port_that_answers_is_offered_for_its_side() -> None:
    problem = Problem(
        Code.CONNECT_REFUSED,
        {"suggested_port": "587", "suggested_security": "STARTTLS"},
        server=SMTP.endpoint,
    )

    filled = pressed(problem)

    assert (filled.outgoing_port.data, filled.outgoing_security.data) == ("587", "STARTTLS")
    assert not filled.incoming_port.data


def test_the_id_instead_of_the_address_is_offered_for_both_sides() -> None:
    filled = pressed(Problem(Code.USERNAME_FORM_LIKELY, {"suggested_username": "taro"}, server=IMAP.endpoint))

    assert (filled.incoming_username.data, filled.outgoing_username.data) == ("taro", "taro")


def test_the_address_instead_of_the_id_empties_the_field() -> None:
    problem = Problem(Code.USERNAME_FORM_LIKELY, {"suggested_username": "taro@example.com"}, server=IMAP.endpoint)

    assert pressed(problem).incoming_username.data == ""


def test_another_name_of_the_same_server_is_offered_for_every_side_on_it() -> None:
    problem = Problem(Code.CERT_WRONG_NAME, {"suggested_host": "sv1.example.net"}, server=IMAP.endpoint)

    filled = pressed(problem)

    assert (filled.incoming_hostname.data, filled.outgoing_hostname.data) == ("sv1.example.net",) * 2


def test_nothing_is_offered_that_was_not_seen_working() -> None:
    assert suggestions(ACCOUNT, [Problem(Code.CONNECT_REFUSED, server=IMAP.endpoint)]) == ()


def test_the_same_offer_stands_once() -> None:
    problem = Problem(Code.CERT_WRONG_NAME, {"suggested_host": "sv1.example.net"}, server=IMAP.endpoint)

    assert len(suggestions(ACCOUNT, [problem, problem])) == 1


@pytest.mark.parametrize(
    "value",
    ["", "x", "incoming", "incoming x SSL", "incoming 143 plain", "host a b", "host mail.example.com ../x"],
)
def test_an_invented_offer_changes_nothing(value: str) -> None:
    filled = form()
    apply_suggestion(filled, value)

    assert filled.data == form().data
