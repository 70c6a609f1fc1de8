"""Rows of admins, their set-up links and recovery codes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from webapp.store.engine import lock
from webapp.store.tables import admin_recovery_codes, admin_setups, admins

_ADMINS_LOCK = 0x4164_6D69


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminRow:
    """One admin. `password_hash` is absent until the set-up link is used."""

    id: int
    name: str
    role: str
    password_hash: str | None
    totp_sealed: bytes | None
    totp_step: int
    created_at: float
    seen_at: float | None
    disabled_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupRow:
    """One set-up link; without `admin_id` it is the first owner's."""

    admin_id: int | None
    expires_at: float
    claimed_at: float | None


def begin(connection: Connection) -> None:
    """Let nobody else change admins until this transaction ends: the last owner must stay."""
    lock(connection, _ADMINS_LOCK)


def add(connection: Connection, name: str, role: str, *, now: float) -> int:
    """Add an admin without password and return its number."""
    made = insert(admins).values(name=name, role=role, totp_step=0, created_at=now).returning(admins.c.id)
    return int(connection.execute(made).scalar_one())


def by_name(connection: Connection, name: str) -> AdminRow | None:
    """The admin of this name."""
    if "\0" in name:
        return None  # PostgreSQL takes no such text
    return _one(connection.execute(select(admins).where(admins.c.name == name)).mappings().first())


def by_id(connection: Connection, admin_id: int) -> AdminRow | None:
    """The admin of this number."""
    return _one(connection.execute(select(admins).where(admins.c.id == admin_id)).mappings().first())


def hold(connection: Connection, admin_id: int) -> AdminRow | None:
    """The admin of this id, whom nobody disables, resets or gives another role until the transaction ends.

    PostgreSQL shows a statement only what was committed before it: whoever ends the sessions of an admin changes
    this row first, and so waits for a session that is just beginning.
    """
    query = select(admins).where(admins.c.id == admin_id).with_for_update()
    return _one(connection.execute(query).mappings().first())


def every(connection: Connection) -> Sequence[AdminRow]:
    """Every admin, by name."""
    return [AdminRow(**row) for row in connection.execute(select(admins).order_by(admins.c.name)).mappings()]


def count_ready(connection: Connection, role: str) -> int:
    """How many of a role can log in."""
    ready = (admins.c.role == role, admins.c.disabled_at.is_(None), admins.c.password_hash.is_not(None))
    return int(connection.execute(select(func.count()).select_from(admins).where(*ready)).scalar_one())


def set_secrets(
    connection: Connection, admin_id: int, *, password_hash: str | None, totp_sealed: bytes | None
) -> None:
    """Put a password and a second factor in place, or take both away."""
    values = {"password_hash": password_hash, "totp_sealed": totp_sealed}
    connection.execute(update(admins).where(admins.c.id == admin_id).values(**values))
    connection.execute(delete(admin_recovery_codes).where(admin_recovery_codes.c.admin_id == admin_id))


def set_password_hash(connection: Connection, admin_id: int, password_hash: str, *, known: str) -> None:
    """Replace the hash of the same password by a stronger one; nothing where that was taken away meanwhile."""
    same = (admins.c.id == admin_id, admins.c.password_hash == known)
    connection.execute(update(admins).where(*same).values(password_hash=password_hash))


def set_role(connection: Connection, admin_id: int, role: str) -> None:
    """Give another role."""
    connection.execute(update(admins).where(admins.c.id == admin_id).values(role=role))


def set_disabled(connection: Connection, admin_id: int, at: float | None) -> None:
    """Disable, or enable with None."""
    connection.execute(update(admins).where(admins.c.id == admin_id).values(disabled_at=at))


def saw(connection: Connection, admin_id: int, *, now: float) -> None:
    """The admin has logged in."""
    connection.execute(update(admins).where(admins.c.id == admin_id).values(seen_at=now))


def take_step(connection: Connection, admin_id: int, step: int) -> bool:
    """Use up the code of a time step; False where it, or a later one, was used."""
    taken = update(admins).where(admins.c.id == admin_id, admins.c.totp_step < step).values(totp_step=step)
    return connection.execute(taken).rowcount == 1


def add_recovery_codes(connection: Connection, admin_id: int, hashes: Iterable[bytes]) -> None:
    """Keep the hashes of fresh recovery codes."""
    connection.execute(
        insert(admin_recovery_codes), [{"code_hash": digest, "admin_id": admin_id} for digest in hashes]
    )


def take_recovery_code(connection: Connection, admin_id: int, code_hash: bytes) -> bool:
    """Use up a recovery code; False where there is none such."""
    codes = admin_recovery_codes.c
    gone = delete(admin_recovery_codes).where(codes.code_hash == code_hash, codes.admin_id == admin_id)
    return connection.execute(gone).rowcount == 1


def count_recovery_codes(connection: Connection, admin_id: int) -> int:
    """How many recovery codes are left."""
    mine = admin_recovery_codes.c.admin_id == admin_id
    return int(connection.execute(select(func.count()).select_from(admin_recovery_codes).where(mine)).scalar_one())


def add_setup(
    connection: Connection, token_hash: bytes, admin_id: int | None, *, now: float, expires_at: float
) -> None:
    """Keep a set-up link and end the older ones for the same admin."""
    same = admin_setups.c.admin_id.is_(None) if admin_id is None else admin_setups.c.admin_id == admin_id
    connection.execute(delete(admin_setups).where(same, admin_setups.c.claimed_at.is_(None)))
    row = {"token_hash": token_hash, "admin_id": admin_id, "created_at": now, "expires_at": expires_at}
    connection.execute(insert(admin_setups).values(**row))


def end_setups(connection: Connection, admin_id: int) -> None:
    """End every set-up link of an admin."""
    connection.execute(delete(admin_setups).where(admin_setups.c.admin_id == admin_id))


def setup(connection: Connection, token_hash: bytes) -> SetupRow | None:
    """A set-up link."""
    columns = [admin_setups.c[name] for name in SetupRow.__dataclass_fields__]
    row = connection.execute(select(*columns).where(admin_setups.c.token_hash == token_hash)).mappings().first()
    return None if row is None else SetupRow(**row)


def claim_setup(connection: Connection, token_hash: bytes, *, now: float) -> bool:
    """Use a set-up link up, in one statement; False where somebody else did, or its time has ended."""
    columns = admin_setups.c
    won = (
        update(admin_setups)
        .where(columns.token_hash == token_hash, columns.claimed_at.is_(None), columns.expires_at > now)
        .values(claimed_at=now)
        .returning(columns.token_hash)
    )
    return connection.execute(won).first() is not None


def _one(row: RowMapping | None) -> AdminRow | None:
    return None if row is None else AdminRow(**row)
