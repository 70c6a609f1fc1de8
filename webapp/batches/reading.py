"""A list of people in a file: recognises what it is and yields its rows one at a time.

Nothing is judged here but whether a row can be read at all; columns.py and rows.py give the cells their meaning.
"""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import NoReturn

from profiles.problems import N_, Code, Problem, ProblemError, quoted
from webapp.batches import delimited, encodings, workbook
from webapp.batches.columns import LOOKED_AT, hold_addresses
from webapp.batches.row import Row

MOST_BYTES = 100 * 1024 * 1024
MOST_ROWS = 200_000
MOST_COLUMNS = 200

_FILE_TOO_LARGE = N_("it has more than 100 MB")
_TOO_MANY_ROWS = N_("it has more than 200,000 rows")
_TOO_MANY_COLUMNS = N_("it has more than 200 columns")
_NOT_TEXT = encodings.NOT_TEXT
_OLD_EXCEL = N_("it is an old Excel workbook (.xls)")
_OTHER_ARCHIVE = N_("it is a ZIP archive, but not an Excel workbook")
_COMPRESSED = N_("it is a compressed file")
_PICTURE = N_("it is a picture")
_SIGNATURES = (
    (b"%PDF", N_("it is a PDF file")),
    (b"\x1f\x8b", _COMPRESSED),
    (b"BZh", _COMPRESSED),
    (b"7z\xbc\xaf", _COMPRESSED),
    (b"Rar!", _COMPRESSED),
    (b"\xfd7zXZ", _COMPRESSED),
    (b"{\\rtf", N_("it is a text document (RTF)")),
    (b"\x89PNG", _PICTURE),
    (b"\xff\xd8\xff", _PICTURE),
)
"""How other kinds of file begin."""
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How the files of old Office programs begin, and workbooks that are encrypted."""
_ARCHIVES = (
    ("xl/workbook.bin", N_("it is a binary Excel workbook (.xlsb)")),
    ("content.xml", N_("it is an OpenDocument file (.ods)")),
    ("Index/Document.iwa", N_("it is a Numbers document")),
    ("Index.zip", N_("it is a Numbers document")),
    ("word/document.xml", N_("it is a Word document")),
)
"""What other archives hold."""
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
    part: workbook.Sheet | None = None
    """The sheet that is read, of a workbook."""
    notes: tuple[Problem, ...] = ()
    """What is to be said of how it is read."""

    @property
    def sheet(self) -> str | None:
        """The title of the sheet that is read."""
        return None if self.part is None else self.part.title

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
        if self.part is not None:
            return workbook.rows(self.path, name=self.name, sheet=self.part)
        assert self.encoding is not None
        assert self.delimiter is not None
        return delimited.rows(self.path, codec=self.encoding.codec, delimiter=self.delimiter)

    def _too_large(self, reason: str) -> Problem:
        return Problem(Code.LIST_TOO_LARGE, {"file": self.name, "reason": reason}, place=self.name)


def open_list(
    path: Path, *, name: str | None = None, encoding: str | None = None, delimiter: str | None = None
) -> ListFile:
    """Find out what a file is; raises ProblemError where it is no list, before any row is looked at."""
    shown = name or path.name or str(path)
    head, size = _look(path, shown)
    if size > MOST_BYTES:
        _refuse(Code.LIST_TOO_LARGE, shown, reason=_FILE_TOO_LARGE)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _open_workbook(path, shown)
    if head.startswith(_COMPOUND[:4]):
        _refuse_compound(path, shown)
    _refuse_other_kinds(head, shown)
    found = encodings.detect(path, name=shown, given=encoding)
    by_ending = "\t" if Path(shown).suffix.lower() in (".tsv", ".tab") and b"\t" in head else None
    mark = delimiter or by_ending or delimited.find_delimiter(path, codec=found.codec)
    kind = Kind.TSV if mark == "\t" else Kind.CSV
    params = {"file": shown, "encoding": found.name}
    notes = (Problem(Code.LIST_ENCODING_GUESSED, params, place=shown),) if found.is_guessed else ()
    return ListFile(path=path, name=shown, kind=kind, encoding=found, delimiter=mark, notes=notes)


def _look(path: Path, name: str) -> tuple[bytes, int]:
    try:
        about = path.stat()
        # A pipe would keep us waiting, and can be read only once.
        if not stat.S_ISREG(about.st_mode):
            raise OSError(name)
        with path.open("rb") as file:
            return file.read(4096), about.st_size
    except (OSError, ValueError):
        raise ProblemError(Problem(Code.FILE_UNREADABLE, place=name)) from None


def _open_workbook(path: Path, name: str) -> ListFile:
    if not workbook.is_workbook(path):
        with zipfile.ZipFile(path) as archive:
            held = set(archive.namelist())
        reason = next((reason for member, reason in _ARCHIVES if member in held), _OTHER_ARCHIVE)
        _refuse(Code.LIST_FORMAT, name, reason=reason)
    chosen, others = _choose_sheet(path, name)
    params = {"file": name, "sheet": chosen.title, "others": ", ".join(quoted(title, 40) for title in others[:5])}
    notes = (Problem(Code.LIST_SHEETS_UNREAD, params, place=name),) if others else ()
    return ListFile(path=path, name=name, kind=Kind.XLSX, part=chosen, notes=notes)


def _choose_sheet(path: Path, name: str) -> tuple[workbook.Sheet, tuple[str, ...]]:
    """The first sheet with mail addresses among those that can be seen, and the titles of others with rows."""
    with workbook.opened(path, name=name) as book:
        sheets = [sheet for sheet in book.sheets if sheet.is_visible] or list(book.sheets)
        if len(sheets) == 1:
            return sheets[0], ()
        heads = {sheet: list(islice(book.rows(sheet), LOOKED_AT)) for sheet in sheets}
    filled = [sheet for sheet in sheets if heads[sheet]] or sheets
    chosen = next((sheet for sheet in filled if hold_addresses(heads[sheet])), filled[0])
    return chosen, tuple(sheet.title for sheet in filled if sheet is not chosen)


def _refuse_compound(path: Path, name: str) -> None:
    """Say what a file of old Office programs is, by the names in its directory."""
    with path.open("rb") as file:
        head = file.read(512)
        size = 1 << min(int.from_bytes(head[30:32], "little"), 12)
        file.seek((int.from_bytes(head[48:52], "little") + 1) * size)
        directory = file.read(max(size, 4096))

    def has(*streams: str) -> bool:
        return any(stream.encode("utf-16-le") in directory for stream in streams)

    if has("EncryptedPackage", "DataSpaces"):
        _refuse(Code.LIST_PROTECTED, name)
    _refuse(Code.LIST_FORMAT, name, reason=_OLD_EXCEL if has("Workbook", "Book") else _NOT_TEXT)


def _refuse_other_kinds(head: bytes, name: str) -> None:
    if not head.strip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n,;"):
        _refuse(Code.LIST_EMPTY, name)
    for signature, reason in _SIGNATURES:
        if head.startswith(signature):
            _refuse(Code.LIST_FORMAT, name, reason=reason)
    # In UTF-16 as well.
    plain = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")[:9].lower()
    if plain.startswith((b"<!doctype", b"<html", b"<table", b"<?xml")):
        _refuse(Code.LIST_FORMAT, name, reason=_MARKUP)


def _refuse(code: Code, name: str, **params: str) -> NoReturn:
    raise ProblemError(Problem(code, {"file": name, **params}, place=name))
