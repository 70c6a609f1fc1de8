"""Columns are found by their headings in both languages, or said by hand."""

from __future__ import annotations

import pytest

from profiles.problems import ProblemError
from webapp.batches.columns import HEADINGS, Columns, Field, field_of, find_columns
from webapp.batches.row import Row, column_letter


def columns(*headings: str, given: tuple[tuple[str, Field], ...] = ()) -> Columns:
    """The columns of a list with these headings."""
    return find_columns([Row(number=1, cells=headings)], file="list.csv", given=given)


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("メールアドレス", Field.ADDRESS),
        ("メールアドレス（必須）", Field.ADDRESS),
        ("Ｅ－ｍａｉｌ", Field.ADDRESS),
        ("E-Mail Address", Field.ADDRESS),
        ("e_mail", Field.ADDRESS),
        ("User Principal Name", Field.ADDRESS),
        ("氏　名", Field.FULL_NAME),
        ("Display Name", Field.FULL_NAME),
        ("姓", Field.FAMILY_NAME),
        ("First name", Field.GIVEN_NAME),
        ("部署", Field.DEPARTMENT),
        ("所属部署名", Field.DEPARTMENT),
        ("部署コード", None),
        ("Dept.", Field.DEPARTMENT),
        ("社員番号", Field.EMPLOYEE_NUMBER),
        ("Employee No.", Field.EMPLOYEE_NUMBER),
        ("パスワード", Field.PASSWORD),
        ("PASSWORD", Field.PASSWORD),
        ("ユーザー名", Field.USERNAME),
        ("login ID", Field.USERNAME),
        ("備考", None),
        ("", None),
    ],
)
def test_a_heading_means_a_field(heading: str, field: Field | None) -> None:
    assert field_of(heading) is field


def test_no_heading_means_two_fields() -> None:
    every = [heading for headings in HEADINGS.values() for heading in headings]

    assert len(every) == len(set(every))
    assert [heading for heading in every if field_of(heading) is None] == []


def test_the_most_usual_of_several_columns_is_taken() -> None:
    found = columns("表示名", "氏名", "User principal name", "メールアドレス")

    assert found.index(Field.FULL_NAME) == 1
    assert found.index(Field.ADDRESS) == 3


@pytest.mark.parametrize("column", ["連絡先", "b", "B", "2", "連　絡先"])
def test_a_column_is_named_by_heading_letter_or_number(column: str) -> None:
    found = columns("氏名", "連絡先", given=((column, Field.ADDRESS),))

    assert found.index(Field.ADDRESS) == 1


def test_what_is_said_by_hand_goes_before_the_headings() -> None:
    found = columns("mail", "private mail", given=(("private mail", Field.ADDRESS),))

    assert found.index(Field.ADDRESS) == 1


def test_a_column_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(ProblemError) as caught:
        columns("氏名", "mail", given=(("E-Post", Field.ADDRESS),))

    problem = caught.value.problems[0]
    assert problem.code == "LIST_COLUMN_UNKNOWN"
    assert problem.params["columns"] == "A (氏名), B (mail)"


@pytest.mark.parametrize(("index", "letter"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")])
def test_columns_have_the_letters_of_spreadsheets(index: int, letter: str) -> None:
    assert column_letter(index) == letter
