"""`hagaki admin`, `token` and `audit`: secrets are printed once, and what was changed behind us is named."""

from __future__ import annotations

import sqlite3

import pytest

from tests.webapp.cli.command import Command


def test_create_prints_a_set_up_link_and_list_shows_no_secret(hagaki: Command) -> None:
    made = hagaki("admin", "create", "sato@example.co.jp", "--role", "operator", "--json").json

    listed = hagaki("admin", "list", "--json")

    assert "/admin/setup/" in made["setup_url"]
    assert [(each["name"], each["role"], each["state"]) for each in listed.json["admins"]] == [
        ("sato@example.co.jp", "operator", "invited")
    ]
    assert made["setup_url"].rpartition("/")[2] not in listed.out


def test_a_password_from_standard_input_makes_a_ready_admin(hagaki: Command) -> None:
    made = hagaki("admin", "create", "sato", "--password-stdin", "--json", stdin="a bicycle in the rain\n").json

    assert len(made["recovery_codes"]) == 8
    assert hagaki("admin", "list", "--json").json["admins"][0]["state"] == "ready"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("admin", "disable", "nobody"), "ADMIN_UNKNOWN"),
        (("admin", "reset", "nobody"), "ADMIN_UNKNOWN"),
        (("token", "revoke", "nothing"), "TOKEN_UNKNOWN"),
    ],
)
def test_an_unknown_name_is_named(hagaki: Command, arguments: tuple[str, ...], code: str) -> None:
    assert hagaki(*arguments, "--json", status=1).codes == {code}


def test_reset_and_disable(hagaki: Command) -> None:
    first = hagaki("admin", "create", "sato", "--json").json["setup_url"]

    second = hagaki("admin", "reset", "sato", "--json").json["setup_url"]

    assert first != second
    assert hagaki("admin", "disable", "sato", "--json").json["state"] == "disabled"


def test_a_token_is_printed_once_and_can_be_revoked(hagaki: Command) -> None:
    made = hagaki("token", "create", "HR", "--scope", "batches:write").out.strip()

    listed = hagaki("token", "list", "--json")

    assert made.startswith("hagaki_")
    assert made not in listed.out
    assert listed.json["tokens"][0]["scopes"] == ["batches:write"]
    hagaki("token", "revoke", "HR")
    assert hagaki("token", "list", "--json").json == {"tokens": []}


def test_verify_names_a_changed_row(hagaki: Command) -> None:
    for name in ("one", "two", "three"):
        hagaki("admin", "create", name)
    assert hagaki("audit", "verify", "--json").json == {"ok": True, "rows": 3, "problems": []}

    with sqlite3.connect(hagaki.folder / "data" / "hagaki.sqlite") as database:
        database.execute("UPDATE audit_rows SET subject = 'somebody' WHERE number = 2")
    database.close()

    found = hagaki("audit", "verify", "--json", status=1)
    assert found.codes == {"AUDIT_ROW_CHANGED"}
    assert found.json["problems"][0]["place"] == "row 2"
