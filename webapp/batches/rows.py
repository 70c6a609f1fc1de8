"""Checks every row and cell of a list, and makes an employee of each good row.

One walk over the rows; all that is remembered of them is a short hash of each address and the row of each PIN, to
find either twice.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from profiles.address import Address, parse_address, parse_recipient, slips
from profiles.model import MailAccount, ServiceSettings
from profiles.problems import Code, Problem, quoted
from profiles.xml_document import is_writable
from webapp.batches.columns import Columns, Field
from webapp.batches.defusing import undefused
from webapp.batches.first_rows import FirstRows
from webapp.batches.pins import PIN_DIGITS, is_pin, is_trivial, read_pin, without_lost_zero
from webapp.batches.reading import ListFile
from webapp.batches.row import Row, column_letter

FindSettings = Callable[[str], ServiceSettings | None]
"""domain (A-labels) -> its settings."""

LIMITS = {
    Field.ADDRESS: 320,
    Field.FULL_NAME: 100,
    Field.FAMILY_NAME: 50,
    Field.GIVEN_NAME: 50,
    Field.DEPARTMENT: 100,
    Field.EMPLOYEE_NUMBER: 40,
    Field.USERNAME: 254,
    Field.PASSWORD: 256,
    Field.PIN: 40,
    Field.NOTIFY: 320,
}
SECRET = frozenset({Field.PASSWORD, Field.PIN})
"""Fields whose cells are never shown."""
_FORMULA = re.compile(
    r"[=＝]|[+\-@＋－＠](?![^\x00-\x7f\uff01-\uff5e])|#(N/A|REF!|VALUE!|NAME\?|DIV/0!|NULL!|NUM!|SPILL!)"
)
"""A sign before a Japanese word ("＋α推進室") calculates nothing."""
_NOTHING = frozenset("-－ー–—")
"""What people write into a cell that stays empty."""
_BREAKS = re.compile(r"[\t\r\n\v\f\u2028\u2029]+")
_INVISIBLE = {
    **dict.fromkeys((0xAD, 0x200B, 0x200E, 0x200F, 0xFEFF, *range(0x202A, 0x202F), *range(0x2060, 0x206A))),
    **dict.fromkeys((0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F), " "),
}
"""What nobody sees in a name goes, and every width of a Western blank is one blank."""
_MASK = frozenset("*＊•●")
"""What exports write instead of a password."""
_LATIN = re.compile(r"[\x20-\u024f]+\Z")
_MOST_MEANT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Employee:
    """One person of the list, everything about them checked."""

    row: int
    address: Address
    settings: ServiceSettings = field(repr=False)
    full_name: str = ""
    department: str = ""
    employee_number: str = ""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    pin: str | None = field(default=None, repr=False)
    """What the list wants to open a ready-made link; without one a random PIN is made."""
    notify: Address | None = None
    """Where the invitation mail goes instead of the address itself."""

    @property
    def account(self) -> MailAccount:
        """The account to set up."""
        return self.settings.account(self.address, self.full_name, username=self.username)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellProblem:
    """A problem, and which cell it is about."""

    problem: Problem
    row: int
    column: int | None = None
    """Counted from 0; None where it is about the whole row."""
    heading: str = ""
    value: str = field(default="", repr=False)
    """The cell as it is written; empty for passwords and PINs."""

    @property
    def letter(self) -> str:
        """`B`."""
        return "" if self.column is None else column_letter(self.column)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRow:
    """A row with what is wrong with it. A good one has an employee; it may still carry notes."""

    row: Row
    employee: Employee | None
    problems: tuple[CellProblem, ...] = ()
    address: str = ""
    """The address as far as it could be read."""

    @property
    def is_good(self) -> bool:
        """Whether something can be made of it."""
        return self.employee is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the rows of one list have to satisfy."""

    find: FindSettings
    needs_password: bool = False
    """For ready-made links: every row must have a password, where the list has a column for it, and PINs count."""


def check_rows(
    listing: ListFile, columns: Columns, rules: Rules, *, rows: Iterable[Row] | None = None
) -> Iterator[CheckedRow]:
    """Every row that stands for a person, checked; of `rows`, where somebody reads those of the list already."""
    seen = _Seen()
    for row in listing.rows() if rows is None else rows:
        if row.number < columns.first_row:
            continue
        checked = _RowCheck(listing.name, columns, rules, row, seen).result()
        if checked.is_good or not _repeats(row, columns):
            yield checked


def _repeats(row: Row, columns: Columns) -> bool:
    """Whether a row is the headings once more, as in lists that were put together."""
    cells = [cell.strip() for cell in row.cells]
    return columns.header_row is not None and cells == list(columns.headings[: len(cells)]) and any(cells)


@dataclass(slots=True)
class _Seen:
    """In which row each address and each PIN stood first."""

    addresses: FirstRows = field(default_factory=FirstRows)
    pins: array[int] = field(default_factory=lambda: array("I"))
    meant: dict[str, str | None] = field(default_factory=dict)
    """Domain that is not served -> the one that was perhaps meant."""

    def first_with_pin(self, pin: str, row: int) -> int:
        """The first row with this PIN."""
        if not self.pins:
            # A place for every PIN there can be: as large for ten rows as for a hundred thousand.
            self.pins.frombytes(bytes(self.pins.itemsize * 10**PIN_DIGITS))
        first = self.pins[int(pin)] or row
        self.pins[int(pin)] = first
        return first

    def perhaps_meant(self, domain: str, find: FindSettings) -> str | None:
        """A served domain that differs by one slip of the fingers."""
        if domain not in self.meant and len(self.meant) < _MOST_MEANT:
            self.meant[domain] = next((near for near in slips(domain) if find(near) is not None), None)
        return self.meant.get(domain)


class _RowCheck:
    """One row under the eye."""

    def __init__(self, file: str, columns: Columns, rules: Rules, row: Row, seen: _Seen) -> None:
        self._file = file
        self._columns = columns
        self._rules = rules
        self._row = _mended(row) if columns.comes_back else row
        self._seen = seen
        self._problems: list[CellProblem] = []
        self._shown_address = ""

    def result(self) -> CheckedRow:
        if self._row.problem is not None:
            self._report(None, self._row.problem)
            return self._end(None)
        self._surplus()
        address = self._address()
        self._shown_address = str(address or quoted(self._columns.cell(self._row, Field.ADDRESS).strip(), 320))
        settings = self._settings(address)
        full_name = self._full_name()
        department, number = self._text(Field.DEPARTMENT), self._text(Field.EMPLOYEE_NUMBER)
        username = self._text(Field.USERNAME) or None
        password, pin = self._password(), self._pin(number)
        notify = self._notify()
        self._asked_username(settings, username)
        if address is None or settings is None or any(found.problem.is_error for found in self._problems):
            return self._end(None)
        return self._end(
            Employee(
                row=self._row.number,
                address=address,
                settings=settings,
                full_name=full_name,
                department=department,
                employee_number=number,
                username=username if settings.asks_username else None,
                password=password,
                pin=pin,
                notify=notify,
            )
        )

    def _end(self, employee: Employee | None) -> CheckedRow:
        return CheckedRow(
            row=self._row, employee=employee, problems=tuple(self._problems), address=self._shown_address
        )

    # what the cells say

    def _address(self) -> Address | None:
        cell = self._columns.cell(self._row, Field.ADDRESS)
        if not cell.strip():
            self._report(Field.ADDRESS, Problem(Code.ADDRESS_MISSING))
            return None
        if not self._is_usable(Field.ADDRESS, cell) or self._is_formula(Field.ADDRESS, cell):
            return None
        address, problems = parse_address(cell)
        for problem in problems:
            self._report(Field.ADDRESS, problem)
        if address is not None:
            self._once(address)
        return address

    def _once(self, address: Address) -> None:
        first = self._seen.addresses.first(address.key, self._row.number)
        if first != self._row.number:
            params = {"address": str(address), "first": str(first)}
            self._report(Field.ADDRESS, Problem(Code.ADDRESS_REPEATED, params))

    def _settings(self, address: Address | None) -> ServiceSettings | None:
        if address is None:
            return None
        settings = self._rules.find(address.domain)
        if settings is None:
            meant = self._seen.perhaps_meant(address.domain, self._rules.find)
            params = {"domain": address.domain}
            problem = (
                Problem(Code.DOMAIN_MISTYPED, params | {"suggestion": meant})
                if meant
                else Problem(Code.DOMAIN_NOT_SERVED, params)
            )
            self._report(Field.ADDRESS, problem)
        return settings

    def _full_name(self) -> str:
        name = self._name(Field.FULL_NAME)
        family, given = self._name(Field.FAMILY_NAME), self._name(Field.GIVEN_NAME)
        if not name and (family or given):
            latin = _LATIN.match(family + given)
            name = " ".join(part for part in ((given, family) if latin else (family, given)) if part)
        lists_names = any(self._columns.has(one) for one in (Field.FULL_NAME, Field.FAMILY_NAME, Field.GIVEN_NAME))
        if lists_names and not name and not self._has_problem(Field.FULL_NAME):
            self._report(Field.FULL_NAME, Problem(Code.NAME_MISSING))
        return name

    def _name(self, which: Field) -> str:
        name = self._text(which)
        if name and (not is_writable(name) or set(name) & set("<>")):
            self._report(which, Problem(Code.NAME_UNUSABLE))
            return ""
        return name

    def _text(self, which: Field) -> str:
        cell = self._columns.cell(self._row, which).strip()
        if not cell or cell in _NOTHING:
            return ""
        if not cell.isascii():
            cell = unicodedata.normalize("NFC", cell)
        if not cell.isprintable():
            # Alt+Enter within a name is a blank to whoever reads it.
            cell = _BREAKS.sub(" ", cell).translate(_INVISIBLE).strip()
        usable = self._is_usable(which, cell) and not self._is_formula(which, cell)
        return cell if usable else ""

    def _password(self) -> str | None:
        """The password as it is written: nothing of it is mended, not even a blank at its end."""
        password = self._columns.cell(self._row, Field.PASSWORD)
        if password and self._stands_for_another(password):
            return None
        if not password:
            if self._rules.needs_password and self._columns.has(Field.PASSWORD):
                self._report(Field.PASSWORD, Problem(Code.PASSWORD_MISSING))
            return None
        if not is_writable(password):
            self._report(Field.PASSWORD, Problem(Code.PASSWORD_UNUSABLE))
        elif len(password) > LIMITS[Field.PASSWORD]:
            self._report(Field.PASSWORD, _too_long(Field.PASSWORD))
        elif password != password.strip() or unicodedata.normalize("NFKC", password) != password:
            self._report(Field.PASSWORD, Problem(Code.PASSWORD_UNUSUAL))
        return password

    def _stands_for_another(self, password: str) -> bool:
        """Whether a formula or a mask stands there; where passwords are of no use, nobody needs to know."""
        is_formula = self._columns.index(Field.PASSWORD) in self._row.formulas
        is_masked = len(password) > 2 and _MASK.issuperset(password)
        if self._rules.needs_password and is_formula:
            self._report(Field.PASSWORD, Problem(Code.CELL_FORMULA, {"value": "=…"}))
        elif self._rules.needs_password and is_masked:
            self._report(Field.PASSWORD, Problem(Code.PASSWORD_MASKED))
        return is_formula or is_masked

    def _pin(self, employee_number: str) -> str | None:
        """The six digits; what an invitation would not use is not looked at."""
        cell = self._columns.cell(self._row, Field.PIN).strip()
        if not self._rules.needs_password or not cell or cell in _NOTHING:
            return None
        digits = read_pin(cell) or ""
        if not is_pin(digits) and (whole := without_lost_zero(digits)):
            self._report(Field.PIN, Problem(Code.PIN_ZERO_ADDED))
            digits = whole
        if not is_pin(digits):
            self._report(Field.PIN, Problem(Code.PIN_INVALID))
            return None
        if is_trivial(digits, employee_number):
            self._report(Field.PIN, Problem(Code.PIN_TRIVIAL))
            return None
        first = self._seen.first_with_pin(digits, self._row.number)
        if first != self._row.number:
            self._report(Field.PIN, Problem(Code.PIN_REPEATED, {"first": str(first)}))
        return digits

    def _notify(self) -> Address | None:
        cell = self._text(Field.NOTIFY)
        if not cell:
            return None
        notify, problems = parse_recipient(cell)
        for problem in problems:
            self._report(Field.NOTIFY, problem)
        return notify

    def _asked_username(self, settings: ServiceSettings | None, username: str | None) -> None:
        if settings is not None and settings.asks_username and username is None:
            self._report(Field.USERNAME, Problem(Code.USERNAME_MISSING))

    def _surplus(self) -> None:
        width = len(self._columns.headings)
        if len(self._row.cells) <= width:
            return
        for index, cell in enumerate(self._row.cells[width:], width):
            if cell.strip():
                self._report_at(index, Problem(Code.CELL_WITHOUT_COLUMN, {"value": quoted(cell)}), cell)
                return

    # what no cell may be

    def _is_usable(self, which: Field, cell: str) -> bool:
        if len(cell) > LIMITS[which]:
            self._report(which, _too_long(which))
            return False
        if cell.isprintable():
            return True
        # Blanks and what an address is mended of are no control characters.
        unusable = ("Cc", "Cs", "Co", "Zl", "Zp")
        if not is_writable(cell.strip()) or any(unicodedata.category(sign) in unusable for sign in cell.strip()):
            self._report(which, Problem(Code.CELL_CONTROL_CHARACTER))
            return False
        return True

    def _is_formula(self, which: Field, cell: str) -> bool:
        if not _FORMULA.match(cell.strip()) and self._columns.index(which) not in self._row.formulas:
            return False
        self._report(which, Problem(Code.CELL_FORMULA, {"value": quoted(cell)}))
        return True

    # how it is told

    def _has_problem(self, which: Field) -> bool:
        index = self._columns.index(which)
        return index is not None and any(found.column == index for found in self._problems)

    def _report(self, which: Field | None, problem: Problem) -> None:
        index = None if which is None else self._columns.index(which)
        value = "" if which is None or which in SECRET else self._columns.cell(self._row, which)
        self._report_at(index, problem, value)

    def _report_at(self, index: int | None, problem: Problem, value: str) -> None:
        cell = f"{'' if index is None else column_letter(index)}{self._row.number}"
        known = index is not None and index < len(self._columns.headings)
        heading = self._columns.headings[index] if known and index is not None else ""
        words = f" ({quoted(heading, 40)})" if heading and heading != column_letter(index or 0) else ""
        place = f"{self._file}: {cell}{words}"
        placed = replace(problem, place=place)
        self._problems.append(
            CellProblem(
                problem=placed, row=self._row.number, column=index, heading=heading, value=quoted(value, 320)
            )
        )


def _mended(row: Row) -> Row:
    """A row of our own list of bad rows: without the signs that keep a spreadsheet from calculating."""
    return replace(row, cells=tuple(undefused(cell) for cell in row.cells))


def _too_long(which: Field) -> Problem:
    return Problem(Code.CELL_TOO_LONG, {"limit": str(LIMITS[which])})


def good(rows: Iterable[CheckedRow]) -> Iterator[Employee]:
    """The employees of the good rows."""
    return (row.employee for row in rows if row.employee is not None)
