"""Domains through the API: with a token of the right scope, all or nothing, seen by the endpoints at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.webapp.admin.world import Host, make_host
from tests.webapp.clock import Clock
from tests.webapp.page_world import close_pages, open_pages
from webapp.accounts import COMMAND_LINE, Scope

TOML = """\
id = "new.example"
domains = ["new.example"]
[[incomingServer]]
type = "imap"
hostname = "mail.new.example"
port = 993
socketType = "SSL"
[[outgoingServer]]
type = "smtp"
hostname = "mail.new.example"
port = 465
socketType = "SSL"
"""
WRITE = (Scope.DOMAINS_READ, Scope.DOMAINS_WRITE)


@pytest.fixture
def host(tmp_path: Path, clock: Clock) -> Iterator[Host]:
    pages = open_pages(tmp_path / "data")
    yield make_host(pages, clock)
    close_pages(pages)


@pytest.fixture
def client(host: Host) -> FlaskClient:
    return host.pages.app.test_client()


def bearer(host: Host, *scopes: Scope) -> dict[str, str]:
    return {"Authorization": f"Bearer {host.accounts.tokens.create('script', scopes, actor=COMMAND_LINE)}"}


def test_put_domain_is_hosted_listed_and_shown_as_written(host: Host, client: FlaskClient) -> None:
    headers = bearer(host, *WRITE)

    answer = client.put("/api/v1/domains/new.example", data=TOML, headers=headers)

    assert answer.status_code == 200
    assert answer.json == {"id": "new.example", "domains": ["new.example"]}
    assert host.pages.services.directory.hosted("new.example") is not None
    listed = client.get("/api/v1/domains", headers=headers).json["domains"]
    assert "new.example" in [entry["id"] for entry in listed]
    assert client.get("/api/v1/domains/new.example", headers=headers).text == TOML


def test_broken_change_names_every_problem_and_leaves_the_old(host: Host, client: FlaskClient) -> None:
    headers = bearer(host, *WRITE)
    client.put("/api/v1/domains/new.example", data=TOML, headers=headers)
    broken = TOML.replace("993", "99999").replace('"smtp"', '"imap"')

    answer = client.put("/api/v1/domains/new.example", data=broken, headers=headers)

    assert answer.status_code == 422
    assert len(answer.json["problems"]) >= 2
    assert all(problem["place"] for problem in answer.json["problems"])
    assert client.get("/api/v1/domains/new.example", headers=headers).text == TOML


def test_entry_of_another_id_is_refused(host: Host, client: FlaskClient) -> None:
    answer = client.put("/api/v1/domains/other.example", data=TOML, headers=bearer(host, *WRITE))

    assert answer.status_code == 422
    assert host.pages.services.directory.hosted("new.example") is None


def test_removed_domain_is_gone_and_a_second_removal_is_404(host: Host, client: FlaskClient) -> None:
    headers = bearer(host, *WRITE)
    client.put("/api/v1/domains/new.example", data=TOML, headers=headers)

    assert client.delete("/api/v1/domains/new.example", headers=headers).status_code == 204
    assert client.delete("/api/v1/domains/new.example", headers=headers).status_code == 404
    assert host.pages.services.directory.hosted("new.example") is None


def test_token_is_needed_and_its_scope_counts(host: Host, client: FlaskClient) -> None:
    reader = bearer(host, Scope.DOMAINS_READ)

    assert client.get("/api/v1/domains").status_code == 401
    assert client.put("/api/v1/domains/new.example", data=TOML, headers=reader).status_code == 403
    assert client.get("/api/v1/domains", headers=reader).status_code == 200
    assert host.pages.services.directory.hosted("new.example") is None


def test_change_stands_in_the_audit_log(host: Host, client: FlaskClient) -> None:
    client.put("/api/v1/domains/new.example", data=TOML, headers=bearer(host, *WRITE))

    newest = host.accounts.audit.newest(most=5)
    assert ("domain.put", "new.example") in [(row.action, row.subject) for row in newest]
