"""Lists as offices really write them: what can sensibly be understood is, and what was guessed is said."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime, time
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from openpyxl import load_workbook

from tests.webapp.batches.lists import (
    NAMESPACE,
    archive_bytes,
    csv_bytes,
    excel_bytes,
    problems_of,
    read,
    texts_of,
    write,
)
from tests.webapp.batches.test_broken_lists import BOOK, GOOD, sheet, sheets, written
from webapp.batches.cell_text import cell_text
from webapp.batches.columns import Field, field_of, find_columns
from webapp.batches.reading import open_list
from webapp.batches.row import Row

Build = Callable[[], bytes]
Person = tuple[str, str, str, str]
"""Address, name, department, employee number."""
TARO = ("taro@corp.example", "山田 太郎", "営業部", "00123")
WITHOUT_NUMBER = (*TARO[:3], "")
NAMELESS = (TARO[0], "", "", "")
T = (TARO[0], "T", "", "")


def text(content: str, encoding: str = "utf-8") -> Build:
    """A file of this text."""
    return lambda: content.encode(encoding)


def people_of(path: Path) -> list[Person]:
    """What was understood of a list, every row of it good."""
    _, _, rows = read(path)
    assert [row.problems for row in rows if row.employee is None] == []
    found = (row.employee for row in rows)
    return [(str(e.address), e.full_name, e.department, e.employee_number) for e in found if e is not None]


def made(write_sheets: Callable[[xlsxwriter.Workbook], None]) -> Build:
    """A workbook by XlsxWriter."""

    def build() -> bytes:
        target = io.BytesIO()
        with xlsxwriter.Workbook(target, {"in_memory": True}) as workbook:
            write_sheets(workbook)
        return target.getvalue()

    return build


HEADINGS = ("社員番号", "氏名", "メールアドレス", "部署")
PERSON = ("00123", "山田 太郎", "taro@corp.example", "営業部")


def _number_formats(book: xlsxwriter.Workbook) -> None:
    page = book.add_worksheet()
    page.write_row(0, 0, HEADINGS)
    page.write_number(1, 0, 123, book.add_format({"num_format": "00000"}))
    page.write_row(1, 1, PERSON[1:])


def _pattern(book: xlsxwriter.Workbook) -> None:
    page = book.add_worksheet()
    page.write_row(0, 0, HEADINGS)
    page.write_number(1, 0, 123, book.add_format({"num_format": '"A"000-00'}))
    page.write_row(1, 1, PERSON[1:])


def _merged_departments(book: xlsxwriter.Workbook) -> None:
    page = book.add_worksheet()
    page.write_row(0, 0, HEADINGS)
    for number, name in ((1, "a"), (2, "b"), (3, "c")):
        page.write_row(number, 0, ("", name, f"{name}@corp.example"))
    page.merge_range(1, 3, 2, 3, "営業部")


def _merged_headings(book: xlsxwriter.Workbook) -> None:
    page = book.add_worksheet()
    page.merge_range(0, 0, 0, 3, "社員一覧 2026年度")
    page.merge_range(1, 0, 2, 0, "社員番号")
    page.merge_range(1, 1, 1, 2, "氏名")
    page.merge_range(1, 3, 2, 3, "メールアドレス")
    page.write_row(2, 1, ("姓", "名"))
    page.write_row(3, 0, ("00123", "山田", "太郎", "taro@corp.example"))


def _cover(book: xlsxwriter.Workbook) -> None:
    book.add_worksheet("表紙").write_column(0, 0, ["社員名簿", "2026年4月", "人事部"])
    book.add_worksheet("空")
    page = book.add_worksheet("社員")
    page.write_row(0, 0, HEADINGS)
    page.write_row(1, 0, PERSON)


def _hidden_sheet(book: xlsxwriter.Workbook) -> None:
    old = book.add_worksheet("旧")
    old.write_row(0, 0, HEADINGS)
    old.write_row(1, 0, ("1", "古い", "old@corp.example", "x"))
    old.hide()
    page = book.add_worksheet("社員")
    page.write_row(0, 0, HEADINGS)
    page.write_row(1, 0, PERSON)
    page.activate()


def _blank_margins(book: xlsxwriter.Workbook) -> None:
    page = book.add_worksheet()
    grey = book.add_format({"bg_color": "#cccccc"})
    page.write_row(4, 2, HEADINGS)
    page.write_row(5, 2, PERSON)
    for number in range(6, 5_000):
        page.write_blank(number, 200, None, grey)


def _furigana() -> bytes:
    shared = (
        f'<sst xmlns="{NAMESPACE}"><si><t>氏名</t><rPh sb="0" eb="2"><t>シメイ</t></rPh></si>'
        "<si><t>メール</t></si>"
        '<si><r><t>山田</t></r><r><rPr><b/></rPr><t xml:space="preserve"> 太郎</t></r>'
        '<rPh sb="0" eb="2"><t>ヤマダ</t></rPh><phoneticPr fontId="1"/></si>'
        "<si><t>taro@corp.example</t></si></sst>"
    )
    return excel_bytes([("", ""), ("", "")], shared=shared.encode())


def _prefixed() -> bytes:
    """Some libraries write a prefix before every name, absolute paths, and no numbers of rows and cells."""
    page = (
        f'<x:worksheet xmlns:x="{NAMESPACE}"><x:sheetData><x:row>'
        '<x:c t="inlineStr"><x:is><x:t>mail</x:t></x:is></x:c>'
        '<x:c t="str"><x:v>name</x:v></x:c></x:row><x:row><x:c t="str"><x:v>taro@corp.example</x:v></x:c>'
        '<x:c t="inlineStr"><x:is><x:t>Taro_x000D_\n_x005F_x</x:t></x:is></x:c></x:row>'
        "</x:sheetData></x:worksheet>"
    )
    return archive_bytes({"xl/worksheets/sheet1.xml": page.encode()}, base=excel_bytes([("a",)]))


ENTRA = (
    "version:v1.0\n名前 [displayName] 必須,ユーザー名 [userPrincipalName] 必須,"
    "初期パスワード [passwordProfile] 必須,"
    "サインインのブロック (はい/いいえ) [accountEnabled] 必須,名 [givenName],姓 [surname]\n"
    "山田 太郎,taro@corp.example,x,いいえ,太郎,山田\n"
)
GOOGLE = (
    "First Name [Required],Last Name [Required],Email Address [Required],Password [Required],"
    "Org Unit Path [Required],Recovery Email,Home Secondary Email,Department,Employee ID\n"
    "Taro,Yamada,taro@corp.example,****,/営業,taro@home.example,,営業部,00123\n"
)
MICROSOFT = (
    "Block credential,Department,Display name,First name,Last name,Licenses,User principal name,"
    "Alternate email addresses\nFalse,営業部,山田 太郎,太郎,山田,Business,taro@corp.example,\n"
)
CSVDE = (
    "DN,objectClass,cn,sn,givenName,displayName,department,sAMAccountName,userPrincipalName,mail\r\n"
    '"CN=taro,OU=Users,DC=corp,DC=example",user,taro,山田,太郎,山田 太郎,営業部,taro,'
    "taro@corp.local,taro@corp.example\r\n"
)
SMARTHR = (
    "社員番号,姓,名,姓（ヨミガナ）,名（ヨミガナ）,ビジネスネーム：姓,部署1,部署2,メールアドレス\n"
    "00123,山田,太郎,ヤマダ,タロウ,,営業部,一課,taro@corp.example\n"
)
GAROON = (
    '"名前","よみがな","ログイン名","パスワード","メールアドレス","組織"\n'
    '"山田 太郎","やまだ","taro","x","taro@corp.example","営業部"\n'
)
OUTLOOK = "First Name,Last Name,E-mail Address,E-mail 2 Address,Department\n太郎,山田,taro@corp.example,,営業部\n"

UNDERSTOOD: dict[str, tuple[Build, Sequence[Person]]] = {
    # programs that export lists
    "Entra, in Japanese": (text(ENTRA), [("taro@corp.example", "山田 太郎", "", "")]),
    "Google Workspace": (text(GOOGLE), [("taro@corp.example", "Taro Yamada", "営業部", "00123")]),
    "Microsoft 365": (text(MICROSOFT), [WITHOUT_NUMBER]),
    "csvde -u": (text(CSVDE, "utf-16"), [WITHOUT_NUMBER]),
    "SmartHR": (text(SMARTHR, "cp932"), [TARO]),
    "Garoon": (text(GAROON, "cp932"), [WITHOUT_NUMBER]),
    "Outlook": (text(OUTLOOK), [WITHOUT_NUMBER]),
    "cPanel": (text("Email,Password,Quota\ntaro@corp.example,x,250\n"), [NAMELESS]),
    # delimiters and lines
    "sep=;": (
        text("sep=;\r\naddress;氏名\r\ntaro@corp.example;山田, 太郎\r\n"), [(TARO[0], "山田, 太郎", "", "")],
    ),
    "sep=; without headings": (text("sep=;\ntaro@corp.example;x\n"), [NAMELESS]),
    "a title with a comma": (
        text("社員一覧, 2026年\naddress;氏名\ntaro@corp.example;山田\n"), [("taro@corp.example", "山田", "", "")],
    ),
    "tabs, and a comma in a heading": (
        text("氏名\tmail\t備考, その他\n山田\ttaro@corp.example\tx\n"), [("taro@corp.example", "山田", "", "")],
    ),
    "a blank before quotation marks": (
        text('address, "name"\ntaro@corp.example, "Yamada, Taro"\n'), [(TARO[0], "Yamada, Taro", "", "")],
    ),
    "end-of-file sign of DOS": (text("address,name\r\ntaro@corp.example,T\r\n\x1a"), [T]),
    "typographic quotation marks": (
        text("“address”,“memo”\n“taro@corp.example”,“x”\n"), [NAMELESS],
    ),
    # marks and encodings
    "the mark written twice": (
        lambda: b"\xef\xbb\xbf" * 2 + b'"address","name"\n"taro@corp.example","T"\n', [T],
    ),
    "files put together": (
        lambda: b"address,name\na@corp.example,A\n" + b"\xef\xbb\xbfaddress,name\n\xef\xbb\xbfb@corp.example,B\n",
        [("a@corp.example", "A", "", ""), ("b@corp.example", "B", "", "")],
    ),
    "ISO-2022-JP": (
        text("氏名,address\n山田,taro@corp.example\n", "iso2022_jp"), [(TARO[0], "山田", "", "")],
    ),
    "half-width kana in CP932": (
        text("氏名,address\nﾔﾏﾀﾞ ﾀﾛｳ,taro@corp.example\n", "cp932"), [("taro@corp.example", "ﾔﾏﾀﾞ ﾀﾛｳ", "", "")],
    ),
    "signs of Windows": (
        text("氏名,address\n髙﨑 ①子㈱～,taro@corp.example\n", "cp932"), [(TARO[0], "髙﨑 ①子㈱～", "", "")],
    ),
    "parted voiced marks of macOS": (
        text(unicodedata.normalize("NFD", "氏名,address\nガギ パピ,taro@corp.example\n")),
        [("taro@corp.example", "ガギ パピ", "", "")],
    ),
    "signs that nobody sees": (
        text("address,name\ntaro@corp.example,\ufeffTaro\u200b\u00a0Yama\u00adda\u202e\n"),
        [("taro@corp.example", "Taro Yamada", "", "")],
    ),
    # addresses
    "names before addresses": (text("address\nTaro <taro@corp.example>\n"), [NAMELESS]),
    "a spreadsheet's mark of text": (text("address\n'taro@corp.example\n"), [NAMELESS]),
    "what mail programs leave behind": (text("mail,name\ntaro@corp.example;,T\n"), [T]),
    # columns
    "a postal address besides": (
        text("Address,Name,Email\nTokyo,T,taro@corp.example\n"), [T],
    ),
    "log-in by address": (text("表示名,ユーザー名\nT,taro@corp.example\n"), [T]),
    "contacts that are telephones": (
        text("address,連絡先\ntaro@corp.example,03-1234-5678\n"), [NAMELESS],
    ),
    "a department that looks calculated": (
        text("address,部署\ntaro@corp.example,＋α推進室\n"), [("taro@corp.example", "", "＋α推進室", "")],
    ),
    "a line of its own above the headings": (
        text("部署,営業部\n,氏名,メール\n1,山田,taro@corp.example\n"), [("taro@corp.example", "山田", "", "")],
    ),
    "headings in two rows": (
        text("社員番号,氏名,,メール\n,姓,名,\n00123,山田,太郎,taro@corp.example\n"),
        [("taro@corp.example", "山田 太郎", "", "00123")],
    ),
    # workbooks
    "numbers with zeros in front": (made(_number_formats), [TARO]),
    "numbers in a pattern": (made(_pattern), [(*TARO[:3], "A001-23")]),
    "merged departments": (
        made(_merged_departments),
        [(f"{name}@corp.example", name, "" if name == "c" else "営業部", "") for name in "abc"],
    ),
    "merged headings": (made(_merged_headings), [("taro@corp.example", "山田 太郎", "", "00123")]),
    "a cover before the list": (made(_cover), [TARO]),
    "a hidden sheet before the list": (made(_hidden_sheet), [TARO]),
    "blank margins and thousands of painted rows": (made(_blank_margins), [TARO]),
    "furigana": (_furigana, [("taro@corp.example", "山田 太郎", "", "")]),
    "prefixes": (_prefixed, [("taro@corp.example", "Taro _x", "", "")]),
    "rows behind a long gap": (
        sheet(
            written(2, "a@corp.example"), written(1_048_576, "b@corp.example"), before='<dimension ref="A1:B2"/>'
        ),
        [("a@corp.example", "山田", "", ""), ("b@corp.example", "山田", "", "")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_what_an_office_writes_is_understood(name: str, tmp_path: Path) -> None:
    build, people = UNDERSTOOD[name]

    assert people_of(write(tmp_path, build())) == list(people)


# what is said of it


def notes_of(path: Path) -> list[str]:
    """The codes of what is said of a list as a whole."""
    return [problem.code for problem in open_list(path).notes]


@pytest.mark.parametrize(
    ("content", "encoding", "name", "is_said"),
    [
        ("氏名,メールアドレス\n高橋 花子,a@corp.example\n", "euc_jp", "EUC-JP", True),
        ("氏名,mail\n山田,a@corp.example\n", "euc_jp", "EUC-JP", True),
        ("name,mail\nBjörn Ångström,a@corp.example\nRenée,b@corp.example\n", "cp1252", "Windows-1252", True),
        ("name,mail\nJäger,a@corp.example\n", "cp1252", "Windows-1252", True),
        ("氏名,mail\n山田\ue000,a@corp.example\n", "cp932", "Shift_JIS (CP932)", True),
        ("name,mail\n｣ukasz Dｹbrowski,a@corp.example\n", "cp932", "Shift_JIS (CP932)", True),
        ("氏名,部署\n山田,ITｼｽﾃﾑ部ﾊﾟｰﾄ\nﾔﾏﾀﾞ　ﾀﾛｳ,x\n", "cp932", "Shift_JIS (CP932)", False),
        ("氏名,mail\n山田,a@corp.example\n", "cp932", "Shift_JIS (CP932)", False),
        ("氏名,mail\nﾔﾏﾀﾞ ﾀﾛｳ,a@corp.example\n", "cp932", "Shift_JIS (CP932)", False),
        ("氏名,mail\nヤマダ,a@corp.example\n", "cp932", "Shift_JIS (CP932)", False),
        ("name,mail\nRené,a@corp.example\n", "utf-8", "UTF-8", False),
        ("氏名,mail\n山田,a@corp.example\n", "iso2022_jp", "ISO-2022-JP", False),
    ],
)
def test_a_guessed_encoding_is_said(content: str, encoding: str, name: str, is_said: bool, tmp_path: Path) -> None:
    path = write(tmp_path, content.encode(encoding))

    listing = open_list(path)

    assert listing.encoding is not None
    assert (listing.encoding.name, notes_of(path)) == (name, ["LIST_ENCODING_GUESSED"] if is_said else [])
    assert [row.cells for row in listing.rows()] == [tuple(line.split(",")) for line in content.splitlines()]
    assert all(texts_of(problem) for problem in listing.notes)


def test_sheets_that_are_not_read_are_named(tmp_path: Path) -> None:
    people = [HEADINGS, PERSON]
    path = write(tmp_path, sheets(空=[], 本社=people, 工場=people, 支社=people)(), "list.xlsx")

    listing = open_list(path)

    assert (listing.sheet, [problem.code for problem in listing.notes]) == ("本社", ["LIST_SHEETS_UNREAD"])
    assert listing.notes[0].params["others"] == "工場, 支社"


def test_hidden_rows_are_read_and_known(tmp_path: Path) -> None:
    def filtered(book: xlsxwriter.Workbook) -> None:
        page = book.add_worksheet()
        page.write_row(0, 0, HEADINGS)
        for number in range(1, 5):
            page.write_row(number, 0, (str(number), "x", f"a{number}@corp.example", "x"))
        page.set_row(2, None, None, {"hidden": True})

    rows = list(open_list(write(tmp_path, made(filtered)(), "list.xlsx")).rows())

    assert [row.is_hidden for row in rows] == [False, False, True, False, False]


def test_a_slip_in_a_domain_gets_a_suggestion(tmp_path: Path) -> None:
    (problem,) = problems_of(write(tmp_path, b"address\ntaro@crop.example\n"))

    assert (problem.code, problem.params["suggestion"]) == ("DOMAIN_MISTYPED", "corp.example")


def test_a_number_format_without_end_makes_no_text_without_end(tmp_path: Path) -> None:
    styles = (
        f'<styleSheet xmlns="{NAMESPACE}"><numFmts>'
        f'<numFmt numFmtId="200" formatCode="{"0" * 1_000_000}"/></numFmts>'
        '<cellXfs><xf numFmtId="200"/></cellXfs></styleSheet>'
    )
    data = archive_bytes(
        {"xl/styles.xml": styles.encode()}, base=sheet(written(2, "a@corp.example", '<c r="C2"><v>7</v></c>'))()
    )

    rows = list(open_list(write(tmp_path, data, "list.xlsx")).rows())

    assert rows[-1].cells == ("山田", "a@corp.example", "7")


@pytest.mark.parametrize(
    ("code", "value", "shown"),
    [
        ("General", 123, "123"),
        ("General", 123.0, "123"),
        ("General", 0.30000000000000004, "0.3"),
        ("General", float("nan"), "nan"),
        ("yyyy/mm/dd", datetime(2026, 4, 1), "2026-04-01"),
        ("yyyy/mm/dd", datetime(2026, 4, 1, 12), "2026-04-01 12:00:00"),
        ("h:mm", time(12), "12:00:00"),
        ("00000", 123, "00123"),
        ("00000", 1234567, "1234567"),
        ("00000", -5, "-5"),
        ("00000;[Red]-00000", 5, "00005"),
        ("000-0000", 1234567, "123-4567"),
        ('"A"000', 7, "A007"),
        ("#,##0", 1234, "1234"),
        ("0.00E+00", 1234, "1234"),
        ("G/標準", 1234, "1234"),
        ('0.0"days"', 5, "5"),
        ("General", True, "TRUE"),
        ("General", "a_x000D_b", "a\rb"),
    ],
)
def test_cells_are_read_as_people_see_them(code: str, value: object, shown: str) -> None:
    assert cell_text(value, code) == shown


def test_days_of_old_macs_begin_in_1904(tmp_path: Path) -> None:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True, "date_1904": True}) as book:
        page = book.add_worksheet()
        page.write_string(0, 0, "a@corp.example")
        page.write_datetime(0, 1, datetime(2026, 4, 1), book.add_format({"num_format": "yyyy/mm/dd"}))

    (row,) = open_list(write(tmp_path, target.getvalue(), "list.xlsx")).rows()

    assert row.cells == ("a@corp.example", "2026-04-01")


# headings


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("メールアドレス / Email", Field.ADDRESS),
        ("E-mail Address 1", Field.ADDRESS),
        ("E-mail 2 Address", None),
        ("E-mail 1 - Value", Field.ADDRESS),
        ("ﾒｰﾙｱﾄﾞﾚｽ", Field.ADDRESS),
        ("メール\nアドレス", Field.ADDRESS),
        ("*メールアドレス【必須】", Field.ADDRESS),
        ("業務用メールアドレス", Field.ADDRESS),
        ("ログインID（メールアドレス）", Field.ADDRESS),
        ("メールアドレス（個人）", Field.NOTIFY),
        ("再設定用のメールアドレス", Field.NOTIFY),
        ("上司のメールアドレス", None),
        ("メール容量(MB)", None),
        ("氏名 / Name", Field.FULL_NAME),
        ("氏名 Name", Field.FULL_NAME),
        ("氏名（漢字）", Field.FULL_NAME),
        ("氏名（フリガナ）", None),
        ("氏名(ﾛｰﾏ字)", None),
        ("姓／Last name", Field.FAMILY_NAME),
        ("姓（カナ）", None),
        ("姓/名", Field.FULL_NAME),
        ("上司（氏名）", None),
        ("会社名", None),
        ("Company name", None),
        ("部署1", Field.DEPARTMENT),
        ("部署2", None),
        ("社員№", Field.EMPLOYEE_NUMBER),
        ("社員番号(7桁)", Field.EMPLOYEE_NUMBER),
        ("パスワード変更日", None),
        ("SMTPパスワード", None),
    ],
)
def test_what_offices_write_above_their_columns(heading: str, field: Field | None) -> None:
    assert field_of(heading) is field


def test_private_addresses_are_told_from_those_at_work() -> None:
    found = find_columns(
        [Row(number=1, cells=("メールアドレス（個人）", "メールアドレス（会社）"))], file="list.csv"
    )

    assert (found.index(Field.ADDRESS), found.index(Field.NOTIFY)) == (1, 0)


# any list, any writer

CELLS = some.text(
    some.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff\u200b\u2028\u2029"),
    max_size=12,
)
JAPANESE = some.text("山田太郎ｱｲｳ髙﨑①～ぁんァヶー亜腕　,;\t|\"' a\n", max_size=12)


def cells_of(path: Path, width: int) -> list[tuple[str, ...]]:
    """The cells of every row, blank rows left out, filled up to this width."""
    rows = list(open_list(path).rows())
    assert [row.problem for row in rows if row.problem] == []
    return [row.cells + ("",) * (width - len(row.cells)) for row in rows]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=some.lists(some.tuples(JAPANESE, JAPANESE), max_size=6),
    encoding=some.sampled_from(["utf-8", "utf-8-sig", "cp932", "utf-16", "utf-32"]),
    delimiter=some.sampled_from(",;\t"),
    newline=some.sampled_from(["\r\n", "\n", "\r"]),
)
def test_any_list_reads_back_as_it_was_written(
    rows: list[tuple[str, str]], encoding: str, delimiter: str, newline: str, tmp_path: Path
) -> None:
    every = [("氏名", "備考", "メールアドレス"), *((one, other, "a@corp.example") for one, other in rows)]
    path = write(tmp_path, csv_bytes(every, encoding=encoding, delimiter=delimiter, newline=newline))

    assert cells_of(path, 3) == every


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=some.lists(some.tuples(CELLS, CELLS), max_size=6), shared=some.booleans())
def test_any_workbook_reads_back_as_it_was_written(
    rows: list[tuple[str, str]], shared: bool, tmp_path: Path
) -> None:
    every = [("氏名", "備考", "メールアドレス"), *((one, other, "a@corp.example") for one, other in rows)]
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True, "constant_memory": not shared}) as book:
        page = book.add_worksheet()
        for number, row in enumerate(every):
            for column, cell in enumerate(row):
                page.write_string(number, column, cell)
    path = write(tmp_path, target.getvalue(), "list.xlsx")

    found = cells_of(path, 3)

    assert found == [tuple("" if cell.isspace() else cell for cell in row) for row in every]
    assert len(list(load_workbook(path).worksheets[0].iter_rows())) == len(found)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    source=some.sampled_from([GOOD, BOOK, excel_bytes([HEADINGS, PERSON]), GOOD.decode().encode("utf-16")]),
    changes=some.lists(some.tuples(some.floats(0, 1, exclude_max=True), some.binary(max_size=4)), max_size=12),
    cut=some.floats(0.5, 1),
)
def test_any_damage_ends_in_words(
    source: bytes, changes: list[tuple[float, bytes]], cut: float, tmp_path: Path
) -> None:
    data = bytearray(source)
    for place, new in changes:
        at = int(place * len(data))
        data[at : at + max(len(new), 1)] = new

    for problem in problems_of(write(tmp_path, bytes(data[: int(cut * len(data))]))):
        assert all(texts_of(problem))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=some.lists(
        some.tuples(
            some.floats(0, 1, exclude_max=True),
            some.sampled_from(
                ["<", ">", "&amp;", 'r="', 't="s"', "<row>", "</c>", "<f>", "9999999", "-1", "xml:", "\x00", "é"]
            ),
        ),
        max_size=8,
    )
)
def test_any_damage_within_a_sheet_ends_in_words(changes: list[tuple[float, str]], tmp_path: Path) -> None:
    """Inside of a part that unpacks well: the archive's checksums stop most of what is done outside."""
    page = (
        '<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" s="1"><v>1.5</v></c></row>'
        '<row r="2" hidden="1"><c r="A2" t="str"><v>a@corp.example</v></c><c r="B2" t="b"><v>1</v></c></row>'
        '</sheetData><mergeCells><mergeCell ref="B2:B5"/></mergeCells></worksheet>'
    )
    for place, new in changes:
        at = int(place * len(page))
        page = page[:at] + new + page[at + 1 :]
    data = archive_bytes({"xl/worksheets/sheet1.xml": page.encode()}, base=excel_bytes([("address",)]))

    rows = list(open_list(write(tmp_path, data, "list.xlsx")).rows())

    numbers = [row.number for row in rows]
    assert numbers == sorted(set(numbers))
    assert all(all(texts_of(row.problem)) for row in rows if row.problem)
