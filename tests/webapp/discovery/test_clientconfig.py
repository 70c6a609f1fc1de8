"""Other people's autoconfig documents: read as they are meant, refused where they are dangerous."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.address import Address
from profiles.model import Authentication, SignIn, Source
from tests.webapp.discovery.internet import document, endpoints, server
from webapp.discovery.clientconfig import parse

SMTP = server("smtp", "smtp.example.com", 465)


def read(body: bytes) -> list[str] | None:
    settings = parse(body, "example.com", Source.AUTOCONFIG)
    return None if settings is None else endpoints(settings)


def test_servers_are_read_in_their_order_with_imap_first() -> None:
    body = document(
        server("pop3", "pop.example.com", 995),
        server("imap", "imap.example.com", 143, "STARTTLS"),
        SMTP,
        server("smtp", "smtp.example.com", 587, "STARTTLS"),
    )

    assert read(body) == [
        "imap imap.example.com:143 STARTTLS",
        "pop3 pop.example.com:995 SSL",
        "smtp smtp.example.com:465 SSL",
        "smtp smtp.example.com:587 STARTTLS",
    ]


def test_names_and_user_names_are_kept() -> None:
    body = document(server("imap", "imap.%EMAILDOMAIN%", 993, username="%EMAILLOCALPART%"), SMTP)

    settings = parse(body, "example.com", Source.ISPDB)

    assert settings is not None
    assert settings.display_name == "Example Mail"
    assert settings.source is Source.ISPDB
    account = settings.account(Address("taro", "example.com"))
    assert (account.incoming_server.hostname, account.incoming_server.username) == ("imap.example.com", "taro")


@pytest.mark.parametrize(
    "entry",
    [
        server("imap", "imap.example.com", 143, "plain"),
        server("imap", "imap.example.com", 99999),
        server("imap", "", 993),
        server("imap", "127.0.0.1", 993),
        server("imap", "localhost", 993),
        server("imap", "imap.example.com/x", 993),
        server("imap", "imap.example.com", 993, username="%EMAILADDRESS"),
        server("imap", "imap.example.com", 993, username="a\r\nb"),
        server("imap", "imap.example.com", 993, authentication="GSSAPI"),
        server("imap", "imap.example.com", 993, authentication="none"),
        server("ews", "imap.example.com", 443),
    ],
)
def test_an_entry_that_cannot_be_used_is_left_out_and_the_others_stay(entry: str) -> None:
    assert read(document(entry, server("pop3", "pop.example.com", 995), SMTP)) == [
        "pop3 pop.example.com:995 SSL",
        "smtp smtp.example.com:465 SSL",
    ]
    assert read(document(entry, SMTP)) is None


def test_deprecated_words_and_other_spelling_are_understood() -> None:
    body = document(
        server("IMAP", " imap.example.com ", 993, "ssl", authentication="secure"),
        server("smtp", "smtp.example.com", 587, "starttls", authentication="plain"),
    )

    settings = parse(body, "example.com", Source.AUTOCONFIG)

    assert settings is not None
    assert settings.incoming_servers[0].authentication == (Authentication.PASSWORD_ENCRYPTED,)
    assert settings.outgoing_servers[0].authentication == (Authentication.PASSWORD_CLEARTEXT,)


def test_oauth_alone_asks_for_no_password() -> None:
    alone = parse(
        document(server("imap", "imap.example.com", 993, authentication="OAuth2"), SMTP),
        "example.com",
        Source.ISPDB,
    )

    assert alone is not None
    assert alone.sign_in is SignIn.OAUTH


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Welcome</body></html>",
        b"\xff\xfe\x00garbage",
        b"<clientConfig version='1.1'/>",
        b"<?xml version='1.0' encoding='no-such'?><clientConfig/>",
        b"<?xml version='1.0' encoding='utf-7'?><clientConfig/>",
        b"<" * 60000,
    ],
)
def test_what_is_no_such_document_says_nothing(body: bytes) -> None:
    assert read(body) is None


def test_entity_bombs_and_foreign_files_are_refused() -> None:
    lol = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    bomb = document(head=f'<!DOCTYPE x [<!ENTITY l0 "lol">{lol}]>', extra="<enable>&l9;</enable>")
    foreign = document(
        server("imap", "&file;", 993), SMTP, head='<!DOCTYPE x [<!ENTITY file SYSTEM "file:///etc/hostname">]>'
    )

    assert read(bomb) is None
    assert read(foreign) is None


def test_only_https_help_pages_are_shown() -> None:
    for url, expected in (("https://example.com/help", True), ("javascript:alert(1)", False)):
        body = document(extra=f'<documentation url="{url}"><descr lang="en">Help\nme</descr></documentation>')
        settings = parse(body, "example.com", Source.AUTOCONFIG)

        assert settings is not None
        assert (settings.documentation is not None) is expected


@given(st.binary(max_size=400))
def test_any_bytes_end_without_an_exception(body: bytes) -> None:
    parse(body, "example.com", Source.AUTOCONFIG)
    parse(document().replace(b"993", body), "example.com", Source.AUTOCONFIG)
