"""`hagaki bulk --mail` through its own process, with a relay on loopback that takes or refuses the mails."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests.servers.dns import NameServer
from tests.servers.relay import MailRelay
from tests.servers.scripted import ScriptedServer
from tests.webapp.batches.lists import BAD, HEADINGS, PEOPLE, csv_bytes, write
from tests.webapp.cli.command import Command
from tests.webapp.cli.conftest import DOMAIN


@pytest.fixture
def relay() -> MailRelay:
    return MailRelay(replies={})


@pytest.fixture
def mailing(hagaki: Command, relay: MailRelay, name_server: NameServer) -> Iterator[Command]:
    """The command of a host that can send mails."""
    with ScriptedServer(relay) as server:
        hagaki.variables |= {
            "HAGAKI_BASE_URL": "https://m.example.co.jp",
            "HAGAKI_SMTP_URL": f"smtp://{server.host}:{server.port}",
            "HAGAKI_MAIL_FROM": "hagaki@example.co.jp",
            "HAGAKI_RESOLVER": name_server.address,
        }
        hagaki("domain", "add", "-", stdin=DOMAIN)
        yield hagaki


def table(path: Path, name: str) -> list[dict[str, str]]:
    """A table in a ZIP."""
    with zipfile.ZipFile(path) as archive:
        text = archive.read(name).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_each_person_gets_one_mail_and_each_row_its_result(
    mailing: Command, relay: MailRelay, tmp_path: Path
) -> None:
    path = write(tmp_path, csv_bytes([HEADINGS, *PEOPLE, *BAD]))

    done = mailing("bulk", path, "-o", "out.zip", "--mail", "--only", "handouts", "--json", status=1)

    results = table(tmp_path / "out.zip", "results.csv")
    assert [(row["status"], row["mail"]) for row in results] == [("made", "sent")] * 3 + [("failed", "")] * 3
    assert (done.json["made"], done.json["failed"], done.json["mails"]) == (3, 3, {"sent": 3})
    texts = [
        message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        for message in (message_from_bytes(mail, policy=policy.default) for mail in relay.mails)
    ]
    for row, text in zip(results, texts, strict=False):
        assert row["link"] in text
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert sorted(archive.namelist()) == ["handouts.pdf", "problems.csv", "results.csv"]


def test_nobody_gets_the_mail_twice(mailing: Command, relay: MailRelay, tmp_path: Path) -> None:
    path = write(tmp_path, csv_bytes([HEADINGS, *PEOPLE]))
    mailing("bulk", path, "-o", "one.zip", "--mail")

    mailing("bulk", path, "-o", "two.zip", "--mail")

    assert len(relay.mails) == 3
    one, two = ([row["link"] for row in table(tmp_path / name, "results.csv")] for name in ("one.zip", "two.zip"))
    assert one == two


def test_a_refused_recipient_is_told_at_the_row(mailing: Command, relay: MailRelay, tmp_path: Path) -> None:
    relay.replies.update(RCPT="550 5.1.1 no such user")  # type: ignore[attr-defined]
    path = write(tmp_path, csv_bytes([HEADINGS, PEOPLE[0]]))

    done = mailing("bulk", path, "-o", "out.zip", "--mail", status=1)

    (result,) = table(tmp_path / "out.zip", "results.csv")
    assert (result["status"], result["mail"], result["code"]) == ("made", "failed", "MAIL_RECIPIENT_REFUSED")
    assert result["link"] in result.values()
    assert "1 failed" in done.out


def test_ready_made_mails_never_hold_the_pin(mailing: Command, relay: MailRelay, tmp_path: Path) -> None:
    path = write(tmp_path, csv_bytes([(*HEADINGS, "PIN"), (*PEOPLE[0], "501928")]))

    mailing("bulk", path, "-o", "out.zip", "--mail", "--mode", "ready-made", "--pins", "pins.csv")

    assert "501928" in (tmp_path / "pins.csv").read_text("utf-8-sig")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert "pins.csv" not in archive.namelist()
    (mail,) = relay.mails
    message = message_from_bytes(mail, policy=policy.default)
    said = [part.get_content() for part in message.walk() if not part.is_multipart()]
    assert not [text for text in said if "501928" in text or PEOPLE[0][4] in text]


def test_without_a_relay_nothing_is_made(hagaki: Command, tmp_path: Path) -> None:
    hagaki("domain", "add", "-", stdin=DOMAIN)
    path = write(tmp_path, csv_bytes([HEADINGS, PEOPLE[0]]))

    done = hagaki("bulk", path, "-o", "out.zip", "--mail", "--json", status=1)

    assert done.json["problems"][0]["summary"]
    assert not (tmp_path / "out.zip").exists()
