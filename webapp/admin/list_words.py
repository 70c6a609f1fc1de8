"""What the pages of uploaded lists call columns, encodings, layouts and parts, and advice that fits a page."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from profiles.problems import Code, Problem
from webapp.batches.columns import Field
from webapp.batches.options import Mode, Part
from webapp.handouts import Layout
from webapp.languages import gettext as _
from webapp.presentation import advice

MODES: Mapping[Mode, LazyString] = {
    Mode.INVITATIONS: _l("Invitations: each person types the mail password"),
    Mode.READY_MADE: _l("Ready-made: the passwords stand in the list"),
}
FIELDS: Mapping[Field, LazyString] = {
    Field.ADDRESS: _l("Mail address"),
    Field.FULL_NAME: _l("Full name"),
    Field.FAMILY_NAME: _l("Family name"),
    Field.GIVEN_NAME: _l("Given name"),
    Field.DEPARTMENT: _l("Department"),
    Field.EMPLOYEE_NUMBER: _l("Employee number"),
    Field.USERNAME: _l("User name, if asked for"),
    Field.PASSWORD: _l("Mail password"),
    Field.PIN: _l("PIN of six digits"),
    Field.NOTIFY: _l("Mails go to"),
}
"""Without our own two columns, which nobody chooses."""
UNDERSTOOD: Mapping[Field, tuple[str, str]] = {
    Field.ADDRESS: ("メールアドレス、メール", "address, e-mail"),
    Field.FULL_NAME: ("氏名、名前", "name, full name"),
    Field.FAMILY_NAME: ("姓", "family name, last name"),
    Field.GIVEN_NAME: ("名", "given name, first name"),
    Field.DEPARTMENT: ("部署、所属", "department"),
    Field.EMPLOYEE_NUMBER: ("社員番号", "employee number"),
    Field.USERNAME: ("ログインID", "user name, login"),
    Field.PASSWORD: ("パスワード", "password"),
    Field.PIN: ("PIN番号", "PIN"),
    Field.NOTIFY: ("通知先、個人メール", "notify, private mail"),
}
"""Headings that are understood, a few of many in Japanese and in English (webapp/batches/headings.py)."""
ENCODINGS: Mapping[str, LazyString | str] = {
    "utf-8": "UTF-8",
    "cp932": "Shift_JIS (CP932)",
    "utf-16": "UTF-16",
    "euc_jp": "EUC-JP",
    "cp1252": _l("Western (Windows-1252)"),
}
DELIMITERS: Mapping[str, LazyString] = {
    "comma": _l("Comma ( , )"),
    "tab": _l("Tab"),
    "semicolon": _l("Semicolon ( ; )"),
    "bar": _l("Vertical bar ( | )"),
}
SIGNS: Mapping[str, str] = {"comma": ",", "tab": "\t", "semicolon": ";", "bar": "|"}
DELIMITED: Mapping[str, LazyString] = {
    ",": _l("separated by commas"),
    "\t": _l("separated by tabs"),
    ";": _l("separated by semicolons"),
    "|": _l("separated by vertical bars"),
}
LAYOUTS: Mapping[Layout, LazyString] = {
    Layout.POSTCARD: _l("Postcards, 100 x 148"),
    Layout.A4_4: _l("A4, four on each sheet, to cut"),
    Layout.A4_8: _l("A4, eight on each sheet, to cut"),
}
PARTS: Mapping[Part, LazyString] = {
    Part.HANDOUTS: _l("Cards to print (PDF)"),
    Part.PROFILES: _l("Profiles for iPhone, iPad and Mac"),
    Part.K9S: _l("Files for Thunderbird on Android"),
    Part.QR: _l("Each person’s QR code as a picture"),
}
SAMPLE: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "ja": (
        ("メールアドレス", "氏名", "部署", "社員番号"),
        ("t.yamada@example.co.jp", "山田 太郎", "営業部", "0001"),
        ("h.sato@example.co.jp", "佐藤 花子", "経理部", "0002"),
    ),
    "en": (
        ("address", "name", "department", "employee number"),
        ("jane.doe@example.com", "Jane Doe", "Sales", "0001"),
        ("john.smith@example.com", "John Smith", "Accounting", "0002"),
    ),
}
"""A list to begin with; its headings are understood as they stand."""
_ADVICE: Mapping[Code, LazyString] = {
    Code.LIST_ENCODING: _l(
        "Choose another encoding below, or save the whole file in one, best as “CSV UTF-8”, and upload it again."
    ),
    Code.LIST_ADDRESS_COLUMN_MISSING: _l("Choose below which column holds the mail addresses, and read it again."),
    Code.LIST_ONE_COLUMN: _l(
        "Choose below what the cells are separated by, or divide them into columns in Excel "
        "(Data > Text to Columns)."
    ),
    Code.LIST_ENCODING_GUESSED: _l("Look at the names below. If they are wrong, choose the encoding by hand."),
    Code.LIST_COLUMN_REPEATED: _l("Choose below which of them counts, and read it again."),
    Code.LIST_PASSWORDS_UNUSED: _l("Delete that column, or choose “Ready-made” below."),
    Code.DOMAIN_NOT_SERVED: _l("Check the part after the @, or add the domain first."),
}


def encodings(found: str) -> tuple[tuple[str, str | LazyString], ...]:
    """The encodings to choose from; first the one that was found."""
    return (("", _found(found)), *ENCODINGS.items())


def delimiters(found: str | None) -> tuple[tuple[str, str | LazyString], ...]:
    """The delimiters to choose from; first the one that was found."""
    name = next((name for name, sign in SIGNS.items() if sign == found), "")
    return (("", _found(str(DELIMITERS.get(name, "")))), *DELIMITERS.items())


def _found(what: str) -> str:
    return _("Found: %(what)s", what=what) if what else _("Find out")


def mend(problem: Problem) -> str:
    """What to do, in the words of a page and not of the command line."""
    words = _ADVICE.get(problem.code)
    return str(words) if words is not None else advice(problem)
