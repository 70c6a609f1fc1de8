"""One run of `hagaki bulk`: reads the list, checks every row, and makes what is wanted of the good ones."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from profiles.problems import Code, Problem, ProblemError
from webapp.cli.bulk_choices import Choices
from webapp.cli.bulk_progress import mails_bar, rows_bar
from webapp.cli.bulk_report import Report
from webapp.cli.files import replacing
from webapp.cli.terminal import Terminal

if TYPE_CHECKING:
    from webapp.batches.columns import Columns
    from webapp.batches.gentle import GentleCheck
    from webapp.batches.invitations import Invitation
    from webapp.batches.making import Tally, Wanted
    from webapp.batches.options import BatchOptions
    from webapp.batches.reading import ListFile
    from webapp.batches.rows import Employee, FindSettings, Rules
    from webapp.config import Config
    from webapp.store import Store

LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1", "0.0.0.0")  # noqa: S104 - compared, not bound


class _NothingWanted(Exception):
    """--strict, and a row failed while it was made."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self.tally = tally


class Run:
    """What is needed on the way."""

    def __init__(self, terminal: Terminal, choices: Choices, config: Config) -> None:
        self._terminal = terminal
        self._choices = choices
        self._config = config
        self._report = Report(terminal, choices)

    def run(self) -> int:
        """Do it; return the exit status."""
        from webapp.batches.columns import find_columns
        from webapp.batches.reading import open_list

        choices = self._choices
        if choices.mail:
            from webapp.cli.bulk_mails import require_relay

            require_relay(self._config)
        listing = open_list(choices.file, encoding=choices.encoding, delimiter=choices.delimiter)
        columns = find_columns(listing.rows(), file=listing.name, given=choices.mapped)
        self._report.tell_columns(listing, columns)
        with _opened_store(self._config, reads_only=choices.dry_run) as (store, find):
            rules = self._rules(find)
            tally = self._survey(listing, columns, rules)
            self._note_before(columns)
            if choices.dry_run or (choices.strict and tally.failed):
                return self._report.end(listing, columns, tally, made=False)
            assert store is not None
            try:
                if choices.mail:
                    tally = self._make_and_mail(listing, columns, store, find, total=tally.total)
                else:
                    tally = self._make(listing, columns, rules, store, total=tally.total)
            except _NothingWanted as stopped:
                return self._report.end(listing, columns, stopped.tally, made=False)
        return self._report.end(listing, columns, tally, made=True)

    def _rules(self, find: FindSettings) -> Rules:
        from webapp.batches.rows import Rules

        return Rules(find=find, needs_password=self._choices.is_ready_made)

    def _survey(self, listing: ListFile, columns: Columns, rules: Rules) -> Tally:
        from webapp.batches.making import survey

        tally = survey(listing, columns, rules, on_row=self._report.look)
        self._report.notes += listing.notes
        self._report.note_hidden(listing)
        if not tally.total:
            raise ProblemError(Problem(Code.LIST_EMPTY, {"file": listing.name}, place=listing.name))
        return tally

    def _note_before(self, columns: Columns) -> None:
        from urllib.parse import urlsplit

        from webapp.batches.columns import Field

        choices = self._choices
        if not choices.is_ready_made and columns.has(Field.PASSWORD) and not choices.check:
            self._report.notes.append(Problem(Code.LIST_PASSWORDS_UNUSED))
        if not choices.is_ready_made and columns.has(Field.PIN):
            self._report.notes.append(Problem(Code.LIST_PINS_UNUSED))
        if not choices.dry_run and urlsplit(self._config.base_url).hostname in LOCAL_HOSTS:
            self._report.notes.append(Problem(Code.LINK_ONLY_LOCAL, {"base_url": self._config.base_url}))

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
        self._report.notes += check.problems if check is not None else ()
        return tally

    def _make_and_mail(
        self, listing: ListFile, columns: Columns, store: Store, find: FindSettings, *, total: int
    ) -> Tally:
        from webapp.cli.bulk_mails import MailedBatch

        batch, wanted = MailedBatch(store, find, self._config), self._wanted()
        with self._files(columns) as (output, pins):
            with self._progress(total) as on_progress:
                tally = batch.make(listing, columns, self._options(wanted), wanted.mode, on_progress)
            with mails_bar(self._terminal, tally.made) as on_mails:
                self._report.mails = batch.send(on_mails)
            batch.write(output, pins)
        self._report.notes += batch.notes
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
        private = choices.is_ready_made or columns.has(Field.PASSWORD) or columns.has(Field.PIN)
        with ExitStack() as stack:
            pins = None if choices.pins is None else stack.enter_context(replacing(choices.pins, private=True))
            yield stack.enter_context(replacing(choices.output, private=private)), pins

    def _wanted(self) -> Wanted:
        from webapp.batches.making import Mode, Part, Wanted
        from webapp.batches.options import usual_days
        from webapp.batches.uploads import Choices as ListChoices
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
        with rows_bar(self._terminal, total) as bar:

            def advance(tally: Tally) -> None:
                bar(tally)
                if self._choices.strict and tally.failed:
                    raise _NothingWanted(tally)

            yield advance


@contextmanager
def _opened_store(config: Config, *, reads_only: bool) -> Iterator[tuple[Store | None, FindSettings]]:
    """The database and the look-up of domains; where there is no database yet, looking makes none."""
    from webapp.directory import Directory, find_provider

    embedded = config.database_url.removeprefix("sqlite:///")
    if reads_only and embedded != config.database_url and not Path(embedded).exists():
        yield None, find_provider
        return
    from webapp.store import keys, open_store

    store = open_store(config if reads_only else config.prepare())
    try:
        if not reads_only:
            keys.demand(store, config)
        yield store, Directory(store).find
    finally:
        store.close()
