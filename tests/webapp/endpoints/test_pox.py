"""Autodiscover POX, rules A to E, H and I of autodiscover.md section 8."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from profiles.model import LOCAL_PART, Authentication, Protocol
from tests.webapp.endpoints.asking import (
    MOBILESYNC,
    OUTLOOK,
    REQUEST_NAMESPACE,
    Hosted,
    Reply,
    ask,
    error_code,
    pox,
    server,
    service,
)
from tests.webapp.endpoints.conftest import BASE_URL
from webapp.endpoints import Discovery

Post = Callable[..., Reply]
PATH = "/autodiscover/autodiscover.xml"
ADDRESS = "taro@corp.example"
ROOT_NS = "{http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006}"
OUTLOOK_NS = "{" + OUTLOOK + "}"


def protocols(reply: Reply) -> list[dict[str, str]]:
    """The Protocol elements as dictionaries."""
    found = reply.xml.findall(f".//{OUTLOOK_NS}Protocol")
    return [{child.tag.removeprefix(OUTLOOK_NS): child.text or "" for child in element} for element in found]


def is_settings(reply: Reply) -> bool:
    """Whether an answer holds the settings of corp.example."""
    return reply.status == 200 and b"<Server>mail.corp.example</Server>" in reply.body


# A: the answer


def test_A0_post_is_200(post: Post) -> None:
    assert is_settings(post(pox(ADDRESS)))


def test_A1_to_A3_well_formed_and_the_declaration_is_the_first_thing(post: Post) -> None:
    reply = post(pox(ADDRESS))

    assert reply.xml is not None
    assert reply.body.startswith(b'<?xml version="1.0" encoding="utf-8"?>')


def test_A4_A5_content_type_is_text_xml_in_utf8(post: Post) -> None:
    assert post(pox(ADDRESS)).headers["content-type"] == "text/xml; charset=utf-8"


def test_A6_to_A8_namespaces_are_the_two_http_ones(post: Post) -> None:
    root = post(pox(ADDRESS)).xml

    assert root.tag == f"{ROOT_NS}Autodiscover"
    assert [child.tag for child in root] == [f"{OUTLOOK_NS}Response"]
    assert {element.tag.split("}")[0] + "}" for element in root[0].iter()} == {OUTLOOK_NS}


def test_A9_to_A12_account_is_email_with_settings_and_no_redirect(post: Post) -> None:
    account = post(pox(ADDRESS)).xml.find(f".//{OUTLOOK_NS}Account")

    assert account is not None
    assert [child.tag.removeprefix(OUTLOOK_NS) for child in account][:2] == ["AccountType", "Action"]
    assert account.findtext(f"{OUTLOOK_NS}AccountType") == "email"
    assert account.findtext(f"{OUTLOOK_NS}Action") == "settings"
    assert not [element for element in account.iter() if "Redirect" in element.tag]


def test_A13_no_element_is_empty(post: Post) -> None:
    for element in post(pox(ADDRESS)).xml.iter():
        assert len(element) or (element.text or "").strip(), element.tag


def test_A14_to_A16_one_protocol_per_known_type_with_smtp(post: Post, directory: Hosted) -> None:
    directory.give(
        service(
            "corp.example",
            incoming_servers=(
                server(Protocol.IMAP, 993),
                server(Protocol.IMAP, 143),
                server(Protocol.POP3, 995),
            ),
            outgoing_servers=(server(Protocol.SMTP, 465), server(Protocol.SMTP, 587)),
        )
    )

    assert [protocol["Type"] for protocol in protocols(post(pox(ADDRESS)))] == ["IMAP", "POP3", "SMTP"]


@pytest.mark.parametrize(
    ("incoming", "outgoing", "encryption"), [(993, 465, ("SSL", "SSL")), (143, 587, ("TLS", "TLS"))]
)
def test_A17_to_A31_each_protocol_says_everything_that_clients_need(
    post: Post, directory: Hosted, incoming: int, outgoing: int, encryption: tuple[str, str]
) -> None:
    directory.give(
        service(
            "corp.example",
            incoming_servers=(server(Protocol.IMAP, incoming),),
            outgoing_servers=(server(Protocol.SMTP, outgoing),),
        )
    )
    common = {
        "Server": "mail.corp.example",
        "LoginName": ADDRESS,
        "DomainRequired": "off",
        "SPA": "off",
        "SSL": "on",
        "AuthRequired": "on",
    }

    imap, smtp = protocols(post(pox(ADDRESS)))

    assert imap == {"Type": "IMAP", "Port": str(incoming), "Encryption": encryption[0]} | common
    assert (
        smtp
        == {
            "Type": "SMTP",
            "Port": str(outgoing),
            "Encryption": encryption[1],
            "UsePOPAuth": "off",
            "SMTPLast": "off",
        }
        | common
    )


def test_A28_login_name_follows_the_template(post: Post, directory: Hosted) -> None:
    directory.give(
        service(
            "corp.example",
            incoming_servers=(server(Protocol.IMAP, 993, username=LOCAL_PART),),
            outgoing_servers=(server(Protocol.SMTP, 465, username=LOCAL_PART),),
        )
    )

    assert {protocol["LoginName"] for protocol in protocols(post(pox(ADDRESS)))} == {"taro"}


def test_A40_to_A42_no_cookie_no_store_nosniff(post: Post) -> None:
    headers = post(pox(ADDRESS)).headers

    assert "set-cookie" not in headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


# B: every form of a good request


@pytest.mark.parametrize(
    "path",
    [
        "/autodiscover/autodiscover.xml",
        "/Autodiscover/Autodiscover.xml",
        "/AutoDiscover/AutoDiscover.xml",
        "/AUTODISCOVER/AUTODISCOVER.XML",
        "/autodiscover/Autodiscover.xml",
    ],
)
def test_B1_path_in_any_case(post: Post, path: str) -> None:
    assert is_settings(post(pox(ADDRESS), path))


def one_line(declaration: str = "", address: str = ADDRESS, schema: str = OUTLOOK) -> str:
    """The request as Outlook 2010 sends it, on one line."""
    return (
        f'{declaration}<Autodiscover xmlns="{REQUEST_NAMESPACE}"><Request><EMailAddress>{address}</EMailAddress>'
        f"<AcceptableResponseSchema>{schema}</AcceptableResponseSchema></Request></Autodiscover>"
    )


DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
UTF16_DECLARATION = '<?xml version="1.0" encoding="utf-16"?>'


def test_B2_no_declaration_as_the_ews_managed_api_sends_it(post: Post) -> None:
    assert is_settings(post(one_line().encode()))


@pytest.mark.parametrize(
    "value",
    ["Basic dGFyb0Bjb3JwLmV4YW1wbGU6c2VjcmV0LTQy", "Bearer abc", "Negotiate TlRM", "Basic", "", "\xff" * 3000],
)
def test_B3_to_B5_authorization_changes_nothing_and_is_not_seen(application: Discovery, value: str) -> None:
    environ = {"HTTP_AUTHORIZATION": value}
    seen: dict[str, Any] = {}

    def watched(question: dict[str, Any], start_response: Any) -> Any:
        answer = application(question, start_response)
        seen.update(question)
        return answer

    with_it = ask(watched, "POST", PATH, body=pox(ADDRESS), **environ)

    assert with_it == ask(application, "POST", PATH, body=pox(ADDRESS))
    assert "HTTP_AUTHORIZATION" not in seen
    assert b"secret" not in with_it.body


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + one_line(DECLARATION).encode(),
        b"\xef\xbb\xbf" + one_line().encode(),
        one_line(UTF16_DECLARATION).encode("utf-16"),
        b"\xff\xfe" + one_line(UTF16_DECLARATION).encode("utf-16-le"),
        b"\xfe\xff" + one_line(UTF16_DECLARATION).encode("utf-16-be"),
        one_line(UTF16_DECLARATION).encode("utf-16-le"),
        one_line().encode("utf-16-be"),
        one_line(UTF16_DECLARATION).encode(),
    ],
    ids=[
        "utf-8",
        "utf-8 undeclared",
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "utf-16-le without",
        "utf-16-be undeclared",
        "declared utf-16 sent as utf-8",
    ],
)
def test_B6_byte_order_marks_and_utf16(post: Post, body: bytes) -> None:
    assert is_settings(post(body))


def test_B7_elements_in_any_order(post: Post) -> None:
    body = (
        f"<Autodiscover><Request><AcceptableResponseSchema>{OUTLOOK}</AcceptableResponseSchema>"
        f"<Unknown><Deeper>x</Deeper></Unknown><EMailAddress>{ADDRESS}</EMailAddress></Request></Autodiscover>"
    )

    assert is_settings(post(body.encode()))


def test_B8_prefixes(post: Post) -> None:
    body = (
        f'<a:Autodiscover xmlns:a="{REQUEST_NAMESPACE}"><a:Request><a:EMailAddress>{ADDRESS}</a:EMailAddress>'
        f"<a:AcceptableResponseSchema>{OUTLOOK}</a:AcceptableResponseSchema></a:Request></a:Autodiscover>"
    )

    assert is_settings(post(body.encode()))


@pytest.mark.parametrize(
    "content_type",
    [
        "text/xml; charset=utf-8",
        "application/xml",
        "text/html",
        "application/x-www-form-urlencoded",
        "",
        "x" * 900,
    ],
)
@pytest.mark.parametrize("agent", ["Microsoft Office/16.0", "", "<script>"])
def test_B9_to_B12_any_or_no_content_type_and_user_agent(post: Post, content_type: str, agent: str) -> None:
    assert is_settings(post(pox(ADDRESS), CONTENT_TYPE=content_type, HTTP_USER_AGENT=agent))


def test_B14_chunked_body_has_no_length(application: Discovery) -> None:
    reply = ask(
        application,
        "POST",
        PATH,
        **{
            "wsgi.input": BytesIO(pox(ADDRESS)),
            "wsgi.input_terminated": True,
            "HTTP_TRANSFER_ENCODING": "chunked",
        },
    )

    assert is_settings(reply)


def test_B15_exchange_headers_are_ignored(post: Post) -> None:
    assert is_settings(
        post(pox(ADDRESS), HTTP_X_MAPIHTTPCAPABILITY="1", HTTP_X_CLIENTCANHANDLE="Negotiate,Basic,NTLM")
    )


@pytest.mark.parametrize(
    "body",
    [
        b"\r\n\r\n" + one_line(DECLARATION).encode() + b"\r\n",
        one_line(DECLARATION, f"\n   {ADDRESS}\t ", f" {OUTLOOK} ").encode(),
        one_line(DECLARATION).encode() + b"\0",
        one_line(DECLARATION).encode() + b"\r\n\0\0",
    ],
)
def test_B16_B17_white_space_and_trailing_nul(post: Post, body: bytes) -> None:
    assert is_settings(post(body))


@pytest.mark.parametrize("address", ["taro@CORP.Example", "TARO@corp.example"])
def test_B18_domain_in_any_case_and_local_part_as_written(post: Post, address: str) -> None:
    local = address.partition("@")[0]

    reply = post(pox(address))

    assert is_settings(reply)
    assert f"<LoginName>{local}@corp.example</LoginName>".encode() in reply.body


def test_B18_idn_domain(post: Post) -> None:
    reply = post(pox("taro@日本語.jp"))

    assert protocols(reply)[0]["LoginName"] == "taro@xn--wgv71a119e.jp"


def test_B19_https_namespaces_as_microsofts_pages_print_them(post: Post) -> None:
    assert is_settings(post(pox(ADDRESS).replace(b"http://", b"https://")))


@pytest.mark.parametrize("local", ["o'brien", "a&amp;b", "a%b", "%EMAILADDRESS%", "a{b}", "a!#$*/=?^_`|~-b"])
def test_B20_B21_address_comes_back_escaped(post: Post, local: str) -> None:
    reply = post(pox(f"{local}@corp.example"))

    wanted = local.replace("&amp;", "&") + "@corp.example"
    assert {protocol["LoginName"] for protocol in protocols(reply)} == {wanted}
    assert reply.xml.findtext(f".//{OUTLOOK_NS}DisplayName") == wanted


# C: errors


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<",
        b"hello",
        b"\0" * 100,
        b"<Autodiscover/>",
        one_line().replace("Autodiscover", "Other").encode(),
        one_line().replace("EMailAddress", "Other").encode(),
        one_line().replace("AcceptableResponseSchema", "Other").encode(),
        one_line().replace("<Request>", "<Request/><Request>").encode(),
        one_line(address="").encode(),
        one_line().replace("<EMailAddress>", "<EMailAddress>x@corp.example</EMailAddress><EMailAddress>").encode(),
        one_line().encode() + b"<more/>",
        one_line().encode()[:-5],
        one_line().encode("utf-16")[:-3],
        b"\xff\xfe\x00\xd8",
        one_line("<!DOCTYPE a>").encode(),
        one_line(DECLARATION + '<!DOCTYPE Autodiscover [<!ENTITY a "b">]>', "&a;").encode(),
    ],
)
def test_C1_to_C6_malformed_request_is_600_in_200(post: Post, body: bytes) -> None:
    reply = post(body)

    assert reply.status == 200
    assert error_code(reply) == "600"


@pytest.mark.parametrize(
    "schema", ["", "urn:unknown", OUTLOOK[:-1], "http://schemas.microsoft.com/exchange/autodiscover/x/2006a"]
)
def test_C7_C8_unknown_schema_is_601(post: Post, schema: str) -> None:
    reply = post(pox(ADDRESS, schema))

    assert (reply.status, error_code(reply)) == (200, "601")


@pytest.mark.parametrize(
    "address",
    [
        "taro",
        "@corp.example",
        "taro@",
        "a@b@corp.example",
        "ta ro@corp.example",
        "taro@corp.example, x@corp.example",
        "&lt;script&gt;@corp.example",
        "太郎@corp.example",
        "a" * 65 + "@corp.example",
        "a@" + "b." * 200 + "example",
        "a" * 15000,
    ],
)
def test_C9_to_C11_bad_address_is_500(post: Post, address: str) -> None:
    reply = post(pox(address))

    assert (reply.status, error_code(reply)) == (200, "500")


def test_C10_legacy_dn_wins_over_the_address_and_is_unknown(post: Post) -> None:
    body = pox(ADDRESS).replace(b"<Request>", b"<Request><LegacyDN>/o=x/cn=y</LegacyDN>")

    assert error_code(post(body)) == "500"


def test_C12_bytes_that_are_no_utf8(post: Post) -> None:
    assert error_code(post(pox(ADDRESS).replace(b"taro", b"t\xe4r\xf6"))) == "600"


@pytest.mark.parametrize("schema", [OUTLOOK, MOBILESYNC, "urn:x"])
@pytest.mark.parametrize(
    "address", ["a@foreign.example", "a@sub.corp.example", "a@autodiscover.corp.example", "a@example"]
)
def test_C13_foreign_domain_is_404_with_error_500(post: Post, address: str, schema: str) -> None:
    reply = post(pox(address, schema))

    assert (reply.status, error_code(reply)) == ((200 if address == "a@example" else 404), "500")
    assert b"mail." not in reply.body


def test_C13_host_never_decides(post: Post) -> None:
    assert post(pox("a@foreign.example"), host="autodiscover.corp.example").status == 404
    assert is_settings(post(pox(ADDRESS), host="foreign.example"))


def test_C13_domain_that_pox_cannot_hold_is_404(post: Post, directory: Hosted) -> None:
    oauth = (Authentication.OAUTH2,)
    directory.give(service("corp.example", incoming_servers=(server(Protocol.IMAP, 993, authentication=oauth),)))

    reply = post(pox(ADDRESS))

    assert (reply.status, error_code(reply)) == (404, "500")


def test_C14_every_mailbox_gets_the_same(post: Post) -> None:
    answers = {
        post(pox(f"{local}@corp.example")).body.replace(local.encode(), b"") for local in ("taro", "nobody-x")
    }

    assert len(answers) == 1


def test_errors_stay_in_the_root_schema_with_time_and_id(post: Post) -> None:
    root = post(b"").xml

    error = root.find(f"{ROOT_NS}Response/{ROOT_NS}Error")
    assert error is not None
    assert error.get("Id", "").isdigit()
    assert len(error.get("Time", "")) == len("21:25:04.8897083")
    assert [child.tag.removeprefix(ROOT_NS) for child in error] == ["ErrorCode", "Message", "DebugData"]


# D: methods


@pytest.mark.parametrize("path", ["/autodiscover/autodiscover.xml", "/Autodiscover/Autodiscover.xml"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PROPFIND"])
def test_D1_D2_other_methods_are_405_with_the_error_for_people(
    application: Discovery, method: str, path: str
) -> None:
    reply = ask(application, method, path)

    assert (reply.status, reply.headers["allow"]) == (405, "POST")
    assert method == "HEAD" or error_code(reply) == "600"


def test_D3_options_is_harmless(application: Discovery) -> None:
    reply = ask(application, "OPTIONS", PATH)

    assert (reply.status, reply.headers["allow"]) == (200, "POST")


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS"])
def test_D4_never_401(application: Discovery, method: str) -> None:
    reply = ask(application, method, PATH, HTTP_AUTHORIZATION="Basic x")

    assert reply.status != 401
    assert "www-authenticate" not in reply.headers


# E: MobileSync


def test_E1_mobilesync_without_activesync_is_601(post: Post) -> None:
    reply = post(pox(ADDRESS, MOBILESYNC))

    assert (reply.status, error_code(reply)) == (200, "601")


def test_E2_mobilesync_with_activesync(post: Post) -> None:
    root = post(pox("taro@full.example", MOBILESYNC)).xml
    namespace = "{" + MOBILESYNC + "}"

    url = "https://sync.full.example/Microsoft-Server-ActiveSync"
    assert root[0].tag == f"{namespace}Response"
    assert root.findtext(f".//{namespace}Culture") == "en:us"
    assert root.findtext(f".//{namespace}EMailAddress") == "taro@full.example"
    assert root.findtext(f".//{namespace}Server/{namespace}Type") == "MobileSync"
    assert root.findtext(f".//{namespace}Server/{namespace}Url") == url
    assert root.findtext(f".//{namespace}Server/{namespace}Name") == url


def test_E2_mobilesync_is_decided_by_the_schema_asked_for_not_by_the_requests_namespace(post: Post) -> None:
    body = pox("taro@full.example").replace(b"outlook/requestschema", b"mobilesync/requestschema")

    assert b"<Type>IMAP</Type>" in post(body).body


# H: hostile bodies


ENTITY_BOMB = (
    "<!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'>"
    + "".join(f"<!ENTITY {chr(98 + i)} '{('&' + chr(97 + i) + ';') * 10}'>" for i in range(9))
    + "]>"
)


@pytest.mark.parametrize(
    "body",
    [
        one_line("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>", "&x;"),
        one_line("<!DOCTYPE a [<!ENTITY % x SYSTEM 'http://127.0.0.1:1/'> %x;]>"),
        one_line("<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/x.dtd'>"),
        one_line(ENTITY_BOMB, "&j;"),
        "<a>" * 2000,
        "<Autodiscover><Request>" + "<x>" * 200 + "</x>" * 200 + "</Request></Autodiscover>",
        one_line(address="&unknown;"),
        '<?xml version="1.0" encoding="utf-8"?><?php system("id") ?>' + "<a/>",
        "<a " + " ".join(f'a{i}="x"' for i in range(1500)) + "/>",
    ],
)
def test_H1_to_H9_hostile_xml_is_refused_and_the_next_request_answered(post: Post, body: str) -> None:
    reply = post(body.encode())

    assert (reply.status, error_code(reply)) == (200, "600")
    assert len(reply.body) < 1000
    assert is_settings(post(pox(ADDRESS)))


@pytest.mark.parametrize("size", [16 * 1024 + 1, 10**6])
@pytest.mark.parametrize("chunked", [False, True])
def test_H10_more_than_16_kib_is_413(application: Discovery, size: int, chunked: bool) -> None:
    body = BytesIO(pox(ADDRESS).ljust(size))
    length = {"HTTP_TRANSFER_ENCODING": "chunked"} if chunked else {"CONTENT_LENGTH": str(size)}

    reply = ask(application, "POST", PATH, **{"wsgi.input": body, "wsgi.input_terminated": True, **length})

    assert (reply.status, error_code(reply)) == (413, "600")
    assert body.tell() <= 16 * 1024 + 1


def test_H11_exactly_16_kib_is_read(post: Post) -> None:
    assert is_settings(post(pox(ADDRESS).ljust(16 * 1024)))


@pytest.mark.parametrize("length", ["-1", "x", "9" * 40, "١", " 5"])
def test_H12_absurd_content_length(application: Discovery, length: str) -> None:
    def absurd(environ: dict[str, Any], start_response: Any) -> Any:
        return application({**environ, "CONTENT_LENGTH": length}, start_response)

    assert ask(absurd, "POST", PATH).status in (200, 413)


def test_H13_client_that_leaves_in_the_middle_is_no_5xx(application: Discovery) -> None:
    class Gone:
        def read(self, *_size: int) -> bytes:
            raise ConnectionResetError

    def broken(environ: dict[str, Any], start_response: Any) -> Any:
        return application({**environ, "wsgi.input": Gone(), "CONTENT_LENGTH": "5"}, start_response)

    assert error_code(ask(broken, "POST", PATH)) == "600"


# I: plain http


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize("path", ["/autodiscover/autodiscover.xml", "/Autodiscover/Autodiscover.xml"])
def test_I1_to_I3_plain_http_is_302_to_https(application: Discovery, method: str, path: str) -> None:
    reply = ask(application, method, path, HTTP_X_FORWARDED_PROTO="http", REMOTE_ADDR="127.0.0.1")

    assert reply.status == 302
    assert reply.headers["location"] == f"{BASE_URL}/autodiscover/autodiscover.xml"


def test_I_https_behind_the_proxy_is_answered(post: Post) -> None:
    assert is_settings(post(pox(ADDRESS), HTTP_X_FORWARDED_PROTO="https", REMOTE_ADDR="127.0.0.1"))
