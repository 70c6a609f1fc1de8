"""The form of an uploaded list: how it is to be read, and what is to be made of it, as one value."""

from __future__ import annotations

from dataclasses import replace

from werkzeug.datastructures import MultiDict

from profiles.problems import Code, Problem
from webapp.admin.list_words import ENCODINGS, SIGNS
from webapp.batches.columns import Field
from webapp.batches.options import Mode, Part, usual_days
from webapp.batches.uploads import Choices
from webapp.handouts import Layout
from webapp.languages import LANGUAGES

LEAST_RATE, MOST_RATE = 0.01, 50.0
MOST_COLUMNS = 200
_TEXT = 200

Sent = MultiDict[str, str]


Fields = tuple[Field | None, ...]


def read_form(form: Sent, before: Choices, shown: Fields | None) -> tuple[Choices, tuple[Problem, ...]]:
    """What was chosen, and which of it cannot be used; that keeps its value from before.

    `shown` are the meanings of the columns that the page showed as good: sent back unchanged they choose nothing.
    """
    after = _reading(form, before, shown)
    if "days" not in form:
        return after, ()
    after = replace(
        after,
        language=_one_of(form.get("language"), LANGUAGES, before.language),
        parts=tuple(part for part in Part if part in form.getlist("parts")),
        layout=Layout(_one_of(form.get("layout"), tuple(Layout), before.layout)),
        company=_line(form.get("company")),
        help=_line(form.get("help")),
        check="check" in form,
        mail="mail" in form,
    )
    after, problems = _numbers(form, before, after)
    if not after.parts:
        problems = (*problems, Problem(Code.NOTHING_CHOSEN, place="parts-handouts"))
    return after, problems


def reads_alike(one: Choices, other: Choices) -> bool:
    """Whether a list is read and checked in the same way."""
    return _how_read(one) == _how_read(other)


def _how_read(choices: Choices) -> tuple[object, ...]:
    return choices.mode, choices.encoding, choices.delimiter, choices.fields


def _reading(form: Sent, before: Choices, shown: Fields | None) -> Choices:
    mode = Mode(_one_of(form.get("mode"), tuple(Mode), before.mode))
    encoding = _one_of(form.get("encoding"), ("", *ENCODINGS), before.encoding or "") or None
    delimiter = SIGNS.get(form["delimiter"]) if "delimiter" in form else before.delimiter
    fields = _fields(form)
    if fields is None or fields == shown:
        fields = before.fields
    if (encoding, delimiter) != (before.encoding, before.delimiter):
        # Read in another way, the list has other columns.
        fields = None
    days = before.days if mode is before.mode else usual_days(mode)
    return replace(before, mode=mode, encoding=encoding, delimiter=delimiter, fields=fields, days=days)


def _fields(form: Sent) -> Fields | None:
    count = next(index for index in range(MOST_COLUMNS + 1) if f"column-{index}" not in form)
    words = [form[f"column-{index}"] for index in range(count)]
    known = set(Field) - {Field.PROBLEM, Field.ADVICE}
    return tuple(Field(word) if word in known else None for word in words) or None


def _numbers(form: Sent, before: Choices, after: Choices) -> tuple[Choices, tuple[Problem, ...]]:
    problems: list[Problem] = []
    days, rate = after.days, before.check_rate
    # With another mode the days of the old one mean nothing.
    if after.mode is before.mode:
        typed = _number(form.get("days"))
        if typed is not None and typed.is_integer() and 1 <= typed <= after.most_days:
            days = int(typed)
        else:
            problems.append(_out_of_range("days", 1, after.most_days))
    typed = _number(form.get("check_rate", str(rate)))
    if typed is not None and LEAST_RATE <= typed <= MOST_RATE:
        rate = typed
    else:
        problems.append(_out_of_range("check_rate", LEAST_RATE, MOST_RATE))
    return replace(after, days=days, check_rate=rate), tuple(problems)


def _out_of_range(place: str, least: float, most: float) -> Problem:
    return Problem(Code.NUMBER_OUT_OF_RANGE, {"least": f"{least:g}", "most": f"{most:g}"}, place=place)


def _number(text: str | None) -> float | None:
    try:
        # Full-width digits are numbers too, for float().
        number = float((text or "").strip())
    except ValueError:
        return None
    return number if abs(number) < 1e6 else None


def _line(text: str | None) -> str:
    return " ".join((text or "").split())[:_TEXT]


def _one_of(text: str | None, known: tuple[str, ...], otherwise: str) -> str:
    return text if text is not None and text in known else otherwise
