"""PINs as people write them, and which of them are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from profiles.problems import Code
from tests.webapp.batches.lists import csv_bytes, read, write
from webapp.batches.columns import Field, field_of
from webapp.batches.pins import is_pin, is_same, is_trivial, new_pin, read_pin, without_lost_zero
from webapp.batches.rows import CheckedRow, Employee

HEADINGS = ("社員番号", "氏名", "メールアドレス", "パスワード", "PIN")


def rows(folder: Path, *pins: str, needs_password: bool = True, number: str = "") -> list[CheckedRow]:
    """A list with one person for each PIN."""
    people = [
        (number, f"Person {count}", f"p{count}@corp.example", f"secret {count}", pin)
        for count, pin in enumerate(pins)
    ]
    return read(write(folder, csv_bytes([HEADINGS, *people])), needs_password=needs_password)[2]


def employee(row: CheckedRow) -> Employee:
    """The person of a good row."""
    assert row.employee is not None, row.problems
    return row.employee


def codes(row: CheckedRow) -> list[Code]:
    """What is said about a row."""
    return [Code(found.problem.code) for found in row.problems]


@pytest.mark.parametrize(
    "heading",
    ["PIN", "pin", "ＰＩＮ", "PINコード", "PIN code", "PIN-Code", "Pin No.", "PIN番号", "ピン", "ﾋﾟﾝ", "暗証番号"],
)
def test_a_heading_means_the_pin(heading: str) -> None:
    assert field_of(heading) is Field.PIN


@pytest.mark.parametrize(
    "written", ["482913", "４８２９１３", "482 913", "482-913", " 482913 ", "４８２－９１３", "482\u3000913"]
)
def test_a_pin_is_read_as_people_write_it(written: str, tmp_path: Path) -> None:
    (row,) = rows(tmp_path, written)

    assert employee(row).pin == "482913"
    assert codes(row) == []


@given(st.text(max_size=12))
def test_anything_but_digits_is_no_pin(text: str) -> None:
    digits = read_pin(text)

    assert digits is None or (digits.isascii() and digits.isdigit())


def test_a_zero_that_a_spreadsheet_dropped_is_put_back_and_said(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, "48291")

    assert employee(row).pin == "048291"
    assert codes(row) == [Code.PIN_ZERO_ADDED]


def test_a_pin_that_excel_took_for_a_number_gets_its_zero_back(tmp_path: Path) -> None:
    """Typed as 048291 into a cell, kept by Excel as the number 48291."""
    book = Workbook()
    sheet = book.create_sheet("people", 0)
    sheet.append(HEADINGS)
    sheet.append(("1", "Taro", "taro@corp.example", "secret 1", 48291))
    sheet.append(("2", "Hanako", "hanako@corp.example", "secret 2", 571836.0))
    book.save(tmp_path / "list.xlsx")

    first, second = read(tmp_path / "list.xlsx", needs_password=True)[2]

    assert (employee(first).pin, codes(first)) == ("048291", [Code.PIN_ZERO_ADDED])
    assert (employee(second).pin, codes(second)) == ("571836", [])


@pytest.mark.parametrize("written", ["4829", "482", "4829137", "48291a", "PIN", "1.5", "四八二九一三"])
def test_other_lengths_are_refused_and_not_guessed_at(written: str, tmp_path: Path) -> None:
    (row,) = rows(tmp_path, written)

    assert codes(row) == [Code.PIN_INVALID]
    assert without_lost_zero(read_pin(written) or "") is None


@pytest.mark.parametrize("pin", ["000000", "777777", "123456", "654321", "012345", "456789", "987654", "567890"])
def test_what_everybody_tries_first_is_refused(pin: str, tmp_path: Path) -> None:
    (row,) = rows(tmp_path, pin)

    assert codes(row) == [Code.PIN_TRIVIAL]


@pytest.mark.parametrize("number", ["482913", "482-913", "４８２９１３"])
def test_the_employee_number_is_no_pin(number: str, tmp_path: Path) -> None:
    (row,) = rows(tmp_path, "482913", number=number)

    assert codes(row) == [Code.PIN_TRIVIAL]


def test_the_number_with_zeros_in_front_is_no_pin_either(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, "004829", number="4829")

    assert codes(row) == [Code.PIN_TRIVIAL]


def test_two_rows_with_one_pin_are_both_named(tmp_path: Path) -> None:
    first, second, third = rows(tmp_path, "482913", "482 913", "571830")

    assert first.is_good
    assert third.is_good
    (found,) = second.problems
    assert found.problem.code is Code.PIN_REPEATED
    assert (found.row, found.problem.params["first"]) == (3, "2")


@pytest.mark.parametrize("empty", ["", " ", "-", "ー"])
def test_who_has_none_in_the_list_gets_one_later(empty: str, tmp_path: Path) -> None:
    (row,) = rows(tmp_path, empty)

    assert employee(row).pin is None
    assert codes(row) == []


def test_an_invitation_has_no_use_for_a_pin(tmp_path: Path) -> None:
    found = rows(tmp_path, "000000", "4829", "482913", "482913", needs_password=False)

    assert [employee(row).pin for row in found] == [None] * 4
    assert [codes(row) for row in found] == [[]] * 4


@pytest.mark.parametrize("pin", ["482913", "777777", "4829"])
def test_a_pin_is_never_shown(pin: str, tmp_path: Path) -> None:
    (row,) = rows(tmp_path, pin)

    assert pin not in repr(row.employee)
    for found in row.problems:
        assert found.value == ""
        assert pin not in repr(found.problem)


def test_made_pins_are_pins_and_not_trivial() -> None:
    made = {new_pin("482913") for _ in range(2000)}

    assert all(is_pin(pin) and not is_trivial(pin, "482913") for pin in made)
    assert len(made) > 1990
    assert not [pin for pin in made if pin.startswith("0")], "a spreadsheet that opens pins.csv would drop it"


def test_a_pin_is_the_same_as_itself_alone() -> None:
    assert is_same("482913", "482913")
    assert not is_same("482914", "482913")
    assert not is_same("", "482913")
