"""The .k9s file, as the app's importer reads it."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID
from xml.etree.ElementTree import fromstring

import pytest

from profiles.address import Address
from profiles.k9s import render
from profiles.model import Authentication, RenderOptions
from profiles.problems import Code, ProblemError

from .accounts import IMAP, POP3_ONLY, SMTP, account, service


def root_of(mail_account=None, **options):
    return fromstring(render(mail_account or account(), RenderOptions(**options)).data)


def test_file_has_the_version_and_format_that_the_app_takes():
    root = root_of()

    assert (root.tag, root.get("format")) == ("k9settings", "1")
    assert int(root.get("version")) > 0


def test_servers_are_written_in_the_apps_words():
    incoming, outgoing = (root_of().find(f"accounts/account/{tag}-server") for tag in ("incoming", "outgoing"))

    assert (incoming.get("type"), outgoing.get("type")) == ("IMAP", "SMTP")
    assert [(child.tag, child.text) for child in incoming] == [
        ("host", "imap.corp.example"),
        ("port", "993"),
        ("connection-security", "SSL_TLS_REQUIRED"),
        ("authentication-type", "PLAIN"),
        ("username", "taro.yamada@corp.example"),
    ]


def test_pop3_and_starttls():
    root = root_of(account(POP3_ONLY))

    assert root.find("accounts/account/incoming-server").get("type") == "POP3"
    assert root.findtext("accounts/account/outgoing-server/connection-security") == "STARTTLS_REQUIRED"


@pytest.mark.parametrize(("settings", "policy"), [(service(), "DELETE"), (POP3_ONLY, "NEVER")])
def test_deleting_reaches_the_server_only_where_the_app_itself_would_have_it(settings, policy):
    """What is deleted on the phone would be gone from a POP3 server for the computer too."""
    value = root_of(account(settings)).find("accounts/account/settings/value")

    assert (value.get("key"), value.text) == ("deletePolicy", policy)


def test_account_uuid_is_a_uuid_and_stays():
    uuid = root_of().find("accounts/account").get("uuid")
    again = root_of(account(full_name="x"), password="y").find("accounts/account").get("uuid")
    other = root_of(service().account(Address("x", "corp.example"))).find("accounts/account").get("uuid")

    assert str(UUID(uuid)) == uuid == again != other


def test_identity_holds_name_and_address():
    identity = root_of().find("accounts/account/identities/identity")

    assert [child.text for child in identity] == ["山田 太郎", "taro.yamada@corp.example"]
    assert root_of(account(full_name="")).find("accounts/account/identities/identity/name") is None


@pytest.mark.parametrize("password", [None, ""])
def test_without_a_password_the_app_asks(password):
    assert list(root_of(password=password).iter("password")) == []


def test_passwords_stand_with_their_servers():
    root = root_of(password="one", outgoing_password="two")

    assert [element.text for element in root.iter("password")] == ["one", "two"]


@pytest.mark.parametrize(
    ("way", "word"),
    [
        (Authentication.OAUTH2, "XOAUTH2"),
        (Authentication.PASSWORD_ENCRYPTED, "CRAM_MD5"),
        (Authentication.TLS_CLIENT_CERT, "EXTERNAL"),
    ],
)
def test_other_ways_to_sign_in(way, word):
    settings = service(incoming_servers=(replace(IMAP, authentication=(way,)),))

    root = root_of(account(settings))

    assert root.findtext("accounts/account/incoming-server/authentication-type") == word


@pytest.mark.parametrize("way", [Authentication.NTLM, Authentication.GSSAPI])
def test_way_that_the_app_does_not_know_is_refused(way):
    settings = service(outgoing_servers=(replace(SMTP, authentication=(way,)),))

    with pytest.raises(ProblemError) as refusal:
        root_of(account(settings))

    assert [problem.code for problem in refusal.value.problems] == [Code.FORMAT_CANNOT_HOLD]


def test_file_is_named_for_the_apps_file_picker():
    artifact = render(account(), RenderOptions())

    assert (artifact.content_type, artifact.filename) == ("application/octet-stream", "corp.example.k9s")
