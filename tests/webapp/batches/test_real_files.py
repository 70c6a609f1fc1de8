"""Files as the programs of an office write them: LibreOffice and Excel-like writers, every encoding, long ones."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter
from openpyxl import load_workbook

from tests.webapp.batches.lists import (
    CP932_PEOPLE,
    HEADINGS,
    PEOPLE,
    csv_bytes,
    excel_bytes,
    problems_of,
    read,
    workbook_bytes,
    write,
)
from tests.webapp.batches.office import CALC, TEXT, Saving, as_text, save_all
from webapp.batches.columns import Field
from webapp.batches.defusing import line
from webapp.batches.reading import Kind
from webapp.batches.tables import BOM

MANY = 50_000
ENCODINGS = ("utf-8", "cp932", "utf-16")


def people(path: Path) -> list[tuple[str, ...]]:
    """What was understood of a list, every row of it good."""
    _, _, rows = read(path)
    found = [row.employee for row in rows]
    assert [row.problems for row in rows if row.employee is None] == []
    return [
        (one.employee_number, one.full_name, str(one.address), one.department, one.password or "")
        for one in found
        if one is not None
    ]


def invented(count: int) -> list[tuple[str, ...]]:
    """So many people."""
    return [
        (f"{number:06}", f"髙橋 花子{number}", f"hanako{number}@corp.example", "経理部", f"合言葉,{number}")
        for number in range(count)
    ]


def excel_like(rows: Sequence[Sequence[str]], *, constant_memory: bool = False) -> bytes:
    """A workbook by XlsxWriter: shared texts as Excel has them, or texts in the cells with `constant_memory`."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True, "constant_memory": constant_memory}) as workbook:
        sheet = workbook.add_worksheet("社員")
        bold = workbook.add_format({"bold": True})
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                sheet.write_string(number, column, cell, bold if number == 0 else None)
        sheet.autofilter(0, 0, len(rows) - 1, len(rows[0]) - 1)
        sheet.freeze_panes(1, 0)
        workbook.add_worksheet("集計").write_formula(0, 0, "=COUNTA(社員!A:A)", value=len(rows))
    return target.getvalue()


# LibreOffice

FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(1)", "＝1+1", '=HYPERLINK("http://evil.example")', "\t=1+1")
READ_AS_EXCEL = "44,34,76,1,,0,false,true"
"""Commas, quotation marks, UTF-8, from the first row on, and numbers found."""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lists that LibreOffice saved, and a table of ours that it opened."""
    folder = tmp_path_factory.mktemp("office")
    # openpyxl would make a formula of the password "=3+4", and LibreOffice would calculate it.
    write(folder, excel_like([HEADINGS, *PEOPLE]), "source.xlsx")
    write(folder, excel_like([HEADINGS, *CP932_PEOPLE]), "source932.xlsx")
    write(folder, (BOM + line(("name", "formula"))).encode(), "ours.csv")
    with (folder / "ours.csv").open("ab") as file:
        file.writelines(line((str(at), cell)).encode() for at, cell in enumerate(FORMULAS))
    savings = [
        Saving(source=folder / "source.xlsx", target=folder / "excel.xlsx", filter=CALC),
        Saving(
            source=folder / "ours.csv",
            target=folder / "ours.xlsx",
            filter=CALC,
            reading="44,34,76,1,,0,false,true",
        ),
        *(
            Saving(
                source=folder / ("source932.xlsx" if encoding == "cp932" else "source.xlsx"),
                target=folder / f"{encoding}-{ord(delimiter)}.csv",
                filter=TEXT,
                writing=as_text(encoding, delimiter),
            )
            for encoding in ENCODINGS
            for delimiter in ",;\t"
        ),
    ]
    save_all(folder, savings)
    return folder


def test_a_workbook_that_libreoffice_saved(saved: Path) -> None:
    assert people(saved / "excel.xlsx") == list(PEOPLE)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_text_file_that_libreoffice_saved(encoding: str, delimiter: str, saved: Path) -> None:
    path = saved / f"{encoding}-{ord(delimiter)}.csv"

    listing, _, _ = read(path)

    assert people(path) == list(CP932_PEOPLE if encoding == "cp932" else PEOPLE)
    assert listing.delimiter == delimiter
    assert listing.encoding is not None
    assert listing.encoding.codec.startswith(encoding)


def test_no_cell_of_our_tables_is_calculated(saved: Path) -> None:
    sheet = load_workbook(saved / "ours.xlsx").worksheets[0]

    cells = [row[1] for row in sheet.iter_rows(min_row=2)]

    assert len(cells) == len(FORMULAS)
    for cell in cells:
        assert cell.data_type == "s", cell.value
        assert str(cell.value).startswith("'")


# Excel-like writers


@pytest.mark.parametrize("constant_memory", [False, True])
def test_a_workbook_with_texts_shared_or_in_the_cells(constant_memory: bool, tmp_path: Path) -> None:
    path = write(tmp_path, excel_like([HEADINGS, *PEOPLE], constant_memory=constant_memory), "list.xlsx")

    listing, _, _ = read(path)

    assert (listing.kind, listing.sheet) == (Kind.XLSX, "社員")
    assert people(path) == list(PEOPLE)


def test_a_workbook_of_every_kind_of_cell(tmp_path: Path) -> None:
    """Numbers, dates, several formats in one cell, a link, notes, a title over merged cells, hidden columns."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        bold, day = workbook.add_format({"bold": True}), workbook.add_format({"num_format": "yyyy/mm/dd"})
        sheet.merge_range(0, 0, 0, 4, "社員一覧 2026年度", bold)
        sheet.write_row(2, 0, ["社員番号", "氏名", "メールアドレス", "入社日", "パスワード"])
        sheet.write_number(3, 0, 12)
        sheet.write_rich_string(3, 1, "山田 ", bold, "太郎")
        sheet.write_url(3, 2, "mailto:taro@corp.example", string="taro@corp.example")
        sheet.write_datetime(3, 3, date(2020, 4, 1), day)
        sheet.write_number(3, 4, 1234)
        sheet.write_comment(3, 1, "note")
        sheet.set_column(3, 3, None, None, {"hidden": True})
        sheet.protect("secret")
    path = write(tmp_path, target.getvalue(), "list.xlsx")

    listing, columns, rows = read(path)

    assert columns.header_row == 3
    assert columns.cell(rows[0].row, Field.ADDRESS) == "taro@corp.example"
    assert [row.problems for row in rows] == [()]
    assert people(path) == [("12", "山田 太郎", "taro@corp.example", "", "1234")]
    assert listing.sheet == "Sheet1"


def test_a_formula_with_its_value_is_still_told(tmp_path: Path) -> None:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, ["name", "address"])
        sheet.write_string(1, 0, "Taro")
        sheet.write_formula(1, 1, '=A2&"@corp.example"', value="Taro@corp.example")

    (problem,) = problems_of(write(tmp_path, target.getvalue(), "list.xlsx"))

    assert (problem.code, problem.place) == ("CELL_FORMULA", "list.xlsx: B2 (address)")


# long ones


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_fifty_thousand_rows_in_every_encoding(encoding: str, tmp_path: Path) -> None:
    rows = invented(MANY)
    path = write(tmp_path, csv_bytes([HEADINGS, *rows], encoding=encoding))

    found = people(path)

    assert len(found) == MANY
    assert found[-1] == rows[-1]


def test_a_workbook_of_fifty_thousand_rows(tmp_path: Path) -> None:
    rows = invented(MANY)
    path = write(tmp_path, excel_like([HEADINGS, *rows]), "list.xlsx")

    found = people(path)

    assert len(found) == MANY
    assert found[-1] == rows[-1]


def test_the_same_rows_by_three_writers_are_the_same(tmp_path: Path) -> None:
    rows = [HEADINGS, *invented(300)]
    written = [workbook_bytes(rows), excel_like(rows), excel_like(rows, constant_memory=True), excel_bytes(rows)]

    found = [people(write(tmp_path, data, f"{number}.xlsx")) for number, data in enumerate(written)]

    assert found == [rows[1:]] * 4
