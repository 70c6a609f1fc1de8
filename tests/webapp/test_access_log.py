"""No token, address or query reaches the access log."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from gunicorn.config import Config
from hypothesis import given
from hypothesis import strategies as st

from webapp.access_log import line, loggable_client, loggable_path, write
from webapp.serve import RequestLog

TOKEN = "s0mEt0kenOf128bits_-xy"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/", "/"),
        ("/healthz", "/healthz"),
        ("/ja", "/ja"),
        ("/ja/", "/ja/"),
        ("/mail/config-v1.1.xml", "/mail/config-v1.1.xml"),
        ("/.well-known/autoconfig/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml"),
        (f"/c/{TOKEN}", "/c/*"),
        (f"/ja/h/{TOKEN}", "/ja/h/*"),
        ("/s/short", "/s/*"),
        (f"/d/{TOKEN}/hanako.mobileconfig", "/d/*"),
        ("/autodiscover/autodiscover.json/v1.0/hanako@example.com", "/autodiscover/autodiscover.json/v1.0/*"),
        ("/hanako%40example.com", "/*"),
        ("/mail/config-v1.1.xml?emailaddress=hanako", "/mail/config-v1.1.xml"),
        (f"/elsewhere/{TOKEN}", "/elsewhere/*"),
        ("/a\nevent=forged", "/*"),
        ("/a b", "/*"),
        ("", "/"),
    ],
)
def test_a_path_is_shown_only_as_far_as_it_is_harmless(path: str, shown: str) -> None:
    assert loggable_path(path) == shown


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("", "-"),
        ("unix:", "-"),
    ],
)
def test_a_client_is_shown_as_its_network(address: str, network: str) -> None:
    assert loggable_client(address) == network


@given(st.text(), st.text(), st.text())
def test_a_line_stays_one_line(method: str, path: str, client: str) -> None:
    entry = line(method=method, path="/" + path, status="200", size="1", milliseconds=1, client=client)

    assert entry.splitlines() == [entry]
    assert entry.isascii()
    assert "@" not in entry


def test_a_reader_that_stopped_reading_does_not_stop_the_writer() -> None:
    reader, writer = os.pipe()
    entry = b"x" * 199 + b"\n"

    written = sum(write(entry, writer) for _ in range(1_000))

    assert 0 < written < 1_000
    assert os.read(reader, 1_000_000) == entry * written
    os.close(reader)
    os.close(writer)


def test_a_stream_that_breaks_is_logged_by_its_place_alone(caplog: pytest.LogCaptureFixture) -> None:
    """What goes wrong while an answer is sent reaches the server, and its message may hold a password."""
    log = RequestLog(Config())
    log.error_log.propagate = True

    def stream() -> Iterator[bytes]:
        raise ValueError("canary-password")
        yield b""

    try:
        next(stream())
    except ValueError:
        log.exception("Error handling request %s", "/s/canary-token")

    assert "type=ValueError" in caplog.text
    assert "test_access_log.py" in caplog.text
    assert "canary" not in caplog.text
