"""`hagaki doctor` in its own process, on the doctor's healthy domain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from profiles.catalogue import to_toml
from tests.servers.authority import Authority
from tests.servers.web import ANY, Reply
from tests.webapp.cli.command import Command, Done, is_japanese
from tests.webapp.doctor.hosting import BASE_URL, DOMAIN, MAIL_HOST, Hosting, hosting

KEYS = ["domain", "ok", "clients", "records", "certificates", "problems"]
CLIENT_KEYS = ["client", "ok", "account", "steps", "problems"]
CLIENTS = [
    "thunderbird",
    "thunderbird-android",
    "fairemail",
    "delta-chat",
    "evolution",
    "kmail",
    "outlook",
    "apple",
    "pacc",
]


@pytest.fixture
def world(authority: Authority) -> Iterator[Hosting]:
    """The healthy domain."""
    with hosting(authority) as running:
        yield running


@pytest.fixture
def doctor(hagaki: Command, world: Hosting, tmp_path: Path) -> Command:
    """The command in that world, with the domain added."""
    hagaki.variables |= {
        "HAGAKI_RESOLVER": world.names.address,
        "HAGAKI_CA_FILE": str(world.authority.ca_file),
        "HAGAKI_BASE_URL": BASE_URL,
        "HAGAKI_TIMEZONE": "Asia/Tokyo",
    }
    domain = tmp_path / "domain.toml"
    domain.write_text(to_toml(world.settings))
    hagaki("domain", "add", domain)
    return hagaki


def look(doctor: Command, world: Hosting, *options: str | Path, name: str = DOMAIN, status: int = 0) -> Done:
    connect = [f"{host}:{port}={to}:{other}" for (host, port), (to, other) in world.overrides.items()]
    arguments = [word for one in connect for word in ("--connect", one)]
    return doctor("doctor", name, *arguments, *options, status=status)


def test_the_healthy_domain_is_ok(doctor: Command, world: Hosting) -> None:
    found = look(doctor, world, "--json").json

    assert list(found) == KEYS
    assert (found["domain"], found["ok"], found["problems"]) == (DOMAIN, True, [])
    assert [client["client"] for client in found["clients"]] == CLIENTS
    assert all(list(client) == CLIENT_KEYS and client["ok"] for client in found["clients"])
    assert all(record["ok"] for record in found["records"])


def test_an_account_has_the_shape_of_hagaki_check(doctor: Command, world: Hosting) -> None:
    clients = look(doctor, world, "--json").json["clients"]

    assert clients[0]["account"] == {
        "address": f"user@{DOMAIN}",
        "full_name": "",
        "incoming": [
            {"type": "imap", "hostname": MAIL_HOST, "port": 993, "socketType": "SSL", "username": f"user@{DOMAIN}"}
        ],
        "outgoing": [
            {"type": "smtp", "hostname": MAIL_HOST, "port": 465, "socketType": "SSL", "username": f"user@{DOMAIN}"}
        ],
    }
    assert clients[CLIENTS.index("apple")]["account"] is None


def test_a_fault_is_exit_status_1_and_named_in_words(doctor: Command, world: Hosting) -> None:
    world.web.routes[f"autodiscover.{DOMAIN}", ANY] = Reply(status=401)

    found = look(doctor, world, status=1)

    assert "WEB_ASKS_CREDENTIALS" in found.out
    assert "Outlook" in found.out


def test_steps_are_folded_unless_asked_for(doctor: Command, world: Hosting) -> None:
    short, long = look(doctor, world).out, look(doctor, world, "-v").out

    assert "config-v1.1.xml" not in short
    assert f"https://autoconfig.{DOMAIN}/mail/config-v1.1.xml" in long
    assert len(short.splitlines()) < 25


def test_the_report_is_a_page_in_the_language_asked_for(doctor: Command, world: Hosting, tmp_path: Path) -> None:
    page = tmp_path / "report.html"

    found = look(doctor, world, "-o", page, "--language", "ja")

    assert page.read_text().startswith('<!DOCTYPE html>\n<html lang="ja">')
    assert is_japanese(found.out)


def test_a_domain_that_is_not_hosted_here_is_played_too(doctor: Command, world: Hosting) -> None:
    doctor("domain", "remove", DOMAIN)

    found = look(doctor, world, "--json").json

    assert found["ok"] is True
    assert found["records"] == []
    assert "not among your domains" in look(doctor, world).out


def test_a_domain_of_which_nothing_is_known_fails(doctor: Command, world: Hosting) -> None:
    found = look(doctor, world, "--json", name="nowhere.example", status=1).json

    assert found["ok"] is False
    assert {problem["code"] for problem in found["problems"]} == {"CLIENT_FINDS_NOTHING"}


@pytest.mark.parametrize("arguments", [("no domain",), ("localhost",), (), (DOMAIN, "--connect", "x")])
def test_wrong_use_is_exit_status_2(doctor: Command, arguments: tuple[str, ...]) -> None:
    doctor("doctor", *arguments, status=2)


def test_a_domain_is_taken_in_any_spelling(doctor: Command, world: Hosting) -> None:
    assert look(doctor, world, "--json", name="Example.COM.").json["domain"] == DOMAIN
