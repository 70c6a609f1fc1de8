"""Which column means what: found by its heading in Japanese or English, or said by hand."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from enum import StrEnum

from profiles.address import parse_address
from profiles.problems import Code, Problem, ProblemError, quoted
from webapp.batches.row import Row, column_letter

LOOKED_AT = 10
"""Rows in which the headings are searched: a title or a date often stands above them."""


class Field(StrEnum):
    """What a cell can tell about an employee. The words are those of `--map COLUMN=FIELD`."""

    ADDRESS = "address"
    FULL_NAME = "full_name"
    FAMILY_NAME = "family_name"
    GIVEN_NAME = "given_name"
    DEPARTMENT = "department"
    EMPLOYEE_NUMBER = "employee_number"
    USERNAME = "username"
    PASSWORD = "password"
    PIN = "pin"
    """Opens a ready-made link; of no use to an invitation."""
    NOTIFY = "notify"
    """Where the invitation mail goes: whoever has no mail yet cannot read it in the new mailbox."""
    PROBLEM = "problem"
    """A column that we added to the list of bad rows; it is passed over when that list comes back."""
    ADVICE = "advice"


HEADINGS: Mapping[Field, tuple[str, ...]] = {
    Field.ADDRESS: (
        "メールアドレス", "メール", "メアド", "アドレス", "電子メール", "電子メールアドレス", "eメール",
        "eメールアドレス", "mailアドレス", "会社メールアドレス", "社用メールアドレス", "address", "mail", "email",
        "emailaddress", "mailaddress", "emailid", "primaryemail", "workemail", "smtp", "smtpaddress",
        "primarysmtpaddress", "userprincipalname", "upn", "mailbox",
    ),
    Field.FULL_NAME: (
        "氏名", "名前", "お名前", "姓名", "社員名", "従業員名", "職員名", "利用者名", "使用者", "使用者名",
        "利用者氏名", "表示名", "フルネーム", "漢字氏名", "氏名漢字", "name", "fullname", "displayname",
        "employeename", "personname", "realname",
    ),
    Field.FAMILY_NAME: ("姓", "苗字", "名字", "氏", "familyname", "lastname", "surname", "sn"),
    Field.GIVEN_NAME: ("名", "下の名前", "givenname", "firstname", "forename"),
    Field.DEPARTMENT: (
        "部署", "部署名", "所属", "所属部署", "所属名", "部門", "部門名", "部", "課", "組織", "department", "dept",
        "division", "section", "team", "unit", "organization", "organizationalunit", "ou",
    ),
    Field.EMPLOYEE_NUMBER: (
        "社員番号", "社員no", "社員id", "社員コード", "従業員番号", "従業員id", "従業員コード", "職員番号",
        "職員コード", "社番", "employeenumber", "employeeid", "employeeno", "employeecode", "staffid",
        "staffnumber", "personnelnumber",
    ),
    Field.USERNAME: (
        "ユーザー名", "ユーザ名", "ユーザーid", "ユーザid", "ログイン名", "ログインid", "アカウント",
        "アカウント名", "username", "userid", "user", "login", "loginname", "loginid", "account", "accountname",
        "samaccountname", "uid",
    ),
    Field.PASSWORD: (
        "パスワード", "メールパスワード", "初期パスワード", "仮パスワード", "アプリパスワード", "password",
        "pass", "passwd", "pw", "pwd", "mailpassword", "emailpassword", "apppassword", "initialpassword",
    ),
    Field.PIN: (
        "pin", "pinコード", "pin番号", "ピン", "ピンコード", "ピン番号", "暗証番号", "暗証コード", "pincode",
        "pinnumber", "pinno",
    ),
    Field.NOTIFY: (
        "通知先", "通知先メール", "通知先メールアドレス", "通知用メール", "通知用メールアドレス", "連絡先",
        "連絡先メール", "連絡先メールアドレス", "連絡用メール", "連絡用メールアドレス", "個人メール",
        "個人メールアドレス", "私用メール", "私用メールアドレス", "個人アドレス", "既存メールアドレス",
        "予備メールアドレス", "notify", "notifyaddress", "notifyemail", "notification", "notificationaddress",
        "notificationemail", "contact", "contactaddress", "contactemail", "contactmail", "privateemail",
        "privatemail", "privateaddress", "personalemail", "personalmail", "personaladdress", "alternateemail",
        "secondaryemail", "otheremail", "recoveryemail",
    ),
    Field.PROBLEM: ("problem", "問題"),
    Field.ADVICE: ("whattodo", "対処"),
}  # fmt: skip
"""Headings as `_key` writes them."""

_BY_HEADING = {heading: field for field, headings in HEADINGS.items() for heading in headings}
_BRACKETS = re.compile(r"[(\[【〔<「].*?[)\]】〕>」]")
_UNMEANT = re.compile(r"[\s_\-‐–・./:*#※\"']+")
_SHOWN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What the columns of one list mean."""

    headings: tuple[str, ...]
    """As written; without a row of headings the columns' letters."""
    header_row: int | None
    """The row of headings; None where there is none."""
    first_row: int
    """The first row that stands for a person."""
    fields: tuple[tuple[Field, int], ...]
    """Which column (counted from 0) each field is in."""
    _indexes: dict[Field, int] = dataclass_field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Keep the columns at hand: every row asks for them a dozen times."""
        object.__setattr__(self, "_indexes", dict(self.fields))

    def index(self, field: Field) -> int | None:
        """The column of a field."""
        return self._indexes.get(field)

    def has(self, field: Field) -> bool:
        """Whether the list tells this."""
        return self.index(field) is not None

    @property
    def comes_back(self) -> bool:
        """Whether this is our list of bad rows, mended and sent again."""
        return self.has(Field.PROBLEM) and self.has(Field.ADVICE)

    def cell(self, row: Row, field: Field) -> str:
        """The cell of a field, empty where the list or the row has none."""
        index = self._indexes.get(field)
        return row.cells[index] if index is not None and index < len(row.cells) else ""

    def name_of(self, index: int) -> str:
        """`B (氏名)`."""
        return column_name(self.headings, index)


def find_columns(rows: Iterable[Row], *, file: str, given: Sequence[tuple[str, Field]] = ()) -> Columns:
    """Find the columns in the first rows; raises ProblemError where none holds the addresses.

    `given` are pairs of a column, by heading or letter, and the field it means; they go before the headings.
    """
    columns, problems = examine_columns(rows, file=file, given=given)
    if problems:
        raise ProblemError(problems)
    return columns


def examine_columns(
    rows: Iterable[Row],
    *,
    file: str,
    given: Sequence[tuple[str, Field]] = (),
    decided: Sequence[Field | None] | None = None,
) -> tuple[Columns, tuple[Problem, ...]]:
    """Find the columns as far as they can be told, and what is wrong with them.

    `decided` says of every column what it means, and what the headings say is not asked then. Raises ProblemError
    where there is no row to look at.
    """
    head = _head(rows, file)
    header = _header(head, given)
    first = head[0] if header is None else header
    width = max(len(row.cells) for row in head) if header is None else len(first.cells)
    headings = first.cells if header else tuple(column_letter(index) for index in range(width))
    problems: list[Problem] = []
    if decided is not None and len(decided) == len(headings):
        fields = _decided(headings, decided, file, problems)
    else:
        fields = _given(headings, given, file, problems)
        _by_headings(headings, fields, file, problems)
        if header is None and Field.ADDRESS not in fields:
            _by_content(first, fields)
    if Field.ADDRESS not in fields:
        params = {"file": file, "columns": _list(headings)}
        problems.append(Problem(Code.LIST_ADDRESS_COLUMN_MISSING, params, place=file))
    columns = Columns(
        headings=tuple(heading.strip() for heading in headings),
        header_row=header.number if header else None,
        first_row=first.number + (header is not None),
        fields=tuple(fields.items()),
    )
    return columns, tuple(problems)


def _head(rows: Iterable[Row], file: str) -> list[Row]:
    """The readable ones of the first rows."""
    looked_at = _first(rows, LOOKED_AT)
    head = [row for row in looked_at if row.problem is None]
    broken = [replace(row.problem, place=f"{file}: {row.number}") for row in looked_at if row.problem]
    if broken and not (head and head[0].number < min(row.number for row in looked_at if row.problem)):
        # Without a readable first row nothing can be said about the columns.
        raise ProblemError(broken)
    if not head:
        raise ProblemError(Problem(Code.LIST_EMPTY, {"file": file}, place=file))
    return head


def column_name(headings: Sequence[str], index: int) -> str:
    """`B (氏名)`; the letter alone where there is no heading."""
    letter = column_letter(index)
    heading = quoted(headings[index].strip(), _SHOWN) if index < len(headings) else ""
    return f"{letter} ({heading})" if heading and heading != letter else letter


def field_of(heading: str) -> Field | None:
    """What a heading means."""
    key = _key(heading)
    return _BY_HEADING.get(key) or _BY_HEADING.get(_key(_BRACKETS.sub("", unicodedata.normalize("NFKC", heading))))


def _key(heading: str) -> str:
    """A heading without case, width, blanks and signs."""
    return _UNMEANT.sub("", unicodedata.normalize("NFKC", heading).casefold())


def _first(rows: Iterable[Row], count: int) -> list[Row]:
    return [row for row, _ in zip(rows, range(count), strict=False)]


def _header(head: Sequence[Row], given: Sequence[tuple[str, Field]]) -> Row | None:
    """The row of headings: the one that names the most fields, and no addresses."""

    def named(row: Row) -> int:
        wanted = {_key(column) for column, _ in given}
        return sum(field_of(cell) is not None or _key(cell) in wanted for cell in row.cells if cell.strip())

    possible = [row for row in head if not any(_is_address(cell) for cell in row.cells)]
    best = max(possible, key=named, default=None)
    if best is not None and named(best):
        return best
    # Headings that say nothing to us are still headings, where the row below holds an address.
    return head[0] if head[0] in possible else None


def _given(
    headings: Sequence[str], given: Sequence[tuple[str, Field]], file: str, problems: list[Problem]
) -> dict[Field, int]:
    fields: dict[Field, int] = {}
    for column, field in given:
        index = _find(headings, column)
        if index is None:
            params = {"file": file, "column": quoted(column), "columns": _list(headings)}
            problems.append(Problem(Code.LIST_COLUMN_UNKNOWN, params, place=f"--map {quoted(column)}={field}"))
        else:
            fields[field] = index
    return fields


def _decided(
    headings: Sequence[str], decided: Sequence[Field | None], file: str, problems: list[Problem]
) -> dict[Field, int]:
    """The fields of columns whose meaning was said by hand; our own two columns keep theirs."""
    fields: dict[Field, int] = {}
    for index, (heading, chosen) in enumerate(zip(headings, decided, strict=True)):
        ours = field_of(heading) if chosen is None else chosen
        if ours is None or (chosen is None and ours not in (Field.PROBLEM, Field.ADVICE)):
            continue
        if ours in fields:
            problems.append(_repeated(headings, [fields[ours], index], ours, file))
        fields.setdefault(ours, index)
    return fields


def _repeated(headings: Sequence[str], indexes: Sequence[int], field: Field, file: str) -> Problem:
    names = ", ".join(column_name(headings, index) for index in indexes)
    return Problem(Code.LIST_COLUMN_REPEATED, {"columns": names, "field": field.value}, place=file)


def _find(headings: Sequence[str], column: str) -> int | None:
    """A column by its heading, else by its letter, else by its number."""
    keys = [_key(heading) for heading in headings]
    if _key(column) in keys:
        return keys.index(_key(column))
    letters = [column_letter(index).casefold() for index in range(len(headings))]
    wanted = _key(column)
    if wanted in letters:
        return letters.index(wanted)
    return int(wanted) - 1 if wanted.isdecimal() and 0 < int(wanted) <= len(headings) else None


def _by_headings(headings: Sequence[str], fields: dict[Field, int], file: str, problems: list[Problem]) -> None:
    taken = set(fields.values())
    found: dict[Field, list[tuple[int, int]]] = {}
    for index, heading in enumerate(headings):
        field = field_of(heading)
        if field is not None and field not in fields and index not in taken:
            found.setdefault(field, []).append((_rank(field, heading), index))
    for field, ranked in found.items():
        best, index = min(ranked)
        same = [index for rank, index in ranked if rank == best]
        if len(same) > 1:
            problems.append(_repeated(headings, same, field, file))
        fields[field] = index


def _rank(field: Field, heading: str) -> int:
    """How well a heading fits: of several columns the one with the most usual word is taken."""
    headings = HEADINGS[field]
    key = _key(heading)
    return headings.index(key) if key in headings else len(headings)


def _by_content(row: Row, fields: dict[Field, int]) -> None:
    """Without headings, the column of addresses is the one that holds one."""
    for index, cell in enumerate(row.cells):
        if index not in fields.values() and _is_address(cell):
            fields[Field.ADDRESS] = index
            return


def _is_address(cell: str) -> bool:
    return ("@" in cell or "＠" in cell) and parse_address(cell)[0] is not None


def _list(headings: Sequence[str]) -> str:
    return ", ".join(column_name(headings, index) for index in range(min(len(headings), 20)))
