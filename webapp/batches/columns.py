"""Which column means what: found by its heading in Japanese or English, or said by hand."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from enum import StrEnum
from itertools import zip_longest

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


_MAILS = ("メールアドレス", "メール", "アドレス", "eメール", "eメールアドレス", "電子メール", "電子メールアドレス")
_AT_WORK = ("会社", "社用", "社内", "業務", "業務用", "勤務先", "職場", "仕事用", "pc", "パソコン")
_ELSEWHERE = (
    "通知先", "通知用", "連絡先", "連絡用", "個人", "個人用", "私用", "自宅", "既存", "予備", "予備の", "代替",
    "再設定用", "再設定用の", "携帯",
)  # fmt: skip

HEADINGS: Mapping[Field, tuple[str, ...]] = {
    Field.ADDRESS: (
        *_MAILS, "メアド", "mailアドレス", *(place + mail for place in _AT_WORK for mail in _MAILS),
        "mail", "email", "emailaddress", "mailaddress", "address", "emailid", "emailvalue", "primaryemail",
        "primaryemailaddress", "workemail", "workemailaddress", "newprimaryemail", "smtp", "smtpaddress",
        "primarysmtpaddress", "userprincipalname", "ユーザープリンシパル名", "upn", "mailbox",
    ),
    Field.FULL_NAME: (
        "氏名", "名前", "お名前", "姓名", "社員名", "社員氏名", "従業員名", "従業員氏名", "職員名", "職員氏名",
        "利用者名", "使用者", "使用者名", "利用者氏名", "担当者名", "担当者氏名", "表示名", "フルネーム",
        "漢字氏名", "氏名漢字", "name", "fullname", "displayname", "employeename", "personname", "realname",
        "commonname", "cn",
    ),
    Field.FAMILY_NAME: ("姓", "苗字", "名字", "氏", "familyname", "lastname", "surname", "sn"),
    Field.GIVEN_NAME: ("名", "下の名前", "givenname", "firstname", "forename"),
    Field.DEPARTMENT: (
        "部署", "部署名", "所属", "所属部署", "所属部署名", "所属名", "所属部門", "所属組織", "配属先", "部門",
        "部門名", "部課名", "部", "課", "組織", "department", "dept", "departmentname", "division", "section",
        "team", "unit", "organization", "organizationalunit", "ou",
    ),
    Field.EMPLOYEE_NUMBER: (
        "社員番号", "社員no", "社員id", "社員コード", "従業員番号", "従業員no", "従業員id", "従業員コード",
        "職員番号", "職員no", "職員id", "職員コード", "社番", "employeenumber", "employeeid", "employeeno",
        "employeecode", "staffid", "staffnumber", "personnelnumber",
    ),
    Field.USERNAME: (
        "ユーザー名", "ユーザ名", "ユーザーid", "ユーザid", "ログイン名", "ログインid", "アカウント",
        "アカウント名", "username", "userid", "user", "login", "loginname", "loginid", "account", "accountname",
        "samaccountname", "uid",
    ),
    Field.PASSWORD: (
        "パスワード", "メールパスワード", "初期パスワード", "仮パスワード", "新しいパスワード",
        "アプリパスワード", "password", "pass", "passwd", "pw", "pwd", "mailpassword", "emailpassword",
        "apppassword", "initialpassword", "newpassword",
    ),
    Field.PIN: (
        "pin", "pinコード", "pin番号", "ピン", "ピンコード", "ピン番号", "暗証番号", "暗証コード", "pincode",
        "pinnumber", "pinno",
    ),
    Field.NOTIFY: (
        "通知先", "連絡先", *(place + mail for place in _ELSEWHERE for mail in _MAILS), "notify", "notifyaddress",
        "notifyemail", "notification", "notificationaddress", "notificationemail", "contact", "contactaddress",
        "contactemail", "contactmail", "privateemail", "privatemail", "privateaddress", "personalemail",
        "personalmail", "personaladdress", "alternateemail", "alternateemailaddress", "alternateemailaddresses",
        "secondaryemail", "homesecondaryemail", "otheremail", "othermails", "recoveryemail",
        "recoveryemailaddress", "homeemail",
    ),
    Field.PROBLEM: ("problem", "問題"),
    Field.ADVICE: ("whattodo", "対処"),
}  # fmt: skip
"""Headings as `_key` writes them, the most usual first."""

_BY_HEADING = {heading: field for field, headings in HEADINGS.items() for heading in headings}
_BRACKETS = re.compile(r"[(\[【〔<「]([^)\]】〕>」]*)[)\]】〕>」]")
_UNMEANT = re.compile(r"[\s_\-‐–・./:*#※\"'“”‘’\u200b\ufeff]+")
_REQUIRED = re.compile(r"必須|任意|required|optional", re.IGNORECASE)
_BETWEEN = re.compile(r"[/|\n\r\t]+|(?<=[^\x00-\x7f])\s*(?=[A-Za-z])|(?<=[A-Za-z.])\s*(?=[^\x00-\x7f])")
"""Between the two languages of a heading."""
_READING = re.compile(
    r"カナ|かな|フリガナ|ふりがな|ルビ|仮名|ヨミ|よみ|読み|ローマ字|英字|英語|英名|kana|furigana|yomi|phonetic|"
    r"roma(n|ji)",
    re.IGNORECASE,
)
"""How a name is read or spelled besides; never the name itself."""
_PRIVATE = re.compile(r"個人|私用|私的|自宅|携帯|private|personal|home|mobile", re.IGNORECASE)
_OF_OTHERS = re.compile(r"上司|上長|管理者|manager|supervisor", re.IGNORECASE)
_PERHAPS_PHONES = frozenset({"連絡先", "contact"})
_MANY = re.compile(r"\d+")
_SIGNS = re.compile(r"[,;:|^\t，、；]")
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
    people = [row for row in head if header is None or row.number > header.number]
    problems: list[Problem] = []
    if decided is not None and len(decided) == len(headings):
        fields = _decided(headings, decided, file, problems)
    else:
        fields = _given(headings, given, file, problems)
        _by_headings(headings, people, fields, file, problems)
        if header is None and Field.ADDRESS not in fields:
            _by_content(first, fields)
    if Field.ADDRESS not in fields:
        problems.append(_without_addresses(headings, people, file))
    columns = Columns(
        headings=tuple(heading.strip() for heading in headings),
        header_row=header.number if header else None,
        first_row=first.number + (header is not None),
        fields=tuple(fields.items()),
    )
    return columns, tuple(problems)


def hold_addresses(rows: Iterable[Row]) -> bool:
    """Whether a column of mail addresses can be told from these first rows."""
    try:
        columns, _ = examine_columns(rows, file="")
    except ProblemError:
        return False
    return columns.has(Field.ADDRESS)


def _without_addresses(headings: Sequence[str], people: Sequence[Row], file: str) -> Problem:
    first = headings[0] if headings else ""
    if all(len(row.cells) <= 1 for row in people) and len(headings) == 1 and _SIGNS.search(first):
        return Problem(Code.LIST_ONE_COLUMN, {"file": file, "value": quoted(first.strip())}, place=file)
    return Problem(Code.LIST_ADDRESS_COLUMN_MISSING, {"file": file, "columns": _list(headings)}, place=file)


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
    known = _BY_HEADING.get(_key(heading))
    if known is not None:
        return known
    text = unicodedata.normalize("NFKC", heading)
    if _READING.search(text) or _OF_OTHERS.search(text):
        return None
    within = {_part(part) for part in _BRACKETS.findall(text)} - {None}
    field = _outside_brackets(_BRACKETS.sub(" ", text))
    if field in (None, Field.USERNAME) and within == {Field.ADDRESS}:
        # "Log-in (mail address)"; but "superior (name)" is nobody's name, and "[displayName]" is an attribute's.
        field = Field.ADDRESS if field is not None or "[" in text else None
    elif field is None and len(within) == 1 and "[" in text:
        field = within.pop()
    return Field.NOTIFY if field is Field.ADDRESS and _PRIVATE.search(text) else field


def _outside_brackets(text: str) -> Field | None:
    """The one meaning of a heading, which may stand there in two languages."""
    whole = _part(text)
    if whole is not None:
        return whole
    if any(int(number) > 1 for number in _MANY.findall(text)):
        # A second department, a third address.
        return None
    found = {_part(part) for part in _BETWEEN.split(text)} - {None}
    return found.pop() if len(found) == 1 else None


def _part(text: str) -> Field | None:
    key = _key(_REQUIRED.sub(" ", text))
    return _BY_HEADING.get(key) or _BY_HEADING.get(_MANY.sub(_without_one, key))


def _without_one(match: re.Match[str]) -> str:
    return "" if match[0] == "1" else match[0]


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
    best = max(possible, key=lambda row: (named(row), _names_addresses(row)), default=None)
    if best is not None and named(best):
        return _completed(best, possible)
    # Headings that say nothing to us are still headings, where the row below holds an address.
    return head[0] if head[0] in possible else None


def _names_addresses(row: Row) -> bool:
    return any(field_of(cell) is Field.ADDRESS for cell in row.cells)


def _names_something(cell: str) -> bool:
    return field_of(cell) is not None


def _completed(header: Row, possible: Sequence[Row]) -> Row:
    """Headings in two rows as one: "name" above "family" and "given"."""
    above = next((row for row in possible if row.number == header.number - 1), None)
    below = next((row for row in possible if row.number == header.number + 1), None)
    cells = list(header.cells)
    if below is not None and all(field_of(cell) for cell in below.cells if cell.strip()):
        pairs = zip_longest(cells, below.cells, fillvalue="")
        cells = [new if new.strip() else old for old, new in pairs]
        header = replace(header, number=below.number)
    named = sum(map(_names_something, above.cells)) if above is not None else 0
    for index, cell in enumerate(above.cells[: len(cells)] if above is not None and named > 1 else ()):
        field = field_of(cell)
        if field is not None and not cells[index].strip() and field not in map(field_of, cells):
            cells[index] = cell
    return replace(header, cells=tuple(cells))


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


def _by_headings(
    headings: Sequence[str], people: Sequence[Row], fields: dict[Field, int], file: str, problems: list[Problem]
) -> None:
    taken = set(fields.values())
    found: dict[Field, list[tuple[tuple[bool, int], int]]] = {}
    for index, heading in enumerate(headings):
        field = _meaning(heading, _cells_of(people, index))
        if field is not None and field not in fields and index not in taken:
            lacks = field is Field.ADDRESS and not any(map(_is_address, _cells_of(people, index)))
            found.setdefault(field, []).append(((lacks, _rank(field, heading)), index))
    if Field.ADDRESS not in fields and Field.ADDRESS not in found and Field.USERNAME in found:
        _by_usernames(people, found)
    for field, ranked in found.items():
        best, index = min(ranked)
        same = [index for rank, index in ranked if rank == best]
        if len(same) > 1:
            problems.append(_repeated(headings, same, field, file))
        fields[field] = index


def _meaning(heading: str, cells: Sequence[str]) -> Field | None:
    """What a heading means above these cells: contacts may be telephone numbers."""
    if _key(heading) in _PERHAPS_PHONES and cells and not any("@" in cell or "＠" in cell for cell in cells):
        return None
    return field_of(heading)


def _by_usernames(people: Sequence[Row], found: dict[Field, list[tuple[tuple[bool, int], int]]]) -> None:
    """Where people log in with their addresses, no other column may hold them."""
    for ranked, index in found[Field.USERNAME]:
        cells = _cells_of(people, index)
        if cells and all(map(_is_address, cells)):
            found[Field.ADDRESS] = [(ranked, index)]
            found[Field.USERNAME].remove((ranked, index))
            break
    if not found[Field.USERNAME]:
        del found[Field.USERNAME]


def _cells_of(people: Sequence[Row], index: int) -> list[str]:
    return [cell for row in people if index < len(row.cells) and (cell := row.cells[index].strip())]


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
