"""Server URLs of the command line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.model import Protocol, SocketType
from profiles.problems import Code
from profiles.server_url import parse_server_url


@pytest.mark.parametrize(
    ("url", "protocol", "socket_type", "port"),
    [
        ("imaps://mail.example.jp", Protocol.IMAP, SocketType.SSL, 993),
        ("imap+starttls://mail.example.jp", Protocol.IMAP, SocketType.STARTTLS, 143),
        ("pop3s://mail.example.jp:995", Protocol.POP3, SocketType.SSL, 995),
        ("pop3+starttls://mail.example.jp:10110/", Protocol.POP3, SocketType.STARTTLS, 10110),
        ("SMTPS://Mail.Example.JP", Protocol.SMTP, SocketType.SSL, 465),
        ("smtp+starttls://mail.example.jp", Protocol.SMTP, SocketType.STARTTLS, 587),
    ],
)
def test_every_scheme_has_its_protocol_security_and_port(
    url: str, protocol: Protocol, socket_type: SocketType, port: int
) -> None:
    server, problems = parse_server_url(url, place="--incoming")

    assert problems == ()
    assert server is not None
    assert (server.protocol, server.socket_type, server.hostname, server.port) == (
        protocol,
        socket_type,
        "mail.example.jp",
        port,
    )


@pytest.mark.parametrize(
    ("url", "username"),
    [
        ("imaps://mail.example.jp", "%EMAILADDRESS%"),
        ("imaps://taro@mail.example.jp", "taro"),
        ("imaps://taro%40example.jp@mail.example.jp:993", "taro@example.jp"),
        ("imaps://%EMAILLOCALPART%@mail.example.jp", "%EMAILLOCALPART%"),
    ],
)
def test_the_user_name_may_stand_before_the_host(url: str, username: str) -> None:
    server, _ = parse_server_url(url, place="--incoming")

    assert server is not None
    assert server.username == username


@pytest.mark.parametrize(
    ("host", "endpoint"),
    [("localhost:1993", "localhost:1993"), ("127.0.0.1", "127.0.0.1:993"), ("[::1]:993", "[::1]:993")],
)
def test_the_hosts_own_hand_may_name_any_address(host: str, endpoint: str) -> None:
    server, _ = parse_server_url(f"imaps://{host}", place="--incoming")

    assert server is not None
    assert server.endpoint == endpoint


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example.jp",
        "imap://mail.example.jp",
        "smtp://mail.example.jp",
        "https://mail.example.jp",
        "imaps://",
        "imaps://:993",
        "imaps://127.1",
        "imaps://mail.example.jp:0",
        "imaps://mail.example.jp:65536",
        "imaps://mail.example.jp:port",
        "imaps://mail.example.jp/path",
        "imaps://mail.example.jp?x=1",
        "imaps://mail_example.jp",
        "imaps://ma\nil.example.jp",
        "imaps://ta%0aro@mail.example.jp",
        "imaps://[::1",
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    server, problems = parse_server_url(url, place="--incoming")

    assert server is None
    assert [(p.code, p.place) for p in problems] == [(Code.SERVER_URL_INVALID, "--incoming")]


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    server, problems = parse_server_url("imaps://taro:s3cret-p@ss@mail.example.jp", place="--incoming")

    assert server is None
    assert "s3cret" not in str(problems)
    assert "mail.example.jp" in problems[0].params["url"]


@given(st.text())
def test_any_text_ends_in_a_server_or_a_problem(text: str) -> None:
    server, problems = parse_server_url("imaps://" + text, place="x")

    assert (server is None) == bool(problems)
