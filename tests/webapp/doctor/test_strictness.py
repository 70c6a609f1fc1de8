"""Each client's way of reading an autoconfig document, without a network."""

from __future__ import annotations

import pytest

from profiles.address import Address
from tests.webapp.doctor.hosting import answer
from webapp.doctor import strictness
from webapp.doctor.reading import client_config, pox_protocols
from webapp.doctor.strictness import Reader, Setup, Unusable

ADDRESS = Address("taro", "example.com")
ALL = (
    strictness.thunderbird,
    strictness.thunderbird_android,
    strictness.fairemail,
    strictness.delta_chat,
    strictness.evolution,
    strictness.kmail,
)


def entry(
    kind: str, host: str, port: int, security: str = "SSL", *ways: str, username: str = "%EMAILADDRESS%"
) -> str:
    tag = "outgoingServer" if kind == "smtp" else "incomingServer"
    signing = "".join(f"<authentication>{way}</authentication>" for way in ways or ("password-cleartext",))
    return (
        f'<{tag} type="{kind}"><hostname>{host}</hostname><port>{port}</port><socketType>{security}</socketType>'
        f"{signing}<username>{username}</username></{tag}>"
    )


IMAP, SMTP = entry("imap", "imap.example.com", 993), entry("smtp", "smtp.example.com", 465)
POP3 = entry("pop3", "pop.example.com", 995)


def read(reader: Reader, *entries: str, more: str = "", content_type: str = "text/xml") -> Setup:
    body = (
        f'<clientConfig version="1.1"><emailProvider id="example.com"><domain>example.com</domain>'
        f"{''.join(entries)}</emailProvider>{more}</clientConfig>"
    )
    visit = answer(body.encode(), content_type=content_type)
    document = client_config(visit)
    assert document is not None
    return reader(visit, document, ADDRESS)


def refusal(reader: Reader, *entries: str, more: str = "", content_type: str = "text/xml") -> str:
    with pytest.raises(Unusable) as refused:
        read(reader, *entries, more=more, content_type=content_type)
    return refused.value.reason


@pytest.mark.parametrize("reader", ALL)
def test_the_document_by_the_rules_is_read_alike_by_all(reader: Reader) -> None:
    setup = read(reader, IMAP, POP3, SMTP)

    assert (setup.incoming.endpoint, setup.outgoing.endpoint) == ("imap.example.com:993", "smtp.example.com:465")
    assert setup.incoming.username == "taro@example.com"


def test_thunderbird_skips_a_bad_entry_where_android_refuses_the_file() -> None:
    bad = entry("imap", "plain.example.com", 143, "plain")

    assert read(strictness.thunderbird, bad, IMAP, SMTP).incoming.hostname == "imap.example.com"
    assert refusal(strictness.thunderbird_android, IMAP, bad, SMTP) == strictness.PLAIN


def test_only_thunderbird_on_a_computer_minds_the_content_type() -> None:
    assert refusal(strictness.thunderbird, IMAP, SMTP, content_type="text/html") == strictness.CONTENT_TYPE
    assert read(strictness.thunderbird_android, IMAP, SMTP, content_type="text/html")


def test_evolution_takes_the_last_of_each_kind_and_imap_before_pop3() -> None:
    other = entry("imap", "last.example.com", 993), entry("smtp", "last.example.com", 465)

    setup = read(strictness.evolution, IMAP, SMTP, *other, POP3)

    assert {setup.incoming.hostname, setup.outgoing.hostname} == {"last.example.com"}


def test_fairemail_takes_the_last_user_name_of_the_whole_document() -> None:
    calendar = '<calendar type="caldav"><username>%EMAILLOCALPART%</username></calendar>'

    setup = read(strictness.fairemail, IMAP, SMTP, more=calendar)

    assert setup.incoming.username == setup.outgoing.username == "taro"


def test_fairemail_wants_imap_first() -> None:
    assert refusal(strictness.fairemail, POP3, IMAP, SMTP) == strictness.IMAP_NOT_FIRST
    assert read(strictness.delta_chat, POP3, IMAP, SMTP).incoming.hostname == "imap.example.com"


@pytest.mark.parametrize("reader", [strictness.thunderbird, strictness.thunderbird_android])
def test_oauth_works_only_at_hosts_that_are_built_in(reader: Reader) -> None:
    gmail = (
        entry("imap", "imap.gmail.com", 993, "SSL", "OAuth2"),
        entry("smtp", "smtp.gmail.com", 465, "SSL", "OAuth2"),
    )
    other = entry("imap", "imap.example.com", 993, "SSL", "OAuth2")

    assert read(reader, *gmail).incoming.hostname == "imap.gmail.com"
    assert refusal(reader, other, SMTP)
    assert read(reader, entry("imap", "i.example.com", 993, "SSL", "OAuth2", "password-cleartext"), SMTP)


def test_android_knows_fewer_ways_to_sign_in() -> None:
    ntlm = entry("imap", "imap.example.com", 993, "SSL", "NTLM")

    assert read(strictness.thunderbird, ntlm, SMTP)
    assert refusal(strictness.thunderbird_android, ntlm, SMTP) == strictness.NO_SIGN_IN


def test_delta_chat_ignores_the_way_to_sign_in() -> None:
    assert read(strictness.delta_chat, entry("imap", "imap.example.com", 993, "SSL", "OAuth2"), SMTP)


@pytest.mark.parametrize("port", [0, 65536, 99999999999])
@pytest.mark.parametrize("reader", ALL)
def test_no_client_takes_an_impossible_port(reader: Reader, port: int) -> None:
    assert refusal(reader, entry("imap", "imap.example.com", port), SMTP)


@pytest.mark.parametrize(
    "body", [b"", b"<", b"<html/>", b"<clientConfig/>", b"\xff\xfe", b"<!DOCTYPE a><clientConfig/>"]
)
def test_what_is_no_document_is_none(body: bytes) -> None:
    assert client_config(answer(body)) is None
    assert pox_protocols(answer(body)) == ()
