"""The results of a durable batch are made anew from its rows, the same as those of the command line."""

from __future__ import annotations

import csv
import gc
import io
import subprocess
import time
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from profiles.problems import Code, ProblemError
from profiles.signing import Signer
from tests.conftest import require
from tests.webapp.batches.durable import BASE_URL, DAY, World, open_world
from tests.webapp.batches.lists import BAD, CP932_PEOPLE, HEADINGS, PEOPLE, csv_bytes, read, write
from webapp.batches import documents, result_rows
from webapp.batches.options import BatchOptions, Mode, Part
from webapp.batches.rows import good
from webapp.batches.tables import PINS, RESULTS
from webapp.config import Config
from webapp.handouts import Layout
from webapp.links import SAMPLE_TOKEN, hash_token
from webapp.store import Store, invitations

READY = csv_bytes([(*HEADINGS, "PIN"), *[(*row, f"50192{number}") for number, row in enumerate(PEOPLE)]])


@pytest.fixture
def world(store: Store, store_config: Config, signer: Signer) -> World:
    return open_world(store, store_config, signer)


def table(pieces: Iterable[bytes], encoding: str = "utf-8-sig", delimiter: str = ",") -> list[list[str]]:
    """The rows of a CSV file that comes in pieces."""
    text = b"".join(pieces).decode(encoding)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def members(pieces: Iterable[bytes]) -> dict[str, bytes]:
    """What is in a ZIP that comes in pieces."""
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_zip_holds_everything_of_every_good_row(world: World, tmp_path: Path) -> None:
    batch = world.made(tmp_path, csv_bytes([HEADINGS, *PEOPLE, *BAD]))

    found = members(world.results.zip_pieces(batch))

    assert {name.split("/")[0] for name in found} == {
        "profiles", "k9s", "qr", "handouts.pdf", "results.csv", "problems.csv",
    }  # fmt: skip
    assert "profiles/yoshida@corp.example 𠮷田 髙志.mobileconfig" in found
    for _, _, _, _, password in PEOPLE:
        assert password.encode() not in b"".join(found.values())
    rows = table([found["results.csv"]])
    assert tuple(rows[0]) == RESULTS
    assert [(row[0], row[2], row[5]) for row in rows[1:]] == [
        ("2", "made", ""),
        ("3", "made", ""),
        ("4", "made", ""),
        ("5", "failed", "NAME_MISSING"),
        ("6", "failed", "CELL_FORMULA"),
        ("7", "failed", "DOMAIN_NOT_SERVED"),
    ]
    assert rows == table(world.results.results_csv(batch)), "the table alone says the same"


def test_every_code_opens_the_link_of_its_row(world: World, tmp_path: Path) -> None:
    batch = world.made(tmp_path, csv_bytes([HEADINGS, *PEOPLE]))

    found = members(world.results.zip_pieces(batch, parts=[Part.QR]))

    for _, address, _, _, link, _, _ in table([found["results.csv"]])[1:]:
        (name,) = [one for one in found if one.startswith(f"qr/{address}") and one.endswith(".png")]
        (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(found[name])))
        assert code.text == link
        assert str(world.invitations.find(link.removeprefix(f"{BASE_URL}/s/")).address) == address


def test_ready_made_documents_hold_the_sealed_passwords(world: World, tmp_path: Path) -> None:
    batch = world.made(tmp_path, READY, mode=Mode.READY_MADE)

    found = members(world.results.zip_pieces(batch))

    for _, name, address, _, password in PEOPLE:
        escaped = password.replace('"', "&quot;")
        k9s = found[f"k9s/{address} {name}.k9s"].decode()
        assert escaped in k9s or password in k9s


def test_pins_stand_with_the_number_of_the_card_and_never_with_a_link(world: World, tmp_path: Path) -> None:
    batch = world.made(tmp_path, READY, mode=Mode.READY_MADE)

    found = members(world.results.zip_pieces(batch))

    rows = table(world.results.pins_csv(batch))
    assert tuple(rows[0]) == PINS
    assert [(row[1], row[4]) for row in rows[1:]] == [
        ("taro@corp.example", "501920"),
        ("yoshida@corp.example", "501921"),
        ("jane.doe@corp.example", "501922"),
    ]
    assert found["pins.csv"] == b"".join(world.results.pins_csv(batch))
    assert b"/s/" not in found["pins.csv"]
    for row in table([found["results.csv"]])[1:]:
        link = row[4].removeprefix(f"{BASE_URL}/s/")
        assert world.invitations.open_ready_made(link, rows[int(row[0]) - 1][4]).password
    others = [data for name, data in found.items() if name.startswith(("qr", "k9s", "results", "hand"))]
    assert b"501920" not in b"".join(others)


def test_invitations_have_no_pins(world: World, tmp_path: Path) -> None:
    batch = world.made(tmp_path, READY)

    assert table(world.results.pins_csv(batch)) == [list(PINS)]
    assert "pins.csv" not in members(world.results.zip_pieces(batch))


@pytest.mark.parametrize(("encoding", "delimiter"), [("cp932", ","), ("utf-16", "\t"), ("utf-8-sig", ";")])
def test_bad_and_failed_rows_go_back_as_they_came(
    encoding: str, delimiter: str, world: World, tmp_path: Path
) -> None:
    """A row that the live check refused is put together again, password included."""
    data = csv_bytes([HEADINGS, *CP932_PEOPLE, *BAD], encoding=encoding, delimiter=delimiter)
    options = BatchOptions(expires_at=time.time() + DAY, language="ja", check=True, check_rate=1000)
    batch = world.made(tmp_path, data, options=options, refused=["taro@corp.example"])

    head, *rows = table(world.results.problems_csv(batch), encoding, delimiter)

    assert head == [*HEADINGS, "問題", "対処"]
    assert [tuple(row[:5]) for row in rows] == [
        CP932_PEOPLE[0],
        BAD[0],
        (BAD[1][0], BAD[1][1], "'=A1", *BAD[1][3:]),
        BAD[2],
    ]
    assert all(row[5] and row[6] for row in rows)
    assert rows[1][5].startswith("B5: ")
    assert "?" not in "".join(cell for row in rows for cell in row)


def test_the_returned_list_is_a_list_again(world: World, tmp_path: Path) -> None:
    batch = world.made(tmp_path, csv_bytes([HEADINGS, ("0004", "", "nobody@corp.example", "営業部", "=secret+1")]))
    returned = b"".join(world.results.problems_csv(batch)).decode("utf-8-sig")

    mended = world.made(tmp_path, returned.replace("0004,,", "0004,高橋,").encode(), mode=Mode.READY_MADE)

    assert [row[2] for row in table(world.results.results_csv(mended))[1:]] == ["made"]
    found = members(world.results.zip_pieces(mended))
    assert b">=secret+1<" in found["k9s/nobody@corp.example 高橋.k9s"]
    assert table([found["problems.csv"]]) == [[*HEADINGS, "問題", "対処"]]


def test_one_row_can_be_made_again(world: World, tmp_path: Path) -> None:
    batch = world.made(tmp_path, csv_bytes([HEADINGS, *PEOPLE]))
    links = {row[0]: row[4] for row in table(world.results.results_csv(batch))[1:]}

    found = members(world.results.zip_pieces(batch, rows=[3]))

    assert [name for name in found if name.startswith("profiles/")] == [
        "profiles/yoshida@corp.example 𠮷田 髙志.mobileconfig"
    ]
    assert [(row[0], row[4]) for row in table([found["results.csv"]])[1:]] == [("3", links["3"])]
    assert b"".join(world.results.handouts_pdf(batch, rows=[3])).startswith(b"%PDF")


def test_the_cards_are_cut_into_files(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MOST_CARDS", 2)
    monkeypatch.setattr("webapp.batches.results.MOST_CARDS", 2)
    batch = world.made(tmp_path, csv_bytes([HEADINGS, *PEOPLE]))

    files = [
        b"".join(world.results.handouts_pdf(batch, part=part, layout=Layout.POSTCARD))
        for part in range(1, world.results.handout_parts(batch) + 1)
    ]

    assert [data.count(b"/Type /Page\n") for data in files] == [2, 1]
    names = [name for name in members(world.results.zip_pieces(batch)) if name.startswith("handouts")]
    assert names == ["handouts.pdf", "handouts-2.pdf"]


def test_a_link_that_has_ended_is_neither_shown_nor_printed(world: World, tmp_path: Path) -> None:
    batch = world.made(tmp_path, READY, mode=Mode.READY_MADE)
    link = table(world.results.results_csv(batch))[1][4]
    with world.store.write() as connection:
        row = invitations.by_token(connection, hash_token(link[-22:]))
        assert row is not None
        invitations.change(connection, replace(row, revoked=True))

    found = members(world.results.zip_pieces(batch))

    results = table([found["results.csv"]])[1:]
    assert [(row[2], bool(row[3]), bool(row[4]), row[5]) for row in results] == [
        ("made", False, False, "LINK_EXPIRED"),
        ("made", True, True, ""),
        ("made", True, True, ""),
    ]
    assert not [name for name in found if "taro@" in name]
    assert len(table([found["pins.csv"]])) == 3


def test_a_domain_that_is_no_longer_served_is_told(
    world: World, tmp_path: Path, store_config: Config, signer: Signer
) -> None:
    batch = world.made(tmp_path, csv_bytes([HEADINGS, *PEOPLE]))

    later = open_world(world.store, store_config, signer, find=lambda domain: None)

    assert [row[5] for row in table(later.results.results_csv(batch))[1:]] == ["DOMAIN_NOT_SERVED"] * 3
    assert [name for name in members(later.results.zip_pieces(batch)) if "/" in name] == []


def test_rows_that_wait_are_told_as_waiting(world: World, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(csv_bytes([HEADINGS, *PEOPLE]))
    batch = world.take(tmp_path / "list.csv")

    assert [row[2] for row in table(world.results.results_csv(batch))[1:]] == ["waiting"] * 3


@pytest.mark.parametrize("name", ["zip_pieces", "results_csv", "problems_csv", "pins_csv", "handouts_pdf"])
def test_an_unknown_batch_is_told_before_the_first_piece(name: str, world: World) -> None:
    with pytest.raises(ProblemError) as caught:
        getattr(world.results, name)(99)

    assert [problem.code for problem in caught.value.problems] == [Code.BATCH_UNKNOWN]


def test_many_pages_of_rows_come_each_once(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_rows, "PAGE", 7)
    people = [(str(number), "山田", f"a{number}@corp.example", "", "x") for number in range(50)]
    batch = world.made(tmp_path, csv_bytes([HEADINGS, *people]))

    every = [row[0] for row in table(world.results.results_csv(batch))[1:]]
    chosen = [row[0] for row in table(world.results.results_csv(batch, rows=range(10, 30)))[1:]]

    assert every == [str(number) for number in range(2, 52)]
    assert chosen == [str(number) for number in range(10, 30)]


def test_nothing_is_held_while_a_client_is_slow(world: World, tmp_path: Path) -> None:
    """Between two pieces other writers go on, and whoever goes away leaves nothing open."""
    people = [(str(number), "山田", f"a{number}@corp.example", "", "x") for number in range(150)]
    batch = world.made(tmp_path, csv_bytes([HEADINGS, *people]))
    pieces = world.results.zip_pieces(batch)
    first = next(pieces)

    with world.store.write():
        pass
    in_use = world.store.engine.pool.checkedout()  # type: ignore[attr-defined]
    pieces.close()  # type: ignore[attr-defined]
    # Fonts of half a PDF are open files, and a warning fails the test.
    gc.collect()

    assert first.startswith(b"PK")
    assert in_use == 0


def test_no_secret_is_ever_in_a_temporary_file(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bad rows with their passwords, PINs and links wait in memory until the end of the ZIP."""
    batch = world.made(tmp_path, csv_bytes([HEADINGS, *PEOPLE, *BAD]), mode=Mode.READY_MADE)

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    found = members(world.results.zip_pieces(batch))

    assert len(table([found["pins.csv"]])) == 4
    assert len(table([found["problems.csv"]])) == 4


@pytest.mark.parametrize("mode", list(Mode))
def test_a_test_card_has_the_code_of_its_page(mode: Mode, tmp_path: Path) -> None:
    """As large as the real ones, for the token has their length."""
    _, _, rows = read(write(tmp_path, csv_bytes([HEADINGS, PEOPLE[1]])))
    (employee,) = good(rows)
    wanted = documents.Wanted(
        mode=mode, base_url=BASE_URL, language="ja", timezone=UTC, expires_at=datetime(2026, 12, 31, tzinfo=UTC)
    )

    (tmp_path / "card.pdf").write_bytes(documents.sample_card(employee, wanted))

    command = [require("pdftoppm"), "-r", "150", "-gray", "-png", "card.pdf", "card"]
    subprocess.run(command, cwd=tmp_path, check=True)
    (picture,) = tmp_path.glob("card*.png")
    (code,) = zxingcpp.read_barcodes(Image.open(picture))
    assert code.text == f"{BASE_URL}/s/{SAMPLE_TOKEN}"
    text = subprocess.run([require("pdftotext"), "card.pdf", "-"], cwd=tmp_path, capture_output=True, check=True)
    said = text.stdout.decode()
    assert "𠮷田 髙志 様" in said
    assert ("PIN" in said) is (mode is Mode.READY_MADE)
