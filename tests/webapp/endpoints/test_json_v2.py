"""Autodiscover V2 as JSON, rules F of autodiscover.md, and the paths that must not ask for a password (G)."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.webapp.endpoints.asking import Hosted, Reply, ask
from tests.webapp.endpoints.conftest import BASE_URL, fallback
from webapp.config import load
from webapp.endpoints import Discovery

Get = Callable[..., Reply]
PATH = "/autodiscover/autodiscover.json"
POX_URL = f"{BASE_URL}/autodiscover/autodiscover.xml"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (PATH, "Email=taro%40corp.example&Protocol=Autodiscoverv1&RedirectCount=1"),
        (PATH, "email=taro@corp.example&protocol=AUTODISCOVERV1"),
        (PATH + "/v1.0/taro@corp.example", "Protocol=Autodiscoverv1&RedirectCount=1"),
        (PATH + "/v1.0/taro%40corp.example", "PROTOCOL=autodiscoverV1"),
        (PATH + "/v1.0", "Email=taro@corp.example&Protocol=AutodiscoverV1"),
        ("/Autodiscover/Autodiscover.json", "Email=taro@CORP.example&Protocol=AutodiscoverV1"),
        ("/AutoDiscover/AutoDiscover.json/V1.0/taro@corp.example", "Protocol=AutodiscoverV1"),
    ],
)
def test_F1_to_F7_both_path_forms_in_any_case_name_the_https_url(get: Get, path: str, query: str) -> None:
    reply = get(path, query)

    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert json.loads(reply.body) == {"Protocol": "AutodiscoverV1", "Url": POX_URL}


def test_F7_local_trial_without_https_names_the_domains_own_host(directory: Hosted) -> None:
    application = Discovery(directory, load({"HAGAKI_BASE_URL": "http://127.0.0.1:8080"}), fallback)

    reply = ask(application, "GET", PATH, "Email=a@corp.example&Protocol=AutodiscoverV1")

    assert json.loads(reply.body)["Url"] == "https://autodiscover.corp.example/autodiscover/autodiscover.xml"


@pytest.mark.parametrize("protocol", ["ActiveSync", "activesync"])
def test_F5_activesync_where_the_domain_has_it(get: Get, protocol: str) -> None:
    reply = get(PATH, f"Email=taro@full.example&Protocol={protocol}")

    assert json.loads(reply.body) == {
        "Protocol": "ActiveSync",
        "Url": "https://sync.full.example/Microsoft-Server-ActiveSync",
    }


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "MandatoryParameterMissing"),
        ("Protocol=AutodiscoverV1", "MandatoryParameterMissing"),
        ("Email=&Protocol=AutodiscoverV1", "MandatoryParameterMissing"),
        ("Email=taro&Protocol=AutodiscoverV1", "MandatoryParameterMissing"),
        ("Email=<script>@corp.example&Protocol=AutodiscoverV1", "MandatoryParameterMissing"),
        ("Email=taro@corp.example", "MissingProtocol"),
        ("Email=taro@corp.example&Protocol=", "MissingProtocol"),
        ("Email=taro@corp.example&Protocol=%3Cscript%3E", "InvalidProtocol"),
        ("Email=taro@corp.example&Protocol=EWS", "InvalidProtocol"),
        ("Email=taro@corp.example&Protocol=ActiveSync", "InvalidProtocol"),
    ],
)
def test_F8_to_F16_errors_are_json_in_400_and_repeat_nothing(get: Get, query: str, code: str) -> None:
    reply = get(PATH, query)

    assert reply.status == 400
    assert json.loads(reply.body)["ErrorCode"] == code
    assert b"script" not in reply.body
    assert b"taro" not in reply.body


def test_F17_foreign_domain_is_404(get: Get) -> None:
    reply = get(PATH, "Email=taro@foreign.example&Protocol=AutodiscoverV1")

    assert (reply.status, json.loads(reply.body)["ErrorCode"]) == (404, "UserNotFound")


def test_F18_every_mailbox_gets_the_same(get: Get) -> None:
    bodies = {get(PATH, f"Email={name}@corp.example&Protocol=AutodiscoverV1").body for name in ("a", "nobody")}

    assert len(bodies) == 1


def test_F19_forged_host_changes_nothing(get: Get) -> None:
    reply = get(
        PATH,
        "Email=taro@corp.example&Protocol=AutodiscoverV1",
        host="evil.example",
        HTTP_X_FORWARDED_HOST="evil.example",
    )

    assert json.loads(reply.body)["Url"] == POX_URL


def test_answers_name_a_person_in_their_url_and_are_not_stored(get: Get) -> None:
    for query in ("", "Email=taro@corp.example&Protocol=AutodiscoverV1"):
        assert get(PATH, query).headers["cache-control"] == "no-store"


def test_post_is_405(application: Discovery) -> None:
    assert ask(application, "POST", PATH).status == 405


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD"])
@pytest.mark.parametrize(
    "path",
    [
        "/autodiscover/autodiscover.svc",
        "/Autodiscover/Autodiscover.svc",
        "/autodiscover/autodiscover.svc/wssecurity",
        "/EWS/Exchange.asmx",
        "/ews/exchange.asmx",
        "/Microsoft-Server-ActiveSync",
        "/microsoft-server-activesync/default.eas",
        "/mapi/emsmdb",
        "/autodiscover",
        "/autodiscover/",
        "/autodiscover/metadata/json/1",
        "/autodiscover/../etc/passwd",
    ],
)
def test_G1_to_G4_exchange_paths_are_404_and_ask_for_nothing(
    application: Discovery, method: str, path: str
) -> None:
    reply = ask(application, method, path, HTTP_AUTHORIZATION="Basic dGFybzpzZWNyZXQ=")

    assert reply.status == 404
    assert "www-authenticate" not in reply.headers
    assert "set-cookie" not in reply.headers
