"""Files that offices really have are read: every encoding, delimiter and quirk, and workbooks."""

from __future__ import annotations

import codecs
from datetime import date
from pathlib import Path

import pytest

from profiles.problems import ProblemError
from tests.webapp.batches.lists import (
    CP932_PEOPLE,
    HEADINGS,
    PEOPLE,
    csv_bytes,
    excel_bytes,
    read,
    workbook_bytes,
    write,
)
from webapp.batches.columns import Field
from webapp.batches.encodings import is_known
from webapp.batches.reading import Kind, open_list

ENCODINGS = [
    ("utf-8", "UTF-8"),
    ("utf-8-sig", "UTF-8 (BOM)"),
    ("cp932", "Shift_JIS (CP932)"),
    ("utf-16", "UTF-16"),
    ("utf-16-le", "UTF-16"),
    ("utf-16-be", "UTF-16"),
    ("utf-32", "UTF-32"),
]


@pytest.mark.parametrize(("encoding", "name"), ENCODINGS)
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r"])
def test_every_encoding_delimiter_and_line_end(
    encoding: str, name: str, delimiter: str, newline: str, tmp_path: Path
) -> None:
    people = CP932_PEOPLE if encoding == "cp932" else PEOPLE
    data = csv_bytes([HEADINGS, *people], encoding=encoding, delimiter=delimiter, newline=newline)

    listing, columns, rows = read(write(tmp_path, data))

    assert listing.encoding is not None
    assert listing.encoding.name == name
    assert listing.delimiter == delimiter
    assert columns.header_row == 1
    found = [
        (e.employee_number, e.full_name, str(e.address), e.department, e.password)
        for e in (row.employee for row in rows)
        if e is not None
    ]
    assert found == list(people)


def test_a_mark_of_the_other_byte_order(tmp_path: Path) -> None:
    data = codecs.BOM_UTF16_BE + csv_bytes([HEADINGS, *PEOPLE], encoding="utf-16-be")

    _, _, rows = read(write(tmp_path, data))

    assert len(rows) == len(PEOPLE)


def test_a_tsv_file_is_told_by_its_name(tmp_path: Path) -> None:
    path = write(tmp_path, b"address\ttitle\ntaro@corp.example\ta,b,c,d\n", "people.tsv")

    listing, _, rows = read(path)

    assert listing.kind is Kind.TSV
    assert rows[0].is_good


def test_one_column_is_enough(tmp_path: Path) -> None:
    _, _, rows = read(write(tmp_path, b"mail\ntaro@corp.example\njiro@corp.example\n"))

    assert [row.is_good for row in rows] == [True, True]


def test_rows_are_numbered_as_a_spreadsheet_numbers_them(tmp_path: Path) -> None:
    """Blank rows count, and a row with a line break inside is one row."""
    data = '氏名,address,memo\r\n\r\n山田,taro@corp.example,"a\r\nb\r\nc"\r\n,,\r\n佐藤,jiro@corp.example,x\r\n'

    _, _, rows = read(write(tmp_path, data.encode()))

    assert [row.row.number for row in rows] == [3, 5]


def test_a_title_above_the_headings_is_passed_over(tmp_path: Path) -> None:
    data = "社員名簿,2026年度\n\n氏名,メールアドレス\n山田,taro@corp.example\n"

    _, columns, rows = read(write(tmp_path, data.encode("cp932")))

    assert columns.header_row == 3
    assert [row.row.number for row in rows] == [4]


def test_a_list_without_headings(tmp_path: Path) -> None:
    _, columns, rows = read(write(tmp_path, b"x,taro@corp.example\ny,jiro@corp.example\n"))

    assert columns.header_row is None
    assert columns.index(Field.ADDRESS) == 1
    assert len(rows) == 2


def test_full_width_input_is_mended_and_said(tmp_path: Path) -> None:
    data = "ｍａｉｌ,氏　名\nｔａｒｏ＠ｃｏｒｐ．ｅｘａｍｐｌｅ,山田\n"

    _, _, rows = read(write(tmp_path, data.encode()))

    assert rows[0].employee is not None
    assert str(rows[0].employee.address) == "taro@corp.example"
    assert [found.problem.code for found in rows[0].problems] == ["ADDRESS_MENDED"]


def test_a_workbook_is_read_from_its_first_sheet(tmp_path: Path) -> None:
    path = write(tmp_path, workbook_bytes([HEADINGS, *PEOPLE[:2]]), "社員.xlsx")

    listing, _, rows = read(path)

    assert listing.kind is Kind.XLSX
    assert listing.sheet == "社員"
    assert [row.employee.full_name for row in rows if row.employee] == ["山田 太郎", "𠮷田 髙志"]
    assert rows[0].row.number == 2


def test_a_workbook_as_excel_writes_it(tmp_path: Path) -> None:
    """With shared texts, and a size that claims all columns and rows there can be."""
    path = write(tmp_path, excel_bytes([HEADINGS, *PEOPLE[:2]]), "list.xlsx")

    _, columns, rows = read(path)

    assert len(columns.headings) == len(HEADINGS)
    assert [row.employee.password for row in rows if row.employee] == ["合言葉 1", 'p@ss,"2']


def test_cells_of_a_workbook_are_read_as_people_see_them(tmp_path: Path) -> None:
    rows = [("社員番号", "mail", "password", "部署"), (137, "taro@corp.example", 20261231.0, date(2026, 4, 1))]

    _, _, checked = read(write(tmp_path, workbook_bytes(rows), "list.xlsx"))

    employee = checked[0].employee
    assert employee is not None
    assert (employee.employee_number, employee.password) == ("137", "20261231")
    assert employee.department.startswith("2026-04-01")


def test_a_workbook_is_known_by_its_contents(tmp_path: Path) -> None:
    path = write(tmp_path, workbook_bytes([HEADINGS, *PEOPLE[:1]]), "list.csv")

    assert open_list(path).kind is Kind.XLSX


def test_an_encoding_can_be_said(tmp_path: Path) -> None:
    path = write(tmp_path, "address,name\ntaro@corp.example,Müller\n".encode("latin-1"))

    listing = open_list(path, encoding="latin-1")

    assert [row.cells[1] for row in listing.rows()] == ["name", "Müller"]


@pytest.mark.parametrize("written", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_can_be_said_of_a_list_with_and_without_its_mark(written: str, tmp_path: Path) -> None:
    path = write(tmp_path, csv_bytes([HEADINGS, *PEOPLE], encoding=written))

    listing = open_list(path, encoding="utf-16")

    assert [row.cells for row in listing.rows()] == [HEADINGS, *PEOPLE]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "cp932", "euc_jp", "cp1252"])
@pytest.mark.parametrize("data", [b"address\n\x81\xff,x\n", b"address,name\na@corp.example,x\n", b"\xff\xfeab\0"])
def test_a_wrong_encoding_by_hand_ends_in_words(encoding: str, data: bytes, tmp_path: Path) -> None:
    path = write(tmp_path, data)

    try:
        cells = [row.cells for row in open_list(path, encoding=encoding).rows()]
    except ProblemError as error:
        codes = [str(problem.code) for problem in error.problems]
    else:
        assert cells
        return
    assert codes == ["LIST_ENCODING"]


@pytest.mark.parametrize(
    ("name", "known"), [("Shift_JIS", True), ("utf8", True), ("idna", False), ("undefined", False), ("zip", False)]
)
def test_encodings_of_files_are_known(name: str, known: bool) -> None:
    assert is_known(name) is known


def test_no_password_shows_in_what_python_prints(tmp_path: Path) -> None:
    _, _, rows = read(write(tmp_path, csv_bytes([HEADINGS, *PEOPLE])))

    assert "合言葉" not in repr(rows)
