"""The list of bad rows goes back as it came, and comes back mended: in every encoding, whatever its cells hold."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from profiles.problems import TEXTS, Code, Problem
from tests.webapp.batches.lists import HEADINGS, csv_bytes, read, write
from tests.webapp.batches.office import CALC, Saving, save_all
from webapp.batches.defusing import defused, undefused
from webapp.batches.reading import open_list
from webapp.batches.returned import ReturnedRows, Shape
from webapp.i18n import catalogue, describe

BAD = (
    ("00123", "髙﨑 ①子㈱", "taro@nowhere.example", "営業部", "-secret"),
    ("00124", "佐藤\n花子", "hanako@nowhere.example", "経理,部", "'=3+4\""),
    ("00125", "ﾔﾏﾀﾞ", "山田", "＋α推進室", " x "),
)


def returned(path: Path, language: str = "ja") -> bytes:
    """The bad rows of a list as they go back."""
    listing, columns, rows = read(path, needs_password=True)
    target = io.BytesIO()
    writer = ReturnedRows(
        target,
        Shape.of(listing, columns),
        describe=lambda problem: describe(problem, language),
        translate=catalogue(language).gettext,
    )
    for row in rows:
        if not row.is_good:
            writer.add(row.row.cells, [found.problem for found in row.problems])
    return target.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "utf-16"])
def test_a_mended_list_is_read_with_our_columns_in_it(encoding: str, delimiter: str, tmp_path: Path) -> None:
    path = write(tmp_path, csv_bytes([HEADINGS, *BAD], encoding=encoding, delimiter=delimiter))

    data = returned(path)
    text = data.decode({"utf-8": "utf-8-sig"}.get(encoding, encoding))
    mended = text.replace("nowhere.example", "corp.example").replace(
        f"{delimiter}山田{delimiter}", f"{delimiter}c@corp.example{delimiter}"
    )
    listing, _, rows = read(write(tmp_path, mended.encode(encoding), "mended.csv"), needs_password=True)

    people = [row.employee for row in rows]
    assert [problem for row in rows for problem in row.problems if problem.problem.is_error] == []
    assert [(e.employee_number, e.full_name, e.department, e.password) for e in people if e is not None] == [
        (number, name.replace("\n", " "), department, password) for number, name, _, department, password in BAD
    ]
    assert (listing.delimiter, listing.encoding and listing.encoding.codec[:5]) == (delimiter, encoding[:5])


def test_a_list_returned_twice_has_our_columns_once(tmp_path: Path) -> None:
    first = returned(write(tmp_path, csv_bytes([HEADINGS, *BAD])))

    second = returned(write(tmp_path, first))

    assert second == first


def test_cells_that_belong_to_no_column_leave_ours_in_their_place(tmp_path: Path) -> None:
    path = write(tmp_path, b"address,name\ntaro@corp.example,Yamada,Taro\n")

    head, row = csv.reader(io.StringIO(returned(path, "en").decode("utf-8-sig")))

    assert head == ["address", "name", "problem", "what to do"]
    assert (row[:2], row[4:]) == (["taro@corp.example", "Yamada"], ["Taro"])
    assert row[2].startswith("C2: ")


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("encoding", ["cp932", "euc_jp", "iso2022_jp", "cp1252"])
def test_nothing_that_is_said_is_lost_in_an_encoding(encoding: str, language: str) -> None:
    target = io.BytesIO()
    shape = Shape(codec=encoding, headings=("address",), width=1)
    writer = ReturnedRows(
        target, shape, describe=lambda problem: describe(problem, language), translate=catalogue(language).gettext
    )
    asked = [
        code for code in Code if code.startswith(("LIST_", "CELL_", "ADDRESS_", "NAME_", "PIN_", "PASSWORD_"))
    ]
    written = [
        *asked,
        Code.DOMAIN_NOT_SERVED,
        Code.DOMAIN_MISTYPED,
        Code.USERNAME_MISSING,
        Code.AUTH_WRONG_PASSWORD,
    ]
    params = {"address": "ta·ro@x.example", "value": "a·b", "limit": "100", "first": "2", "domain": "x.example"}

    for code in written:
        assert code in TEXTS
        writer.add(["a@b.example"], [Problem(code, params | {"suggestion": "y.example", "line": "3"})])

    is_held = (encoding, language) != ("cp1252", "ja")
    text = target.getvalue().decode(encoding if is_held else "utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == len(written) + 1
    for row, said in zip(rows[1:], spoken(written, params, language), strict=True):
        assert "".join(row).count("?") == said.count("?"), row


def spoken(codes: list[Code], params: dict[str, str], language: str) -> list[str]:
    """What is said of these codes."""
    whole = params | {"suggestion": "y.example", "line": "3"}
    return ["".join(describe(Problem(code, whole), language)) for code in codes]


@given(some.text("=+-@＝'\t ab", max_size=6))
def test_what_is_made_harmless_comes_back_as_it_was(cell: str) -> None:
    harmless = defused(cell)

    assert undefused(harmless) == cell
    assert not harmless.startswith(("=", "+", "-", "@", "＝", "\t"))


def test_libreoffice_gives_the_same_cells_back(tmp_path: Path) -> None:
    """Opened as text, saved as a workbook, and sent as that."""
    data = returned(write(tmp_path, csv_bytes([HEADINGS, *BAD], encoding="cp932")))
    source, target = write(tmp_path, data, "problems.csv"), tmp_path / "mended.xlsx"
    every_column_as_text = "/".join(f"{number}/2" for number in range(1, 8))
    reading = f"44,34,64,1,{every_column_as_text}"

    save_all(tmp_path, [Saving(source=source, target=target, filter=CALC, reading=reading)])

    cells = [row.cells for row in open_list(target).rows()]
    assert cells == [row.cells for row in open_list(source).rows()]
    assert [cell[4] for cell in cells[1:]] == ["'-secret", "''=3+4\"", " x "]
