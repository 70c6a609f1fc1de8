"""An Excel workbook: its sheets, and the rows of one of them, streamed by openpyxl.

A workbook is an archive from outside: what it would unpack to is limited before anything is unpacked, and whatever
openpyxl makes of a damaged one becomes one problem here. beside_cells.py tells what openpyxl's rows do not.
"""

from __future__ import annotations

import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError

import openpyxl
from defusedxml.ElementTree import fromstring
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.utils.exceptions import InvalidFileException

from profiles.problems import N_, Code, Problem, ProblemError
from webapp.batches.beside_cells import MergedCells, RowTags
from webapp.batches.cell_text import cell_text
from webapp.batches.row import Row

MOST_UNPACKED = 300 * 1024 * 1024
MOST_SHARED_TEXT = 60 * 1024 * 1024
MOST_ABOUT = 20 * 1024 * 1024
"""Styles, relations and tables of contents: openpyxl holds these and the shared texts in memory."""
MOST_MEMBERS = 2_000
MOST_SHEETS = 200

_BOMB = N_("it would unpack to more than 300 MB")
_DAMAGED = N_("the workbook is damaged")
_NO_SHEET = N_("the workbook has no sheet with cells")
_STRICTLY = N_("it is a workbook in the format “Strict Open XML”")
_STRICT = "{http://purl.oclc.org/"
_TYPES = "[content_types].xml"

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
    NotImplementedError,
    RuntimeError,
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet with cells."""

    title: str
    part: str
    """Its member of the archive."""
    is_visible: bool


def is_workbook(path: Path) -> bool:
    """Whether an archive holds what an .xlsx holds."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = _Parts(archive).names
    except _FOREIGN:
        # A torn archive that says it is one: opening it tells that it is damaged.
        return True
    return _TYPES in names and any(name.endswith("workbook.xml") for name in names)


class Workbook:
    """An opened workbook."""

    def __init__(self, file: BinaryIO, archive: zipfile.ZipFile, name: str) -> None:
        self._file, self._name = file, name
        self._parts = _Parts(archive)
        self.sheets = tuple(islice(self._found(), MOST_SHEETS))
        """The sheets with cells, in their order; a sheet may also be one chart."""

    def _found(self) -> Iterator[Sheet]:
        (book,) = self._parts.relations("")["/officeDocument"].values()
        root = self._parts.root(book)
        if root.tag.startswith(_STRICT):
            raise ProblemError(_problem(Code.LIST_FORMAT, self._name, _STRICTLY))
        targets = self._parts.relations(book).get("/worksheet", {})
        for each in root.iter():
            target = next((targets.get(value) for key, value in each.items() if key.endswith("}id")), None)
            if each.tag.endswith("}sheet") and target is not None:
                hidden = each.get("state") in ("hidden", "veryHidden")
                yield Sheet(each.get("name") or "", target, not hidden)

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        """Every row that is not blank. Where the file is damaged on the way, the last row says so."""
        number = 0
        try:
            with _damage(self._name):
                merged = MergedCells.found_in(self._parts.pieces(sheet.part))
                tags = RowTags(self._parts.pieces(sheet.part))
                page = self._book[sheet.title]
                # Some writers claim a million rows and 16,384 columns.
                page.reset_dimensions()
                for each, cells in enumerate(page.iter_rows(), 1):
                    is_hidden = tags.is_hidden(each)
                    row = _row(each, cells, merged, is_hidden=is_hidden)
                    if row.cells:
                        yield row
                    number = each
                tags.end()
        except ProblemError as error:
            yield Row(number=number + 1, problem=error.problems[0], ends=True)

    @cached_property
    def _book(self) -> openpyxl.Workbook:
        # As an open file, since openpyxl judges a path by its ending.
        return openpyxl.load_workbook(self._file, read_only=True, data_only=False, keep_links=False)


def _row(number: int, cells: Sequence[Cell | MergedCell], merged: MergedCells, *, is_hidden: bool) -> Row:
    texts: dict[int, str] = {}
    formulas = []
    for column, cell in enumerate(cells):
        if cell.value is None:
            continue
        # Looking its format up takes as long as the rest of a cell, and only a number needs it.
        text = cell_text(cell.value, cell.number_format if cell.data_type == "n" else "")
        if text and not text.isspace():
            texts[column] = text
        if cell.data_type in ("f", "e"):
            formulas.append(column)
    if not texts:
        return Row(number=number)
    merged.fill(number, texts)
    every = tuple(texts.get(column, "") for column in range(max(texts) + 1))
    return Row(number=number, cells=every, formulas=frozenset(formulas), is_hidden=is_hidden)


@contextmanager
def opened(path: Path, *, name: str) -> Iterator[Workbook]:
    """Open a workbook; raises ProblemError for bombs and damage."""
    with path.open("rb") as file:
        with _damage(name):
            archive = zipfile.ZipFile(file)
        with archive:
            _refuse_bombs(archive, name)
            with _damage(name):
                workbook = Workbook(file, archive, name)
            if not workbook.sheets:
                raise ProblemError(_problem(Code.LIST_FORMAT, name, _NO_SHEET))
            yield workbook


def rows(path: Path, *, name: str, sheet: Sheet) -> Iterator[Row]:
    """Every row of a sheet that is not blank."""
    with opened(path, name=name) as workbook:
        yield from workbook.rows(sheet)


@dataclass(frozen=True, slots=True)
class _Parts:
    """The members of an archive by their names, in which case does not count."""

    archive: zipfile.ZipFile
    names: dict[str, zipfile.ZipInfo] = field(init=False)

    def __post_init__(self) -> None:
        names = {each.filename.replace("\\", "/").lower(): each for each in self.archive.infolist()}
        object.__setattr__(self, "names", names)

    def pieces(self, part: str) -> Iterator[bytes]:
        """The bytes of a part, piece by piece. Raises KeyError where there is none of this name."""
        with self.archive.open(self.names[part]) as file:
            while piece := file.read(1 << 16):
                yield piece

    def relations(self, part: str) -> dict[str, dict[str, str]]:
        """Kind -> id -> part, of what a part refers to inside the archive."""
        folder, _, base = part.rpartition("/")
        found: dict[str, dict[str, str]] = {}
        for each in self.root(join(folder, "_rels", f"{base}.rels")):
            if each.get("TargetMode") != "External":
                target = normpath(join("/", dirname(part), each.get("Target") or "")).lstrip("/").lower()
                # The transitional and the strict form of a kind differ in what stands before its last word.
                kind = "/" + (each.get("Type") or "").rpartition("/")[2]
                found.setdefault(kind, {})[each.get("Id") or ""] = target
        return found

    def root(self, part: str) -> Element:
        """The whole of a small part."""
        root: Element = fromstring(b"".join(self.pieces(part)))
        return root


def _refuse_bombs(archive: zipfile.ZipFile, name: str) -> None:
    # zipfile never unpacks more of a member than it declares, so the declared sizes bound everything.
    members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    shared = _size(members, "sharedstrings.xml")
    about = _size(members, "styles.xml", "workbook.xml", "theme1.xml", ".rels", _TYPES)
    is_large = unpacked > MOST_UNPACKED or shared > MOST_SHARED_TEXT or about > MOST_ABOUT
    if is_large or len(members) > MOST_MEMBERS:
        raise ProblemError(_problem(Code.LIST_TOO_LARGE, name, _BOMB))


def _size(members: Sequence[zipfile.ZipInfo], *endings: str) -> int:
    return sum(member.file_size for member in members if member.filename.lower().endswith(endings))


@contextmanager
def _damage(name: str) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            # About styles and extensions that mean nothing for a list.
            warnings.simplefilter("ignore")
            yield
    except _FOREIGN:
        raise ProblemError(_problem(Code.LIST_FORMAT, name, _DAMAGED)) from None


def _problem(code: Code, name: str, reason: str) -> Problem:
    return Problem(code, {"file": name, "reason": reason}, place=name)
