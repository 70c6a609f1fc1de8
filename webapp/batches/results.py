"""The results of a durable batch, made anew from its rows whenever somebody asks: ZIP, PDF and tables.

Nothing of it is stored. Everything is a stream of pieces, worked on while it is sent: a slow client holds nobody
up, and one that goes away ends the work.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from itertools import islice

from profiles.problems import Code, Problem, ProblemError
from profiles.signing import Signer
from webapp.batches.archive import Archive, Packed
from webapp.batches.documents import MOST_CARDS, Cards, Documents, Files, Renderer, link_codes, profile_name
from webapp.batches.invitations import Invitations
from webapp.batches.names import file_stem
from webapp.batches.options import Part, RowState
from webapp.batches.result_rows import NOT_MADE, Batch, ResultLine, ResultRows
from webapp.batches.returned import ReturnedRows
from webapp.batches.rows import Employee, FindSettings
from webapp.batches.tables import PinsTable, ResultsTable, Status, errors_first
from webapp.certificates import load_signer
from webapp.config import Config
from webapp.handouts import Layout
from webapp.handouts.card import card_name
from webapp.store import Store

PIECE = 256 * 1024
"""Bytes that are sent together."""
TABLE, RETURNED = "text/csv; charset=utf-8", "text/csv"
"""What our tables are, and the bad rows, which are in the encoding of their list."""
_STATUSES = {RowState.FAILED: Status.FAILED, RowState.BAD: Status.FAILED, RowState.CANCELLED: Status.CANCELLED}


class Results:
    """Makes the results of the batches of one database.

    `rows` chooses rows of the list by their numbers, as the reprint of one card does; without it all are meant.
    An unknown batch is BATCH_UNKNOWN at the call, before the first piece.
    """

    def __init__(
        self,
        rows: ResultRows,
        *,
        signer: Callable[[], Signer],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._rows = rows
        self._signer = signer
        self._now = now

    def zip_pieces(
        self,
        batch_id: int,
        *,
        rows: Collection[int] = (),
        parts: Collection[Part] = (),
        layout: Layout | None = None,
        pins: bool = True,
    ) -> Iterator[bytes]:
        """Everything in one archive, as `hagaki bulk` writes it; `parts` and `layout` stand in for the batch's.

        Without `pins`, those of ready-made links are left out: they then travel by themselves.
        """
        batch = self._rows.open(batch_id, parts=parts, layout=layout)
        return self._zip(batch, self._signer(), rows, pins=pins)

    def results_csv(self, batch_id: int, *, rows: Collection[int] = ()) -> Iterator[bytes]:
        """What became of each row."""
        batch, outflow = self._rows.open(batch_id), _Outflow()
        writing = _Writing(batch, results=ResultsTable(outflow, batch.wanted.describe, mails=batch.has_mails))
        return _stream(writing, outflow, self._rows.read(batch, chosen=rows))

    def problems_csv(self, batch_id: int, *, rows: Collection[int] = ()) -> Iterator[bytes]:
        """The bad rows as they go back, in the list's own encoding, with two columns more."""
        batch, outflow = self._rows.open(batch_id), _Outflow()
        writing = _Writing(batch, returned=batch.returned_rows(outflow))
        return _stream(writing, outflow, self._rows.read(batch, chosen=rows, states=NOT_MADE))

    def pins_csv(self, batch_id: int, *, rows: Collection[int] = ()) -> Iterator[bytes]:
        """The PINs of ready-made links, with the numbers of their cards, and never a link."""
        batch, outflow = self._rows.open(batch_id), _Outflow()
        writing = _Writing(batch, pins=PinsTable(outflow))
        return _stream(writing, outflow, self._rows.read(batch, chosen=rows, states=(RowState.MADE,)))

    def handouts_pdf(
        self, batch_id: int, *, part: int = 1, rows: Collection[int] = (), layout: Layout | None = None
    ) -> Iterator[bytes]:
        """The cards: of the first 2,500 rows in one file, of the next ones in `part` 2 (see `handout_parts`)."""
        batch = self._rows.open(batch_id, layout=layout)
        after = self._rows.behind(batch_id, made=(part - 1) * MOST_CARDS)
        return self._handouts(batch, self._rows.read(batch, chosen=rows, states=(RowState.MADE,), after=after))

    def handout_parts(self, batch_id: int) -> int:
        """How many files the cards of all rows are."""
        return -(-self._rows.made(batch_id) // MOST_CARDS)

    def _zip(self, batch: Batch, signer: Signer, chosen: Collection[int], *, pins: bool) -> Iterator[bytes]:
        outflow, now = _Outflow(), self._now()
        results, secret, returned = Packed(), Packed(), Packed()
        with (
            Archive(outflow, now=now.astimezone(batch.wanted.timezone)) as archive,
            Documents(batch.wanted, signer, archive, title=batch.name, now=now) as documents,
        ):
            writing = _Writing(
                batch,
                results=ResultsTable(results, batch.wanted.describe, mails=batch.has_mails),
                pins=PinsTable(secret),
                returned=batch.returned_rows(returned),
                documents=documents,
            )
            yield from _stream(writing, outflow, self._rows.read(batch, chosen=chosen))
            documents.finish()
            members = {"results.csv": results, "pins.csv": secret, "problems.csv": returned}
            if not (pins and batch.is_ready_made):
                del members["pins.csv"]
            for name, member in members.items():
                archive.add_packed(name, member)
                yield from outflow.take()
            for _ in archive.closing():
                yield from outflow.take()
            yield from outflow.take()

    def _handouts(self, batch: Batch, lines: Iterator[ResultLine]) -> Iterator[bytes]:
        codes = link_codes(batch.wanted.base_url)
        with closing(Cards(batch.wanted, title=batch.name, now=self._now())) as cards:
            for line in islice(lines, MOST_CARDS):
                if line.employee is not None and line.invitation is not None:
                    cards.add(line.employee, line.invitation, codes.code(line.invitation.token))
            yield cards.pdf()


def open_results(store: Store, config: Config, find: FindSettings, invitations: Invitations) -> Results:
    """The results of this host's batches."""
    rows = ResultRows(
        store,
        invitations,
        find=find,
        link_key=config.link_key,
        base_url=config.base_url,
        timezone=config.timezone,
    )
    return Results(rows, signer=partial(load_signer, config))


class _Writing:
    """Writes row after row into whichever of the tables and documents are wanted."""

    def __init__(
        self,
        batch: Batch,
        *,
        results: ResultsTable | None = None,
        pins: PinsTable | None = None,
        returned: ReturnedRows | None = None,
        documents: Documents | None = None,
    ) -> None:
        self._batch = batch
        self._results = results
        self._pins = pins
        self._returned = returned
        self._documents = documents
        self._renderer = Renderer(batch.wanted)
        self._of_domain: dict[str, Files] = {}

    def add(self, line: ResultLine) -> None:
        """Write one row."""
        if line.state is RowState.MADE:
            self._add_made(line)
            return
        told = errors_first(line.problems)
        if self._results is not None:
            self._results.add(line.number, line.address, _STATUSES.get(line.state, Status.WAITING), problems=told)
        if self._returned is not None and line.state in NOT_MADE:
            self._returned.add(line.cells(self._batch.options), told)

    def _add_made(self, line: ResultLine) -> None:
        invitation = line.invitation
        if self._pins is not None and invitation is not None and invitation.pin is not None:
            name, card = line.stored.full_name, card_name(invitation.number)
            self._pins.add(line.number, line.address, name=name, card=card, pin=invitation.pin)
        if self._results is None:
            return
        files, problems = self._files(line)
        name = self._write(line, files)
        link = "" if invitation is None else self._batch.wanted.link(invitation.token)
        self._results.add(
            line.number,
            line.address,
            Status.MADE,
            file=name,
            link=link,
            mail=line.stored.mail_state or "",
            problems=[*problems, *line.mail_problems],
        )

    def _files(self, line: ResultLine) -> tuple[Files, list[Problem]]:
        """The files of a row as they can be made today, and everything that is to be said of it."""
        problems = [*line.problems, *_ends(line)]
        password = None if line.invitation is None else line.invitation.password
        is_secret = self._batch.is_ready_made and line.stored.has_password
        if line.employee is None or (is_secret and password is None):
            return Files(), problems
        try:
            return self._rendered(line.employee, password, unchecked=line.unchecked), problems
        except ProblemError as error:
            known = {problem.code for problem in problems}
            return Files(), problems + [problem for problem in error.problems if problem.code not in known]

    def _rendered(self, employee: Employee, password: str | None, *, unchecked: bool) -> Files:
        if self._documents is not None:
            return self._renderer.render(employee, password=password, unchecked=unchecked)
        # Here it only matters whether there is a profile, which is the same for everybody of a domain.
        domain = employee.address.domain
        if domain not in self._of_domain:
            self._of_domain[domain] = self._renderer.render(employee, password=None)
        return self._of_domain[domain]

    def _write(self, line: ResultLine, files: Files) -> str:
        """Write the documents, where they are wanted; the name of the profile."""
        if line.employee is None:
            return ""
        if self._documents is not None:
            return self._documents.add(line.employee, files, line.invitation)
        stem = file_stem(line.employee.address, line.employee.full_name)
        return "" if files.profile is None else profile_name(stem)


class _Outflow:
    """Bytes that were written and not sent yet."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> None:
        """Take these bytes."""
        self._pieces.append(data)
        self.size += len(data)

    def take(self) -> Iterator[bytes]:
        """Everything that waits, as one piece; never an empty one, which would end a chunked answer."""
        if self._pieces:
            data = b"".join(self._pieces)
            self._pieces.clear()
            self.size = 0
            yield data


def _stream(writing: _Writing, outflow: _Outflow, lines: Iterator[ResultLine]) -> Iterator[bytes]:
    for line in lines:
        writing.add(line)
        if outflow.size >= PIECE:
            yield from outflow.take()
    yield from outflow.take()


def _ends(line: ResultLine) -> list[Problem]:
    """Why a row that was made has no link or no files any more."""
    _, _, domain = line.address.rpartition("@")
    found = []
    if line.invitation is None:
        found.append(Problem(Code.LINK_EXPIRED))
    if line.employee is None:
        found.append(Problem(Code.DOMAIN_NOT_SERVED, {"domain": domain}))
    return found
