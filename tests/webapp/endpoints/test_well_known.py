"""PACC, the /.well-known redirects, robots.txt and the proxy's question about certificates."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Callable

import pytest

from profiles import pacc
from profiles.model import Protocol
from tests.webapp.endpoints.asking import Hosted, Reply, ask, server, service
from webapp.endpoints import Discovery

Get = Callable[..., Reply]
PACC = "/.well-known/user-agent-configuration.json"


def test_pacc_document_is_compact_sorted_json_with_both_names_of_submission(get: Get) -> None:
    reply = get(PACC, host="ua-auto-config.corp.example")

    document = json.loads(reply.body)
    assert reply.headers["content-type"] == "application/json"
    assert document["protocols"]["smtp"] == document["protocols"]["submit"] == {"host": "mail.corp.example"}
    assert reply.body == json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_pacc_body_is_what_the_txt_record_vouches_for(get: Get) -> None:
    body = get(PACC, host="UA-Auto-Config.corp.example:443").body

    digest = b64encode(hashlib.sha256(body).digest()).decode()
    assert f"d={digest}" in pacc.txt_record(body)


def test_pacc_is_the_same_for_everyone_and_may_be_stored(get: Get) -> None:
    first = get(PACC, host="ua-auto-config.corp.example")
    again = get(PACC, "x=1", host="ua-auto-config.corp.example", HTTP_AUTHORIZATION="Basic x")

    assert again == first
    assert first.headers["cache-control"].startswith("public")
    assert get(PACC, host="ua-auto-config.corp.example", HTTP_IF_NONE_MATCH=first.headers["etag"]).status == 304


def test_pacc_is_left_out_where_the_domain_cannot_be_offered(get: Get, directory: Hosted) -> None:
    directory.give(service("corp.example", incoming_servers=(server(Protocol.IMAP, 143),)))

    assert get(PACC, host="ua-auto-config.corp.example").status == 404


def test_pacc_of_a_foreign_domain_is_404(get: Get) -> None:
    assert get(PACC, host="ua-auto-config.foreign.example").status == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "PROPFIND", "OPTIONS", "POST"])
@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/.well-known/caldav", "https://dav.full.example/calendars/"),
        ("/.well-known/carddav", "https://dav.full.example/contacts/"),
        ("/.well-known/jmap", "https://jmap.full.example/session"),
    ],
)
def test_service_is_redirected_whatever_the_method(
    application: Discovery, method: str, path: str, target: str
) -> None:
    reply = ask(application, method, path, host="full.example")

    assert (reply.status, reply.headers["location"]) == (301, target)


@pytest.mark.parametrize("host", ["corp.example", "foreign.example", ""])
def test_service_that_is_not_configured_is_404(get: Get, host: str) -> None:
    assert get("/.well-known/caldav", host=host).status == 404


def test_robots_are_sent_away(get: Get) -> None:
    assert get("/robots.txt").body == b"User-agent: *\nDisallow: /\n"


@pytest.mark.parametrize(
    "name",
    [
        "hagaki.host.example",
        "Hagaki.Host.Example",
        "autoconfig.corp.example",
        "AUTODISCOVER.corp.example",
        "ua-auto-config.twin.example",
        "autoconfig.xn--wgv71a119e.jp",
        "autoconfig.%E6%97%A5%E6%9C%AC%E8%AA%9E.jp",
    ],
)
def test_tls_ask_is_yes_for_names_that_point_here(get: Get, name: str) -> None:
    assert get("/internal/tls-ask", f"domain={name}").status == 200


@pytest.mark.parametrize(
    "name",
    [
        "corp.example",
        "www.corp.example",
        "autoconfig.foreign.example",
        "autoconfig.autoconfig.corp.example",
        "",
        "*",
    ],
)
def test_tls_ask_is_404_for_every_other_name(get: Get, name: str) -> None:
    assert get("/internal/tls-ask", f"domain={name}").status == 404


def test_tls_ask_without_the_parameter_is_404(get: Get) -> None:
    assert get("/internal/tls-ask", "autoconfig.corp.example").status == 404
