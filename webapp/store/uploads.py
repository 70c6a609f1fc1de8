"""Rows of uploaded lists: sealed pieces, found by the hash of a token that only the link holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update

from webapp.store.chunks import chunks
from webapp.store.engine import lock
from webapp.store.tables import invitations, upload_pieces, uploads

_REPEATS_LOCK = 0x5265_7065


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRow:
    """One upload."""

    token_hash: bytes
    actor: str
    name: str
    size: int
    choices: str
    batch_id: int | None
    created_at: float
    expires_at: float


def add(connection: Connection, row: UploadRow, pieces: Iterable[bytes]) -> None:
    """Write an upload with its pieces, in their order."""
    values = {name: getattr(row, name) for name in UploadRow.__dataclass_fields__}
    connection.execute(insert(uploads).values(values))
    for number, sealed in enumerate(pieces):
        values = {"upload_hash": row.token_hash, "number": number, "sealed": sealed}
        connection.execute(insert(upload_pieces).values(values))


def find(connection: Connection, token_hash: bytes, *, now: float) -> UploadRow | None:
    """An upload that has not ended."""
    columns = [uploads.c[name] for name in UploadRow.__dataclass_fields__]
    query = select(*columns).where(uploads.c.token_hash == token_hash, uploads.c.expires_at > now)
    row = connection.execute(query).mappings().first()
    return None if row is None else UploadRow(**row)


def keep_first(connection: Connection, row: UploadRow, *, now: float) -> UploadRow:
    """The upload of this hash: the one there is, else this one, which has no pieces."""
    lock(connection, _REPEATS_LOCK)
    known = find(connection, row.token_hash, now=now)
    if known is not None:
        return known
    remove(connection, row.token_hash)
    add(connection, row, ())
    return row


def pieces(connection: Connection, token_hash: bytes) -> Iterator[bytes]:
    """The sealed pieces, one at a time."""
    number = 0
    while True:
        here = (upload_pieces.c.upload_hash == token_hash, upload_pieces.c.number == number)
        sealed = connection.execute(select(upload_pieces.c.sealed).where(*here)).scalar()
        if sealed is None:
            return
        yield bytes(sealed)
        number += 1


def survey(connection: Connection, token_hash: bytes) -> bytes | None:
    """What was found out about the list, sealed."""
    sealed = connection.execute(select(uploads.c.survey).where(uploads.c.token_hash == token_hash)).scalar()
    return None if sealed is None else bytes(sealed)


def keep_survey(connection: Connection, token_hash: bytes, sealed: bytes) -> None:
    """Keep what was found out about the list, sealed."""
    connection.execute(update(uploads).where(uploads.c.token_hash == token_hash).values(survey=sealed))


def choose(connection: Connection, token_hash: bytes, choices: str) -> None:
    """Keep what was chosen."""
    connection.execute(update(uploads).where(uploads.c.token_hash == token_hash).values(choices=choices))


def remove(connection: Connection, token_hash: bytes) -> None:
    """Forget an upload."""
    connection.execute(delete(uploads).where(uploads.c.token_hash == token_hash))


def purge(connection: Connection, *, now: float) -> int:
    """Forget what has ended; return how many that were."""
    return connection.execute(delete(uploads).where(uploads.c.expires_at <= now)).rowcount


def count_invited(connection: Connection, address_keys: Sequence[str], *, mode: str, now: float) -> int:
    """How many of these addresses have an invitation of this mode that still opens."""
    total = 0
    for keys in chunks(address_keys):
        query = select(func.count(invitations.c.address_key.distinct())).where(
            invitations.c.address_key.in_(keys),
            invitations.c.mode == mode,
            invitations.c.revoked.is_(False),
            invitations.c.expires_at > now,
        )
        total += connection.execute(query).scalar() or 0
    return total
