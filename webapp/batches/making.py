"""From a checked list to one ZIP: profiles, files for Thunderbird, codes, hand-outs, results, and the bad rows.

Everything is a stream: a few dozen rows are in memory at any time, whatever the length of the list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from tempfile import TemporaryFile
from typing import IO
from urllib.parse import urlsplit

from babel.dates import format_date

from profiles import fast_qr
from profiles.formats import FORMATS
from profiles.model import Artifact, MailAccount, RenderOptions
from profiles.problems import Code, Problem, ProblemError
from profiles.signing import Signer
from webapp import i18n
from webapp.batches.archive import Archive
from webapp.batches.columns import Columns
from webapp.batches.defusing import line
from webapp.batches.gentle import GentleCheck, Verdict
from webapp.batches.invitations import Invitation
from webapp.batches.names import file_stem
from webapp.batches.options import Mode, Part
from webapp.batches.reading import ListFile
from webapp.batches.returned import ReturnedRows
from webapp.batches.rows import CellProblem, CheckedRow, Employee, Rules, check_rows
from webapp.handouts import Card, Layout, Sheets
from webapp.links import TOKEN_LENGTH

__all__ = ["Mode", "Part", "Status", "Tally", "Tools", "Wanted", "make", "survey"]

RESULTS = ("row", "address", "status", "file", "link", "code", "message")
CHUNK, CHUNK_CHECKED = 100, 8
"""Rows that are worked on together; few where each waits for its server, so that progress is seen."""
MOST_CARDS = 2_500
"""Cards in one PDF: no printer wants more, and a PDF in the making is in memory."""
SHOWN_PROBLEMS = 1_000
_DAY = {"ja": "M.d", "en": "d MMM"}
"""A date in the few signs that the stamp has room for."""


class Status(StrEnum):
    """What became of a row."""

    MADE = "made"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be made, and the words and names on it."""

    mode: Mode
    base_url: str
    language: str
    timezone: tzinfo
    expires_at: datetime
    """Of new invitations."""
    parts: frozenset[Part] = frozenset(Part)
    layout: Layout = Layout.POSTCARD
    company: str | None = None
    """On the cards, instead of what the domain says."""
    help: str | None = None

    @property
    def host(self) -> str:
        """The page that a code opens, as a person compares it."""
        return urlsplit(self.base_url).netloc

    def translate(self, text: str) -> str:
        """A text in the language of the cards, its placeholders open."""
        return i18n.catalogue(self.language).gettext(text)

    def describe(self, problem: Problem) -> tuple[str, str]:
        """Summary and advice in the language of the cards."""
        return i18n.describe(problem, self.language)


Invite = Callable[[Sequence[Employee]], Sequence[Invitation]]


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
    on_progress: OnProgress | None = None,
) -> Tally:
    """Make everything of the good rows and write the ZIP; `total` is what `survey` counted."""
    tally = Tally(total=total)
    with (
        TemporaryFile() as results,
        TemporaryFile() as returned,
        Archive(output, now=tools.now().astimezone(wanted.timezone)) as archive,
    ):
        rows = ReturnedRows(returned, listing, columns, describe=wanted.describe, translate=wanted.translate)
        making = _Making(wanted, tools, archive, results, rows, tally, title=listing.name)
        size = CHUNK if tools.check is None else CHUNK_CHECKED
        for chunk in _chunks(check_rows(listing, columns, rules), size):
            making.add(chunk)
            if on_progress is not None:
                on_progress(tally)
        making.finish()
        archive.add_file("results.csv", results)
        archive.add_file("problems.csv", returned)
    return tally


class _Making:
    """The work on one list."""

    def __init__(
        self,
        wanted: Wanted,
        tools: Tools,
        archive: Archive,
        results: IO[bytes],
        returned: ReturnedRows,
        tally: Tally,
        *,
        title: str,
    ) -> None:
        self._wanted = wanted
        self._tools = tools
        self._archive = archive
        self._results = results
        self._returned = returned
        self._tally = tally
        self._title = title
        self._sheets: Sheets | None = None
        self._finished_sheets = 0
        self._link_codes = _link_codes(f"{wanted.base_url}/s/")
        self._results.write("\ufeff".encode())
        self._result(*RESULTS)

    def add(self, chunk: Sequence[CheckedRow]) -> None:
        """Make what these rows ask for."""
        employees = [row.employee for row in chunk if row.employee is not None]
        verdicts = self._verdicts(employees)
        rendered = {
            employee.row: self._render(employee, verdict)
            for employee, verdict in zip(employees, verdicts, strict=True)
        }
        usable = [employee for employee in employees if not rendered[employee.row].failed]
        invitations = dict(zip((employee.row for employee in usable), self._tools.invite(usable), strict=True))
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
        self._end_sheets()

    # one row

    def _verdicts(self, employees: Sequence[Employee]) -> Sequence[Verdict]:
        if self._tools.check is None:
            return [Verdict(tried=True)] * len(employees)
        return self._tools.check.check(employees)

    def _render(self, employee: Employee, verdict: Verdict) -> _Rendered:
        if verdict.failed:
            return _Rendered(problems=verdict.problems, failed=True)
        ready = self._wanted.mode is Mode.READY_MADE
        untried = not verdict.tried and employee.password is not None
        notes = (Problem(Code.ROW_NOT_TRIED),) if untried else verdict.problems
        options = RenderOptions(
            language=self._wanted.language,
            password=employee.password if ready else None,
            unchecked=untried,
            translate=self._wanted.translate,
        )
        account = employee.account
        try:
            profile = self._file(Part.PROFILES, "mobileconfig", account, options)
        except ProblemError as error:
            # An invitation still leads somewhere: its page knows the other ways.
            return _Rendered(problems=(*error.problems, *notes), failed=ready)
        if profile is not None:
            profile = self._tools.signer.sign(profile)
        return _Rendered(profile=profile, k9s=self._k9s(account, options), problems=notes)

    def _k9s(self, account: MailAccount, options: RenderOptions) -> Artifact | None:
        try:
            return self._file(Part.K9S, "k9s", account, options)
        except ProblemError:
            return None  # the profile is there; Thunderbird finds its own way

    def _file(self, part: Part, name: str, account: MailAccount, options: RenderOptions) -> Artifact | None:
        return FORMATS[name].render(account, options) if part in self._wanted.parts else None

    def _make(self, row: CheckedRow, employee: Employee, made: _Rendered, invitation: Invitation) -> None:
        stem = file_stem(employee.address, employee.full_name)
        link = f"{self._wanted.base_url}/s/{invitation.token}"
        file = ""
        if made.profile is not None:
            file = f"profiles/{stem}.mobileconfig"
            # Half of it are certificates and a signature, which no compression makes smaller.
            self._archive.add(file, made.profile.data, compress=False)
        if made.k9s is not None:
            self._archive.add(f"k9s/{stem}.k9s", made.k9s.data)
        if self._wanted.parts & {Part.QR, Part.HANDOUTS}:
            self._codes(employee, invitation, stem, link)
        found = (*row.problems, *self._placed(row, made.problems))
        self._tally.made += 1
        self._tally.note(found)
        code, message = self._told(found)
        self._result(str(row.row.number), str(employee.address), Status.MADE, file, link, code, message)

    def _fail(self, row: CheckedRow, problems: Sequence[CellProblem]) -> None:
        self._tally.failed += 1
        self._tally.note(problems)
        told = sorted((found.problem for found in problems), key=lambda problem: not problem.is_error)
        self._returned.add(row.row, told)
        code, message = self._told(problems)
        self._result(str(row.row.number), row.address, Status.FAILED, "", "", code, message)

    def _codes(self, employee: Employee, invitation: Invitation, stem: str, link: str) -> None:
        code = self._link_codes.code(invitation.token)
        if Part.QR in self._wanted.parts:
            svg = fast_qr.svg(code, label=link)
            self._archive.add(f"qr/{stem}.svg", svg.encode())
            self._archive.add(f"qr/{stem}.png", fast_qr.png(code), compress=False)
        if Part.HANDOUTS in self._wanted.parts:
            self._card(employee, invitation, code)

    def _placed(self, row: CheckedRow, problems: Iterable[Problem]) -> tuple[CellProblem, ...]:
        """What the live check or a format found, as problems of a row."""
        number = row.row.number
        place = f"{self._title}: {number}"
        return tuple(CellProblem(problem=replace(problem, place=place), row=number) for problem in problems)

    # hand-outs

    def _card(self, employee: Employee, invitation: Invitation, code: fast_qr.Code) -> None:
        wanted, settings = self._wanted, employee.settings
        expires = datetime.fromtimestamp(invitation.expires_at, wanted.timezone)
        help_text = settings.help.get(wanted.language) if settings.help else ""
        card = Card(
            number=invitation.number,
            address=str(employee.address),
            full_name=employee.full_name,
            department=employee.department,
            company=wanted.company or settings.organization or settings.display_name,
            code=code,
            host=wanted.host,
            expires=i18n.format_moment(expires, wanted.language, wanted.timezone),
            expires_day=format_date(expires, _DAY.get(wanted.language, _DAY["en"]), wanted.language),
            help=wanted.help or help_text,
        )
        if self._sheets is None:
            self._sheets = Sheets(
                wanted.layout,
                language=wanted.language,
                translate=wanted.translate,
                title=self._title,
                now=self._tools.now(),
            )
        self._sheets.add(card)
        if self._sheets.count >= MOST_CARDS:
            self._end_sheets()

    def _end_sheets(self) -> None:
        if self._sheets is None:
            return
        self._finished_sheets += 1
        number = "" if self._finished_sheets == 1 else f"-{self._finished_sheets}"
        self._archive.add(f"handouts{number}.pdf", self._sheets.data(), compress=False)
        self._sheets = None

    # results

    def _told(self, problems: Sequence[CellProblem]) -> tuple[str, str]:
        """Code and words of the problem that weighs most, errors first."""
        ordered = sorted((found.problem for found in problems), key=lambda problem: not problem.is_error)
        if not ordered:
            return "", ""
        summary, advice = self._wanted.describe(ordered[0])
        return ordered[0].code.value, f"{summary} {advice}".strip()

    def _result(self, *cells: str) -> None:
        self._results.write(line(cells).encode())


@lru_cache(maxsize=4)
def _link_codes(prefix: str) -> fast_qr.LinkCodes:
    """Made once for a host's address: that takes a fifth of a second."""
    return fast_qr.LinkCodes(prefix, TOKEN_LENGTH, "Q")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rendered:
    """The files of one row, or why there are none."""

    profile: Artifact | None = None
    k9s: Artifact | None = None
    problems: tuple[Problem, ...] = ()
    failed: bool = False


def _chunks(rows: Iterator[CheckedRow], size: int) -> Iterator[list[CheckedRow]]:
    while chunk := list(islice(rows, size)):
        yield chunk
