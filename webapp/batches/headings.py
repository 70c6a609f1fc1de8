"""What headings mean, in Japanese and English: the words, and what stands around them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum


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
"""Headings as `key_of` writes them, the most usual first."""

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
_MANY = re.compile(r"\d+")


def field_of(heading: str) -> Field | None:
    """What a heading means."""
    known = _BY_HEADING.get(key_of(heading))
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
    key = key_of(_REQUIRED.sub(" ", text))
    return _BY_HEADING.get(key) or _BY_HEADING.get(_MANY.sub(_without_one, key))


def _without_one(match: re.Match[str]) -> str:
    return "" if match[0] == "1" else match[0]


def key_of(heading: str) -> str:
    """A heading without case, width, blanks and signs."""
    return _UNMEANT.sub("", unicodedata.normalize("NFKC", heading).casefold())
