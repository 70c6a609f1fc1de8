"""PACC documents: stable bytes, the published digests, and what cannot be offered."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from profiles.model import Authentication, DavService, RenderOptions, SignIn
from profiles.pacc import body, render, render_settings, txt_record
from profiles.problems import Code, ProblemError

from .accounts import COMPLETE, IMAP, IMAP_STARTTLS, POP3, SMTP, SUBMISSION, account, service


def document_of(settings, domain="corp.example"):
    return json.loads(render_settings(settings, domain))


def test_body_is_compact_and_sorted():
    assert body({"b": 1, "a": {"d": "ü", "c": True}}) == '{"a":{"c":true,"d":"ü"},"b":1}'.encode()


def test_digest_is_of_the_exact_bytes():
    assert txt_record(b"") == "v=UAAC1; a=sha256; d=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


def test_both_drafts_find_submission():
    protocols = document_of(COMPLETE)["protocols"]

    assert protocols["smtp"] == protocols["submit"] == {"host": "smtp.corp.example"}


def test_document_holds_what_the_draft_requires():
    document = document_of(COMPLETE)

    assert document["protocols"]["imap"] == {"host": "imap.corp.example"}
    assert document["protocols"]["pop3"] == {"host": "pop.corp.example"}
    assert document["protocols"]["jmap"] == {"url": "https://jmap.corp.example/.well-known/jmap"}
    assert document["authentication"] == {"password": True}
    assert document["info"]["provider"] == {"name": "Example Corporation", "shortName": "Example"}
    assert document["info"]["help"] == {"documentation": "https://intra.corp.example/mail?a=1&b=2"}


@pytest.mark.parametrize(
    ("url", "offered"),
    [
        ("https://dav.corp.example/cal/", True),
        ("https://dav.corp.example/", False),
        ("https://dav.corp.example", False),
        ("https://dav.corp.example:8443/cal/", False),
    ],
)
def test_dav_url_has_a_path_and_no_port(url, offered):
    settings = service(calendar=DavService(url=url), addressbook=DavService(url=url))

    protocols = document_of(settings)["protocols"]

    assert ("caldav" in protocols, "carddav" in protocols) == (offered, offered)


def test_long_names_are_cut_to_the_drafts_length():
    provider = document_of(service(display_name="n" * 90, display_short_name="s" * 90))["info"]["provider"]

    assert (len(provider["name"]), len(provider["shortName"])) == (60, 20)


def test_second_server_is_offered_where_only_it_has_direct_tls():
    document = document_of(service(outgoing_servers=(SUBMISSION, SMTP)))

    assert document["protocols"]["submit"] == {"host": "smtp.corp.example"}


@pytest.mark.parametrize(
    "settings",
    [
        service(incoming_servers=(IMAP_STARTTLS,)),
        service(outgoing_servers=(SUBMISSION,)),
        service(incoming_servers=(replace(IMAP, port=10993),)),
        service(incoming_servers=(replace(IMAP, username="%EMAILLOCALPART%"),)),
        service(incoming_servers=(replace(IMAP, authentication=(Authentication.OAUTH2,)),)),
        service(sign_in=SignIn.OAUTH),
        service(incoming_servers=()),
    ],
)
def test_domain_that_pacc_cannot_describe_is_left_out(settings):
    with pytest.raises(ProblemError) as refusal:
        render_settings(settings, "corp.example")

    assert [problem.code for problem in refusal.value.problems] == [Code.FORMAT_CANNOT_HOLD]


def test_domain_publishes_itself_with_its_own_hosts():
    settings = service(
        incoming_servers=(replace(POP3, hostname="pop.%EMAILDOMAIN%"),), domains=("a.example", "b.example")
    )

    text = render_settings(settings, "a.example")

    assert json.loads(text)["protocols"]["pop3"] == {"host": "pop.a.example"}
    assert b"b.example" not in text


def test_account_renders_its_domains_document():
    artifact = render(account(COMPLETE), RenderOptions())

    assert artifact.data == render_settings(COMPLETE, "corp.example")
    assert artifact.content_type == "application/json"
