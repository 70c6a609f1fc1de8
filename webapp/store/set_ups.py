"""What an invited person set up where, and what ends when a phone is lost. No secret stands in these rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, insert, or_, select, update

from webapp.store.tables import checks, deliveries, handovers, invitations, set_ups


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUpRow:
    """One file that a person fetched."""

    id: int
    address: str
    device: str
    kind: str
    at: float
    lost_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerRow:
    """The invitation behind a link, as far as "my set-up" needs it."""

    id: bytes
    number: int
    mode: str
    address_key: str
    address: str
    full_name: str
    username: str | None
    generation: int
    token_hash: bytes
    expires_at: float
    revoked: bool
    lost_at: float | None


def note(
    connection: Connection,
    *,
    invitation_id: bytes,
    check_hash: bytes,
    address: str,
    device: str,
    kind: str,
    at: float,
) -> bool:
    """Write that a file was fetched; False where the same file of the same check is written already.

    Phones fetch one download two to five times.
    """
    same = (set_ups.c.check_hash == check_hash, set_ups.c.kind == kind, set_ups.c.device == device)
    if connection.execute(select(set_ups.c.id).where(*same).limit(1)).first() is not None:
        return False
    values = {"invitation_id": invitation_id, "check_hash": check_hash, "address": address}
    connection.execute(insert(set_ups).values(**values, device=device, kind=kind, at=at))
    return True


def of_invitation(connection: Connection, invitation_id: bytes) -> Sequence[SetUpRow]:
    """What a person set up, the newest first."""
    columns = [set_ups.c[name] for name in SetUpRow.__dataclass_fields__]
    query = select(*columns).where(set_ups.c.invitation_id == invitation_id)
    found = connection.execute(query.order_by(set_ups.c.at.desc(), set_ups.c.id.desc())).mappings()
    return [SetUpRow(**row) for row in found]


def owner(connection: Connection, token_hash: bytes) -> OwnerRow | None:
    """Whose link this is, whatever became of it."""
    return _owner(connection, invitations.c.token_hash == token_hash)


def owner_of_check(connection: Connection, check_hash: bytes) -> OwnerRow | None:
    """Whose invitation led to a check; None where nobody's did."""
    asked = select(checks.c.invitation_id).where(checks.c.token_hash == check_hash).scalar_subquery()
    return _owner(connection, invitations.c.id == asked)


def mark_lost(connection: Connection, invitation_id: bytes, set_up_ids: Collection[int], *, at: float) -> None:
    """Write that these devices are lost, and that the person said so."""
    ours = (set_ups.c.invitation_id == invitation_id, set_ups.c.id.in_(set_up_ids))
    connection.execute(update(set_ups).where(*ours, set_ups.c.lost_at.is_(None)).values(lost_at=at))
    connection.execute(update(invitations).where(invitations.c.id == invitation_id).values(lost_at=at))


def end_links(connection: Connection, person: OwnerRow, *, at: float) -> int:
    """End every check of a person, running or finished, with all its links; return how many checks there were."""
    theirs = or_(checks.c.invitation_id == person.id, checks.c.address_key == person.address_key)
    ended = update(checks).where(theirs, checks.c.expires_at > at).values(expires_at=at)
    hashes = list(connection.execute(ended.returning(checks.c.token_hash)).scalars())
    # A ready-made profile is delivered under the invitation itself.
    groups = [*hashes, person.token_hash]
    for table in (deliveries, handovers):
        connection.execute(update(table).where(table.c.group_hash.in_(groups)).values(revoked=True, sealed=b""))
    return len(hashes)


def end_ready_made(connection: Connection, invitation_id: bytes) -> None:
    """End the link to a sealed password, and forget the password."""
    ended = update(invitations).where(invitations.c.id == invitation_id)
    connection.execute(ended.values(revoked=True, sealed=None))


def _owner(connection: Connection, condition: ColumnElement[bool]) -> OwnerRow | None:
    columns = [invitations.c[name] for name in OwnerRow.__dataclass_fields__]
    row = connection.execute(select(*columns).where(condition)).mappings().first()
    return None if row is None else OwnerRow(**row)
