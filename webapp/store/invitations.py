"""Rows of invitations. A link is here as its hash; a ready-made password sealed with what only the link gives.

Whoever gives something out and whoever ends it take rows in one order: invitations, checks, hand-overs,
deliveries. PostgreSQL shows a statement only what was committed before it, so an end has to wait for a gift on its
way before it looks for what was given; and with one order for all, no two wait for each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import Connection, ScalarSelect, Select, func, insert, select, update

from webapp.store import links as link_rows
from webapp.store.chunks import chunks
from webapp.store.engine import lock
from webapp.store.tables import checks, counters, invitations

_INVITING_LOCK = 0x496E_7669
_COUNTER = "cards"


class Mark(StrEnum):
    """How far an employee has come; the names of the columns. Each is set once and never taken back."""

    OPENED = "opened_at"
    VALIDATED = "validated_at"
    ISSUED = "issued_at"
    FETCHED = "fetched_at"
    CONFIRMED = "confirmed_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationRow:
    """One invitation as it is known of a person."""

    id: bytes
    batch_id: int
    row: int
    mode: str
    number: int
    address_key: str
    address: str
    full_name: str
    department: str
    username: str | None
    notify: str | None = None
    sealed: bytes | None = field(default=None, repr=False)
    pin_attempts: int = 0
    tried: bool = False
    generation: int
    token_hash: bytes
    created_at: float
    expires_at: float
    revoked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose a delivery is."""

    id: bytes
    """Of the invitation."""
    invited: str
    """Key of the address that is invited."""
    address: str
    """Key of the address that was set up: another one is not what the invitation is for."""
    options: str = "{}"
    """Of the check, as text: further accounts may stand in the same files."""


_COLUMNS = tuple(invitations.c[name] for name in InvitationRow.__dataclass_fields__)
_CHANGING = (
    "full_name",
    "department",
    "username",
    "notify",
    "sealed",
    "pin_attempts",
    "tried",
    "generation",
    "token_hash",
    "expires_at",
    "revoked",
)


def begin_inviting(connection: Connection) -> None:
    """Let nobody else invite until this transaction ends: looking and adding are one step."""
    lock(connection, _INVITING_LOCK)


def living(connection: Connection, address_keys: Sequence[str], *, mode: str, now: float) -> list[InvitationRow]:
    """The invitations of these addresses in one mode that still open, held like `hold`: who writes them anew, in
    whole, must not write over a PIN that is just tried, or over their end.
    """
    found: list[InvitationRow] = []
    for keys in chunks(address_keys):
        found += _read(
            connection,
            select(*_COLUMNS)
            .where(
                invitations.c.address_key.in_(keys),
                invitations.c.mode == mode,
                invitations.c.revoked.is_(False),
                invitations.c.expires_at > now,
            )
            .order_by(invitations.c.id)
            .with_for_update(),
        )
    return found


def by_token(connection: Connection, token_hash: bytes) -> InvitationRow | None:
    """The invitation behind a link, whatever became of it."""
    return next(iter(_read(connection, select(*_COLUMNS).where(invitations.c.token_hash == token_hash))), None)


def living_id(connection: Connection, token_hash: bytes, *, now: float) -> bytes | None:
    """Whose link this is, where it still opens; it cannot be ended before the transaction is."""
    query = select(invitations.c.id).where(
        invitations.c.token_hash == token_hash, invitations.c.revoked.is_(False), invitations.c.expires_at > now
    )
    found: bytes | None = connection.execute(query.with_for_update()).scalar()
    return found


def by_ids(connection: Connection, ids: Sequence[bytes]) -> list[InvitationRow]:
    """Several invitations, in any order, whatever became of them."""
    found: list[InvitationRow] = []
    for some in chunks(ids):
        found += _read(connection, select(*_COLUMNS).where(invitations.c.id.in_(some)))
    return found


def take_numbers(connection: Connection, count: int) -> int:
    """Reserve so many card numbers; return the first of them."""
    taken = update(counters).where(counters.c.name == _COUNTER).values(value=counters.c.value + count)
    return int(connection.execute(taken.returning(counters.c.value)).scalar_one()) - count + 1


def add(connection: Connection, rows: Iterable[InvitationRow]) -> None:
    """Write new invitations."""
    values = [{name: getattr(row, name) for name in InvitationRow.__dataclass_fields__} for row in rows]
    if values:
        connection.execute(insert(invitations), values)


def change(connection: Connection, row: InvitationRow) -> None:
    """Write what a list says anew about an invited person, a new link, or the end of one."""
    values = {name: getattr(row, name) for name in _CHANGING}
    connection.execute(update(invitations).where(invitations.c.id == row.id).values(values))


# the PIN


def count_pin(
    connection: Connection, token_hash: bytes, *, mode: str, most: int, now: float
) -> InvitationRow | None:
    """Count one try and return the row as it then is; None where none is left or the link has ended.

    One statement, so that many tries at once are counted one after the other.
    """
    counted = (
        update(invitations)
        .where(
            invitations.c.token_hash == token_hash,
            invitations.c.mode == mode,
            invitations.c.pin_attempts < most,
            invitations.c.revoked.is_(False),
            invitations.c.expires_at > now,
        )
        .values(pin_attempts=invitations.c.pin_attempts + 1)
        .returning(*_COLUMNS)
    )
    row = connection.execute(counted).mappings().first()
    return None if row is None else InvitationRow(**row)


def forget_wrong_pins(connection: Connection, invitation_id: bytes) -> None:
    """After a right PIN the wrong ones before it do not count."""
    connection.execute(update(invitations).where(invitations.c.id == invitation_id).values(pin_attempts=0))


# how far the employee has come


def mark(connection: Connection, invitation_id: bytes | ScalarSelect[bytes], *marks: Mark, now: float) -> None:
    """Note a step, each once: what was noted before stays."""
    values = {one.value: func.coalesce(invitations.c[one.value], now) for one in marks}
    connection.execute(update(invitations).where(invitations.c.id == invitation_id).values(values))


def mark_of_check(
    connection: Connection, check_hash: bytes, *marks: Mark, address_keys: Collection[str], now: float
) -> None:
    """Note a step of whoever was invited to this check; nothing for who came without an invitation.

    Nor for another address that the person sets up besides: the invitation is to one, which has to be among these.
    """
    owner = select(checks.c.invitation_id).where(
        checks.c.token_hash == check_hash,
        checks.c.invitation_id == invitations.c.id,
        invitations.c.address_key.in_(address_keys),
    )
    mark(connection, owner.scalar_subquery(), *marks, now=now)


def is_marked(connection: Connection, invitation_id: bytes, mark: Mark) -> bool:
    """Whether a person has come so far."""
    query = select(invitations.c[mark.value]).where(invitations.c.id == invitation_id)
    return connection.execute(query).scalar() is not None


def hold(connection: Connection, ids: Sequence[bytes]) -> None:
    """Let nothing be given out under these invitations until the transaction ends."""
    for some in chunks(ids):
        query = select(invitations.c.id).where(invitations.c.id.in_(some)).order_by(invitations.c.id)
        connection.execute(query.with_for_update()).all()


def hold_owner(connection: Connection, group_hash: bytes) -> Owner | None:
    """Whose the links of a group (a check, or a link itself) are, held like `hold`; None without an invitation."""
    of_check = (
        select(
            invitations.c.id,
            invitations.c.address_key.label("invited"),
            checks.c.address_key.label("address"),
            checks.c.options,
        )
        .join(checks, checks.c.invitation_id == invitations.c.id)
        .where(checks.c.token_hash == group_hash)
        .with_for_update(of=invitations)
    )
    of_link = (
        select(
            invitations.c.id,
            invitations.c.address_key.label("invited"),
            invitations.c.address_key.label("address"),
        )
        .where(invitations.c.token_hash == group_hash)
        .with_for_update()
    )
    for query in (of_check, of_link):
        row = connection.execute(query).mappings().first()
        if row is not None:
            return Owner(**row)
    return None


# the end


def end_of(connection: Connection, invitation_id: bytes, *, now: float) -> None:
    """End what an invitation led to: its checks, deliveries and hand-overs; forget its password.

    The invitation itself is then revoked, or gets a new link, by the caller in the same transaction.
    """
    end_of_all(connection, [invitation_id], now=now)


def end_of_all(connection: Connection, ids: Sequence[bytes], *, now: float) -> None:
    """The same for many at once."""
    hold(connection, ids)
    for some in chunks(ids):
        of_them = checks.c.invitation_id.in_(some)
        # The checks first: one about to pass either sees its end, or its links are here to be revoked.
        connection.execute(update(checks).where(of_them, checks.c.expires_at > now).values(expires_at=now))
        link_rows.revoke_groups(connection, select(checks.c.token_hash).where(of_them))
        link_rows.revoke_groups(connection, select(invitations.c.token_hash).where(invitations.c.id.in_(some)))
        connection.execute(update(invitations).where(invitations.c.id.in_(some)).values(sealed=None))


def forget_ended(connection: Connection, *, now: float) -> None:
    """Forget the passwords of links that no longer open."""
    ended = invitations.c.revoked.is_(True) | (invitations.c.expires_at <= now)
    connection.execute(update(invitations).where(ended, invitations.c.sealed.is_not(None)).values(sealed=None))


def _read(connection: Connection, query: Select[tuple[object, ...]]) -> list[InvitationRow]:
    return [InvitationRow(**row) for row in connection.execute(query).mappings()]
