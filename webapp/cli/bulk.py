"""`hagaki bulk`: from a list of people to a ZIP of profiles, codes and postcards."""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import IO, TYPE_CHECKING, Any

import click

from profiles.problems import N_, Code, Problem, ProblemError
from webapp.cli.files import replacing
from webapp.cli.settings import load_config
from webapp.cli.terminal import Terminal, is_terminal_output, json_option, language_option, pass_terminal

if TYPE_CHECKING:
    from webapp.batches.columns import Columns, Field
    from webapp.batches.gentle import GentleCheck
    from webapp.batches.invitations import Invitation
    from webapp.batches.making import Tally, Wanted
    from webapp.batches.options import BatchOptions, MailState
    from webapp.batches.reading import ListFile
    from webapp.batches.rows import CellProblem, CheckedRow, Employee, FindSettings, Rules
    from webapp.config import Config
    from webapp.store import Store

MODES = ("invitations", "ready-made")
MOST_DAYS = {"invitations": 365, "ready-made": 30}
PARTS = ("profiles", "k9s", "qr", "handouts")
LAYOUTS = ("postcard", "a4-4", "a4-8")
PREVIEW = 20
SHOWN = 20
"""Problems that a terminal shows one by one; problems.csv and --json hold more."""
LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1", "0.0.0.0")  # noqa: S104 - compared, not bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the command line says."""

    file: Path
    output: Path | None
    mode: str
    check: bool
    check_rate: float
    dry_run: bool
    strict: bool
    mapped: tuple[tuple[str, Field], ...]
    encoding: str | None
    delimiter: str | None
    layout: str
    only: tuple[str, ...]
    days: int | None
    pins: Path | None
    mail: bool
    company: str | None
    help_desk: str | None


def mapped_columns(
    ctx: click.Context, param: click.Parameter, value: tuple[str, ...]
) -> tuple[tuple[str, Field], ...]:
    """Read `COLUMN=FIELD` pairs."""
    from webapp.batches.columns import Field

    found = []
    for text in value:
        column, mark, name = text.rpartition("=")
        if not mark or not column.strip() or name.strip() not in set(Field) - {Field.PROBLEM, Field.ADVICE}:
            fields = ", ".join(one for one in Field if one not in (Field.PROBLEM, Field.ADVICE))
            raise click.BadParameter(f"{text!r} is not COLUMN=FIELD with one of the fields {fields}.", ctx, param)
        found.append((column.strip(), Field(name.strip())))
    return tuple(found)


def known_encoding(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Accept what Python knows as a text encoding."""
    from webapp.batches.encodings import is_known

    if value is not None and not is_known(value):
        raise click.BadParameter(f"{value!r} is not an encoding; try utf-8, cp932 or utf-16.", ctx, param)
    return value


def one_sign(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Accept a delimiter: one sign, or its name."""
    named = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";"}
    sign = named.get((value or "").lower(), value)
    if sign is not None and (len(sign) != 1 or sign in '"\r\n'):
        raise click.BadParameter("The delimiter is one sign, such as , or ; or tab.", ctx, param)
    return sign


@click.command(short_help="Make profiles, codes and postcards for a list of people.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The ZIP file to write.")
@click.option(
    "--mode",
    type=click.Choice(MODES),
    default=MODES[0],
    show_default=True,
    help="invitations: links without a secret. ready-made: links that hand out the list's passwords for a PIN, and"
    " profiles with the passwords in them.",
)
@click.option("--check", is_flag=True, help="Try each password of the list on the mail servers, gently.")
@click.option(
    "--check-rate",
    type=click.FloatRange(min=0.01, max=50),
    default=2.0,
    show_default=True,
    metavar="NUMBER",
    help="Log-ins that begin at one server in a second.",
)
@click.option("--dry-run", is_flag=True, help="Read and check the list, and write nothing.")
@click.option("--strict", is_flag=True, help="Make nothing at all where a row has a problem.")
@click.option(
    "--map",
    "mapped",
    multiple=True,
    callback=mapped_columns,
    metavar="COLUMN=FIELD",
    help="Say what a column means, by its heading or letter: address, full_name, family_name, given_name,"
    " department, employee_number, username, password, pin or notify. May be repeated.",
)
@click.option("--encoding", callback=known_encoding, metavar="NAME", help="Encoding of a text file.")
@click.option("--delimiter", callback=one_sign, metavar="SIGN", help="Delimiter of a text file, such as ; or tab.")
@click.option(
    "--layout",
    type=click.Choice(LAYOUTS),
    default=LAYOUTS[0],
    show_default=True,
    help="Paper of the hand-outs: postcards of 100 x 148 mm, or A4 with four or eight to cut.",
)
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(PARTS),
    help="Make only this part. May be repeated (default: all of them).",
)
@click.option(
    "--days",
    type=click.IntRange(1, MOST_DAYS["invitations"]),
    metavar="NUMBER",
    help="How long new links open: 30 days unless it is said here; ready-made ones 3, and never longer than 30.",
)
@click.option(
    "--pins",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the PINs of ready-made links into this file (mode 0600), instead of into the ZIP.",
)
@click.option(
    "--mail",
    is_flag=True,
    help="Send each person the link by mail (HAGAKI_SMTP_URL); what became of each mail stands in results.csv.",
)
@click.option("--company", metavar="TEXT", help="Company on the cards (default: as the domain says).")
@click.option("--help-desk", metavar="TEXT", help="Whom to ask, on the cards (default: as the domain says).")
@language_option
@json_option
@pass_terminal
def bulk(terminal: Terminal, /, **options: Any) -> int:
    """Make everything for the people in FILE (CSV, TSV or .xlsx) and write it into one ZIP.

    The ZIP holds profiles/ (signed), k9s/ (for Thunderbird on Android), qr/ (SVG and PNG of each person's link),
    handouts.pdf, results.csv and problems.csv; in the mode ready-made also pins.csv, which is never handed on
    together with a card. Encoding, delimiter and columns are found and shown first. Every row is checked; the good
    ones are made, the bad ones come back in problems.csv with two more columns, and the exit status is then 1. A
    person who was invited before keeps the link and the card.

    \b
    Examples:
      hagaki bulk people.xlsx --dry-run
      hagaki bulk people.csv -o people.zip --layout a4-4
      hagaki bulk people.csv -o people.zip --mode ready-made --check --map "E-Mail (privat)=address"
      hagaki bulk people.csv -o people.zip --mode ready-made --pins pins.csv
      hagaki bulk people.csv -o people.zip --mail --only handouts
    """
    choices = Choices(**options)
    _refuse_what_does_not_fit(choices)
    return _Bulk(terminal, choices, load_config()).run()


def _refuse_what_does_not_fit(choices: Choices) -> None:
    if choices.output is None and not choices.dry_run:
        raise click.UsageError("Name the ZIP file with -o, or only look with --dry-run.")
    most = MOST_DAYS[choices.mode]
    if choices.days is not None and choices.days > most:
        raise click.BadParameter(
            f"Links of the mode {choices.mode} open for at most {most} days.", param_hint="--days"
        )
    if choices.pins is not None and choices.mode != "ready-made":
        raise click.BadParameter("Only links of the mode ready-made have PINs.", param_hint="--pins")
    if choices.pins is not None and choices.output is not None and _is_same(choices.pins, choices.output):
        raise click.BadParameter("The PINs need another file than the ZIP.", param_hint="--pins")


def _is_same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


class _NothingWanted(Exception):
    """--strict, and a row failed while it was made."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self.tally = tally


class _Bulk:
    """One run of the command."""

    def __init__(self, terminal: Terminal, choices: Choices, config: Config) -> None:
        self._terminal = terminal
        self._choices = choices
        self._config = config
        self._notes: list[Problem] = []
        self._preview: list[dict[str, Any]] = []
        self._mails: Mapping[MailState, int] = {}

    def run(self) -> int:
        from webapp.batches.columns import find_columns
        from webapp.batches.reading import open_list

        choices = self._choices
        if choices.mail:
            from webapp.cli.bulk_mails import require_relay

            require_relay(self._config)
        listing = open_list(choices.file, encoding=choices.encoding, delimiter=choices.delimiter)
        columns = find_columns(listing.rows(), file=listing.name, given=choices.mapped)
        self._tell_columns(listing, columns)
        with _opened_store(self._config, reads_only=choices.dry_run) as (store, find):
            rules = self._rules(find)
            tally = self._survey(listing, columns, rules)
            self._note_before(columns)
            if choices.dry_run or (choices.strict and tally.failed):
                return self._end(listing, columns, tally, made=False)
            assert store is not None
            try:
                if choices.mail:
                    tally = self._make_and_mail(listing, columns, store, find, total=tally.total)
                else:
                    tally = self._make(listing, columns, rules, store, total=tally.total)
            except _NothingWanted as stopped:
                return self._end(listing, columns, stopped.tally, made=False)
        return self._end(listing, columns, tally, made=True)

    def _rules(self, find: FindSettings) -> Rules:
        from webapp.batches.rows import Rules

        return Rules(find=find, needs_password=self._choices.mode == "ready-made")

    def _survey(self, listing: ListFile, columns: Columns, rules: Rules) -> Tally:
        from webapp.batches.making import survey

        tally = survey(listing, columns, rules, on_row=self._look)
        if not tally.total:
            raise ProblemError(Problem(Code.LIST_EMPTY, {"file": listing.name}, place=listing.name))
        return tally

    def _look(self, checked: CheckedRow) -> None:
        if len(self._preview) < PREVIEW:
            self._preview.append(_row_document(checked))

    def _note_before(self, columns: Columns) -> None:
        from urllib.parse import urlsplit

        from webapp.batches.columns import Field

        choices = self._choices
        if choices.mode == "invitations" and columns.has(Field.PASSWORD) and not choices.check:
            self._notes.append(Problem(Code.LIST_PASSWORDS_UNUSED))
        if choices.mode == "invitations" and columns.has(Field.PIN):
            self._notes.append(Problem(Code.LIST_PINS_UNUSED))
        if not choices.dry_run and urlsplit(self._config.base_url).hostname in LOCAL_HOSTS:
            self._notes.append(Problem(Code.LINK_ONLY_LOCAL, {"base_url": self._config.base_url}))

    # making

    def _make(self, listing: ListFile, columns: Columns, rules: Rules, store: Store, *, total: int) -> Tally:
        from webapp.batches.invitations import BatchState, Invitations
        from webapp.batches.making import Tools, make
        from webapp.certificates import load_signer

        wanted = self._wanted()
        signer = load_signer(self._config)
        invitations = Invitations(store, link_key=self._config.link_key)
        batch = invitations.begin(name=listing.name, mode=wanted.mode, total=total)

        def invite(employees: Sequence[Employee], tried: Container[int]) -> Sequence[Invitation]:
            expires_at = wanted.expires_at.timestamp()
            return invitations.invite(batch, employees, expires_at=expires_at, mode=wanted.mode, tried=tried)

        try:
            with self._gentle() as check, self._progress(total) as on_progress, self._files(columns) as files:
                tools = Tools(signer=signer, invite=invite, check=check)
                output, pins = files
                tally = make(
                    listing, columns, rules, wanted, tools, output, total=total, pins=pins, on_progress=on_progress
                )
        except BaseException:
            invitations.end(batch, made=0, state=BatchState.STOPPED)
            raise
        invitations.end(batch, made=tally.made)
        self._notes += check.problems if check is not None else ()
        return tally

    def _make_and_mail(
        self, listing: ListFile, columns: Columns, store: Store, find: FindSettings, *, total: int
    ) -> Tally:
        from webapp.cli.bulk_mails import MailedBatch

        batch, wanted = MailedBatch(store, find, self._config), self._wanted()
        with self._files(columns) as (output, pins):
            with self._progress(total) as on_progress:
                tally = batch.make(listing, columns, self._options(wanted), wanted.mode, on_progress)
            with self._mail_bar(tally.made) as on_mails:
                self._mails = batch.send(on_mails)
            batch.write(output, pins)
        self._notes += batch.notes
        return tally

    def _options(self, wanted: Wanted) -> BatchOptions:
        from webapp.batches.options import BatchOptions

        return BatchOptions(
            expires_at=wanted.expires_at.timestamp(),
            language=wanted.language,
            parts=tuple(sorted(wanted.parts)),
            layout=wanted.layout,
            company=wanted.company,
            help=wanted.help,
            check=self._choices.check,
            check_rate=self._choices.check_rate,
            mail=True,
        )

    @contextmanager
    def _files(self, columns: Columns) -> Iterator[tuple[IO[bytes], IO[bytes] | None]]:
        """The ZIP and, where they are wanted apart, the PINs: both files, or none."""
        from webapp.batches.columns import Field

        choices = self._choices
        assert choices.output is not None
        private = choices.mode == "ready-made" or columns.has(Field.PASSWORD) or columns.has(Field.PIN)
        with ExitStack() as stack:
            pins = None if choices.pins is None else stack.enter_context(replacing(choices.pins, private=True))
            yield stack.enter_context(replacing(choices.output, private=private)), pins

    def _wanted(self) -> Wanted:
        from webapp.batches.making import Mode, Part, Wanted
        from webapp.batches.uploads import Choices as ListChoices
        from webapp.batches.uploads import usual_days
        from webapp.handouts import Layout

        choices, config = self._choices, self._config
        mode = Mode(choices.mode)
        days = usual_days(mode) if choices.days is None else choices.days
        ends = ListChoices(mode=mode, days=days).expires_at(datetime.now(UTC), config.timezone)
        return Wanted(
            mode=mode,
            base_url=config.base_url,
            language=self._terminal.language,
            timezone=config.timezone,
            expires_at=datetime.fromtimestamp(ends, UTC),
            parts=frozenset(map(Part, choices.only)) or frozenset(Part),
            layout=Layout(choices.layout),
            company=choices.company,
            help=choices.help_desk,
        )

    @contextmanager
    def _gentle(self) -> Iterator[GentleCheck | None]:
        if not self._choices.check:
            yield None
            return
        from webapp import probes
        from webapp.batches.gentle import GentleCheck
        from webapp.outbound import Outbound

        outbound = Outbound.unrestricted(resolver=self._config.resolver, ca_file=self._config.ca_file)
        with GentleCheck(partial(probes.check, outbound=outbound), rate=self._choices.check_rate) as check:
            yield check

    @contextmanager
    def _progress(self, total: int) -> Iterator[Callable[[Tally], None]]:
        with self._bar(total) as bar:

            def advance(tally: Tally) -> None:
                bar(tally)
                if self._choices.strict and tally.failed:
                    raise _NothingWanted(tally)

            yield advance

    @contextmanager
    def _bar(self, total: int) -> Iterator[Callable[[Tally], None]]:
        if not is_terminal_output():
            yield _say_nothing
            return
        label = self._terminal.translate(N_("Making"))
        start = monotonic()

        def state(tally: Tally | None) -> str | None:
            if tally is None:
                return None
            speed = f"{tally.done / max(monotonic() - start, 0.001):.0f}/s"
            if not tally.failed:
                return speed
            failed = self._terminal.translate(N_("%(count)s with problems"), count=str(tally.failed))
            return f"{speed}, {failed}"

        with click.progressbar(
            length=total, label=label, file=sys.stderr, show_pos=True, item_show_func=state
        ) as bar:

            def advance(tally: Tally) -> None:
                bar.update(tally.done - bar.pos, tally)

            yield advance

    @contextmanager
    def _mail_bar(self, total: int) -> Iterator[Callable[[int, int], None]]:
        if not is_terminal_output():
            yield _say_no_counts
            return
        label = self._terminal.translate(N_("Sending mails"))
        with click.progressbar(length=total, label=label, file=sys.stderr, show_pos=True) as bar:
            # Whoever had the mail before gets none: there may be fewer than rows.
            yield lambda done, every: bar.update(min(done + total - every, total) - bar.pos)

    # telling

    def _tell_columns(self, listing: ListFile, columns: Columns) -> None:
        """What was found out, before anything happens."""
        say, translate = self._terminal.say, self._terminal.translate
        if listing.encoding is not None:
            text = translate(
                N_("%(file)s: %(encoding)s, delimiter %(delimiter)s"),
                file=listing.name,
                encoding=listing.encoding.name,
                delimiter=_shown_delimiter(listing.delimiter),
            )
        else:
            text = translate(
                N_("%(file)s: Excel, sheet “%(sheet)s”"), file=listing.name, sheet=listing.sheet or ""
            )
        say(text)
        if columns.header_row is None:
            say(translate(N_("There is no row of headings.")))
        else:
            say(translate(N_("Headings are in row %(row)s."), row=str(columns.header_row)))
        for field, index in columns.fields:
            say(f"  {columns.name_of(index)} = {field}")

    def _end(self, listing: ListFile, columns: Columns, tally: Tally, *, made: bool) -> int:
        written = self._choices.output if made else None
        if self._terminal.json:
            self._terminal.write_json(self._document(listing, columns, tally, written))
        else:
            self._tell_end(tally, written)
        stopped = any(problem.code is Code.BATCH_CHECK_STOPPED for problem in self._notes)
        unsent = sum(count for state, count in self._mails.items() if state != "sent")
        return 1 if tally.failed or stopped or unsent else 0

    def _tell_end(self, tally: Tally, written: Path | None) -> None:
        terminal = self._terminal
        terminal.show(self._notes)
        errors = [found.problem for found in tally.problems if found.problem.is_error]
        terminal.show(errors[:SHOWN])
        if len(errors) > SHOWN:
            more = str(sum(count for code, count in tally.codes.items() if Problem(code).is_error) - SHOWN)
            terminal.say(terminal.translate(N_("… and %(count)s more problems."), count=more))
        numbers = {"total": str(tally.total), "good": str(tally.made), "bad": str(tally.failed)}
        if written is not None:
            text = N_("%(file)s: %(total)s rows, %(good)s made, %(bad)s with problems.")
            click.echo(terminal.translate(text, file=str(written), **numbers))
            self._tell_mails()
        else:
            text = N_("%(total)s rows: %(good)s good, %(bad)s with problems. Nothing was made.")
            click.echo(terminal.translate(text, **numbers))

    def _tell_mails(self) -> None:
        if not self._choices.mail:
            return
        counts = {str(state): str(count) for state, count in self._mails.items()}
        numbers = {"sent": "0", "failed": "0", "unsure": "0"} | counts
        text = N_("Mails: %(sent)s sent, %(failed)s failed, %(unsure)s unsure.")
        click.echo(self._terminal.translate(text, **numbers))
        if "waiting" in counts:
            text = N_("%(count)s mails wait; “hagaki serve” or “hagaki worker” sends them later.")
            click.echo(self._terminal.translate(text, count=counts["waiting"]))

    def _document(self, listing: ListFile, columns: Columns, tally: Tally, written: Path | None) -> dict[str, Any]:
        return {
            "ok": not tally.failed,
            "file": listing.name,
            "kind": str(listing.kind),
            "encoding": listing.encoding.name if listing.encoding else None,
            "delimiter": listing.delimiter,
            "sheet": listing.sheet,
            "header_row": columns.header_row,
            "columns": _columns_document(columns),
            "mode": self._choices.mode,
            "dry_run": self._choices.dry_run,
            "total": tally.total,
            "good": tally.made,
            "bad": tally.failed,
            "made": tally.made if written else 0,
            "failed": tally.failed,
            "output": str(written) if written else None,
            "mails": {str(state): count for state, count in self._mails.items()},
            "pins": str(self._choices.pins) if written and self._choices.pins else None,
            "preview": self._preview,
            "codes": {str(code): count for code, count in sorted(tally.codes.items())},
            "problems": [
                *(self._terminal.problem_document(problem) for problem in self._notes),
                *(self._problem_document(found) for found in tally.problems),
            ],
        }

    def _problem_document(self, found: CellProblem) -> dict[str, Any]:
        return {
            **self._terminal.problem_document(found.problem),
            "row": found.row,
            "column": found.letter or None,
            "heading": found.heading or None,
            "value": found.value or None,
        }


def _say_nothing(tally: Tally) -> None:
    """Progress that nobody watches."""


def _say_no_counts(done: int, every: int) -> None:
    """The same, of mails."""


def _columns_document(columns: Columns) -> list[dict[str, Any]]:
    from webapp.batches.row import column_letter

    fields = {index: field for field, index in columns.fields}
    return [
        {"column": column_letter(index), "heading": heading, "field": fields.get(index)}
        for index, heading in enumerate(columns.headings)
    ]


def _row_document(checked: CheckedRow) -> dict[str, Any]:
    """A row of the preview. Of a password only that there is one."""
    employee = checked.employee
    if employee is None:
        return {"row": checked.row.number, "ok": False}
    return {
        "row": checked.row.number,
        "ok": True,
        "address": str(employee.address),
        "full_name": employee.full_name,
        "department": employee.department,
        "employee_number": employee.employee_number,
        "username": employee.username,
        "has_password": employee.password is not None,
        "has_pin": employee.pin is not None,
    }


def _shown_delimiter(delimiter: str | None) -> str:
    return {"\t": "TAB"}.get(delimiter or "", delimiter or "")


@contextmanager
def _opened_store(config: Config, *, reads_only: bool) -> Iterator[tuple[Store | None, FindSettings]]:
    """The database and the look-up of domains; where there is no database yet, looking makes none."""
    from webapp.directory import Directory, find_provider

    embedded = config.database_url.removeprefix("sqlite:///")
    if reads_only and embedded != config.database_url and not Path(embedded).exists():
        yield None, find_provider
        return
    from webapp.store import open_store

    store = open_store(config if reads_only else config.prepare())
    try:
        yield store, Directory(store).find
    finally:
        store.close()
