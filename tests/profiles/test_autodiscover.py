"""Autodiscover answers; rule names are those of the guide."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from xml.etree.ElementTree import fromstring

import pytest

from profiles import autodiscover
from profiles.address import Address
from profiles.autodiscover import render, render_settings_for_address
from profiles.model import Authentication, Protocol, RenderOptions, SignIn
from profiles.problems import Code, ProblemError

from .accounts import ADDRESS, COMPLETE, IMAP, IMAP_STARTTLS, POP3, SMTP, SUBMISSION, account, server, service

ROOT = "{http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006}"
OUTLOOK = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"
MOBILESYNC = "{http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006}"


def protocols_of(settings, address=ADDRESS):
    root = fromstring(render_settings_for_address(settings, address))
    found = root.iter(f"{OUTLOOK}Protocol")
    return [{child.tag.removeprefix(OUTLOOK): child.text for child in protocol} for protocol in found]


def test_a1_to_a3_declaration_comes_first():
    """A newline before it makes Thunderbird fail."""
    answer = render_settings_for_address(service(), ADDRESS)

    assert answer.startswith(b'<?xml version="1.0" encoding="utf-8"?>\n<Autodiscover ')


def test_a6_to_a8_two_http_namespaces():
    root = fromstring(render_settings_for_address(service(), ADDRESS))

    assert root.tag == f"{ROOT}Autodiscover"
    assert [child.tag for child in root] == [f"{OUTLOOK}Response"]


def test_a9_to_a12_account_is_email_settings_without_redirect():
    account_element = next(fromstring(render_settings_for_address(service(), ADDRESS)).iter(f"{OUTLOOK}Account"))

    assert [child.tag.removeprefix(OUTLOOK) for child in account_element] == [
        "AccountType",
        "Action",
        "Protocol",
        "Protocol",
    ]
    assert account_element.findtext(f"{OUTLOOK}AccountType") == "email"
    assert account_element.findtext(f"{OUTLOOK}Action") == "settings"


def test_a13_no_element_is_empty():
    for element in fromstring(render_settings_for_address(COMPLETE, ADDRESS)).iter():
        assert len(element) or element.text


def test_a14_to_a16_one_protocol_per_type_in_order_of_preference():
    settings = service(
        incoming_servers=(POP3, IMAP, IMAP_STARTTLS, replace(POP3, port=10995)),
        outgoing_servers=(SUBMISSION, SMTP),
    )

    assert [(p["Type"], p["Port"]) for p in protocols_of(settings)] == [
        ("POP3", "995"),
        ("IMAP", "993"),
        ("SMTP", "587"),
    ]


@pytest.mark.parametrize(
    ("incoming", "outgoing", "encryption"),
    [(IMAP, SMTP, ("SSL", "SSL")), (IMAP_STARTTLS, SUBMISSION, ("TLS", "TLS"))],
)
def test_a17_to_a31_every_switch_is_written(incoming, outgoing, encryption):
    """SSL off would make Thunderbird and Delta Chat speak plain text, whatever Encryption says."""
    reading, sending = protocols_of(service(incoming_servers=(incoming,), outgoing_servers=(outgoing,)))

    switches = {"DomainRequired": "off", "SPA": "off", "SSL": "on", "AuthRequired": "on"}
    login = {"LoginName": "taro.yamada@corp.example"}
    assert reading == switches | login | {
        "Type": "IMAP",
        "Server": "imap.corp.example",
        "Port": str(incoming.port),
        "Encryption": encryption[0],
    }
    assert sending == switches | login | {
        "Type": "SMTP",
        "Server": "smtp.corp.example",
        "Port": str(outgoing.port),
        "Encryption": encryption[1],
        "UsePOPAuth": "off",
        "SMTPLast": "off",
    }


def test_elements_stand_in_the_documented_order():
    answer = render_settings_for_address(service(), ADDRESS).decode()
    smtp = answer[answer.rindex("<Protocol>") :]

    assert re.findall(r"<([A-Za-z]+)>", smtp)[1:] == [
        "Type",
        "Server",
        "Port",
        "LoginName",
        "DomainRequired",
        "SPA",
        "SSL",
        "Encryption",
        "AuthRequired",
        "UsePOPAuth",
        "SMTPLast",
    ]


def test_b20_address_is_escaped():
    hostile = Address("a&b'c", "corp.example")

    assert b"a&amp;b'c@corp.example" in render_settings_for_address(service(), hostile)


def test_local_part_that_looks_like_a_placeholder_is_taken_as_written():
    trap = Address("%EMAILLOCALPART%", "corp.example")

    assert protocols_of(service(), trap)[0]["LoginName"] == "%EMAILLOCALPART%@corp.example"


def test_c14_answer_depends_on_the_domain_alone():
    one, other = Address("one", "corp.example"), Address("other", "corp.example")

    template = autodiscover.settings_template(service(), "corp.example")

    assert render_settings_for_address(service(), one).replace(b"one@", b"other@") == (
        render_settings_for_address(service(), other)
    )
    assert autodiscover.fill(template, one) == render_settings_for_address(service(), one)


def test_account_and_domain_give_the_same_answer():
    assert render(account(COMPLETE), RenderOptions()).data == render_settings_for_address(COMPLETE, ADDRESS)


def test_personal_name_is_not_told():
    assert "山田" not in render(account(), RenderOptions()).data.decode()


@pytest.mark.parametrize(
    "settings",
    [
        service(sign_in=SignIn.OAUTH),
        service(incoming_servers=(replace(IMAP, authentication=(Authentication.OAUTH2,)),)),
        service(outgoing_servers=(replace(SMTP, authentication=(Authentication.TLS_CLIENT_CERT,)),)),
        service(incoming_servers=()),
    ],
)
def test_what_the_answer_cannot_say_is_refused(settings):
    with pytest.raises(ProblemError) as refusal:
        render_settings_for_address(settings, ADDRESS)

    assert [problem.code for problem in refusal.value.problems] == [Code.FORMAT_CANNOT_HOLD]


def test_unknown_user_name_is_refused():
    with pytest.raises(ProblemError) as refusal:
        render_settings_for_address(
            service(incoming_servers=(server(Protocol.IMAP, 993, username="%ASK%"),)), ADDRESS
        )

    assert [problem.code for problem in refusal.value.problems] == [Code.USERNAME_MISSING]


def test_e2_mobilesync_answer_names_the_url_twice():
    root = fromstring(autodiscover.mobilesync_answer(COMPLETE.activesync_url, ADDRESS))

    texts = {element.tag: element.text for element in root.iter() if not len(element)}

    assert texts == {
        f"{MOBILESYNC}Culture": "en:us",
        f"{MOBILESYNC}DisplayName": "taro.yamada@corp.example",
        f"{MOBILESYNC}EMailAddress": "taro.yamada@corp.example",
        f"{MOBILESYNC}Type": "MobileSync",
        f"{MOBILESYNC}Url": "https://mail.corp.example/Microsoft-Server-ActiveSync",
        f"{MOBILESYNC}Name": "https://mail.corp.example/Microsoft-Server-ActiveSync",
    }


@pytest.mark.parametrize(
    "error",
    [
        autodiscover.INVALID_REQUEST,
        autodiscover.PROVIDER_NOT_AVAILABLE,
        autodiscover.ADDRESS_NOT_FOUND,
        autodiscover.SERVER_ERROR,
    ],
)
def test_error_stays_in_the_root_schema(error):
    code, message = error

    root = fromstring(autodiscover.error_answer(code, message))
    found = root.find(f"{ROOT}Response/{ROOT}Error")

    assert [child.tag.removeprefix(ROOT) for child in found] == ["ErrorCode", "Message", "DebugData"]
    assert (found.findtext(f"{ROOT}ErrorCode"), found.findtext(f"{ROOT}Message")) == (str(code), message)
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{7}", found.get("Time"))
    assert found.get("Id").isdigit()


def test_f1_json_points_to_the_xml():
    url = "https://autodiscover.corp.example/autodiscover/autodiscover.xml"

    assert json.loads(autodiscover.json_answer("AutodiscoverV1", url)) == {
        "Protocol": "AutodiscoverV1",
        "Url": url,
    }


def test_f8_json_errors_name_what_is_served():
    body = json.loads(autodiscover.json_protocol_unsupported("AutodiscoverV1", "ActiveSync"))

    assert body["ErrorCode"] == "InvalidProtocol"
    assert "'AutodiscoverV1', 'ActiveSync'" in body["ErrorMessage"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (autodiscover.JSON_PROTOCOL_MISSING, "MissingProtocol"),
        (autodiscover.JSON_ADDRESS_MISSING, "MandatoryParameterMissing"),
        (autodiscover.JSON_ADDRESS_UNKNOWN, "UserNotFound"),
    ],
)
def test_json_error_bodies(error, code):
    body = json.loads(autodiscover.json_error(*error))

    assert set(body) == {"ErrorCode", "ErrorMessage"}
    assert body["ErrorCode"] == code
