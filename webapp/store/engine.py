"""The way to the database: SQLite made safe for several writers, PostgreSQL as it is, errors as Problems."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from profiles.problems import Code, Problem, ProblemError

BUSY_SECONDS = 10
"""How long a writer waits for another one; beyond it the answer is a clean DATABASE_UNAVAILABLE."""
CONNECT_SECONDS = 3
_WRITES = "hagaki_writes"


class Store:
    """One database. `read` and `write` are the only ways in; each is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        # SQLite lets waiting writers sleep and try again; in one process they can simply queue.
        self._turn = Lock() if engine.dialect.name == "sqlite" else None

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view; on SQLite it neither waits for a writer nor holds one up."""
        with _as_problem(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may write, durably committed at the end, undone by an exception."""
        with _as_problem(), self._take_turn(), self.engine.connect() as connection:
            connection = connection.execution_options(**{_WRITES: True})
            with connection.begin():
                yield connection

    def ping(self) -> None:
        """Raise DATABASE_UNAVAILABLE unless the database answers."""
        with self.read() as connection:
            connection.execute(text("SELECT 1"))

    @contextmanager
    def _take_turn(self) -> Iterator[None]:
        if self._turn is None:
            yield
            return
        if not self._turn.acquire(timeout=BUSY_SECONDS):
            raise unavailable(TimeoutError("database is locked"))
        try:
            yield
        finally:
            self._turn.release()

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def open_engine(database_url: str) -> Engine:
    """Make the engine; raises ProblemError for a URL that no database understands."""
    try:
        url = make_url(database_url)
        return _sqlite_engine(url) if url.get_backend_name() == "sqlite" else _postgresql_engine(url)
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError, OSError) as error:
        raise unavailable(error) from None


def lock(connection: Connection, number: int) -> None:
    """Keep other writers out until the transaction ends. SQLite has one writer at a time anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def unavailable(error: BaseException) -> ProblemError:
    """Say that the database cannot be used, and why, without statements, values and URLs."""
    reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    return ProblemError(Problem(Code.DATABASE_UNAVAILABLE, {"reason": reason}, place="HAGAKI_DATABASE_URL"))


@contextmanager
def _as_problem() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise  # a bug of ours, or a race that the caller knows how to answer
    except (DBAPIError, SQLAlchemyError, sqlite3.Error) as error:
        if isinstance(error, DBAPIError | sqlite3.Error) or "QueuePool" in str(error):
            raise unavailable(error) from None
        raise


def _sqlite_engine(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made by us before SQLite does, so that the rows are never readable for others, not even for a moment.
        with suppress(FileExistsError):
            Path(url.database).touch(mode=0o600, exist_ok=False)
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=8,
        max_overflow=120,
        connect_args={"timeout": BUSY_SECONDS, "isolation_level": None},
    )
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def _set_pragmas(connection: sqlite3.Connection, _record: Any) -> None:
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A deferred transaction that reads and then writes fails at once when another one wrote in between, whatever
    # the busy timeout says. IMMEDIATE takes its place in the queue before it reads.
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql_engine(url: URL) -> Engine:
    return create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=4,
        max_overflow=12,
        pool_timeout=BUSY_SECONDS,
        # READ COMMITTED re-evaluates an UPDATE's WHERE after waiting for the row: claims rely on it.
        isolation_level="READ COMMITTED",
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "options": f"-c lock_timeout={BUSY_SECONDS}s -c timezone=UTC",
        },
    )
