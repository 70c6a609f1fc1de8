"""Following a batch up: how far its people have come, and ending, renewing or extending their links.

No link is shown or returned here (a reprint makes the card anew, a re-issue a new link); what an admin changes is
written to the audit log in the same transaction.
"""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum

from profiles.address import Address
from profiles.problems import Code, Problem, ProblemError, Severity
from webapp.batches.invitations import end_of_all, renewed
from webapp.batches.options import MailState, Mode, most_days, usual_days
from webapp.batches.pins import MOST_WRONG_PINS
from webapp.batches.record import RecordEach
from webapp.batches.rows import CellProblem
from webapp.batches.uploads import Choices
from webapp.store import Connection, Store
from webapp.store import following as rows
from webapp.store.chunks import chunks
from webapp.store.values import from_text

PAGE = 50
MOST_PLACES = 10
"""Batches of one address that the help desk sees."""
MOST_NAMED = 500
"""Up to so many people at once each get an audit row of their own; more are told of by the rows of the list."""


class Stage(StrEnum):
    """Where a person stands: one word for each, the furthest that is true (webapp/store/following.py)."""

    WAITING = "waiting"
    """Nothing was made yet."""
    INVITED = "invited"
    MAILED = "mailed"
    OPENED = "opened"
    VALIDATED = "validated"
    ISSUED = "issued"
    FETCHED = "fetched"
    CONFIRMED = "confirmed"
    LOCKED = "locked"
    """Too many wrong PINs."""
    EXPIRED = "expired"
    LOST = "lost"
    """The employee reported a lost phone. A link that asks for the password may still open, for the new one."""
    REVOKED = "revoked"
    FAILED = "failed"
    """The list or the live check has a problem with the row; nothing was made of it."""
    CANCELLED = "cancelled"


class Show(StrEnum):
    """Whom a list shows: everybody, one stage, or several stages that ask for the same thing."""

    ALL = "all"
    UNSTARTED = "unstarted"
    """Have a link that opens and have not begun."""
    UNFINISHED = "unfinished"
    """Have begun and not fetched their profile."""
    WAITING = "waiting"
    INVITED = "invited"
    MAILED = "mailed"
    OPENED = "opened"
    VALIDATED = "validated"
    ISSUED = "issued"
    FETCHED = "fetched"
    CONFIRMED = "confirmed"
    LOCKED = "locked"
    EXPIRED = "expired"
    LOST = "lost"
    REVOKED = "revoked"
    FAILED = "failed"
    CANCELLED = "cancelled"
    MAIL_FAILED = "mail-failed"
    """The mail failed, or nobody knows whether it went out."""


_STAGES: Mapping[Show, tuple[Stage, ...]] = {
    Show.ALL: (),
    Show.UNSTARTED: (Stage.INVITED, Stage.MAILED),
    Show.UNFINISHED: (Stage.OPENED, Stage.VALIDATED, Stage.ISSUED),
    Show.MAIL_FAILED: (),
}


class Action(StrEnum):
    """What can be done for one person, for chosen ones or for all that a list shows."""

    REISSUE = "reissue"
    EXTEND = "extend"
    REVOKE = "revoke"
    REMIND = "remind"
    RESEND = "resend"
    REPRINT = "reprint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Whom an action is for: these rows, or all that a filter and a search show."""

    rows: tuple[int, ...] | None = None
    show: Show = Show.ALL
    search: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person of a batch. There is no link in it."""

    row: int
    stage: Stage
    address: str
    full_name: str
    department: str
    employee_number: str
    mode: Mode | None
    number: int | None
    """Of the card."""
    times: Mapping[Stage, datetime]
    """When each mark was come to."""
    expires_at: datetime | None
    reminded_at: datetime | None
    lost_at: datetime | None
    mail_state: MailState | None
    generation: int
    problem: Problem | None
    """The last that went wrong: the row's own, the mail's, or what the last check found."""
    has_link: bool
    """There is a link, whether it opens or not."""
    can_reissue: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PeoplePage:
    """A part of the list."""

    people: tuple[Person, ...]
    after: int | None
    """Behind which row the next part begins; None where this is the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How many people came to a mark, ever."""

    stage: Stage
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many people each list shows, and the way from invitation to confirmation."""

    shown: Mapping[Show, int]
    funnel: tuple[Reached, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What an action would do."""

    chosen: int
    able: int
    """Of those, how many it would change."""


class Following:
    """The people of every batch of one database. `now` is the clock, in seconds since the epoch."""

    def __init__(
        self,
        store: Store,
        *,
        link_key: bytes,
        record_each: RecordEach,
        zone: tzinfo = UTC,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._link_key = link_key
        self._record_each = record_each
        self._zone = zone
        self._now = now

    # looking

    def page(
        self, batch_id: int, *, show: Show = Show.ALL, search: str = "", after: int = 0, most: int = PAGE
    ) -> PeoplePage:
        """A part of the people; BATCH_UNKNOWN where there is no such batch."""
        with self._store.read() as connection:
            people = self._people(connection, batch_id)
            found = people.page(_wanted(Choice(show=show, search=search)), after=after, most=most + 1)
            page = found[:most]
            outcomes = rows.last_outcomes(connection, [row.invitation_id for row in page if row.invitation_id])
        more = page[-1].row if len(found) > most else None
        return PeoplePage(people=tuple(_person(row, outcomes) for row in page), after=more)

    def person(self, batch_id: int, row: int) -> Person | None:
        """One of them."""
        with self._store.read() as connection:
            found = self._people(connection, batch_id).one(row)
            if found is None:
                return None
            ids = [found.invitation_id] if found.invitation_id else []
            return _person(found, rows.last_outcomes(connection, ids))

    def of_address(self, address: Address) -> tuple[tuple[int, Person], ...]:
        """Where an address was invited, newest batch first: the batch and the person there."""
        with self._store.read() as connection:
            places = rows.places_of(connection, address.key)
        found = ((batch_id, self._find(batch_id, row)) for batch_id, row in places[:MOST_PLACES])
        return tuple((batch_id, person) for batch_id, person in found if person is not None)

    def _find(self, batch_id: int, row: int) -> Person | None:
        try:
            return self.person(batch_id, row)
        except ProblemError:  # on its way out
            return None

    def counts(self, batch_id: int) -> Counts:
        """How many people stand where."""
        with self._store.read() as connection:
            found = self._people(connection, batch_id).counts()
        at = {row.stage: row.people for row in found}
        shown = {show: sum(at.get(stage, 0) for stage in _stages(show)) for show in Show}
        shown |= {
            Show.ALL: sum(at.values()),
            Show.MAIL_FAILED: sum(row.mail_failed for row in found),
        }
        marks = (Stage.INVITED, Stage.OPENED, Stage.VALIDATED, Stage.ISSUED, Stage.FETCHED, Stage.CONFIRMED)
        funnel = tuple(Reached(stage=mark, people=sum(getattr(row, mark) for row in found)) for mark in marks)
        return Counts(shown=shown, funnel=funnel)

    def forecast(self, batch_id: int, choice: Choice, action: Action) -> Forecast:
        """What an action would do, before it is done."""
        with self._store.read() as connection:
            people = self._people(connection, batch_id)
            return Forecast(
                chosen=people.count(_wanted(choice)), able=people.count(_wanted(choice), able=action.value)
            )

    def meant(self, batch_id: int, choice: Choice, action: Action) -> tuple[int, ...]:
        """The rows that an action would change, in their order."""
        with self._store.read() as connection:
            return tuple(self._people(connection, batch_id).rows(_wanted(choice), able=action.value))

    # changing

    def reissue(self, batch_id: int, choice: Choice, *, actor: str) -> int:
        """End the links of these people and make new ones, which stand on the cards that are printed next."""
        return self._change(batch_id, choice, Action.REISSUE, actor, self._renew)

    def extend(self, batch_id: int, choice: Choice, *, days: int, actor: str) -> int:
        """Let links open for so many days from now, as far as each kind of link may; none gets shorter."""

        def extend(connection: Connection, links: Sequence[rows.LinkRow]) -> Mapping[str, str]:
            for mode in Mode:
                ids = [link.id for link in links if link.mode == mode]
                rows.extend(connection, ids, expires_at=self._end_after(mode, min(days, most_days(mode))))
            return {"days": str(days)}

        return self._change(batch_id, choice, Action.EXTEND, actor, extend)

    def revoke(self, batch_id: int, choice: Choice, *, actor: str) -> int:
        """End the links of these people, and all that hangs on them, at once."""
        return self._change(batch_id, choice, Action.REVOKE, actor, self._end)

    def _change(
        self,
        batch_id: int,
        choice: Choice,
        action: Action,
        actor: str,
        change: Callable[[Connection, Sequence[rows.LinkRow]], Mapping[str, str]],
    ) -> int:
        """Change a few hundred links at a time, so that nobody waits long for the database; each time with its
        audit rows.
        """
        with self._store.read() as connection:
            people = self._people(connection, batch_id)
            ids = people.invitation_ids(_wanted(choice), able=action.value)
        changed = 0
        for part in chunks(ids):
            with self._store.write() as connection:
                links = rows.links(connection, part)
                details = change(connection, links)
                self._tell(connection, actor, action, batch_id, links, alone=len(ids) <= MOST_NAMED, **details)
                changed += len(links)
        return changed

    def _renew(self, connection: Connection, links: Sequence[rows.LinkRow]) -> Mapping[str, str]:
        now = self._now()
        end_of_all(connection, [link.id for link in links], now=now)
        rows.renew(connection, [self._renewal(link, now) for link in links], at=now)
        return {}

    def _renewal(self, link: rows.LinkRow, now: float) -> rows.Renewal:
        new = renewed(self._link_key, link)
        if new is None:
            # Its password cannot be opened any more, so it cannot be given a link: it ends with the old one.
            return rows.Renewal(
                id=link.id,
                generation=link.generation,
                token_hash=link.token_hash,
                expires_at=link.expires_at,
                revoked=True,
            )
        # A link that has ended lives as long as a new one; one that opens keeps its time.
        mode = Mode(link.mode)
        ends = link.expires_at if link.expires_at > now else self._end_after(mode, usual_days(mode))
        return rows.Renewal(
            id=link.id, generation=new.generation, token_hash=new.token_hash, sealed=new.sealed, expires_at=ends
        )

    def _end_after(self, mode: Mode, days: int) -> float:
        """When a link ends that opens for so many days from now."""
        return Choices(mode=mode, days=days).expires_at(_moment(self._now()), self._zone)

    def _end(self, connection: Connection, links: Sequence[rows.LinkRow]) -> Mapping[str, str]:
        ids = [link.id for link in links]
        end_of_all(connection, ids, now=self._now())
        rows.revoke(connection, ids)
        return {}

    def _tell(
        self,
        connection: Connection,
        actor: str,
        action: Action,
        batch_id: int,
        links: Sequence[rows.LinkRow],
        *,
        alone: bool,
        **details: str,
    ) -> None:
        if alone:
            told = [(one.address, {"batch": str(batch_id), "card": str(one.number)} | details) for one in links]
        else:
            cards = f"{min(link.number for link in links)}–{max(link.number for link in links)}"
            told = [(f"batch {batch_id}", {"people": str(len(links)), "cards": cards} | details)]
        self._record_each(connection, actor, f"link.{action}", told)

    def _people(self, connection: Connection, batch_id: int) -> rows.People:
        if not rows.batch_exists(connection, batch_id):
            raise ProblemError(Problem(Code.BATCH_UNKNOWN, {"id": str(batch_id)}))
        return rows.People(connection, batch_id, now=self._now(), most_pins=MOST_WRONG_PINS)


def _stages(show: Show) -> Iterable[Stage]:
    return _STAGES[show] if show in _STAGES else (Stage(show),)


def _wanted(choice: Choice) -> rows.Wanted:
    # PostgreSQL takes no NUL in a text.
    words = " ".join(unicodedata.normalize("NFKC", choice.search.replace("\0", " ")).lower().split())
    mails = (MailState.FAILED, MailState.UNSURE) if choice.show is Show.MAIL_FAILED else ()
    return rows.Wanted(rows=choice.rows, stages=tuple(_stages(choice.show)), mail_states=mails, words=words)


# a person


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """Of what a check found, what is read here."""

    problems: tuple[Problem, ...] = ()


def _person(row: rows.PersonRow, outcomes: Mapping[bytes, str]) -> Person:
    marks = {
        Stage.INVITED: row.created_at,
        Stage.MAILED: row.mailed_at,
        Stage.OPENED: row.opened_at,
        Stage.VALIDATED: row.validated_at,
        Stage.ISSUED: row.issued_at,
        Stage.FETCHED: row.fetched_at,
        Stage.CONFIRMED: row.confirmed_at,
    }
    has_link = row.number is not None
    return Person(
        row=row.row,
        stage=Stage(row.stage),
        address=row.address,
        full_name=row.full_name,
        department=row.department,
        employee_number=row.employee_number,
        mode=Mode(row.mode) if row.mode else None,
        number=row.number,
        times={mark: _moment(at) for mark, at in marks.items() if at is not None},
        expires_at=None if row.expires_at is None else _moment(row.expires_at),
        reminded_at=None if row.reminded_at is None else _moment(row.reminded_at),
        lost_at=None if row.lost_at is None else _moment(row.lost_at),
        mail_state=MailState(row.mail_state) if row.mail_state else None,
        generation=row.generation or 0,
        problem=_last_problem(row, outcomes),
        has_link=has_link,
        can_reissue=has_link and (row.mode != Mode.READY_MADE or row.is_sealed),
    )


def _last_problem(row: rows.PersonRow, outcomes: Mapping[bytes, str]) -> Problem | None:
    """What the last check found goes before what became of the mail, and that before the row's own."""
    checked = outcomes.get(row.invitation_id) if row.invitation_id else None
    found: list[Problem] = []
    if checked:
        found += from_text(_Outcome, checked).problems
    if row.mail_problems and row.mail_state in (MailState.FAILED, MailState.UNSURE):
        found += from_text(tuple[Problem, ...], row.mail_problems)
    if row.problems and row.stage == Stage.FAILED:
        found += [cell.problem for cell in from_text(tuple[CellProblem, ...], row.problems)]
    if row.mail_problems and row.mail_state == MailState.SENT:
        noted = from_text(tuple[Problem, ...], row.mail_problems)
        found += [problem for problem in noted if problem.severity is Severity.WARNING]
    errors = [problem for problem in found if problem.is_error]
    return next(iter(errors or found), None)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
