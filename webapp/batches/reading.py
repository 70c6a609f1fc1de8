"""A list of people in a file: recognises what it is and yields its rows one at a time.

Nothing is judged here but whether a row can be read at all; columns.py and rows.py give the cells their meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from profiles.problems import N_, Code, Problem, ProblemError
from webapp.batches import delimited, encodings, workbook
from webapp.batches.row import Row

MOST_BYTES = 100 * 1024 * 1024
MOST_ROWS = 200_000
MOST_COLUMNS = 200

_FILE_TOO_LARGE = N_("it has more than 100 MB")
_TOO_MANY_ROWS = N_("it has more than 200,000 rows")
_TOO_MANY_COLUMNS = N_("it has more than 200 columns")
_OLD_EXCEL = N_("it is an old Excel workbook (.xls) or protected by a password")
_OTHER_ARCHIVE = N_("it is a ZIP archive, but not an Excel workbook")
_SIGNATURES = (
    (b"\xd0\xcf\x11\xe0", _OLD_EXCEL),
    (b"%PDF", N_("it is a PDF file")),
    (b"\x1f\x8b", N_("it is a compressed file")),
    (b"{\\rtf", N_("it is a text document (RTF)")),
    (b"\x89PNG", N_("it is a picture")),
    (b"\xff\xd8\xff", N_("it is a picture")),
)
"""How other kinds of file begin."""
_MARKUP = N_("it is a page or an XML file")


class Kind(StrEnum):
    """What a list is written as."""

    CSV = "csv"
    TSV = "tsv"
    XLSX = "xlsx"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFile:
    """A file that can be read as a list, and what was found out about it."""

    path: Path
    name: str
    """As the admin knows it; problems name it."""
    kind: Kind
    encoding: encodings.Encoding | None = None
    """None for a workbook."""
    delimiter: str | None = None
    """None for a workbook."""
    sheet: str | None = None
    """The sheet that is read, of a workbook."""

    def rows(self) -> Iterator[Row]:
        """Every row but blank ones, numbered as a spreadsheet numbers them; a broken one carries its problem."""
        for count, row in enumerate(self._every_row()):
            if count >= MOST_ROWS:
                yield Row(number=row.number, problem=self._too_large(_TOO_MANY_ROWS), ends=True)
                return
            if len(row.cells) > MOST_COLUMNS:
                yield Row(number=row.number, problem=self._too_large(_TOO_MANY_COLUMNS), ends=True)
                return
            yield row
            if row.ends:
                return

    def _every_row(self) -> Iterator[Row]:
        if self.encoding is None or self.delimiter is None:
            return workbook.rows(self.path, name=self.name)
        return delimited.rows(self.path, codec=self.encoding.codec, delimiter=self.delimiter)

    def _too_large(self, reason: str) -> Problem:
        return Problem(Code.LIST_TOO_LARGE, {"file": self.name, "reason": reason}, place=self.name)


def open_list(
    path: Path, *, name: str | None = None, encoding: str | None = None, delimiter: str | None = None
) -> ListFile:
    """Find out what a file is; raises ProblemError where it is no list, before any row is looked at."""
    shown = name or path.name
    head, size = _look(path, shown)
    if size > MOST_BYTES:
        _refuse(Code.LIST_TOO_LARGE, shown, reason=_FILE_TOO_LARGE)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        if not workbook.is_workbook(path):
            _refuse(Code.LIST_FORMAT, shown, reason=_OTHER_ARCHIVE)
        return ListFile(path=path, name=shown, kind=Kind.XLSX, sheet=workbook.first_sheet(path, name=shown))
    _refuse_other_kinds(head, shown)
    found = encodings.detect(path, name=shown, given=encoding)
    by_ending = "\t" if Path(shown).suffix.lower() in (".tsv", ".tab") else None
    mark = delimiter or by_ending or delimited.find_delimiter(path, codec=found.codec)
    kind = Kind.TSV if mark == "\t" else Kind.CSV
    return ListFile(path=path, name=shown, kind=kind, encoding=found, delimiter=mark)


def _look(path: Path, name: str) -> tuple[bytes, int]:
    try:
        with path.open("rb") as file:
            head = file.read(4096)
            return head, path.stat().st_size
    except OSError:
        raise ProblemError(Problem(Code.FILE_UNREADABLE, place=name)) from None


def _refuse_other_kinds(head: bytes, name: str) -> None:
    if not head.strip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n,;"):
        _refuse(Code.LIST_EMPTY, name)
    for signature, reason in _SIGNATURES:
        if head.startswith(signature):
            _refuse(Code.LIST_FORMAT, name, reason=reason)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:9].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        _refuse(Code.LIST_FORMAT, name, reason=_MARKUP)


def _refuse(code: Code, name: str, **params: str) -> None:
    raise ProblemError(Problem(code, {"file": name, **params}, place=name))
