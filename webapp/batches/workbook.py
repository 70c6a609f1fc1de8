"""Rows of the first sheet of an Excel workbook, streamed by openpyxl.

A workbook is an archive from outside: what it would unpack to is limited before anything is unpacked, and whatever
openpyxl makes of a damaged one becomes one problem here.
"""

from __future__ import annotations

import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from xml.etree.ElementTree import ParseError

from defusedxml.ElementTree import fromstring
from openpyxl import Workbook, load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from profiles.problems import N_, Code, Problem, ProblemError
from webapp.batches.row import Row

MOST_UNPACKED = 300 * 1024 * 1024
MOST_SHARED_TEXT = 60 * 1024 * 1024
"""The one part that openpyxl holds in memory."""
MOST_MEMBERS = 2_000
MOST_BLANK_ROWS = 100_000
"""In a row of blank rows the list has ended, whatever the sheet says about its size."""

_BOMB = N_("it would unpack to more than 300 MB")
_DAMAGED = N_("the workbook is damaged")
_NO_SHEET = N_("the workbook has no sheet with cells")
_SHARED = "xl/sharedStrings.xml"
_BOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"
_MARKS = frozenset({"[Content_Types].xml", _BOOK})

# Everything that openpyxl, zipfile and the XML parser were seen to raise for damaged workbooks.
# ValueError covers defusedxml's refusals (entities, external references) and bad numbers.
_FOREIGN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ParseError,
    InvalidFileException,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    EOFError,
    OSError,
    ArithmeticError,
    RuntimeError,
)


def is_workbook(path: Path) -> bool:
    """Whether an archive holds what an .xlsx holds."""
    try:
        with zipfile.ZipFile(path) as archive:
            return set(archive.namelist()) >= _MARKS
    except _FOREIGN:
        # A torn archive that says it is one: opening it tells that it is damaged.
        return True


def first_sheet(path: Path, *, name: str) -> str:
    """The title of the sheet that is read; raises ProblemError for bombs and damage.

    Only the table of contents is looked at: openpyxl reads every text of a workbook before it names a sheet.
    """
    _refuse_bombs(path, name)
    try:
        with zipfile.ZipFile(path) as archive:
            title = next(_titles(archive), None)
    except _FOREIGN:
        raise ProblemError(_problem(Code.LIST_FORMAT, name, _DAMAGED)) from None
    if title is None:
        raise ProblemError(_problem(Code.LIST_FORMAT, name, _NO_SHEET))
    return title


def _titles(archive: zipfile.ZipFile) -> Iterator[str]:
    """The titles of the sheets with cells, in their order; a sheet may also be one chart."""
    relations = {each.get("Id"): each.get("Type", "") for each in fromstring(archive.read(_RELATIONS))}
    for each in fromstring(archive.read(_BOOK)).iter():
        target = next((value for key, value in each.items() if key.endswith("}id")), None)
        if each.tag.endswith("}sheet") and relations.get(target, "").endswith("/worksheet"):
            yield each.get("name", "")


def rows(path: Path, *, name: str) -> Iterator[Row]:
    """Every row that is not blank. Where the file is damaged on the way, the last row says so."""
    number = 0
    try:
        with _opened(path, name) as workbook:
            sheet = workbook.worksheets[0]
            # Some writers claim a million rows and 16,384 columns.
            sheet.reset_dimensions()
            blank = 0
            for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
                cells = _cells(values)
                if cells:
                    yield Row(number=number, cells=cells)
                blank = 0 if cells else blank + 1
                if blank > MOST_BLANK_ROWS:
                    return
    except ProblemError as error:
        yield Row(number=number + 1, problem=error.problems[0], ends=True)


@contextmanager
def _opened(path: Path, name: str) -> Iterator[Workbook]:
    try:
        # As an open file, since openpyxl judges a path by its ending.
        with path.open("rb") as file, warnings.catch_warnings():
            # About styles and extensions that mean nothing for a list.
            warnings.simplefilter("ignore")
            yield load_workbook(file, read_only=True, data_only=False, keep_links=False)
    except _FOREIGN:
        raise ProblemError(_problem(Code.LIST_FORMAT, name, _DAMAGED)) from None


def _refuse_bombs(path: Path, name: str) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except _FOREIGN:
        raise ProblemError(_problem(Code.LIST_FORMAT, name, _DAMAGED)) from None
    # zipfile never unpacks more of a member than it declares, so the declared sizes bound everything.
    unpacked = sum(member.file_size for member in members)
    shared = sum(member.file_size for member in members if member.filename == _SHARED)
    if unpacked > MOST_UNPACKED or shared > MOST_SHARED_TEXT or len(members) > MOST_MEMBERS:
        raise ProblemError(_problem(Code.LIST_TOO_LARGE, name, _BOMB))


def _cells(values: Iterable[object]) -> tuple[str, ...]:
    """The cells as text, without the empty ones at the end."""
    cells = [_text(value) for value in values]
    while cells and not cells[-1].strip():
        cells.pop()
    return tuple(cells)


def _text(value: object) -> str:
    """A cell as a person reads it in the sheet."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


def _problem(code: Code, name: str, reason: str) -> Problem:
    return Problem(code, {"file": name, "reason": reason}, place=name)
