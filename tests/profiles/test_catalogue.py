"""Services as TOML: read whole, every slip named with its place, written back the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.catalogue import SIZE_LIMIT, parse, to_toml
from profiles.model import (
    Authentication,
    DavService,
    Link,
    LocalizedText,
    ProfileRules,
    Protocol,
    Server,
    ServiceSettings,
    SignIn,
    SocketType,
    Source,
    TlsPolicy,
)
from profiles.problems import Code, Problem

CORP = """
id = "corp.example"
displayName = "Example Corporation"
displayShortName = "Example"
domains = ["corp.example", "corp.example.jp"]
[[incomingServer]]
type = "imap"
hostname = "mail.corp.example"
port = 993
socketType = "SSL"
authentication = ["password-cleartext"]
username = "%EMAILADDRESS%"
[[outgoingServer]]
type = "smtp"
hostname = "mail.corp.example"
port = 465
socketType = "SSL"
authentication = ["password-cleartext"]
username = "%EMAILADDRESS%"
[calendar]
url = "https://dav.corp.example/"
username = "%EMAILADDRESS%"
[activesync]
url = "https://mail.corp.example/Microsoft-Server-ActiveSync"
[documentation]
url = "https://intra.corp.example/mail"
title = { en = "Mail help", ja = "メールの手引き" }
"""


def read(text: str, source: Source = Source.DOMAIN) -> ServiceSettings:
    """The settings of a text without problems."""
    found, problems = parse(text, place="corp.toml", source=source)
    assert problems == ()
    assert found is not None
    return found


def told(text: str, source: Source = Source.DOMAIN) -> list[tuple[Code, str | None]]:
    """Codes and places of a text that gives no settings."""
    found, problems = parse(text, place="corp.toml", source=source)
    assert found is None
    return [(problem.code, problem.place) for problem in problems]


def warned(text: str) -> tuple[Problem, ...]:
    """The warnings of a text that gives settings all the same."""
    found, problems = parse(text, place="corp.toml")
    assert found is not None
    return problems


def test_the_example_of_the_guide_is_read_whole() -> None:
    corp = read(CORP)

    assert corp == ServiceSettings(
        id="corp.example",
        display_name="Example Corporation",
        display_short_name="Example",
        domains=("corp.example", "corp.example.jp"),
        incoming_servers=(
            Server(protocol=Protocol.IMAP, hostname="mail.corp.example", port=993, socket_type=SocketType.SSL),
        ),
        outgoing_servers=(
            Server(protocol=Protocol.SMTP, hostname="mail.corp.example", port=465, socket_type=SocketType.SSL),
        ),
        calendar=DavService(url="https://dav.corp.example/"),
        activesync_url="https://mail.corp.example/Microsoft-Server-ActiveSync",
        documentation=Link(
            url="https://intra.corp.example/mail",
            title=LocalizedText(texts=(("en", "Mail help"), ("ja", "メールの手引き"))),
        ),
    )


def test_the_example_of_the_operators_guide_is_read_without_a_word() -> None:
    guide = (Path(__file__).parent.parent.parent / "docs/operators.md").read_text("utf-8")
    example = guide.split("```toml\n")[1].split("```")[0]

    assert read(example).id == "corp.example"


def test_a_few_lines_are_enough() -> None:
    short = read(
        """
        domains = ["corp.example"]
        [[incomingServer]]
        type = "imap"
        hostname = "mail.%EMAILDOMAIN%"
        socketType = "STARTTLS"
        [[outgoingServer]]
        type = "smtp"
        hostname = "mail.%EMAILDOMAIN%"
        socketType = "SSL"
        """
    )

    assert (short.id, short.display_name, short.display_short_name) == ("corp.example",) * 3
    assert [server.endpoint for server in short.incoming_servers] == ["mail.%EMAILDOMAIN%:143"]
    assert [server.endpoint for server in short.for_domain("corp.example").outgoing_servers] == [
        "mail.corp.example:465"
    ]


def test_imap_stands_before_pop3_and_the_rest_stays_as_written() -> None:
    def server(kind: str, host: str, socket_type: str) -> str:
        return f'[[incomingServer]]\ntype = "{kind}"\nhostname = "{host}"\nsocketType = "{socket_type}"\n'

    before, after = CORP.split("[[incomingServer]]")
    after = after[after.index("[[outgoingServer]]") :]
    text = before + server("pop3", "p.example", "SSL") + server("imap", "a.example", "STARTTLS")
    text += server("imap", "b.example", "SSL") + after

    order = [one.hostname for one in read(text).incoming_servers]

    assert order == ["a.example", "b.example", "p.example"]


def test_names_become_a_labels_and_words_lose_their_case() -> None:
    text = (
        CORP.replace('"mail.corp.example"', '"Mail.例え.jp"').replace('"SSL"', '"ssl"').replace('"imap"', '"IMAP"')
    )
    text = text.replace('"corp.example.jp"', '"例え.JP"')

    corp = read(text)

    assert corp.incoming_servers[0].hostname == "mail.xn--r8jz45g.jp"
    assert corp.domains == ("corp.example", "xn--r8jz45g.jp")


@pytest.mark.parametrize("host", ["10.0.0.5", "::1", "mailhost"])
def test_a_host_of_the_own_network_may_be_an_address(host: str) -> None:
    assert read(CORP.replace('"mail.corp.example"', f'"{host}"')).incoming_servers[0].hostname == host


@pytest.mark.parametrize(
    ("old", "new", "code", "key"),
    [
        ('type = "imap"', 'type = "jmap"', Code.VALUE_UNKNOWN, "incomingServer[1].type"),
        ('type = "imap"', 'type = "smtp"', Code.VALUE_UNKNOWN, "incomingServer[1].type"),
        ('type = "smtp"', 'type = "imap"', Code.VALUE_UNKNOWN, "outgoingServer[1].type"),
        ('type = "imap"', "", Code.KEY_MISSING, "incomingServer[1].type"),
        ("port = 993", "port = 0", Code.VALUE_INVALID, "incomingServer[1].port"),
        ("port = 993", "port = 65536", Code.VALUE_INVALID, "incomingServer[1].port"),
        ("port = 993", "port = -1", Code.VALUE_INVALID, "incomingServer[1].port"),
        ("port = 993", 'port = "993"', Code.VALUE_TYPE, "incomingServer[1].port"),
        ("port = 993", "port = true", Code.VALUE_TYPE, "incomingServer[1].port"),
        ("port = 993", "port = 0x" + "f" * 5000, Code.VALUE_INVALID, "incomingServer[1].port"),
        ("port = 993", "prot = 993", Code.KEY_UNKNOWN, "incomingServer[1].prot"),
        ('"SSL"', '"TLS"', Code.VALUE_UNKNOWN, "incomingServer[1].socketType"),
        ('"SSL"', '"plain"', Code.SERVER_PLAIN_TEXT, "incomingServer[1].socketType"),
        ('hostname = "mail.corp.example"', "", Code.KEY_MISSING, "incomingServer[1].hostname"),
        ('"mail.corp.example"', '"https://mail.corp.example"', Code.HOST_INVALID, "incomingServer[1].hostname"),
        ('"mail.corp.example"', '"mail corp"', Code.HOST_INVALID, "incomingServer[1].hostname"),
        ('"mail.corp.example"', '"127.1"', Code.HOST_INVALID, "incomingServer[1].hostname"),
        ('"mail.corp.example"', '"mail.%EMAILADDRESS%"', Code.HOST_INVALID, "incomingServer[1].hostname"),
        ('"mail.corp.example"', '"mail\\ncorp"', Code.VALUE_INVALID, "incomingServer[1].hostname"),
        ('"%EMAILADDRESS%"', '"%EMAILADDRESS"', Code.VALUE_UNKNOWN, "incomingServer[1].username"),
        ('"%EMAILADDRESS%"', '"%REALNAME%"', Code.VALUE_UNKNOWN, "incomingServer[1].username"),
        ('"%EMAILADDRESS%"', '"a\\u0000b"', Code.VALUE_INVALID, "incomingServer[1].username"),
        ('["password-cleartext"]', '["plain"]', Code.VALUE_UNKNOWN, "incomingServer[1].authentication"),
        ('["password-cleartext"]', "[1]", Code.VALUE_TYPE, "incomingServer[1].authentication"),
        ('"corp.example.jp"]', '"localhost"]', Code.VALUE_INVALID, "domains"),
        ('"corp.example.jp"]', '"*.corp.example"]', Code.VALUE_INVALID, "domains"),
        ('"corp.example.jp"]', '"Corp.Example."]', Code.DOMAIN_REPEATED, "domains"),
        ('domains = ["corp.example", "corp.example.jp"]', "domains = []", Code.KEY_MISSING, "domains"),
        ('domains = ["corp.example", "corp.example.jp"]', "", Code.KEY_MISSING, "domains"),
        ('id = "corp.example"', 'id = "../corp"', Code.VALUE_INVALID, "id"),
        ('displayName = "E', 'displayName = "\\u001b[31mE', Code.VALUE_INVALID, "displayName"),
        ('displayName = "E', 'displayName = "E\\nE', Code.VALUE_INVALID, "displayName"),
        ('displayShortName = "Example"', 'displayShortName = ""', Code.VALUE_INVALID, "displayShortName"),
        ("displayShortName", "displayNameShort", Code.KEY_UNKNOWN, "displayNameShort"),
        ("https://dav", "http://dav", Code.VALUE_INVALID, "calendar.url"),
        ("https://dav", "https://x:y@dav", Code.VALUE_INVALID, "calendar.url"),
        (
            "https://dav.corp.example/",
            "https://dav.corp.example/%EMAILADDRESS%",
            Code.VALUE_UNKNOWN,
            "calendar.url",
        ),
        ("https://dav.corp.example/", "https://dav.corp.example:99999/", Code.VALUE_INVALID, "calendar.url"),
        ("[calendar]", "[calender]", Code.KEY_UNKNOWN, "calender"),
        ("https://intra", "javascript://intra", Code.VALUE_INVALID, "documentation.url"),
        ('ja = "メ', 'japanese = "メ', Code.KEY_UNKNOWN, "documentation.title.japanese"),
        ("[[outgoingServer]]", "[[outGoingServer]]", Code.KEY_MISSING, "outgoingServer"),
        ("[[incomingServer]]", "[incomingServer]", Code.VALUE_TYPE, "incomingServer"),
    ],
)
def test_a_slip_is_named_with_its_place(old: str, new: str, code: Code, key: str) -> None:
    assert old in CORP

    assert (code, f"corp.toml: {key}") in told(CORP.replace(old, new, 1))


def test_every_slip_is_told_at_once_and_in_order() -> None:
    text = (
        CORP.replace("port = 993", "port = 0")
        .replace("https://dav", "ftp://dav")
        .replace("port = 465", "pört = 1")
    )

    assert told(text.replace('id = "corp.example"', "colour = 1")) == [
        (Code.TOML_SYNTAX, "corp.toml"),
    ]
    assert told(text.replace("pört", "prt")) == [
        (Code.VALUE_INVALID, "corp.toml: incomingServer[1].port"),
        (Code.KEY_UNKNOWN, "corp.toml: outgoingServer[1].prt"),
        (Code.VALUE_INVALID, "corp.toml: calendar.url"),
    ]


@pytest.mark.parametrize(
    ("written", "meant"), [("displayname", "displayName"), ("display_name", "displayName"), ("domain", "domains")]
)
def test_the_nearest_known_key_is_suggested(written: str, meant: str) -> None:
    _, problems = parse(f'{written} = "x"\n{CORP}', place="corp.toml")

    assert problems[-1].params["suggestion"] == meant


@pytest.mark.parametrize(("port", "security"), [(993, "STARTTLS"), (143, "SSL"), (465, "SSL"), (25, "STARTTLS")])
def test_a_port_of_another_kind_is_a_warning(port: int, security: str) -> None:
    text = CORP.replace('port = 993\nsocketType = "SSL"', f'port = {port}\nsocketType = "{security}"')

    problems = warned(text)

    assert [(p.code, p.place) for p in problems] == [
        (Code.PORT_SECURITY_MISMATCH, "corp.toml: incomingServer[1].port")
    ]


def test_a_port_of_ones_own_is_no_warning() -> None:
    assert warned(CORP.replace("port = 993", "port = 10993")) == ()


def test_providers_may_have_wild_cards_or_only_an_mx() -> None:
    wild = CORP.replace('["corp.example", "corp.example.jp"]', '["*.corp.example"]')
    only_mx = CORP.replace('domains = ["corp.example", "corp.example.jp"]', 'mxSuffix = ["mx.corp.example"]')

    assert read(wild, Source.PROVIDER).domains == ("*.corp.example",)
    assert read(only_mx, Source.PROVIDER).mx_suffixes == ("mx.corp.example",)
    assert told(only_mx) == [(Code.KEY_MISSING, "corp.toml: domains")]


def test_a_service_without_passwords_signs_in_by_oauth() -> None:
    assert read(CORP.replace("password-cleartext", "OAuth2")).sign_in is SignIn.OAUTH


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", Code.KEY_MISSING),
        ("id = ", Code.TOML_SYNTAX),
        ("id = 1\nid = 2", Code.TOML_SYNTAX),
        ("x = " + "[" * 20_000, Code.TOML_SYNTAX),
        ("x = " + "1" * 10_000, Code.TOML_SYNTAX),
        ("#" * (SIZE_LIMIT + 1), Code.FILE_UNREADABLE),
        ('"\\u0007" = 1\n' + CORP, Code.KEY_UNKNOWN),
    ],
    ids=["empty", "syntax", "twice", "brackets", "digits", "large", "control"],
)
def test_hostile_files_end_in_problems(text: str, code: Code) -> None:
    found, problems = parse(text, place="corp.toml")

    assert found is None
    assert code in [problem.code for problem in problems]
    assert all((problem.place or "").isprintable() for problem in problems)


# round trip

_hosts = st.sampled_from(["mail.corp.example", "imap.xn--r8jz45g.jp", "mail.%EMAILDOMAIN%", "10.1.2.3", "::1"])
_words = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20)
_usernames = st.sampled_from(["%EMAILADDRESS%", "%EMAILLOCALPART%", "%ASK%", 'CORP\\"%EMAILLOCALPART%"', "50%off"])
_urls = st.sampled_from(
    ["https://corp.example/", "https://dav.%EMAILDOMAIN%/a?b=%E3%81%82", "https://x.example:8443"]
)
_localized = st.dictionaries(
    st.sampled_from(["en", "ja", "de"]), st.lists(_words, min_size=1).map("\n".join), min_size=1
).map(lambda table: LocalizedText(texts=tuple(table.items())))
_links = st.builds(Link, url=_urls, title=_localized)
_davs = st.builds(DavService, url=_urls, username=_usernames)


def _servers(*protocols: Protocol) -> st.SearchStrategy[tuple[Server, ...]]:
    one = st.builds(
        Server,
        protocol=st.sampled_from(protocols),
        hostname=_hosts,
        port=st.integers(1, 65535),
        socket_type=st.sampled_from(SocketType),
        authentication=st.lists(st.sampled_from(Authentication), min_size=1, unique=True).map(tuple),
        username=_usernames,
    )
    # parse puts IMAP before POP3, so only such an order can come back unchanged.
    return st.lists(one, min_size=1, max_size=4).map(
        lambda servers: tuple(sorted(servers, key=lambda server: server.protocol is not Protocol.IMAP))
    )


_settings = st.builds(
    ServiceSettings,
    id=st.sampled_from(["corp", "corp.example", "a_b-C1"]),
    display_name=_words,
    display_short_name=_words,
    domains=st.lists(st.sampled_from(["a.example", "*.b.example", "c.co.jp"]), unique=True, min_size=1).map(tuple),
    incoming_servers=_servers(Protocol.IMAP, Protocol.POP3),
    outgoing_servers=_servers(Protocol.SMTP),
    mx_suffixes=st.lists(st.sampled_from(["mx.example", "mx.co.jp"]), unique=True).map(tuple),
    calendar=st.none() | _davs,
    addressbook=st.none() | _davs,
    activesync_url=st.none() | _urls,
    jmap_url=st.none() | _urls,
    documentation=st.none() | _links,
    organization=st.none() | _words,
    help=st.none() | _localized,
    sign_in=st.sampled_from(SignIn),
    password_label=st.none() | _localized,
    password_hint=st.none() | _localized,
    refusal_advice=st.none() | _localized,
    links=st.lists(_links, max_size=3).map(tuple),
    last_checked=st.none() | st.dates().map(lambda day: day.isoformat()),
    tls=st.builds(TlsPolicy, legacy_renegotiation=st.booleans(), security_level=st.integers(1, 2)),
    profile=st.builds(
        ProfileRules,
        removal_date=st.none() | (st.dates() | st.datetimes()).map(lambda moment: moment.isoformat()),
        remove_after_days=st.none() | st.integers(1, 3650),
        path_prefix=st.none() | _words,
        allow_mail_drop=st.booleans(),
        disable_recents_syncing=st.booleans(),
        smime_overrideable=st.booleans(),
    ),
    source=st.just(Source.PROVIDER),
)


@settings(deadline=None)
@given(_settings)
def test_what_is_written_is_read_back_the_same(service: ServiceSettings) -> None:
    again, problems = parse(to_toml(service), place="again.toml", source=Source.PROVIDER)

    assert again == service
    assert not any(problem.is_error for problem in problems)


@settings(deadline=None)
@given(st.text())
def test_any_text_gives_settings_or_an_error(text: str) -> None:
    found, problems = parse(text, place="x")

    assert (found is None) == any(problem.is_error for problem in problems)


def test_activesync_signs_in_with_the_address_and_no_other_name() -> None:
    named = CORP.replace('ActiveSync"\n', 'ActiveSync"\nusername = "%EMAILADDRESS%"\n')

    assert read(named) == read(CORP)
    assert told(named.replace('"%EMAILADDRESS%"\n[doc', '"%EMAILLOCALPART%"\n[doc')) == [
        (Code.VALUE_UNKNOWN, "corp.toml: activesync.username")
    ]
