"""The fields of POST /api/v1/batches: one table that reads the form and describes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from werkzeug.datastructures import MultiDict

from profiles.problems import Code, Problem, ProblemError, quoted
from webapp.batches.columns import Field
from webapp.batches.encodings import is_known
from webapp.batches.options import ListChoices, Mode, Part, most_days, usual_days
from webapp.batches.uploads import Choices
from webapp.handouts import Layout
from webapp.languages import LANGUAGES

LONGEST_KEY = 200
LONGEST_TEXT = 255
RATES = (0.01, 50.0)
REPEATED = ("parts", "map")
_YES, _NO = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")
_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";"}
_FIELDS = tuple(one for one in Field if one not in (Field.PROBLEM, Field.ADVICE))

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One field: how it is read, and how it is described."""

    read: Callable[[str], object]
    """Raises ValueError for what cannot be used."""
    expected: str
    """Completes “Send … in it.”"""
    schema: Schema
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchForm:
    """What a request says."""

    data: bytes = field(repr=False)
    """The list."""
    filename: str
    name: str
    """Of the batch."""
    choices: Choices
    listing: ListChoices
    strict: bool


def _word(words: type[StrEnum]) -> Callable[[str], object]:
    return lambda text: words(text.strip())


def _text(text: str) -> str:
    if len(text) > LONGEST_TEXT or not text.isprintable():
        raise ValueError
    return text.strip()


def _flag(text: str) -> bool:
    known = text.strip().lower()
    if known not in _YES + _NO:
        raise ValueError
    return known in _YES


def _days(text: str) -> int:
    days = int(text)
    if not 1 <= days <= most_days(Mode.INVITATIONS):
        raise ValueError
    return days


def _rate(text: str) -> float:
    rate = float(text)
    if not RATES[0] <= rate <= RATES[1]:
        raise ValueError
    return rate


def _language(text: str) -> str:
    if text not in LANGUAGES:
        raise ValueError
    return text


def _encoding(text: str) -> str:
    if not is_known(text):
        raise ValueError
    return text


def _delimiter(text: str) -> str:
    sign = _DELIMITERS.get(text.lower(), text)
    if len(sign) != 1 or sign in '"\r\n':
        raise ValueError
    return sign


def _mapping(text: str) -> tuple[str, Field]:
    column, mark, name = text.rpartition("=")
    if not mark or not column.strip() or name.strip() not in _FIELDS:
        raise ValueError
    return column.strip(), Field(name.strip())


def _of(words: type[StrEnum]) -> str:
    return " or ".join(words)


_FLAG: Schema = {"type": "boolean", "default": False}
_LINE: Schema = {"type": "string", "maxLength": LONGEST_TEXT}

ENTRIES: Mapping[str, Entry] = {
    "mode": Entry(
        read=_word(Mode),
        expected=_of(Mode),
        schema={"enum": list(Mode), "default": Mode.INVITATIONS},
        words="invitations: links without a secret. ready-made: links to profiles with the passwords of the list.",
    ),
    "name": Entry(
        read=_text,
        expected=f"printable text of at most {LONGEST_TEXT} characters",
        schema=_LINE,
        words="What admins know the batch by; the file’s name unless it is given.",
    ),
    "layout": Entry(
        read=_word(Layout),
        expected=_of(Layout),
        schema={"enum": list(Layout), "default": Layout.POSTCARD},
        words="Paper of the cards.",
    ),
    "parts": Entry(
        read=_word(Part),
        expected=_of(Part),
        schema={"type": "array", "items": {"enum": list(Part)}, "default": list(Part)},
        words="What the ZIP holds; repeated, or with commas between.",
    ),
    "language": Entry(
        read=_language,
        expected=" or ".join(LANGUAGES),
        schema={"enum": list(LANGUAGES)},
        words="Of cards, results and mails; the host’s own unless it is given.",
    ),
    "days": Entry(
        read=_days,
        expected=f"a number from 1 to {most_days(Mode.INVITATIONS)}, "
        f"for ready-made at most {most_days(Mode.READY_MADE)}",
        schema={"type": "integer", "minimum": 1, "maximum": most_days(Mode.INVITATIONS)},
        words=f"How long new links open: {usual_days(Mode.INVITATIONS)} days, ready-made "
        f"{usual_days(Mode.READY_MADE)}, unless it is given.",
    ),
    "company": Entry(
        read=_text,
        expected=f"printable text of at most {LONGEST_TEXT} characters",
        schema=_LINE,
        words="On the cards, instead of what the domain says.",
    ),
    "help_desk": Entry(
        read=_text,
        expected=f"printable text of at most {LONGEST_TEXT} characters",
        schema=_LINE,
        words="Whom to ask, on the cards, instead of what the domain says.",
    ),
    "check": Entry(
        read=_flag,
        expected="true or false",
        schema=_FLAG,
        words="Try each password of the list on the mail servers.",
    ),
    "check_rate": Entry(
        read=_rate,
        expected=f"a number from {RATES[0]:g} to {RATES[1]:g}",
        schema={"type": "number", "minimum": RATES[0], "maximum": RATES[1], "default": 2.0},
        words="Log-ins that begin at one server in a second.",
    ),
    "mail": Entry(
        read=_flag, expected="true or false", schema=_FLAG, words="Send each person an invitation mail."
    ),
    "strict": Entry(
        read=_flag,
        expected="true or false",
        schema=_FLAG,
        words="Make nothing at all where a row has a problem: 422 with the problems.",
    ),
    "encoding": Entry(
        read=_encoding,
        expected="the name of an encoding, such as utf-8, cp932 or utf-16",
        schema={"type": "string"},
        words="Of a text file; found out unless it is given.",
    ),
    "delimiter": Entry(
        read=_delimiter,
        expected="one sign, or tab, comma or semicolon",
        schema={"type": "string"},
        words="Of a text file; found out unless it is given.",
    ),
    "map": Entry(
        read=_mapping,
        expected=f"COLUMN=FIELD with one of the fields {', '.join(_FIELDS)}",
        schema={"type": "array", "items": {"type": "string", "pattern": "^.+=.+$"}},
        words="What a column means, by its heading or letter: COLUMN=FIELD. Repeated.",
    ),
}


def schema() -> Schema:
    """The form as the description of the API has it."""
    file: Schema = {"type": "string", "contentMediaType": "application/octet-stream"}
    file["description"] = "CSV, TSV or .xlsx."
    fields = {name: {**entry.schema, "description": entry.words} for name, entry in ENTRIES.items()}
    return {"type": "object", "properties": {"file": file, **fields}, "required": ["file"]}


def read(form: MultiDict[str, str], data: bytes | None, filename: str, *, language: str) -> BatchForm:
    """Read every field; raises ProblemError with all that cannot be used."""
    problems: list[Problem] = []
    values = _values(form, problems)
    if data is None:
        problems.append(Problem(Code.FIELD_MISSING, {"expected": "a CSV, TSV or .xlsx file"}, place="file"))
    mode = Mode(values.get("mode", Mode.INVITATIONS))
    days = int(values.get("days", usual_days(mode)))
    if days > most_days(mode):
        problems.append(_unusable("days", str(days)))
    if problems or data is None:
        raise ProblemError(problems)
    shown = quoted(filename.rpartition("/")[2].rpartition("\\")[2].strip(), LONGEST_TEXT) or "list.csv"
    chosen: dict[str, Any] = {
        name: values[name] for name in ("layout", "company", "check", "check_rate", "mail") if name in values
    }
    return BatchForm(
        data=data,
        filename=shown,
        name=values.get("name") or shown,
        choices=Choices(
            mode=mode,
            language=values.get("language", language),
            parts=tuple(dict.fromkeys(values["parts"])) if values.get("parts") else tuple(Part),
            days=days,
            help=values.get("help_desk", ""),
            **chosen,
        ),
        listing=ListChoices(
            encoding=values.get("encoding"), delimiter=values.get("delimiter"), mapped=tuple(values.get("map", ()))
        ),
        strict=bool(values.get("strict", False)),
    )


def _values(form: MultiDict[str, str], problems: list[Problem]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in form:
        if name not in ENTRIES:
            problems.append(
                Problem(
                    Code.VALUE_UNKNOWN,
                    {"value": quoted(name), "known": ", ".join(("file", *ENTRIES))},
                    place="form",
                )
            )
            continue
        texts = [text for text in form.getlist(name) if text]
        if name == "parts":
            texts = [part for text in texts for part in text.split(",") if part.strip()]
        found = [_value(name, text, problems) for text in texts]
        if found:
            values[name] = found if name in REPEATED else found[-1]
    return {name: value for name, value in values.items() if value is not None}


def _value(name: str, text: str, problems: list[Problem]) -> object:
    try:
        return ENTRIES[name].read(text)
    except ValueError:
        problems.append(_unusable(name, text))
        return None


def _unusable(name: str, text: str) -> Problem:
    params = {"value": quoted(text), "expected": ENTRIES[name].expected}
    return Problem(Code.FIELD_UNUSABLE, params, place=name)
