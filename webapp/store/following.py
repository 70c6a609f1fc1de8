"""How far the people of a batch have come, and what an admin changes about their links.

A batch that a worker makes has rows; one that the command line made in one go has invitations alone. Both are read
as the same columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    Case,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union,
    update,
)
from sqlalchemy.engine import RowMapping

from webapp.store.batches import DELETING
from webapp.store.chunks import chunks
from webapp.store.links import revoke_groups
from webapp.store.tables import audit_rows, batch_rows, batches, checks, invitations

_MARKS = ("opened_at", "validated_at", "issued_at", "fetched_at", "confirmed_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """One person of a batch; what stands of the invitation is absent where none was made."""

    row: int
    stage: str
    state: str
    address: str
    full_name: str
    department: str
    employee_number: str
    problems: str | None
    mail_state: str | None
    mail_problems: str | None
    tried: bool
    done_at: float | None
    invitation_id: bytes | None
    mode: str | None
    number: int | None
    generation: int | None
    created_at: float | None
    expires_at: float | None
    revoked: bool | None
    pin_attempts: int | None
    is_sealed: bool
    opened_at: float | None
    validated_at: float | None
    issued_at: float | None
    fetched_at: float | None
    confirmed_at: float | None
    lost_at: float | None
    mailed_at: float | None
    reminded_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCount:
    """How many stand at one stage, and how many of them have ever come to each mark."""

    stage: str
    people: int
    invited: int
    opened: int
    validated: int
    issued: int
    fetched: int
    confirmed: int
    mail_failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRow:
    """What is needed of an invitation to change its link."""

    id: bytes
    batch_id: int
    number: int
    address: str
    mode: str
    generation: int
    token_hash: bytes
    revoked: bool
    expires_at: float
    sealed: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressLink:
    """An invitation of an address."""

    address_key: str
    id: bytes
    batch_id: int
    revoked: bool
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """A link that takes the place of an older one."""

    id: bytes
    generation: int
    token_hash: bytes
    expires_at: float
    revoked: bool = False
    sealed: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which people of a batch: these rows, or everybody whom stages, mail and search leave over."""

    rows: tuple[int, ...] | None = None
    stages: tuple[str, ...] = ()
    mail_states: tuple[str, ...] = ()
    words: str = ""
    """What address, name, department or number must hold, in lower case."""


class People:
    """The people of one batch at one moment."""

    def __init__(self, connection: Connection, batch_id: int, *, now: float, most_pins: int) -> None:
        self._connection = connection
        has_rows = select(exists().where(batch_rows.c.batch_id == batch_id))
        both = batch_rows.outerjoin(invitations, invitations.c.id == batch_rows.c.invitation_id)
        if connection.execute(has_rows).scalar_one():
            columns = _columns_of_rows()
            people = select(*columns).select_from(both).where(batch_rows.c.batch_id == batch_id)
        else:
            people = select(*_columns_of_invitations()).where(invitations.c.batch_id == batch_id)
        inner = people.subquery("people")
        stage = _stage(inner, now=now, most_pins=most_pins).label("stage")
        self._people = select(inner, stage).subquery("staged")
        self._able = _able(self._people, now=now)

    def page(self, wanted: Wanted, *, after: int, most: int) -> Sequence[PersonRow]:
        """So many of them behind a row, in the order of the list."""
        query = self._select(wanted).where(self._people.c.row > after).order_by(self._people.c.row).limit(most)
        return [_person(row) for row in self._connection.execute(query).mappings()]

    def one(self, row: int) -> PersonRow | None:
        """One of them."""
        found = self._connection.execute(self._select(Wanted(rows=(row,)))).mappings().first()
        return None if found is None else _person(found)

    def counts(self) -> Sequence[StageCount]:
        """How many stand where, all of it in one statement."""
        people = self._people.c
        reached: list[ColumnElement[bool]] = [people.invitation_id.isnot(None)]
        # Whoever came further has been at every mark before, even where one was never noted.
        reached += [or_(*(people[later].isnot(None) for later in _MARKS[n:])) for n in range(len(_MARKS))]
        names = ("invited", "opened", "validated", "issued", "fetched", "confirmed")
        sums = [func.sum(case((mark, 1), else_=0)).label(name) for name, mark in zip(names, reached, strict=True)]
        failed = people.mail_state.in_(("failed", "unsure"))
        sums.append(func.sum(case((failed, 1), else_=0)).label("mail_failed"))
        query = select(people.stage, func.count().label("people"), *sums).group_by(people.stage)
        return [StageCount(**row) for row in self._connection.execute(query).mappings()]

    def count(self, wanted: Wanted, *, able: str | None = None) -> int:
        """How many are wanted; with `able` those of them for whom that action would change something."""
        found = self._select(wanted, able).subquery()
        return int(self._connection.execute(select(func.count()).select_from(found)).scalar_one())

    def rows(self, wanted: Wanted, *, able: str) -> Sequence[int]:
        """The rows that an action would change, in order."""
        found = self._select(wanted, able).subquery()
        return self._connection.execute(select(found.c.row).order_by(found.c.row)).scalars().all()

    def invitation_ids(self, wanted: Wanted, *, able: str) -> Sequence[bytes]:
        """Whose links an action would change, in the order of the list."""
        found = self._select(wanted, able).subquery()
        query = select(found.c.invitation_id).where(found.c.invitation_id.isnot(None)).order_by(found.c.row)
        return list(dict.fromkeys(self._connection.execute(query).scalars()))

    def _select(self, wanted: Wanted, able: str | None = None) -> Select[tuple[object, ...]]:
        people = self._people.c
        conditions: list[ColumnElement[bool]] = [true() if able is None else self._able[able]]
        if wanted.rows is not None:
            conditions.append(people.row.in_(wanted.rows))
        if wanted.stages:
            conditions.append(people.stage.in_(wanted.stages))
        if wanted.mail_states:
            conditions.append(people.mail_state.in_(wanted.mail_states))
        if wanted.words:
            conditions.append(_holds(self._people, wanted.words))
        return select(self._people).where(and_(*conditions))


def batch_exists(connection: Connection, batch_id: int) -> bool:
    """Whether there is such a batch, and it is not on its way out."""
    known = exists().where(batches.c.id == batch_id, batches.c.state != DELETING)
    return bool(connection.execute(select(known)).scalar_one())


def links(connection: Connection, invitation_ids: Sequence[bytes]) -> list[LinkRow]:
    """The links of these invitations, locked against everybody else's change until the transaction ends."""
    columns = [invitations.c[name] for name in LinkRow.__dataclass_fields__]
    found: dict[bytes, LinkRow] = {}
    for ids in chunks(invitation_ids):
        query = select(*columns).where(invitations.c.id.in_(ids)).order_by(invitations.c.id).with_for_update()
        found |= {row["id"]: LinkRow(**row) for row in connection.execute(query).mappings()}
    return [found[one] for one in invitation_ids if one in found]


def renew(connection: Connection, renewals: Sequence[Renewal], *, at: float) -> None:
    """Write new links. Whatever was noted of the old ones begins anew."""
    values = [
        {
            "which": new.id,
            "next": new.generation,
            "hash": new.token_hash,
            "secret": new.sealed,
            "ends": new.expires_at,
            "ended": new.revoked,
        }
        for new in renewals
    ]
    if not values:
        return
    statement = (
        update(invitations)
        .where(invitations.c.id == bindparam("which"))
        .values(
            generation=bindparam("next"),
            token_hash=bindparam("hash"),
            sealed=bindparam("secret"),
            expires_at=bindparam("ends"),
            revoked=bindparam("ended"),
            pin_attempts=0,
            created_at=at,
            mailed_at=None,
            reminded_at=None,
            lost_at=None,
            **dict.fromkeys(_MARKS),
        )
    )
    connection.execute(statement, values)


def extend(connection: Connection, invitation_ids: Sequence[bytes], *, expires_at: float) -> int:
    """Let links open longer, none of them shorter; return how many."""
    changed = 0
    for ids in chunks(invitation_ids):
        statement = update(invitations).where(
            invitations.c.id.in_(ids), invitations.c.revoked.is_(False), invitations.c.expires_at < expires_at
        )
        changed += connection.execute(statement.values(expires_at=expires_at)).rowcount
    return changed


def revoke(connection: Connection, invitation_ids: Sequence[bytes]) -> None:
    """End links and forget what is sealed with them."""
    for ids in chunks(invitation_ids):
        connection.execute(update(invitations).where(invitations.c.id.in_(ids)).values(revoked=True, sealed=None))


def last_outcomes(connection: Connection, invitation_ids: Sequence[bytes]) -> dict[bytes, str]:
    """What the newest finished check of each of these people found, as text."""
    newest = (
        select(checks.c.invitation_id, func.max(checks.c.started_at).label("at"))
        .where(checks.c.invitation_id.in_(invitation_ids), checks.c.outcome.isnot(None))
        .group_by(checks.c.invitation_id)
        .subquery()
    )
    query = select(checks.c.invitation_id, checks.c.outcome).join(
        newest, and_(checks.c.invitation_id == newest.c.invitation_id, checks.c.started_at == newest.c.at)
    )
    return {row.invitation_id: row.outcome for row in connection.execute(query)}


def links_of(connection: Connection, address_keys: Sequence[str]) -> list[AddressLink]:
    """Every invitation of these addresses."""
    columns = [invitations.c[name] for name in AddressLink.__dataclass_fields__]
    return [
        AddressLink(**row)
        for keys in chunks(address_keys)
        for row in connection.execute(select(*columns).where(invitations.c.address_key.in_(keys))).mappings()
    ]


def places_of(connection: Connection, address_key: str) -> list[tuple[int, int]]:
    """Batch and row of every invitation of an address, newest batch first; the lists that found it again too."""
    own = select(invitations.c.batch_id, invitations.c.row).where(invitations.c.address_key == address_key)
    ids = select(invitations.c.id).where(invitations.c.address_key == address_key).scalar_subquery()
    again = select(batch_rows.c.batch_id, batch_rows.c.row).where(batch_rows.c.invitation_id.in_(ids))
    found = {(row[0], row[1]) for row in connection.execute(union(own, again))}
    return sorted(found, reverse=True)


def living_checks(connection: Connection, address_keys: Sequence[str], *, now: float) -> dict[str, int]:
    """How many checks of each of these addresses still show a page, whoever began them."""
    found: dict[str, int] = {}
    for keys in chunks(address_keys):
        query = select(checks.c.address_key, func.count()).where(
            checks.c.address_key.in_(keys), checks.c.expires_at > now
        )
        found |= {row[0]: row[1] for row in connection.execute(query.group_by(checks.c.address_key))}
    return found


def end_checks(connection: Connection, address_keys: Sequence[str], *, now: float) -> None:
    """End every check of these addresses with all that came of it."""
    for keys in chunks(address_keys):
        theirs = checks.c.address_key.in_(keys)
        revoke_groups(connection, select(checks.c.token_hash).where(theirs))
        connection.execute(update(checks).where(theirs, checks.c.expires_at > now).values(expires_at=now))


def open_rows(connection: Connection, address_keys: Sequence[str]) -> dict[str, int]:
    """How many rows of each of these addresses a worker would still make something of."""
    found: dict[str, int] = {}
    for keys in chunks(address_keys):
        query = select(batch_rows.c.address_key, func.count()).where(_open_rows_of(keys))
        found |= {row[0]: row[1] for row in connection.execute(query.group_by(batch_rows.c.address_key))}
    return found


def withdraw_rows(connection: Connection, address_keys: Sequence[str], *, at: float) -> None:
    """Let nothing more be made or mailed for these addresses."""
    for keys in chunks(address_keys):
        cancelled = {"state": "cancelled", "lease": None, "lease_until": None, "sealed": None, "done_at": at}
        connection.execute(update(batch_rows).where(_open_rows_of(keys)).values(cancelled))
        waiting = and_(_of_addresses(keys), batch_rows.c.mail_state == "waiting")
        connection.execute(update(batch_rows).where(waiting).values(mail_state=None))


def _open_rows_of(address_keys: Sequence[str]) -> ColumnElement[bool]:
    return and_(_of_addresses(address_keys), batch_rows.c.state.in_(("waiting", "working")))


def _of_addresses(address_keys: Sequence[str]) -> ColumnElement[bool]:
    """Rows of these addresses. By way of the batches, because the indexes of the states begin with them."""
    return and_(batch_rows.c.batch_id.in_(select(batches.c.id)), batch_rows.c.address_key.in_(address_keys))


def audit_of(connection: Connection, action: str, subject: str) -> list[tuple[float, str, str]]:
    """When and by whom this was done to this subject, with its details; oldest first."""
    query = (
        select(audit_rows.c.at, audit_rows.c.actor, audit_rows.c.details)
        .where(audit_rows.c.action == action, audit_rows.c.subject == subject)
        .order_by(audit_rows.c.number)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def _columns_of_rows() -> list[ColumnElement[Any]]:
    """A row of the list, with its invitation where it has one."""
    own = (
        "row", "state", "address_key", "address", "full_name", "department", "employee_number", "problems",
        "mail_state", "mail_problems", "tried", "done_at", "invitation_id",
    )  # fmt: skip
    return [*(batch_rows.c[name] for name in own), *_columns_of_links(invitations.c.id)]


def _columns_of_invitations() -> list[ColumnElement[Any]]:
    """An invitation whose row was never kept, in the same columns."""
    return [
        invitations.c.row,
        literal("made").label("state"),
        invitations.c.address_key,
        invitations.c.address,
        invitations.c.full_name,
        invitations.c.department,
        literal("").label("employee_number"),
        cast(null(), String).label("problems"),
        cast(null(), String).label("mail_state"),
        cast(null(), String).label("mail_problems"),
        invitations.c.tried,
        invitations.c.created_at.label("done_at"),
        invitations.c.id.label("invitation_id"),
        *_columns_of_links(invitations.c.id),
    ]


def _columns_of_links(found: ColumnElement[bytes]) -> list[ColumnElement[Any]]:
    names = (
        "mode", "number", "generation", "created_at", "expires_at", "revoked", "pin_attempts", *_MARKS, "lost_at",
        "mailed_at", "reminded_at",
    )  # fmt: skip
    known = cast(case((found.isnot(None), 1), else_=0), Integer).label("is_known")
    sealed = func.coalesce(func.length(invitations.c.sealed), 0).label("sealed_bytes")
    return [*(invitations.c[name] for name in names), known, sealed]


def _stage(people: FromClause, *, now: float, most_pins: int) -> Case[str]:
    """One word for where a person stands: the first that is true. The words are those of following.Stage."""
    c = people.c
    return case(
        (c.state.in_(("waiting", "working")), "waiting"),
        (c.state.in_(("failed", "bad")), "failed"),
        (c.state == "cancelled", "cancelled"),
        (c.lost_at.isnot(None), "lost"),
        # An invitation that is gone went with the batch that it first came from.
        (or_(c.is_known == 0, c.revoked.is_(True)), "revoked"),
        (c.confirmed_at.isnot(None), "confirmed"),
        (c.fetched_at.isnot(None), "fetched"),
        (c.pin_attempts >= most_pins, "locked"),
        (c.expires_at <= now, "expired"),
        (c.issued_at.isnot(None), "issued"),
        (c.validated_at.isnot(None), "validated"),
        (c.opened_at.isnot(None), "opened"),
        (c.mailed_at.isnot(None), "mailed"),
        else_="invited",
    )


def _able(people: FromClause, *, now: float) -> dict[str, ColumnElement[bool]]:
    """For whom an action changes something. The words are those of following.Action."""
    c = people.c
    # Without its sealed password a ready-made link has nothing to give.
    whole = and_(c.is_known == 1, or_(c.mode != "ready-made", c.sealed_bytes > 0))
    stands = and_(c.is_known == 1, c.revoked.is_(False))
    opens = and_(stands, c.expires_at > now)
    idle = or_(c.mail_state.is_(None), c.mail_state.notin_(("waiting", "sending")))
    return {
        "reissue": whole,
        "extend": and_(whole, stands),
        "revoke": stands,
        # As webapp/store/batch_mails.py chooses them.
        "remind": and_(opens, idle, c.state == "made", *(c[mark].is_(None) for mark in _MARKS[1:])),
        "resend": and_(opens, idle, c.state == "made"),
        "reprint": opens,
    }


def _holds(people: FromClause, words: str) -> ColumnElement[bool]:
    """Whether one of the columns that people search by holds these words."""

    def like(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
        return func.lower(column).contains(text, autoescape=True)

    # A name is typed with a blank, without one, or with a wide one.
    c = people.c
    name = func.replace(func.replace(c.full_name, " ", ""), "\u3000", "")
    found = [
        like(c.address, words),
        like(name, "".join(words.split())),
        like(c.department, words),
        like(c.employee_number, words),
    ]
    digits = words.replace("-", "")
    if digits.isascii() and digits.isdecimal() and len(digits) < 18:
        found.append(c.number == int(digits))
    return or_(*found)


def _person(row: RowMapping) -> PersonRow:
    left_out = {"address_key", "is_known", "sealed_bytes"}
    values = {name: value for name, value in row.items() if name not in left_out}
    return PersonRow(**values, is_sealed=bool(row["sealed_bytes"]))
