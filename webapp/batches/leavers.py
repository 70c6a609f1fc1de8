"""People who leave: everything of theirs ends at once, and what is left to do at the provider is kept as a list.

A run stands in the audit log and nowhere else: a row for each person, then one for all of them, whose number names
the run. The steps that are ticked off follow as rows of their own.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from profiles.address import Address
from webapp.batches.invitations import end_of_all
from webapp.batches.record import RecordEach
from webapp.store import Store, audit
from webapp.store import following as rows

MOST_LEAVERS = 1_000
"""In one run, so that its transaction stays short."""
PERSON, RUN, STEP = "leaver.revoke", "leavers.revoke", "leavers.step"
"""Actions in the audit log."""


class Step(StrEnum):
    """What is left to do at the provider: Hagaki cannot do it."""

    PASSWORD = "password"
    APP_PASSWORDS = "app-passwords"
    SESSIONS = "sessions"
    FORWARDING = "forwarding"
    MAILBOX = "mailbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaver:
    """One person, and what would end."""

    address: Address
    links: int
    """That open."""
    ended: int
    """Links that have ended before."""
    checks: int
    """Pages of checks that still show, with what came of them."""
    rows: int
    """Rows of lists that a worker has not come to."""

    @property
    def is_known(self) -> bool:
        """Whether this address was ever invited."""
        return bool(self.links or self.ended or self.rows)

    @property
    def is_hit(self) -> bool:
        """Whether anything ends."""
        return bool(self.links or self.checks or self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """One person of a run, as the log has it."""

    address: str
    links: int
    checks: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """A step that somebody has done."""

    at: datetime
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What was done at once for these people."""

    number: int
    at: datetime
    actor: str
    people: tuple[Left, ...]
    steps: Mapping[Step, Ticked]


class Leavers:
    """Those of one database. `now` is the clock, in seconds since the epoch."""

    def __init__(self, store: Store, *, record_each: RecordEach, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._record_each = record_each
        self._now = now

    def look(self, addresses: Sequence[Address]) -> tuple[Leaver, ...]:
        """What would end of these people; changes nothing."""
        keys, now = [address.key for address in addresses], self._now()
        with self._store.read() as connection:
            links = defaultdict(list)
            for link in rows.links_of(connection, keys):
                links[link.address_key].append(_opens(link, now))
            checks = rows.living_checks(connection, keys, now=now)
            waiting = rows.open_rows(connection, keys)
        return tuple(
            Leaver(
                address=address,
                links=links[address.key].count(True),
                ended=links[address.key].count(False),
                checks=checks.get(address.key, 0),
                rows=waiting.get(address.key, 0),
            )
            for address in addresses
        )

    def leave(self, addresses: Sequence[Address], *, actor: str) -> int:
        """End everything of these people in one transaction; return the number of the run."""
        keys, now = [address.key for address in addresses], self._now()
        people = self.look(addresses)
        with self._store.write() as connection:
            # First, because it waits for a worker that is just making one of them: its link is then among these.
            rows.withdraw_rows(connection, keys, at=now)
            ids = [link.id for link in rows.links_of(connection, keys)]
            end_of_all(connection, ids, now=now)
            rows.revoke(connection, ids)
            rows.end_checks(connection, keys, now=now)
            self._record_each(connection, actor, PERSON, [(str(one.address), _told(one)) for one in people])
            self._record_each(connection, actor, RUN, [("", {"people": str(len(people))})])
            return audit.last(connection)[0]

    def run(self, number: int) -> Run | None:
        """A run by its number; None where that names something else."""
        with self._store.read() as connection:
            found = audit.newest(connection, before=number + 1, most=1)
            if not found or found[0].number != number or found[0].action != RUN:
                return None
            head = found[0]
            most = int(json.loads(head.details)["people"])
            before = audit.newest(connection, before=number, most=most) if most else ()
            ticked = rows.audit_of(connection, STEP, _subject(number))
        return Run(
            number=number,
            at=_moment(head.at),
            actor=head.actor,
            people=tuple(_left(row) for row in reversed(before) if row.action == PERSON),
            steps={
                Step(json.loads(details)["step"]): Ticked(at=_moment(at), actor=actor)
                for at, actor, details in reversed(ticked)
            },
        )

    def tick(self, number: int, step: Step, *, actor: str) -> None:
        """Write that a step is done; the first time counts."""
        with self._store.write() as connection:
            known = rows.audit_of(connection, STEP, _subject(number))
            if all(json.loads(details)["step"] != step for _, _, details in known):
                self._record_each(connection, actor, STEP, [(_subject(number), {"step": step.value})])


def _opens(link: rows.AddressLink, now: float) -> bool:
    return not link.revoked and link.expires_at > now


def _subject(number: int) -> str:
    return f"leavers {number}"


def _told(one: Leaver) -> dict[str, str]:
    return {"links": str(one.links), "checks": str(one.checks), "rows": str(one.rows)}


def _left(row: audit.AuditRow) -> Left:
    told = json.loads(row.details)
    return Left(address=row.subject, links=int(told["links"]), checks=int(told["checks"]), rows=int(told["rows"]))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
