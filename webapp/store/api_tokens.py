"""Rows of API tokens; the tokens themselves stand here as hashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from webapp.store.tables import admins, api_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """One token; `owner` is absent for one made on the command line, `scopes` are words between blanks."""

    name: str
    owner: str | None
    role: str | None
    scopes: str
    created_at: float
    expires_at: float | None
    used_at: float | None


_OWN = ("name", "scopes", "created_at", "expires_at", "used_at")
_QUERY = select(
    *(api_tokens.c[name] for name in _OWN), admins.c.name.label("owner"), admins.c.role.label("role")
).join_from(api_tokens, admins, isouter=True)


def add(
    connection: Connection,
    token_hash: bytes,
    name: str,
    *,
    admin_id: int | None,
    scopes: str,
    now: float,
    expires_at: float | None,
) -> None:
    """Keep a token."""
    row = {"token_hash": token_hash, "name": name, "admin_id": admin_id, "scopes": scopes}
    connection.execute(insert(api_tokens).values(**row, created_at=now, expires_at=expires_at))


def get(connection: Connection, token_hash: bytes) -> TokenRow | None:
    """The token of this hash, unless its admin is disabled."""
    mine = (api_tokens.c.token_hash == token_hash, admins.c.disabled_at.is_(None))
    row = connection.execute(_QUERY.where(*mine)).mappings().first()
    return None if row is None else TokenRow(**row)


def by_name(connection: Connection, name: str) -> TokenRow | None:
    """The token of this name."""
    row = connection.execute(_QUERY.where(api_tokens.c.name == name)).mappings().first()
    return None if row is None else TokenRow(**row)


def every(connection: Connection) -> Sequence[TokenRow]:
    """Every token, by name."""
    return [TokenRow(**row) for row in connection.execute(_QUERY.order_by(api_tokens.c.name)).mappings()]


def used(connection: Connection, token_hash: bytes, *, now: float) -> None:
    """The token was used."""
    connection.execute(update(api_tokens).where(api_tokens.c.token_hash == token_hash).values(used_at=now))


def remove(connection: Connection, name: str) -> bool:
    """Forget a token; False where there is none."""
    return connection.execute(delete(api_tokens).where(api_tokens.c.name == name)).rowcount == 1


def remove_all(connection: Connection, admin_id: int) -> None:
    """Forget every token of an admin."""
    connection.execute(delete(api_tokens).where(api_tokens.c.admin_id == admin_id))
