"""The page of an uploaded list: how it was read, what is wrong with its rows, and every choice by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO

import pytest
from xlsxwriter import Workbook

from tests.webapp.admin.list_maker import BAD, HEADINGS, PEOPLE, Maker, plain
from tests.webapp.admin.world import Host, make_host
from tests.webapp.batches.lists import csv_bytes, excel_bytes, workbook_bytes
from tests.webapp.batches.test_broken_lists import CASES
from tests.webapp.clock import Clock
from tests.webapp.page_world import DOMAIN_TOML, close_pages, open_pages, title
from webapp.accounts import Role


@pytest.fixture(scope="module")
def lists_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """One application for all lists here."""
    pages = open_pages(tmp_path_factory.mktemp("lists") / "data")
    yield make_host(pages, Clock())
    close_pages(pages)


@pytest.fixture(scope="module")
def maker(lists_host: Host) -> Maker:
    """Its operator."""
    return Maker(lists_host.logged_in(Role.OPERATOR))


# reading


def test_a_cp932_list_is_shown_as_it_was_read(maker: Maker) -> None:
    path = maker.uploaded(csv_bytes([HEADINGS, *PEOPLE, *BAD], encoding="cp932"), "新入社員.csv")

    page = plain(maker.page(path))

    assert "新入社員.csv" in page
    assert "Shift_JIS (CP932), separated by commas, 5 rows" in page
    assert "The headings stand in row 1." in page
    assert "Good rows 3 Rows to mend 2" in page
    assert "Make the 3 good rows" in page


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (csv_bytes([HEADINGS, *PEOPLE]), "UTF-8, separated by commas"),
        (
            csv_bytes([HEADINGS, *PEOPLE], encoding="utf-8-sig", delimiter=";"),
            "UTF-8 (BOM), separated by semicolons",
        ),
        (csv_bytes([HEADINGS, *PEOPLE], encoding="utf-16", delimiter="\t"), "UTF-16, separated by tabs"),
        (workbook_bytes([HEADINGS, *PEOPLE]), "Excel, sheet “社員”"),
    ],
)
def test_every_kind_of_list_is_told_by_itself(maker: Maker, data: bytes, said: str) -> None:
    page = plain(maker.page(maker.uploaded(data, "list")))

    assert said in page
    assert "Good rows 3" in page


def test_every_problem_names_row_column_value_and_how_to_mend_it(maker: Maker) -> None:
    page = maker.page(maker.uploaded(csv_bytes([HEADINGS, *PEOPLE, *BAD])))

    rows = [plain(row) for row in re.findall(r'<tr class="issue">.*?</tr>', page, re.S)]

    assert len(rows) == 3
    assert rows[0].startswith("5 B 氏名 (empty or hidden) The row has no name.")
    assert rows[1].startswith(
        "6 C メールアドレス a.kato@exmaple.co.jp The mail servers of exmaple.co.jp are not known"
    )
    assert rows[2].startswith("6 D 部署 =VLOOKUP(A2) The cell holds a formula")
    assert "<mark>=VLOOKUP(A2)</mark>" in page


def test_passwords_and_pins_are_dots(maker: Maker) -> None:
    rows = [(*HEADINGS, "PIN"), *((*person, "482915") for person in PEOPLE[:1])]

    page = maker.page(maker.uploaded(csv_bytes(rows), mode="ready-made"))

    assert "canary" not in page
    assert "482915" not in page
    assert "•••" in page


def test_what_may_be_a_password_in_an_unknown_column_is_not_shown(maker: Maker) -> None:
    rows = [("メールアドレス", "謎"), ("t.yamada@example.co.jp", "canary99")]

    page = maker.page(maker.uploaded(csv_bytes(rows)))

    assert "ca•••" in page
    assert "canary99" not in page


def test_many_problems_are_shown_page_by_page(maker: Maker) -> None:
    rows = [("address",), *((f"nobody-{number}",) for number in range(1_120)), ("t.yamada@example.co.jp",)]
    path = maker.uploaded(csv_bytes(rows))

    first, second, last = (maker.page(f"{path}?page={number}") for number in (1, 2, 23))

    assert "nobody-49" in first
    assert "nobody-50" not in first
    assert "nobody-50" in second
    assert "Page 2 of 23" in plain(second)
    # beyond what is kept of a list
    assert "nobody-1119" in last
    assert "nobody-1100" in last


@pytest.mark.parametrize("number", ["0", "-5", "999", "x", "9" * 30])
def test_a_page_that_does_not_exist_is_answered_all_the_same(maker: Maker, number: str) -> None:
    path = maker.uploaded(csv_bytes([HEADINGS, *BAD]))

    assert "The row has no name." in maker.page(f"{path}?page={number}")


def test_a_column_is_mapped_by_hand(maker: Maker) -> None:
    rows = [
        ("番", "人", "連絡"),
        ("1", "山田 太郎", "t.yamada at example.co.jp"),
        ("2", "佐藤", "h.sato@example.co.jp"),
    ]
    path = maker.uploaded(csv_bytes([rows[0], rows[2]]))
    before = plain(maker.page(path))

    answer = maker.press(path, "reading", **{"column-1": "full_name", "column-2": "address"})

    assert "has no column with mail addresses" in before
    assert "Choose below which column holds the mail addresses" in before
    assert answer.status_code == 303
    assert "Good rows 1" in plain(maker.page(path))
    assert '<option value="full_name" selected>' in maker.page(path)


def test_two_columns_of_one_meaning_are_told_and_chosen_between(maker: Maker) -> None:
    path = maker.uploaded(csv_bytes([("address", "mail", "name"), ("t.yamada@example.co.jp", "x", "Taro")]))

    maker.press(path, "reading", **{"column-0": "address", "column-1": "address"})
    twice = plain(maker.page(path))
    maker.press(path, "reading", **{"column-1": ""})

    assert "both mean the same" in twice
    assert "Good rows 1" in plain(maker.page(path))


def test_another_encoding_is_chosen_by_hand_and_nothing_is_lost(maker: Maker) -> None:
    path = maker.uploaded(
        csv_bytes([("address", "name"), ("t.yamada@example.co.jp", "Zoë – Müller")], encoding="cp1252")
    )
    before = maker.page(path)

    maker.press(path, "reading", encoding="cp1252")
    after = maker.page(path)

    assert "Zoë – Müller" not in before
    assert "Zoë – Müller" in after
    assert '<option value="cp1252" selected>' in after


def test_an_encoding_that_was_guessed_is_said(maker: Maker) -> None:
    people = [("address", "氏名"), ("t.yamada@example.co.jp", "山田 太郎")]

    page = plain(maker.page(maker.uploaded(csv_bytes(people, encoding="euc_jp"))))

    assert "山田 太郎" in page
    assert "people.csv does not say its encoding; it was read as EUC-JP." in page
    assert "If they are wrong, choose the encoding by hand." in page


def test_a_slip_in_a_domain_is_asked_about(maker: Maker) -> None:
    page = plain(maker.page(maker.uploaded(csv_bytes([("address",), ("t.yamada@exmaple.co.jp",)]))))

    assert "The mail servers of exmaple.co.jp are not known here; those of example.co.jp are." in page
    assert "Did you mean example.co.jp? Correct the part after the @." in page


def test_hidden_rows_and_sheets_that_are_not_read_are_said(maker: Maker) -> None:
    target = BytesIO()
    with Workbook(target) as workbook:
        for title, address in (("2026", "t.yamada@example.co.jp"), ("2025", "old@example.co.jp")):
            sheet = workbook.add_worksheet(title)
            sheet.write_row(0, 0, ["address", "name"])
            sheet.write_row(1, 0, [address, "Taro"])
            sheet.set_row(1, None, None, {"hidden": True})

    page = plain(maker.page(maker.uploaded(target.getvalue(), "people.xlsx")))

    assert "Only the sheet “2026” is read, and not: 2025." in page
    assert "Rows that the sheet hides are read too: 1." in page


def test_a_list_in_two_encodings_says_where_it_changes_and_what_can_be_done(maker: Maker) -> None:
    mixed = csv_bytes([HEADINGS, PEOPLE[0]]) + csv_bytes([("x", "佐藤", "", "", "")], encoding="cp932")

    page = plain(maker.page(maker.uploaded(mixed)))

    assert "Line 3 of people.csv cannot be read as UTF-8." in page
    assert "Choose another encoding below" in page
    assert "--encoding" not in page


def test_another_delimiter_is_chosen_by_hand(maker: Maker) -> None:
    path = maker.uploaded(b"address,memo|name\r\nt.yamada@example.co.jp|Taro, Sales\r\n")

    maker.press(path, "reading", delimiter="bar", **{"column-0": "address"})
    maker.press(path, "reading", **{"column-0": "address"})

    assert "Good rows 1" in plain(maker.page(path))


def test_the_mode_can_be_changed_and_its_days_with_it(maker: Maker) -> None:
    path = maker.uploaded(csv_bytes([HEADINGS, *PEOPLE, ("9", "森", "mori@example.co.jp", "", "")]))
    before = maker.page(path)

    maker.press(path, "reading", mode="ready-made")
    after = maker.page(path)

    assert "LIST_PASSWORDS_UNUSED" not in after
    assert "which invitations do not use" in before
    assert "Good rows 4" in plain(before)
    assert "Good rows 3" in plain(after)
    assert re.search(r'name="days"[^>]* max="30" value="3"', after)


def test_ready_made_without_passwords_says_so(maker: Maker) -> None:
    page = plain(maker.page(maker.uploaded(csv_bytes([("address",), ("a@example.co.jp",)]), mode="ready-made")))

    assert "has no column with passwords, which ready-made profiles need" in page
    assert "Make the" not in page


def test_a_domain_that_was_added_meanwhile_is_known(lists_host: Host, maker: Maker) -> None:
    path = maker.uploaded(csv_bytes([("address",), ("a@example.net",)]))
    before = plain(maker.page(path))

    lists_host.pages.services.directory.add(
        DOMAIN_TOML.replace('id = "example.co.jp"', 'id = "example.net"').replace(
            'domains = ["example.co.jp"]', 'domains = ["example.net"]'
        )
    )

    assert "Rows to mend 1" in before
    assert "Good rows 1" in plain(maker.page(path))


@pytest.mark.parametrize("name", CASES)
def test_a_broken_list_has_a_page_that_says_why(maker: Maker, name: str) -> None:
    build, code, _ = CASES[name]
    path = maker.uploaded(build(), "list.csv", "ready-made")

    page = maker.page(path)

    assert title(page).startswith("list.csv")
    assert "%(" not in page
    assert 'class="returned"' in page or 'tr class="issue"' in page or "remarks" in page, code


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_fifty_thousand_rows_are_looked_at(maker: Maker, kind: str) -> None:
    rows = [HEADINGS, *((f"{n}", f"社員 {n}", f"e{n}@example.co.jp", "営業部", "x") for n in range(50_000))]
    data = csv_bytes(rows, encoding="cp932") if kind == "csv" else excel_bytes(rows)

    page = plain(maker.page(maker.uploaded(data, f"people.{kind}")))

    assert "50,000 rows" in page
    assert "Make the 50,000 good rows" in page
