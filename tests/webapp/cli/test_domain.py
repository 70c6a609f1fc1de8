"""`hagaki domain`: all or nothing, every mistake named, and back out as it went in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.webapp.cli.command import Command
from tests.webapp.cli.conftest import DOMAIN


def write(folder: Path, name: str, text: str = DOMAIN) -> Path:
    """A domain's file."""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def other(name: str = "other.example") -> str:
    """The TOML of another domain."""
    return DOMAIN.replace('"corp.example", "corp.example.jp"', f'"{name}"').replace(
        'id = "corp.example"', f'id = "{name}"'
    )


def ids(hagaki: Command) -> list[str]:
    """What is hosted now."""
    return [entry["id"] for entry in hagaki("domain", "list", "--json").json["domains"]]


def test_a_new_hagaki_hosts_nothing(hagaki: Command) -> None:
    assert hagaki("domain", "list", "--json").json == {"domains": []}
    assert hagaki("domain", "list").out == ""


def test_added_domains_are_listed(hagaki: Command, corp: Path, tmp_path: Path) -> None:
    done = hagaki("domain", "add", corp, write(tmp_path, "other.toml", other()))

    assert done.raw == b""
    assert ids(hagaki) == ["corp.example", "other.example"]
    assert "corp.example.jp" in hagaki("domain", "list").out


def test_a_domain_comes_from_standard_input(hagaki: Command) -> None:
    hagaki("domain", "add", "-", stdin=DOMAIN)

    assert ids(hagaki) == ["corp.example"]


def test_an_existing_id_is_refused_without_replace(hagaki: Command, corp: Path) -> None:
    hagaki("domain", "add", corp)
    corp.write_text(DOMAIN.replace("993", "994"))

    refused = hagaki("domain", "add", corp, "--json", status=1)
    kept = hagaki("domain", "export", "corp.example").out
    hagaki("domain", "add", "--replace", corp)

    assert refused.codes == {"DOMAIN_EXISTS"}
    assert "port = 993" in kept
    assert "port = 994" in hagaki("domain", "export", "corp.example").out


def test_a_domain_of_another_entry_is_refused(hagaki: Command, corp: Path, tmp_path: Path) -> None:
    hagaki("domain", "add", corp)
    thief = write(tmp_path, "thief.toml", other("thief").replace('["thief"]', '["corp.example.jp"]'))

    done = hagaki("domain", "add", thief, "--json", status=1)

    assert done.codes == {"DOMAIN_TAKEN"}
    assert ids(hagaki) == ["corp.example"]


def test_one_bad_file_keeps_all_out_and_every_mistake_is_named(
    hagaki: Command, corp: Path, tmp_path: Path
) -> None:
    bad = write(
        tmp_path,
        "bad.toml",
        other().replace('"SSL"', '"plain"', 1).replace("port = 465", "port = 99999") + "x = 1\n",
    )

    done = hagaki("domain", "add", corp, bad, "--json", status=1)

    assert len(done.json["problems"]) >= 3
    assert all("bad.toml" in problem["place"] for problem in done.json["problems"])
    assert ids(hagaki) == []


def test_problems_are_readable(hagaki: Command, tmp_path: Path) -> None:
    done = hagaki("domain", "add", write(tmp_path, "bad.toml", "id = "), status=1)

    assert "TOML_SYNTAX" in done.err
    assert "bad.toml" in done.err


def test_apply_of_a_file_makes_that_domain(hagaki: Command, corp: Path) -> None:
    hagaki("domain", "add", "-", stdin=other())
    hagaki("domain", "apply", corp)
    hagaki("domain", "apply", corp)

    assert ids(hagaki) == ["corp.example", "other.example"]


def test_apply_of_a_folder_is_the_whole_truth(hagaki: Command, corp: Path, tmp_path: Path) -> None:
    hagaki("domain", "add", corp)
    write(tmp_path, "all/other.toml", other())
    write(tmp_path, "all/notes.txt", "not a domain")

    hagaki("domain", "apply", tmp_path / "all")

    assert ids(hagaki) == ["other.example"]


def test_apply_of_a_folder_with_a_mistake_changes_nothing(hagaki: Command, corp: Path, tmp_path: Path) -> None:
    hagaki("domain", "add", corp)
    write(tmp_path, "all/other.toml", other())
    write(tmp_path, "all/bad.toml", "id = 1")

    done = hagaki("domain", "apply", tmp_path / "all", "--json", status=1)

    assert done.json["ok"] is False
    assert ids(hagaki) == ["corp.example"]


def test_an_empty_folder_is_wrong_use(hagaki: Command, corp: Path, tmp_path: Path) -> None:
    """A mistyped folder must not remove every domain."""
    hagaki("domain", "add", corp)
    (tmp_path / "all").mkdir()

    hagaki("domain", "apply", tmp_path / "all", status=2)

    assert ids(hagaki) == ["corp.example"]


def test_what_is_exported_can_be_applied(hagaki: Command, corp: Path, tmp_path: Path) -> None:
    hagaki("domain", "add", corp, write(tmp_path, "other.toml", other()))
    hagaki("domain", "export", "--directory", tmp_path / "out")
    exported = hagaki("domain", "export", "corp.example").out
    hagaki("domain", "remove", "corp.example", "other.example")

    hagaki("domain", "apply", tmp_path / "out")

    assert ids(hagaki) == ["corp.example", "other.example"]
    assert hagaki("domain", "export", "corp.example").out == exported


def test_a_removed_domain_is_gone(hagaki: Command, corp: Path) -> None:
    hagaki("domain", "add", corp)

    hagaki("domain", "remove", "corp.example")

    assert ids(hagaki) == []


@pytest.mark.parametrize("command", ["show", "remove", "export", "dns"])
def test_an_unknown_domain_is_a_problem(command: str, hagaki: Command) -> None:
    done = hagaki("domain", command, "nowhere.example", status=1)

    assert "DOMAIN_UNKNOWN" in done.err
    assert done.raw == b""


@pytest.mark.parametrize("name", ["corp.example", "corp.example.jp", "CORP.example.JP"])
def test_a_domain_is_shown_by_its_id_or_any_of_its_names(name: str, hagaki: Command, corp: Path) -> None:
    hagaki("domain", "add", corp)

    done = hagaki("domain", "show", name, "--json")

    assert done.json["id"] == "corp.example"
    assert done.json["domains"] == ["corp.example", "corp.example.jp"]
    assert done.json["incoming"][0]["hostname"] == "mail.corp.example"
    assert "imap" in hagaki("domain", "show", name).out


def test_the_dns_records_can_be_pasted_into_a_zone(hagaki: Command, corp: Path) -> None:
    hagaki("domain", "add", corp)
    variables = {"HAGAKI_BASE_URL": "https://hagaki.corp.example"}

    zone = hagaki("domain", "dns", "corp.example.jp", variables=variables).out
    records = hagaki("domain", "dns", "corp.example.jp", "--json", variables=variables).json["records"]

    assert "autoconfig.corp.example.jp." in zone
    assert "hagaki.corp.example." in zone
    assert {record["type"] for record in records} >= {"CNAME", "SRV"}
    assert all(record["name"].endswith("corp.example.jp") for record in records)


def test_the_dns_records_as_a_table(hagaki: Command, corp: Path) -> None:
    hagaki("domain", "add", corp)

    table = hagaki("domain", "dns", "corp.example", "--table").out

    assert "_imaps._tcp.corp.example" in table
    assert " IN " not in table


def test_a_damaged_database_is_said(hagaki: Command) -> None:
    (hagaki.folder / "data").mkdir()
    (hagaki.folder / "data" / "hagaki.sqlite").write_bytes(b"this is no database" * 100)

    done = hagaki("domain", "list", status=1)

    assert "DATABASE_UNAVAILABLE" in done.err
