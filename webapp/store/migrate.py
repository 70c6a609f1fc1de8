"""Brings the database to the newest form, once, however many processes start at the same time."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from profiles.problems import Code, Problem, ProblemError
from webapp.store.engine import Store, lock

HEAD = "0004"
"""The newest revision in migrations/versions. Knowing it here spares most starts the import of Alembic."""
_MIGRATION_LOCK = 0x4861_6761
SCRIPTS = Path(__file__).parent / "migrations"


def migrate(store: Store) -> None:
    """Upgrade to HEAD in one transaction that keeps every other writer out."""
    if store.is_sqlite:
        _use_wal(store)
    with store.read() as connection:
        if _revision(connection) == HEAD:
            return
    with store.write() as connection:
        lock(connection, _MIGRATION_LOCK)
        if _revision(connection) != HEAD:
            _upgrade(connection)


def _use_wal(store: Store) -> None:
    """Readers and the writer do not wait for each other in this mode. It is a property of the file."""
    with store.read() as connection:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    if mode != "wal":
        raw = store.engine.raw_connection()
        try:
            raw.cursor().execute("PRAGMA journal_mode=WAL")
        finally:
            raw.close()


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return revision


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    options = Config()
    options.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    options.attributes["connection"] = connection
    try:
        command.upgrade(options, "head")
    except CommandError as error:
        # Most likely a database that a newer Hagaki has written: going on would damage it.
        raise ProblemError(
            Problem(Code.DATABASE_UNAVAILABLE, {"reason": str(error)}, place="HAGAKI_DATABASE_URL")
        ) from None
