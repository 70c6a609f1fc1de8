"""What an invited person set up where, and what ends when a phone is lost. No secret stands in these rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, insert, select, update

from webapp.store import links as link_rows
from webapp.store.tables import checks, invitations, set_ups


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


def living(connection: Connection, address_key: str, *, now: float) -> dict[bytes, str]:
    """The invitations of a person that still open, with their modes: a list may have given two."""
    query = select(invitations.c.id, invitations.c.mode).where(
        invitations.c.address_key == address_key,
        invitations.c.revoked.is_(False),
        invitations.c.expires_at > now,
    )
    return {row.id: row.mode for row in connection.execute(query)}


def mark_lost(
    connection: Connection, invitation_ids: Collection[bytes], set_up_ids: Collection[int], *, at: float
) -> None:
    """Write that these devices are lost, and that the person said so."""
    chosen = (set_ups.c.invitation_id.in_(invitation_ids), set_ups.c.id.in_(set_up_ids))
    connection.execute(update(set_ups).where(*chosen, set_ups.c.lost_at.is_(None)).values(lost_at=at))
    connection.execute(update(invitations).where(invitations.c.id.in_(invitation_ids)).values(lost_at=at))


def end_checks(connection: Connection, address_key: str, *, at: float) -> None:
    """End every check of an address with all its links, whoever began it."""
    theirs = checks.c.address_key == address_key
    # The checks first: one that is just about to pass either sees its end, or its links are here to be revoked.
    connection.execute(update(checks).where(theirs, checks.c.expires_at > at).values(expires_at=at))
    link_rows.revoke_groups(connection, select(checks.c.token_hash).where(theirs))


def revoke(connection: Connection, invitation_ids: Collection[bytes]) -> None:
    """End these links themselves."""
    connection.execute(update(invitations).where(invitations.c.id.in_(invitation_ids)).values(revoked=True))


def _owner(connection: Connection, condition: ColumnElement[bool]) -> OwnerRow | None:
    columns = [invitations.c[name] for name in OwnerRow.__dataclass_fields__]
    row = connection.execute(select(*columns).where(condition)).mappings().first()
    return None if row is None else OwnerRow(**row)
