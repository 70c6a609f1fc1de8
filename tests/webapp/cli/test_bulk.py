"""`hagaki bulk` through its own process: what it finds, shows, makes and leaves."""

from __future__ import annotations

import csv
import io
import os
import pty
import re
import shutil
import sqlite3
import stat
import subprocess
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
import xlsxwriter

from tests.servers.environment import Environment
from tests.servers.people import PEOPLE as ACCOUNTS
from tests.servers.people import WRONG
from tests.webapp.batches.lists import BAD, HEADINGS, PEOPLE, csv_bytes, workbook_bytes, write
from tests.webapp.cli.command import HAGAKI, Command, is_japanese
from tests.webapp.cli.conftest import DOMAIN


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a host with one domain: keys, database and certificates take long to make."""
    folder = tmp_path_factory.mktemp("host")
    command = Command(folder)
    command("domain", "add", "-", stdin=DOMAIN)
    command("signing", "status", status=None)
    return folder / "data"


@pytest.fixture
def hosted(hagaki: Command, host: Path) -> Command:
    """The command of a host with one domain and a name."""
    hagaki.variables["HAGAKI_BASE_URL"] = "https://m.example.co.jp"
    shutil.copytree(host, hagaki.folder / "data")
    return hagaki


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A list without problems."""
    return write(tmp_path, csv_bytes([HEADINGS, *PEOPLE], encoding="utf-16", delimiter="\t"))


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A list with three good and three bad rows."""
    return write(tmp_path, csv_bytes([HEADINGS, *PEOPLE, *BAD]), "mixed.csv")


def members(path: Path) -> dict[str, bytes]:
    """What is in a ZIP."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def results(path: Path) -> list[dict[str, str]]:
    """The rows of results.csv."""
    text = members(path)["results.csv"].decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_what_is_said_of_a_list_as_a_whole_is_told(hosted: Command, tmp_path: Path) -> None:
    """Sheets that are not read, rows that nobody sees, an encoding that was guessed."""
    with xlsxwriter.Workbook(tmp_path / "people.xlsx") as workbook:
        for title in ("2026", "2025"):
            sheet = workbook.add_worksheet(title)
            sheet.write_column(0, 0, ["address", "taro@corp.example"])
            sheet.set_row(1, None, None, {"hidden": True})
    write(tmp_path, csv_bytes([("address", "氏名"), ("taro@corp.example", "山田")], encoding="euc_jp"))

    book = hosted("bulk", "people.xlsx", "--dry-run", "--json")
    text = hosted("bulk", "list.csv", "--dry-run")

    assert [one["code"] for one in book.json["problems"]] == ["LIST_SHEETS_UNREAD", "LIST_ROWS_HIDDEN"]
    assert (book.json["sheet"], book.json["good"]) == ("2026", 1)
    assert "warning LIST_ENCODING_GUESSED list.csv" in text.err
    assert "EUC-JP" in text.err


def test_a_good_list_is_made_whole(hosted: Command, people: Path, tmp_path: Path) -> None:
    done = hosted("bulk", people, "-o", "out.zip", "--mode", "ready-made", "--json")

    found = members(tmp_path / "out.zip")
    assert {name.split("/")[0] for name in found} == {
        "profiles", "k9s", "qr", "handouts.pdf", "results.csv", "pins.csv", "problems.csv",
    }  # fmt: skip
    assert [row["status"] for row in results(tmp_path / "out.zip")] == ["made"] * 3
    document = done.json
    assert document["ok"] is True
    assert (document["total"], document["made"], document["failed"]) == (3, 3, 0)
    assert document["encoding"] == "UTF-16"
    assert document["delimiter"] == "\t"
    assert document["header_row"] == 1
    assert {"column": "C", "heading": "メールアドレス", "field": "address"} in document["columns"]
    assert document["preview"][0]["full_name"] == "山田 太郎"
    assert document["output"] == "out.zip"
    assert "合言葉" not in done.out + done.err


def test_a_zip_with_passwords_is_private(hosted: Command, people: Path, tmp_path: Path) -> None:
    hosted("bulk", people, "-o", "out.zip", "--mode", "ready-made")

    assert stat.S_IMODE((tmp_path / "out.zip").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_bad_rows_are_told_and_the_good_ones_made(hosted: Command, mixed: Path, tmp_path: Path) -> None:
    done = hosted("bulk", mixed, "-o", "out.zip", "--json", status=1)

    assert [row["status"] for row in results(tmp_path / "out.zip")] == ["made"] * 3 + ["failed"] * 3
    told = {(one["row"], one["column"], one["code"]) for one in done.json["problems"] if one.get("row")}
    assert told == {(5, "B", "NAME_MISSING"), (6, "C", "CELL_FORMULA"), (7, "C", "DOMAIN_NOT_SERVED")}
    for one in done.json["problems"]:
        assert one["summary"]
        assert one["advice"]
    assert b"nobody@corp.example" in members(tmp_path / "out.zip")["problems.csv"]


def test_strict_makes_nothing(hosted: Command, mixed: Path, tmp_path: Path) -> None:
    done = hosted("bulk", mixed, "-o", "out.zip", "--strict", "--json", status=1)

    assert not (tmp_path / "out.zip").exists()
    assert done.json["output"] is None
    assert done.json["made"] == 0


def test_a_dry_run_writes_nothing_at_all(hagaki: Command, tmp_path: Path) -> None:
    path = write(tmp_path, csv_bytes([("氏名", "mail"), ("山田", "taro@gmail.com")], encoding="cp932"))

    done = hagaki("bulk", path, "--dry-run", "--language", "ja")

    assert "Shift_JIS (CP932)" in done.err
    assert "B (mail) = address" in done.err
    assert is_japanese(done.out)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["list.csv"]


def test_a_dry_run_of_a_bad_list_is_exit_1(hosted: Command, mixed: Path) -> None:
    done = hosted("bulk", mixed, "--dry-run", status=1)

    assert "mixed.csv: B5 (氏名)" in done.err
    assert "3 good, 3 with problems" in done.out


def test_a_workbook_and_a_column_named_by_hand(hosted: Command, tmp_path: Path) -> None:
    rows = [("担当", "連絡先"), ("山田 太郎", "taro@corp.example")]
    path = write(tmp_path, workbook_bytes(rows), "people.xlsx")

    refused = hosted("bulk", path, "-o", "out.zip", "--json", status=1)
    hosted("bulk", path, "-o", "out.zip", "--map", "連絡先=address", "--map", "A=full_name", "--layout", "a4-8")

    assert refused.codes == {"LIST_ADDRESS_COLUMN_MISSING"}
    assert [row["file"] for row in results(tmp_path / "out.zip")] == [
        "profiles/taro@corp.example 山田 太郎.mobileconfig"
    ]


@pytest.mark.parametrize("mode", ["invitations", "ready-made"])
def test_a_second_run_keeps_the_links(mode: str, hosted: Command, people: Path, tmp_path: Path) -> None:
    hosted("bulk", people, "-o", "one.zip", "--mode", mode)
    hosted("bulk", people, "-o", "two.zip", "--mode", mode)

    one, two = (results(tmp_path / name) for name in ("one.zip", "two.zip"))
    assert [row["link"] for row in one] == [row["link"] for row in two]
    assert all(row["link"].startswith("https://m.example.co.jp/s/") for row in one)


def test_pins_can_be_kept_out_of_the_zip(hosted: Command, people: Path, tmp_path: Path) -> None:
    done = hosted("bulk", people, "-o", "out.zip", "--mode", "ready-made", "--pins", "pins.csv", "--json")

    assert "pins.csv" not in members(tmp_path / "out.zip")
    assert stat.S_IMODE((tmp_path / "pins.csv").stat().st_mode) == 0o600
    text = (tmp_path / "pins.csv").read_text("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["address"] for row in rows] == [person[2] for person in PEOPLE]
    assert all(re.fullmatch(r"\d{6}", row["pin"]) for row in rows)
    assert "/s/" not in text
    assert done.json["pins"] == "pins.csv"
    assert not [row["pin"] for row in rows if row["pin"] in done.out + done.err]


def test_the_old_pins_stay_when_the_zip_fails(hosted: Command, people: Path, tmp_path: Path) -> None:
    (tmp_path / "pins.csv").write_text("old")

    hosted("bulk", people, "-o", "none/out.zip", "--mode", "ready-made", "--pins", "pins.csv", status=1)

    assert (tmp_path / "pins.csv").read_text() == "old"


@pytest.mark.parametrize(("mode", "days"), [("invitations", 30), ("ready-made", 3)])
def test_links_open_as_long_as_their_mode_says(
    mode: str, days: int, hosted: Command, people: Path, tmp_path: Path
) -> None:
    hosted("bulk", people, "-o", "out.zip", "--mode", mode)

    with closing(sqlite3.connect(tmp_path / "data" / "hagaki.sqlite")) as database:
        found = database.execute("SELECT expires_at - created_at FROM invitations").fetchall()
    assert {int((seconds + 60) // 86400) for (seconds,) in found} == {days}


def test_a_pin_of_the_list_is_told_where_nobody_needs_it(hosted: Command, tmp_path: Path) -> None:
    rows = [("氏名", "mail", "暗証番号"), ("山田", "taro@corp.example", "501928")]

    done = hosted("bulk", write(tmp_path, csv_bytes(rows)), "-o", "out.zip", "--json")

    assert "LIST_PINS_UNUSED" in done.codes
    assert "501928" not in done.out + done.err


def test_links_that_only_this_machine_can_open_are_told(hagaki: Command, corp: Path, people: Path) -> None:
    hagaki("domain", "add", corp)

    done = hagaki("bulk", people, "-o", "out.zip", "--json")

    assert {"LINK_ONLY_LOCAL", "LIST_PASSWORDS_UNUSED"} <= done.codes


@pytest.mark.parametrize(
    "options",
    [
        ["list.csv"],
        ["list.csv", "-o", "out.zip", "--map", "address"],
        ["list.csv", "-o", "out.zip", "--map", "A=unknown"],
        ["list.csv", "-o", "out.zip", "--encoding", "nonsense"],
        ["list.csv", "-o", "out.zip", "--encoding", "base64"],
        ["list.csv", "-o", "out.zip", "--delimiter", "ab"],
        ["list.csv", "-o", "out.zip", "--mode", "other"],
        ["list.csv", "-o", "out.zip", "--layout", "a5"],
        ["list.csv", "-o", "out.zip", "--days", "0"],
        ["list.csv", "-o", "out.zip", "--days", "366"],
        ["list.csv", "-o", "out.zip", "--mode", "ready-made", "--days", "31"],
        ["list.csv", "-o", "out.zip", "--pins", "pins.csv"],
        ["list.csv", "-o", "out.zip", "--mode", "ready-made", "--pins", "./out.zip"],
        ["list.csv", "-o", "out.zip", "--check-rate", "0"],
        [],
    ],
)
def test_wrong_use_is_exit_2(options: list[str], hosted: Command, people: Path) -> None:
    hosted("bulk", *options, status=2)


@pytest.mark.parametrize("name", ["none.csv", "."])
def test_a_file_that_cannot_be_read_is_told(name: str, hosted: Command) -> None:
    done = hosted("bulk", name, "-o", "out.zip", "--json", status=1)

    assert done.codes == {"FILE_UNREADABLE"}


def test_a_folder_that_is_not_there_leaves_nothing(hosted: Command, people: Path, tmp_path: Path) -> None:
    hosted("bulk", people, "-o", "none/out.zip", status=1)

    assert not (tmp_path / "none").exists()


def test_the_old_zip_stays_when_the_new_one_fails(hosted: Command, mixed: Path, tmp_path: Path) -> None:
    (tmp_path / "out.zip").write_bytes(b"old")

    hosted("bulk", mixed, "-o", "out.zip", "--strict", status=1)

    assert (tmp_path / "out.zip").read_bytes() == b"old"


def test_a_terminal_sees_the_progress(hosted: Command, people: Path) -> None:
    controller, terminal = pty.openpty()
    done = subprocess.run(
        [HAGAKI, "bulk", people, "-o", "out.zip"],
        stdout=subprocess.PIPE,
        stderr=terminal,
        env=hosted.environment(),
        cwd=hosted.folder,
        timeout=60,
    )
    os.close(terminal)
    shown = os.read(controller, 100_000).decode()
    os.close(controller)

    assert done.returncode == 0
    assert "3/3" in shown
    assert "/s" in shown, "the speed"


@pytest.mark.parametrize("mode", ["invitations", "ready-made"])
def test_no_password_is_left_in_the_data_folder(mode: str, hosted: Command, people: Path, tmp_path: Path) -> None:
    hosted("bulk", people, "-o", "out.zip", "--mode", mode)

    written = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    for _, _, address, _, password in PEOPLE:
        assert address.encode() in written
        for encoding in ("utf-8", "utf-16-le"):
            assert password.encode(encoding) not in written


@pytest.mark.servers
def test_strict_stops_where_a_server_refuses_a_password(
    at_servers: Command, environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / "domain.toml").write_text(environment.toml())
    at_servers("domain", "add", tmp_path / "domain.toml")
    path = write(tmp_path, csv_bytes([("氏名", "mail", "password"), ("Jiro", ACCOUNTS["second"].address, WRONG)]))

    done = at_servers("bulk", path, "-o", "out.zip", "--check", "--strict", "--json", status=1)

    assert done.codes >= {"AUTH_WRONG_PASSWORD"}
    assert not (tmp_path / "out.zip").exists()
    assert done.json["made"] == 0


@pytest.mark.servers
def test_passwords_are_tried_on_the_servers(at_servers: Command, environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "domain.toml").write_text(environment.toml())
    at_servers("domain", "add", tmp_path / "domain.toml")
    rows = [
        ("氏名", "mail", "password"),
        ("Taro", ACCOUNTS["normal"].address, ACCOUNTS["normal"].password),
        ("Kanji", ACCOUNTS["kanji"].address, ACCOUNTS["kanji"].password),
        ("Jiro", ACCOUNTS["second"].address, WRONG),
    ]
    path = write(tmp_path, csv_bytes(rows))

    done = at_servers(
        "bulk", path, "-o", "out.zip", "--mode", "ready-made", "--check", "--check-rate", "20", "--json", status=1
    )

    statuses = {row["address"]: (row["status"], row["code"]) for row in results(tmp_path / "out.zip")}
    assert statuses == {
        ACCOUNTS["normal"].address: ("made", ""),
        ACCOUNTS["kanji"].address: ("made", ""),
        ACCOUNTS["second"].address: ("failed", "AUTH_WRONG_PASSWORD"),
    }
    assert WRONG not in done.out + done.err
