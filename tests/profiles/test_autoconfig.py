"""Autoconfig by the strictest union of its readers; the numbers are those of the guide's rules."""

from __future__ import annotations

from dataclasses import replace
from xml.etree.ElementTree import fromstring

import pytest

from profiles.autoconfig import render, render_settings
from profiles.model import Authentication, RenderOptions, SignIn
from profiles.problems import Code, ProblemError

from .accounts import (
    COMPLETE,
    IMAP,
    IMAP_STARTTLS,
    POP3,
    POP3_ONLY,
    POP3_STARTTLS,
    SMTP,
    SUBMISSION,
    account,
    service,
)


def provider_of(settings, domain="corp.example"):
    return fromstring(render_settings(settings, domain)).find("emailProvider")


def types_of(settings):
    return [server.get("type") for server in provider_of(settings).iter("incomingServer")]


@pytest.mark.parametrize(
    ("incoming", "types"),
    [
        ((IMAP,), ["imap"]),
        ((POP3, IMAP), ["imap", "pop3"]),
        ((IMAP, IMAP_STARTTLS, POP3), ["imap", "pop3"]),
        ((IMAP, POP3_STARTTLS), ["imap"]),
        ((IMAP, POP3_STARTTLS, POP3), ["imap", "pop3"]),
        ((POP3,), ["pop3"]),
        ((POP3_STARTTLS,), ["pop3"]),
    ],
)
def test_rule_1_one_imap_first_then_pop3_with_direct_tls(incoming, types):
    assert types_of(service(incoming_servers=incoming)) == types


def test_rule_1_exactly_one_outgoing_server():
    outgoing = list(provider_of(service(outgoing_servers=(SUBMISSION, SMTP))).iter("outgoingServer"))

    assert [server.findtext("port") for server in outgoing] == ["587"]


def test_rule_2_children_stand_in_the_order_that_fairemail_wants():
    for server in provider_of(COMPLETE).iter("incomingServer"):
        assert [child.tag for child in server] == [
            "hostname",
            "port",
            "socketType",
            "authentication",
            "username",
        ]


def test_rule_3_no_other_user_name_than_the_mail_servers():
    """FairEmail takes the last user name in the file for all servers, also one of a calendar."""
    names = {element.text for element in provider_of(COMPLETE).iter("username")}

    assert names == {"%EMAILADDRESS%"}


def test_rule_4_no_white_space_around_text_and_no_template_in_hosts():
    templated = replace(IMAP, hostname="imap.%EMAILDOMAIN%")

    for element in provider_of(service(incoming_servers=(templated,)), "corp.example.jp").iter():
        text = element.text or ""
        assert len(element) or text == text.strip()
        assert element.tag != "hostname" or "%" not in text


def test_rule_6_ways_to_sign_in_keep_the_providers_order():
    both = (Authentication.OAUTH2, Authentication.PASSWORD_CLEARTEXT)
    settings = service(incoming_servers=(replace(IMAP, authentication=both),))

    server = provider_of(settings).find("incomingServer")

    assert [way.text for way in server.iter("authentication")] == ["OAuth2", "password-cleartext"]


def test_oauth_only_service_is_published_as_it_is():
    ways = {"authentication": (Authentication.OAUTH2,)}
    settings = service(
        sign_in=SignIn.OAUTH,
        incoming_servers=(replace(IMAP, **ways),),
        outgoing_servers=(replace(SMTP, **ways),),
    )

    assert {way.text for way in provider_of(settings).iter("authentication")} == {"OAuth2"}


def test_rule_7_a_domain_publishes_itself_and_never_its_neighbours():
    document = render_settings(COMPLETE, "corp.example.jp")
    provider = fromstring(document).find("emailProvider")

    assert provider.get("id") == "corp.example.jp"
    assert [domain.text for domain in provider.iter("domain")] == ["corp.example.jp"]
    assert b">corp.example<" not in document


def test_rule_8_short_name_is_spelled_as_clients_read_it():
    assert provider_of(service()).findtext("displayShortName") == "Example"


def test_document_begins_with_the_declaration_and_is_utf_8():
    document = render_settings(service(display_name="株式会社サンプル & Söhne"), "corp.example")

    assert document.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<clientConfig version="1.1">')
    assert fromstring(document).findtext("emailProvider/displayName") == "株式会社サンプル & Söhne"


def test_account_is_rendered_with_templates_not_with_its_address():
    artifact = render(account(POP3_ONLY), RenderOptions())

    assert fromstring(artifact.data).findtext("emailProvider/incomingServer/username") == "%EMAILLOCALPART%"
    assert b"taro" not in artifact.data
    assert artifact.content_type == "text/xml; charset=utf-8"


def test_user_name_given_by_the_person_stands_in_the_rendered_account():
    settings = service(incoming_servers=(replace(IMAP, username="%ASK%"),))

    document = render(account(settings, username="d-account"), RenderOptions()).data

    assert fromstring(document).findtext("emailProvider/incomingServer/username") == "d-account"


def test_service_that_asks_for_a_user_name_cannot_be_published():
    with pytest.raises(ProblemError) as refusal:
        render_settings(service(incoming_servers=(replace(IMAP, username="%ASK%"),)), "corp.example")

    assert [problem.code for problem in refusal.value.problems] == [Code.USERNAME_MISSING]


@pytest.mark.parametrize("missing", ["incoming_servers", "outgoing_servers"])
def test_service_without_one_direction_is_refused(missing):
    with pytest.raises(ProblemError) as refusal:
        render_settings(service(**{missing: ()}), "corp.example")

    assert [problem.code for problem in refusal.value.problems] == [Code.FORMAT_CANNOT_HOLD]
