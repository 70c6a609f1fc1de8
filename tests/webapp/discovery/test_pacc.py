"""PACC documents: both drafts, the digest in DNS, and what strangers may write into them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.model import SignIn
from tests.servers.web import Reply
from tests.webapp.discovery.internet import PACC, Internet, digest, endpoints, pacc_document
from webapp.discovery.candidates import Trust
from webapp.discovery.pacc import pacc, read

HOST = "ua-auto-config.example.com"


@pytest.mark.parametrize("key", ["smtp", "submit"])
def test_both_drafts_are_read(key: str) -> None:
    settings = read(
        pacc_document(imap={"host": "imap.example.com"}, **{key: {"host": "smtp.example.com"}}), "example.com"
    )

    assert settings is not None
    assert endpoints(settings) == ["imap imap.example.com:993 SSL", "smtp smtp.example.com:465 SSL"]
    assert settings.display_name == "Example"


def test_calendars_and_contacts_are_read() -> None:
    settings = read(
        pacc_document(
            imap={"host": "imap.example.com"},
            smtp={"host": "smtp.example.com"},
            caldav={"url": "https://dav.example.com/calendars/"},
            carddav={"url": "http://dav.example.com/contacts/"},
        ),
        "example.com",
    )

    assert settings is not None
    assert settings.calendar is not None
    assert settings.calendar.url == "https://dav.example.com/calendars/"
    assert settings.addressbook is None


@pytest.mark.parametrize(
    "url",
    ["https://dav.example.com:8443/", "https://dav.example.com:x/", "https://[::1", "https://127.0.0.1/", 5, None],
)
def test_a_calendar_that_is_no_plain_https_address_is_left_out(url: object) -> None:
    hosts = {"imap": {"host": "a.example.com"}, "smtp": {"host": "a.example.com"}}

    settings = read(pacc_document(**hosts, caldav={"url": url}), "example.com")

    assert settings is not None
    assert settings.calendar is None


def test_without_passwords_a_person_signs_in_at_the_provider() -> None:
    document = json.loads(pacc_document()) | {"authentication": {"password": False}}

    settings = read(json.dumps(document).encode(), "example.com")

    assert settings is not None
    assert settings.sign_in is SignIn.OAUTH


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b"{",
        b"\xff",
        b'{"protocols": []}',
        b'{"protocols": {"imap": "x", "smtp": {"host": 5}}}',
        b'{"protocols": {"imap": {"host": "127.0.0.1"}, "smtp": {"host": "localhost"}}}',
        b"[" * 60000,
    ],
)
def test_what_is_no_such_document_says_nothing(body: bytes) -> None:
    assert read(body, "example.com") is None


@given(st.binary(max_size=200))
def test_any_bytes_end_without_an_exception(body: bytes) -> None:
    read(body, "example.com")


def test_a_confirmed_document_is_authenticated(internet: Internet) -> None:
    body = pacc_document()
    internet.publishes(HOST, PACC, Reply(body=body, content_type="application/json"))
    internet.has(
        f"_ua-auto-config.example.com TXT {digest(b'old')}", f"_ua-auto-config.example.com TXT {digest(body)}"
    )

    (found,) = internet.ask(pacc)

    assert found.trust is Trust.AUTHENTICATED
    assert "DNS confirms" in found.reason


def test_a_document_without_a_digest_is_as_good_as_its_https(internet: Internet) -> None:
    internet.publishes(HOST, PACC, pacc_document())

    (found,) = internet.ask(pacc)

    assert found.trust is Trust.AUTHENTICATED
    assert "DNS confirms" not in found.reason


def test_a_document_that_dns_does_not_confirm_is_not_used(internet: Internet) -> None:
    internet.publishes(HOST, PACC, pacc_document())
    internet.has(f"_ua-auto-config.example.com TXT {digest(b'another')}")

    assert internet.ask(pacc) == []
