"""The database: tables, engine, migrations and queries. SQL stands nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection

from webapp.store.engine import Store, open_engine
from webapp.store.migrate import migrate

if TYPE_CHECKING:
    from webapp.config import Config

__all__ = ["Connection", "Store", "open_store"]


def open_store(config: Config) -> Store:
    """Open the database and bring it to the newest form; raises ProblemError DATABASE_UNAVAILABLE."""
    store = Store(open_engine(config.database_url))
    try:
        migrate(store)
    except BaseException:
        store.close()
        raise
    return store
