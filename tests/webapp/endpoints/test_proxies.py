"""Whose X-Forwarded headers count, and the headers of every answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.webapp.endpoints.asking import Reply
from webapp.security import HEADERS

Get = Callable[..., Reply]
PATH = "/mail/config-v1.1.xml"


@pytest.mark.parametrize("peer", ["127.0.0.1", "::ffff:127.0.0.1"])
def test_trusted_proxy_names_the_host(get: Get, peer: str) -> None:
    reply = get(PATH, host="10.0.0.1:8080", HTTP_X_FORWARDED_HOST="autoconfig.other.example", REMOTE_ADDR=peer)

    assert b"<domain>other.example</domain>" in reply.body


@pytest.mark.parametrize("peer", ["192.0.2.1", "", "unix:", "::1"])
def test_stranger_names_no_host_and_no_scheme(get: Get, peer: str) -> None:
    reply = get(
        PATH,
        HTTP_X_FORWARDED_HOST="autoconfig.other.example",
        HTTP_X_FORWARDED_PROTO="http",
        HTTP_X_FORWARDED_FOR="127.0.0.1",
        REMOTE_ADDR=peer,
    )

    assert b"<domain>corp.example</domain>" in reply.body


def test_last_value_counts_because_the_nearest_proxy_wrote_it(get: Get) -> None:
    reply = get(PATH, HTTP_X_FORWARDED_HOST="evil.example, autoconfig.other.example", REMOTE_ADDR="127.0.0.1")

    assert b"<domain>other.example</domain>" in reply.body


@pytest.mark.parametrize(
    ("path", "host"),
    [
        (PATH, "corp.example"),
        (PATH, "foreign.example"),
        ("/EWS/x", ""),
        ("/robots.txt", ""),
        ("/autodiscover/x", ""),
    ],
)
def test_every_answer_carries_the_header_set_and_no_cookie(get: Get, path: str, host: str) -> None:
    headers = get(path, host=host).headers

    assert {name.lower() for name in HEADERS} <= set(headers)
    assert "set-cookie" not in headers


def test_customers_subdomains_are_not_tied_to_https(get: Get) -> None:
    assert "includesubdomains" not in get(PATH).headers["strict-transport-security"].lower()
