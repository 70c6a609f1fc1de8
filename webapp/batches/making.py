"""From a checked list to one ZIP: profiles, files for Thunderbird, codes, hand-outs, results, and the bad rows.

Everything is a stream: a few dozen rows are in memory at any time, whatever the length of the list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import IO

from profiles.problems import Code, Problem, ProblemError
from profiles.signing import Signer
from webapp.batches.archive import Archive, Packed
from webapp.batches.columns import Columns
from webapp.batches.documents import Documents, Files, Renderer, Wanted
from webapp.batches.gentle import GentleCheck, Verdict
from webapp.batches.invitations import Invitation
from webapp.batches.options import Mode, Part
from webapp.batches.reading import ListFile
from webapp.batches.returned import ReturnedRows, Shape
from webapp.batches.rows import CellProblem, CheckedRow, Employee, Rules, check_rows
from webapp.batches.tables import RESULTS, PinsTable, ResultsTable, Status, errors_first
from webapp.handouts.card import card_name

__all__ = ["RESULTS", "Mode", "Part", "Status", "Tally", "Tools", "Wanted", "make", "survey"]

CHUNK, CHUNK_CHECKED = 100, 8
"""Rows that are worked on together; few where each waits for its server, so that progress is seen."""
SHOWN_PROBLEMS = 1_000

Invite = Callable[[Sequence[Employee], Container[int]], Sequence[Invitation]]
"""People, and the rows whose password the live check accepted -> their links."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What the work needs from around it."""

    signer: Signer
    invite: Invite
    check: GentleCheck | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(slots=True, kw_only=True)
class Tally:
    """How far the work is, and in the end what came of it."""

    total: int = 0
    done: int = 0
    made: int = 0
    failed: int = 0
    codes: Counter[Code] = field(default_factory=Counter)
    """How often each problem was found."""
    problems: list[CellProblem] = field(default_factory=list)
    """The first of them, in the order of the rows."""

    def note(self, problems: Iterable[CellProblem]) -> None:
        """Count problems and keep the first ones."""
        for found in problems:
            self.codes[found.problem.code] += 1
            if len(self.problems) < SHOWN_PROBLEMS:
                self.problems.append(found)


OnProgress = Callable[[Tally], None]


def survey(
    listing: ListFile, columns: Columns, rules: Rules, *, on_row: Callable[[CheckedRow], None] | None = None
) -> Tally:
    """Check every row and make nothing: `made` counts the good rows, `failed` the bad ones."""
    tally = Tally()
    for checked in check_rows(listing, columns, rules):
        tally.total += 1
        tally.done += 1
        tally.note(checked.problems)
        if checked.is_good:
            tally.made += 1
        else:
            tally.failed += 1
        if on_row is not None:
            on_row(checked)
    return tally


def make(
    listing: ListFile,
    columns: Columns,
    rules: Rules,
    wanted: Wanted,
    tools: Tools,
    output: IO[bytes],
    *,
    total: int = 0,
    pins: IO[bytes] | None = None,
    on_progress: OnProgress | None = None,
) -> Tally:
    """Make everything of the good rows and write the ZIP; `total` is what `survey` counted.

    The PINs of ready-made links go into `pins`, where it is given, instead of into the ZIP.
    """
    tally = Tally(total=total)
    results, secret, returned = Packed(), Packed(), Packed()
    with (
        Archive(output, now=tools.now().astimezone(wanted.timezone)) as archive,
        Documents(wanted, tools.signer, archive, title=listing.name, now=tools.now()) as documents,
    ):
        making = _Making(
            wanted,
            tools,
            documents,
            ResultsTable(results, wanted.describe),
            _returned_rows(returned, listing, columns, wanted),
            PinsTable(pins or secret) if wanted.mode is Mode.READY_MADE else None,
            tally,
            title=listing.name,
        )
        size = CHUNK if tools.check is None else CHUNK_CHECKED
        for chunk in _chunks(check_rows(listing, columns, rules), size):
            making.add(chunk)
            if on_progress is not None:
                on_progress(tally)
        making.finish()
        archive.add_packed("results.csv", results)
        if wanted.mode is Mode.READY_MADE and pins is None:
            archive.add_packed("pins.csv", secret)
        archive.add_packed("problems.csv", returned)
    return tally


def _returned_rows(target: Packed, listing: ListFile, columns: Columns, wanted: Wanted) -> ReturnedRows:
    shape = Shape.of(listing, columns)
    return ReturnedRows(target, shape, describe=wanted.describe, translate=wanted.translate)


class _Making:
    """The work on one list."""

    def __init__(
        self,
        wanted: Wanted,
        tools: Tools,
        documents: Documents,
        results: ResultsTable,
        returned: ReturnedRows,
        pins: PinsTable | None,
        tally: Tally,
        *,
        title: str,
    ) -> None:
        self._wanted = wanted
        self._tools = tools
        self._documents = documents
        self._results = results
        self._returned = returned
        self._pins = pins
        self._tally = tally
        self._title = title
        self._renderer = Renderer(wanted)

    def add(self, chunk: Sequence[CheckedRow]) -> None:
        """Make what these rows ask for."""
        employees = [row.employee for row in chunk if row.employee is not None]
        verdicts = self._verdicts(employees)
        rendered = {
            employee.row: self._render(employee, verdict)
            for employee, verdict in zip(employees, verdicts, strict=True)
        }
        usable = [employee for employee in employees if not rendered[employee.row].failed]
        tried = self._tried(employees, verdicts)
        links = self._tools.invite(usable, tried)
        invitations = dict(zip((employee.row for employee in usable), links, strict=True))
        for row in chunk:
            made = rendered.get(row.row.number)
            if row.employee is None or made is None:
                self._fail(row, row.problems)
            elif made.failed:
                self._fail(row, (*row.problems, *self._placed(row, made.problems)))
            else:
                self._make(row, row.employee, made, invitations[row.row.number])
            self._tally.done += 1

    def finish(self) -> None:
        """Write the last hand-outs."""
        self._documents.finish()

    # one row

    def _verdicts(self, employees: Sequence[Employee]) -> Sequence[Verdict]:
        if self._tools.check is None:
            return [Verdict(tried=True)] * len(employees)
        return self._tools.check.check(employees)

    def _tried(self, employees: Sequence[Employee], verdicts: Sequence[Verdict]) -> frozenset[int]:
        if self._tools.check is None:
            return frozenset()
        pairs = zip(employees, verdicts, strict=True)
        return frozenset(employee.row for employee, verdict in pairs if verdict.tried)

    def _render(self, employee: Employee, verdict: Verdict) -> _Rendered:
        if verdict.failed:
            return _Rendered(problems=verdict.problems, failed=True)
        ready = self._wanted.mode is Mode.READY_MADE
        untried = not verdict.tried and employee.password is not None
        notes = (Problem(Code.ROW_NOT_TRIED),) if untried else verdict.problems
        password = employee.password if ready else None
        try:
            files = self._renderer.render(employee, password=password, unchecked=untried)
        except ProblemError as error:
            # An invitation still leads somewhere: its page knows the other ways.
            return _Rendered(problems=(*error.problems, *notes), failed=ready)
        return _Rendered(files=files, problems=notes)

    def _make(self, row: CheckedRow, employee: Employee, made: _Rendered, invitation: Invitation) -> None:
        number, address = row.row.number, str(employee.address)
        file = self._documents.add(employee, made.files, invitation)
        found = (*row.problems, *self._placed(row, made.problems))
        self._tally.made += 1
        self._tally.note(found)
        link, problems = self._wanted.link(invitation.token), [one.problem for one in found]
        self._results.add(number, address, Status.MADE, file=file, link=link, problems=problems)
        if self._pins is not None and invitation.pin is not None:
            card = card_name(invitation.number)
            self._pins.add(number, address, name=employee.full_name, card=card, pin=invitation.pin)

    def _fail(self, row: CheckedRow, problems: Sequence[CellProblem]) -> None:
        self._tally.failed += 1
        self._tally.note(problems)
        told = errors_first(found.problem for found in problems)
        self._returned.add(row.row.cells, told)
        self._results.add(row.row.number, row.address, Status.FAILED, problems=told)

    def _placed(self, row: CheckedRow, problems: Iterable[Problem]) -> tuple[CellProblem, ...]:
        """What the live check or a format found, as problems of a row."""
        number = row.row.number
        place = f"{self._title}: {number}"
        return tuple(CellProblem(problem=replace(problem, place=place), row=number) for problem in problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rendered:
    """The files of one row, or why there are none."""

    files: Files = field(default_factory=Files)
    problems: tuple[Problem, ...] = ()
    failed: bool = False


def _chunks(rows: Iterator[CheckedRow], size: int) -> Iterator[list[CheckedRow]]:
    while chunk := list(islice(rows, size)):
        yield chunk
