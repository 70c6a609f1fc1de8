"""Rows of batches and invitations. A link is here as its hash only; passwords of a list never come here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from webapp.store.engine import lock
from webapp.store.tables import batches, counters, invitations

_INVITING_LOCK = 0x496E_7669
_COUNTER = "cards"
_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationRow:
    """One invitation as it is known of a person."""

    id: bytes
    batch_id: int
    row: int
    number: int
    address_key: str
    address: str
    full_name: str
    department: str
    username: str | None
    generation: int
    token_hash: bytes
    created_at: float
    expires_at: float
    revoked: bool
    notify: str | None = None


def add_batch(connection: Connection, *, name: str, mode: str, state: str, total: int, at: float) -> int:
    """Begin a batch and return its id."""
    values = {"name": name, "mode": mode, "state": state, "total": total, "made": 0, "created_at": at}
    return int(connection.execute(insert(batches).values(values).returning(batches.c.id)).scalar_one())


def end_batch(connection: Connection, batch_id: int, *, state: str, made: int, at: float) -> None:
    """Write how a batch ended."""
    values = {"state": state, "made": made, "finished_at": at}
    connection.execute(update(batches).where(batches.c.id == batch_id).values(values))


def begin_inviting(connection: Connection) -> None:
    """Let nobody else invite until this transaction ends: looking and adding are one step."""
    lock(connection, _INVITING_LOCK)


def living(connection: Connection, address_keys: Sequence[str], *, now: float) -> list[InvitationRow]:
    """The invitations of these addresses that still open."""
    columns = [invitations.c[name] for name in InvitationRow.__dataclass_fields__]
    found: list[InvitationRow] = []
    for start in range(0, len(address_keys), _CHUNK):
        query = select(*columns).where(
            invitations.c.address_key.in_(address_keys[start : start + _CHUNK]),
            invitations.c.revoked.is_(False),
            invitations.c.expires_at > now,
        )
        found += [InvitationRow(**row) for row in connection.execute(query).mappings()]
    return found


def by_token(connection: Connection, token_hash: bytes) -> InvitationRow | None:
    """The invitation behind a link, whatever became of it."""
    columns = [invitations.c[name] for name in InvitationRow.__dataclass_fields__]
    query = select(*columns).where(invitations.c.token_hash == token_hash)
    row = connection.execute(query).mappings().first()
    return None if row is None else InvitationRow(**row)


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
    """Write what a list says anew about an invited person, or the hash of a new link."""
    values = {
        "full_name": row.full_name,
        "department": row.department,
        "username": row.username,
        "generation": row.generation,
        "token_hash": row.token_hash,
        "notify": row.notify,
    }
    connection.execute(update(invitations).where(invitations.c.id == row.id).values(values))
