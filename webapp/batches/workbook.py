"""An Excel workbook: its sheets, and the rows of one of them, streamed.

A workbook is an archive from outside: what it would unpack to is limited before anything is unpacked, and whatever
is wrong with a damaged one becomes one problem here. sheet_rows.py reads the parts, cell_text.py their numbers.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from posixpath import dirname, join, normpath
from xml.sax import SAXException

from profiles.problems import N_, Code, Problem, ProblemError
from webapp.batches.cell_text import Format
from webapp.batches.row import Row
from webapp.batches.sheet_rows import Formats, Merged, SharedTexts, SheetRows, elements

MOST_UNPACKED = 300 * 1024 * 1024
MOST_SHARED_TEXT = 60 * 1024 * 1024
"""The one part that is held in memory."""
MOST_MEMBERS = 2_000
MOST_SHEETS = 200

_BOMB = N_("it would unpack to more than 300 MB")
_DAMAGED = N_("the workbook is damaged")
_NO_SHEET = N_("the workbook has no sheet with cells")
_TYPES = "[content_types].xml"

# Everything that zipfile and the XML parser were seen to raise for damaged workbooks.
# ValueError covers defusedxml's refusals (entities, external references) and bad numbers.
_FOREIGN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    SAXException,
    ValueError,
    LookupError,
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

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self._name = name
        self._parts = _Parts(archive)
        self._is_1904 = False
        self._formats: tuple[Format | None, ...] | None = None
        # Only to see that it is whole; the relations say where everything is.
        list(elements(self._parts.pieces(_TYPES), ()))
        _, book = self._parts.relations("")["/officeDocument"].popitem()
        self._relations = self._parts.relations(book)
        self.sheets = tuple(islice(self._found(book), MOST_SHEETS))
        """The sheets with cells, in their order; a sheet may also be one chart."""
        self._shared = SharedTexts(self._parts.pieces(self._only("/sharedStrings")))

    def _found(self, book: str) -> Iterator[Sheet]:
        targets = self._relations.get("/worksheet", {})
        for name, attributes in elements(self._parts.pieces(book), {"sheet", "workbookPr"}):
            target = next((targets.get(value) for key, value in attributes.items() if key.endswith(":id")), None)
            if name == "workbookPr":
                self._is_1904 = attributes.get("date1904") in ("1", "true")
            elif target is not None:
                hidden = attributes.get("state") in ("hidden", "veryHidden")
                yield Sheet(attributes.get("name") or "", target, not hidden)

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        """Every row that is not blank. Where the file is damaged on the way, the last row says so."""
        reader: SheetRows | None = None
        try:
            with _damage(self._name):
                merged = Merged.found_in(self._parts.pieces(sheet.part))
                reader = SheetRows(self._shared, self._every_format(), merged, is_1904=self._is_1904)
                for piece in self._parts.pieces(sheet.part):
                    yield from reader.feed(piece)
                reader.close()
        except ProblemError as error:
            yield Row(number=reader.last + 1 if reader else 1, problem=error.problems[0], ends=True)

    def _every_format(self) -> tuple[Format | None, ...]:
        if self._formats is None:
            self._formats = Formats.found_in(self._parts.pieces(self._only("/styles")))
        return self._formats

    def _only(self, kind: str) -> str | None:
        return next(iter(self._relations.get(kind, {}).values()), None)


@contextmanager
def opened(path: Path, *, name: str) -> Iterator[Workbook]:
    """Open a workbook; raises ProblemError for bombs and damage."""
    with path.open("rb") as file:
        with _damage(name):
            archive = zipfile.ZipFile(file)
        with archive:
            _refuse_bombs(archive, name)
            with _damage(name):
                workbook = Workbook(archive, name)
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

    def pieces(self, part: str | None) -> Iterator[bytes]:
        """The bytes of a part; nothing where there is none of this name."""
        if part is None:
            return
        with self.archive.open(self.names[part]) as file:
            while piece := file.read(1 << 16):
                yield piece

    def relations(self, part: str) -> dict[str, dict[str, str]]:
        """Kind -> id -> part, of what a part refers to inside the archive."""
        folder, _, base = part.rpartition("/")
        found: dict[str, dict[str, str]] = {}
        every = elements(self.pieces(join(folder, "_rels", f"{base}.rels")), {"Relationship"})
        for _, attributes in islice(every, MOST_MEMBERS):
            if attributes.get("TargetMode") != "External":
                target = normpath(join("/", dirname(part), attributes.get("Target") or "")).lstrip("/").lower()
                # The transitional and the strict form of a kind differ in what stands before its last word.
                kind = "/" + (attributes.get("Type") or "").rpartition("/")[2]
                found.setdefault(kind, {})[attributes.get("Id") or ""] = target
        return found


def _refuse_bombs(archive: zipfile.ZipFile, name: str) -> None:
    # zipfile never unpacks more of a member than it declares, so the declared sizes bound everything.
    members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    shared = sum(member.file_size for member in members if member.filename.lower().endswith("sharedstrings.xml"))
    if unpacked > MOST_UNPACKED or shared > MOST_SHARED_TEXT or len(members) > MOST_MEMBERS:
        raise ProblemError(_problem(Code.LIST_TOO_LARGE, name, _BOMB))


@contextmanager
def _damage(name: str) -> Iterator[None]:
    try:
        yield
    except _FOREIGN:
        raise ProblemError(_problem(Code.LIST_FORMAT, name, _DAMAGED)) from None


def _problem(code: Code, name: str, reason: str) -> Problem:
    return Problem(code, {"file": name, "reason": reason}, place=name)
