"""Rows of the host's domains: TOML text per entry, and who owns which domain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update

from webapp.store.chunks import chunks
from webapp.store.engine import lock
from webapp.store.tables import counters, domain_entries, domain_names

_COUNTER = "domains"
_DOMAINS_LOCK = 0x446F_6D61


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRow:
    """One entry; `toml` is None once it was removed."""

    id: str
    toml: str | None


def version(connection: Connection) -> int:
    """The number that every change raises."""
    found = connection.execute(select(counters.c.value).where(counters.c.name == _COUNTER)).scalar()
    return int(found or 0)


def changed_since(connection: Connection, known: int) -> Sequence[EntryRow]:
    """Entries added, changed or removed after version `known`, in their order of change."""
    rows = connection.execute(
        select(domain_entries.c.id, domain_entries.c.toml)
        .where(domain_entries.c.changed > known)
        .order_by(domain_entries.c.changed, domain_entries.c.id)
    )
    return [EntryRow(id=row.id, toml=row.toml) for row in rows]


def entries(connection: Connection, entry_id: str | None = None) -> Sequence[EntryRow]:
    """Every present entry by id, or the one asked for."""
    query = select(domain_entries.c.id, domain_entries.c.toml).where(domain_entries.c.toml.is_not(None))
    if entry_id is not None:
        query = query.where(domain_entries.c.id == entry_id)
    return [EntryRow(id=row.id, toml=row.toml) for row in connection.execute(query.order_by(domain_entries.c.id))]


def owners(connection: Connection, domains: Sequence[str]) -> dict[str, str]:
    """domain -> id of the entry that holds it, for those domains that are taken."""
    found: dict[str, str] = {}
    for some in chunks(domains):
        rows = connection.execute(
            select(domain_names.c.domain, domain_names.c.entry_id).where(domain_names.c.domain.in_(some))
        )
        found.update((row.domain, row.entry_id) for row in rows)
    return found


def begin_change(connection: Connection) -> int:
    """Keep other changes out until this transaction ends; return the new version."""
    lock(connection, _DOMAINS_LOCK)
    changed = update(counters).where(counters.c.name == _COUNTER).values(value=counters.c.value + 1)
    return int(connection.execute(changed.returning(counters.c.value)).scalar_one())


def release_names(connection: Connection, ids: Iterable[str]) -> None:
    """Give the domains of these entries up."""
    for entry_id in ids:
        connection.execute(delete(domain_names).where(domain_names.c.entry_id == entry_id))


def put(connection: Connection, entry_id: str, toml: str, *, version: int, at: float) -> None:
    """Write one entry, new or not."""
    values = {"toml": toml, "changed": version, "changed_at": at}
    done = connection.execute(update(domain_entries).where(domain_entries.c.id == entry_id).values(values))
    if not done.rowcount:
        connection.execute(insert(domain_entries).values(id=entry_id, **values))


def claim_names(connection: Connection, entry_id: str, domains: Iterable[str]) -> None:
    """Note the domains of an entry; each has one owner."""
    rows = [{"domain": domain, "entry_id": entry_id} for domain in domains]
    if rows:
        connection.execute(insert(domain_names), rows)


def remove(connection: Connection, entry_id: str, *, version: int, at: float) -> None:
    """Take an entry out; its row stays, so that every process learns of it."""
    release_names(connection, [entry_id])
    values = {"toml": None, "changed": version, "changed_at": at}
    connection.execute(update(domain_entries).where(domain_entries.c.id == entry_id).values(values))


def count(connection: Connection) -> int:
    """How many domains are hosted."""
    return connection.execute(select(func.count()).select_from(domain_names)).scalar_one()
