"""Mozilla autoconfig, rule by rule: autoconfig.md 1.4 (what is asked) and 1.6 (what is answered)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from profiles.model import Authentication, Protocol
from tests.webapp.endpoints.asking import Hosted, Reply, ask, full_service, server, service
from tests.webapp.endpoints.conftest import BASE_URL
from webapp.endpoints import Discovery

Get = Callable[..., Reply]
PATHS = (
    "/mail/config-v1.1.xml",
    "/.well-known/autoconfig/mail/config-v1.1.xml",
    "/v1.1/mail/config-v1.1.xml",
)
MAIN = PATHS[0]


def published(reply: Reply) -> str | None:
    """The domain that an answer configures."""
    return reply.xml.findtext("emailProvider/domain")


@pytest.mark.parametrize("path", PATHS)
def test_each_path_answers_the_domain_of_host(get: Get, path: str) -> None:
    reply = get(path)

    assert reply.status == 200
    assert published(reply) == "corp.example"


@pytest.mark.parametrize("path", PATHS)
def test_head_has_the_headers_of_get_and_no_body(application: Discovery, get: Get, path: str) -> None:
    head = ask(application, "HEAD", path)

    assert (head.status, head.body) == (200, b"")
    assert head.headers == get(path).headers


@pytest.mark.parametrize(
    "host",
    [
        "autoconfig.corp.example",
        "AutoConfig.CORP.Example",
        "autoconfig.corp.example:8443",
        "autoconfig.corp.example.",
        "corp.example",
        "Corp.Example:443",
        "autodiscover.corp.example",
        "ua-auto-config.corp.example",
    ],
)
def test_host_names_the_domain_in_any_spelling(get: Get, host: str) -> None:
    assert published(get(PATHS[1], host=host)) == "corp.example"


@pytest.mark.parametrize(
    "host", ["autoconfig.日本語.jp", "日本語.JP", "xn--wgv71a119e.jp", "autoconfig.XN--WGV71A119E.jp"]
)
def test_host_of_an_idn_domain_in_unicode_or_ascii(get: Get, host: str) -> None:
    as_sent = host.encode().decode("latin-1")

    assert published(get(MAIN, host=as_sent)) == "xn--wgv71a119e.jp"


@pytest.mark.parametrize(
    "query",
    [
        "emailaddress=taro@corp.example",
        "emailaddress=taro%40corp.example",
        "emailaddress=taro%40corp%2Eexample",
        "emailaddress=taro%2540corp.example",
        "emailaddress=Taro.Yamada%40CORP.example",
        "emailaddress=taro+list@corp.example",
        "emailaddress=EVOLUTIONUSER@corp.example",
        "emailaddress=EVOLUTIONUSER%40corp.example&emailmd5=0123456789abcdef0123456789abcdef",
        "emailmd5=0123&EmailAddress=taro@corp.example&x=1&&=",
        "emailaddress=%20taro%40corp.example%0A",
    ],
)
def test_address_names_the_domain_in_any_encoding(get: Get, query: str) -> None:
    assert published(get(MAIN, query, host="hagaki.host.example")) == "corp.example"


@pytest.mark.parametrize("domain", ["日本語.jp", "%E6%97%A5%E6%9C%AC%E8%AA%9E.jp", "xn--wgv71a119e.jp"])
def test_address_of_an_idn_domain(get: Get, domain: str) -> None:
    query = f"emailaddress=taro@{domain}".encode().decode("latin-1")

    assert published(get(MAIN, query)) == "xn--wgv71a119e.jp"


def test_address_wins_over_host(get: Get) -> None:
    assert published(get(MAIN, "emailaddress=a@other.example")) == "other.example"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "taro",
        "@",
        "@other.example",
        "a@",
        "a@b@other.example",
        "a@-",
        "a@other",
        "%00",
        "%FF%FE",
        "%",
        "a@%ff",
    ],
)
def test_malformed_address_falls_back_to_host(get: Get, address: str) -> None:
    assert published(get(MAIN, f"emailaddress={address}")) == "corp.example"


@pytest.mark.parametrize(
    ("host", "query"),
    [
        ("autoconfig.foreign.example", ""),
        ("autoconfig.corp.example.evil.example", ""),
        ("evilcorp.example", ""),
        ("mail.corp.example", ""),
        ("autoconfig.autoconfig.corp.example", ""),
        ("autoconfig.corp.example", "emailaddress=a@foreign.example"),
        ("autoconfig.corp.example", "emailaddress=a@autoconfig.corp.example"),
        ("", ""),
        ("127.0.0.1:8080", ""),
        ("[::1]:8080", ""),
        ("hagaki.host.example", ""),
        ("autoconfig.", ""),
        ("x" * 8000, ""),
    ],
)
def test_foreign_domain_is_404_so_that_evolution_goes_on_to_mx(get: Get, host: str, query: str) -> None:
    reply = get(MAIN, query, host=host)

    assert reply.status == 404
    assert b"corp.example" not in reply.body


def test_domain_of_the_address_is_answered_the_same_for_every_mailbox(get: Get) -> None:
    answers = {get(MAIN, f"emailaddress={local}@corp.example").body for local in ("taro", "nobody", "%3Cb%3E")}

    assert answers == {get(MAIN).body}


def test_content_type_is_xml_in_utf8_without_bom(get: Get) -> None:
    reply = get(MAIN)

    assert reply.headers["content-type"] == "text/xml; charset=utf-8"
    assert reply.body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')


def test_unchanged_answer_is_304(get: Get) -> None:
    first = get(MAIN)

    for sent in (first.headers["etag"], f'W/"x", W/{first.headers["etag"]}', "*"):
        again = get(MAIN, HTTP_IF_NONE_MATCH=sent)
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert "content-length" not in again.headers


def test_changed_answer_has_another_etag(get: Get, directory: Hosted) -> None:
    before = get(MAIN).headers["etag"]
    directory.give(service("corp.example", incoming_servers=(server(Protocol.IMAP, 993, "new.example"),)))

    after = get(MAIN, HTTP_IF_NONE_MATCH=before)

    assert after.status == 200
    assert b"new.example" in after.body


def test_answer_may_be_stored_by_anyone_but_404_may_not(get: Get) -> None:
    assert get(MAIN).headers["cache-control"].startswith("public, max-age=")
    assert get(MAIN, host="foreign.example").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PROPFIND", "TRACE"])
def test_other_methods_are_405(application: Discovery, method: str) -> None:
    reply = ask(application, method, MAIN)

    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD")


def test_options_is_harmless(application: Discovery) -> None:
    assert ask(application, "OPTIONS", MAIN).status == 200


def test_a_change_is_published_at_once_when_the_version_rises(get: Get, directory: Hosted) -> None:
    assert get(MAIN, host="autoconfig.new.example").status == 404

    directory.give(service("new.example"))

    assert published(get(MAIN, host="autoconfig.new.example")) == "new.example"


def test_rule_1_one_imap_first_then_one_pop3_and_one_smtp(get: Get, directory: Hosted) -> None:
    directory.give(
        service(
            "many.example",
            incoming_servers=(
                server(Protocol.POP3, 995),
                server(Protocol.IMAP, 993, "first.example"),
                server(Protocol.IMAP, 143, "second.example"),
            ),
            outgoing_servers=(server(Protocol.SMTP, 465), server(Protocol.SMTP, 587)),
        )
    )

    provider = get(MAIN, host="autoconfig.many.example").xml[0]

    assert [element.get("type") for element in provider.findall("incomingServer")] == ["imap", "pop3"]
    assert [element.get("type") for element in provider.findall("outgoingServer")] == ["smtp"]
    assert provider.findtext("incomingServer/hostname") == "first.example"


def test_rule_1_pop3_beside_imap_only_with_tls_from_the_start(get: Get, directory: Hosted) -> None:
    directory.give(
        service("pop.example", incoming_servers=(server(Protocol.IMAP, 993), server(Protocol.POP3, 110)))
    )

    provider = get(MAIN, host="autoconfig.pop.example").xml[0]

    assert [element.get("type") for element in provider.findall("incomingServer")] == ["imap"]


def test_rule_2_children_of_a_server_stand_in_order(get: Get) -> None:
    for element in get(MAIN).xml.iter():
        if element.tag in ("incomingServer", "outgoingServer"):
            assert [child.tag for child in element] == [
                "hostname",
                "port",
                "socketType",
                "authentication",
                "username",
            ]


def test_rule_3_user_names_are_one_placeholder(get: Get) -> None:
    names = {element.text for element in get(MAIN).xml.iter("username")}

    assert names == {"%EMAILADDRESS%"}


def test_rule_4_no_white_space_around_texts_and_no_placeholder_in_host_names(get: Get) -> None:
    for element in get(MAIN).xml.iter():
        if len(element) == 0:
            assert element.text == (element.text or "").strip() != ""
        if element.tag == "hostname":
            assert element.text == "mail.corp.example"


def test_rule_5_never_plain(get: Get) -> None:
    assert {element.text for element in get(MAIN).xml.iter("socketType")} <= {"SSL", "STARTTLS"}


def test_rule_6_oauth2_is_followed_by_a_password_where_passwords_work(get: Get, directory: Hosted) -> None:
    both = (Authentication.OAUTH2, Authentication.PASSWORD_CLEARTEXT)
    directory.give(
        service(
            "oauth.example",
            incoming_servers=(server(Protocol.IMAP, 993, authentication=both),),
            outgoing_servers=(server(Protocol.SMTP, 465, authentication=both),),
        )
    )

    incoming = get(MAIN, host="autoconfig.oauth.example").xml.find(".//incomingServer")

    assert incoming is not None
    assert [element.text for element in incoming.findall("authentication")] == ["OAuth2", "password-cleartext"]


def test_rule_7_a_domain_publishes_itself_and_never_its_neighbours(get: Get) -> None:
    reply = get(MAIN)

    assert reply.xml[0].get("id") == "corp.example"
    assert [element.text for element in reply.xml.iter("domain")] == ["corp.example"]
    assert b"twin.example" not in reply.body


def test_rule_8_names_are_display_name_and_display_short_name(get: Get) -> None:
    provider = get(MAIN).xml[0]

    assert provider.findtext("displayName") == "Mail of corp.example"
    assert provider.findtext("displayShortName") == "corp.example"


def test_texts_of_the_host_are_escaped(get: Get, directory: Hosted) -> None:
    directory.give(full_service("full.example"))

    reply = get(MAIN, host="autoconfig.full.example")

    assert reply.xml.findtext(".//descr[@lang='en']") == "Help <1>"


def test_plain_http_behind_the_proxy_is_301_to_base_url_and_keeps_the_domain(get: Get) -> None:
    reply = get(MAIN, HTTP_X_FORWARDED_PROTO="http", REMOTE_ADDR="127.0.0.1")

    assert reply.status == 301
    assert reply.headers["location"] == f"{BASE_URL}{MAIN}?emailaddress=EVOLUTIONUSER@corp.example"


def test_plain_http_with_an_address_keeps_the_query(get: Get) -> None:
    query = "emailaddress=taro%40corp.example"

    reply = get(MAIN, query, HTTP_X_FORWARDED_PROTO="http", REMOTE_ADDR="127.0.0.1")

    assert reply.headers["location"] == f"{BASE_URL}{MAIN}?{query}"


def test_redirect_never_repeats_what_could_break_out_of_a_header(get: Get) -> None:
    query = 'emailaddress=a@corp.example&x="><script>'

    reply = get(MAIN, query, HTTP_X_FORWARDED_PROTO="http", REMOTE_ADDR="127.0.0.1")

    assert reply.headers["location"].endswith("?emailaddress=EVOLUTIONUSER@corp.example")


def test_other_paths_go_on_to_flask(get: Get) -> None:
    for path in ("/", "/mail/", "/.well-known/security.txt", "/ja/", "/api/v1/openapi.json", "", "//"):
        assert get(path).body == b"fallback"
