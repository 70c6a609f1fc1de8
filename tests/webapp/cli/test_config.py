"""`hagaki config check`."""

from __future__ import annotations

from pathlib import Path

from tests.webapp.cli.command import Command, Done
from webapp.config import SETTINGS


def by_name(done: Done) -> dict[str, dict[str, str]]:
    """The settings of a JSON answer."""
    return {setting["name"]: setting for setting in done.json["settings"]}


def test_every_setting_is_listed_with_its_source(hagaki: Command, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a secret in a file of its own\n")

    done = hagaki(
        "config", "check", "--json", variables={"HAGAKI_LANGUAGE": "ja", "HAGAKI_SECRET_KEY_FILE": str(secret)}
    )

    found = by_name(done)
    assert set(found) == {f"HAGAKI_{name}" for name in SETTINGS}
    assert done.json["ok"] is True
    assert found["HAGAKI_LANGUAGE"] == {"name": "HAGAKI_LANGUAGE", "value": "ja", "source": "environment"}
    assert found["HAGAKI_BIND"] == {"name": "HAGAKI_BIND", "value": "127.0.0.1:8080", "source": "default"}
    assert found["HAGAKI_SECRET_KEY"]["source"] == "file"


def test_no_secret_is_shown(hagaki: Command, tmp_path: Path) -> None:
    secrets = {
        "HAGAKI_SECRET_KEY": "first canary of 16 signs",
        "HAGAKI_LINK_KEY": "second canary of 16 signs",
        "HAGAKI_METRICS_TOKEN": "third-canary-of-16-signs",
        "HAGAKI_DATABASE_URL": "postgresql://hagaki:fourth-canary@db.example/hagaki",
        "HAGAKI_SMTP_URL": "smtps://hagaki:fifth-canary@mail.example.com:465",
        "HAGAKI_OIDC_CLIENT_SECRET": "sixth canary",
    }

    for arguments in (["--json"], []):
        done = hagaki("config", "check", *arguments, variables=secrets)

        assert "canary" not in done.out + done.err
        assert "db.example" in done.out


def test_all_problems_are_named_at_once(hagaki: Command, tmp_path: Path) -> None:
    bad = {
        "HAGAKI_BASE_ULR": "https://m.example.com",
        "HAGAKI_BIND": "nowhere",
        "HAGAKI_RETENTION_DAYS": "ever",
        "HAGAKI_CA_FILE": str(tmp_path / "missing.pem"),
    }

    done = hagaki("config", "check", "--json", variables=bad, status=1)

    assert done.json["ok"] is False
    assert {problem["place"] for problem in done.json["problems"]} == set(bad)
    assert done.codes == {"SETTING_UNKNOWN", "SETTING_INVALID"}


def test_problems_are_readable(hagaki: Command) -> None:
    done = hagaki("config", "check", variables={"HAGAKI_BASE_ULR": "https://m.example.com"}, status=1)

    assert "HAGAKI_BASE_ULR" in done.err
    assert "HAGAKI_BASE_URL" in done.err


def test_looking_makes_nothing(hagaki: Command) -> None:
    hagaki("config", "check")

    assert list(hagaki.folder.iterdir()) == []
