"""The way to the database: SQLite made safe for several writers, PostgreSQL as it is, errors as Problems."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from profiles.problems import Code, Problem, ProblemError

BUSY_SECONDS = 10
"""How long a writer waits for another one; beyond it the answer is a clean DATABASE_UNAVAILABLE."""
GAP_SECONDS, BUSY_WITHOUT_GAP = 0.01, 0.25
"""A process that writes to SQLite without a pause lets others in for so long, each time after so long."""
_POLL_SECONDS = 0.002
CONNECT_SECONDS = 3
_WRITES = "hagaki_writes"
_LOCKED = "database is locked"


class Store:
    """One database. `read` and `write` are the only ways in; each is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._turns = _Turns() if engine.dialect.name == "sqlite" else None

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
        turn = nullcontext() if self._turns is None else self._turns.take()
        with _as_problem(), turn, self.engine.connect() as connection:
            connection = connection.execution_options(**{_WRITES: True})
            with connection.begin():
                yield connection

    def ping(self) -> None:
        """Raise DATABASE_UNAVAILABLE unless the database answers."""
        with self.read() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


class _Turns:
    """Whose turn it is to write to SQLite: the threads of this process one after the other, others in between.

    SQLite makes no queue of those who wait: each sleeps and tries again. So whoever writes one transaction after
    the other, as a worker does for minutes, would keep everybody else out until they give up.
    """

    def __init__(self) -> None:
        self._next, self._turn = Lock(), Lock()
        self._began = self._ended = 0.0

    @contextmanager
    def take(self) -> Iterator[None]:
        """Wait for the turn and have it; raises DATABASE_UNAVAILABLE where it does not come."""
        ends = time.monotonic() + BUSY_SECONDS
        # Held by the first who waits, it keeps whoever ends a turn from taking the next one as well.
        _acquire(self._next, ends)
        try:
            _acquire(self._turn, ends)
        finally:
            self._next.release()
        try:
            self._let_others_in()
            yield
        finally:
            self._ended = time.monotonic()
            self._turn.release()

    def _let_others_in(self) -> None:
        now = time.monotonic()
        if now - self._ended >= GAP_SECONDS:
            self._began = now
        elif now - self._began >= BUSY_WITHOUT_GAP:
            time.sleep(GAP_SECONDS)
            self._began = time.monotonic()


def _acquire(one: Lock, ends: float) -> None:
    if not one.acquire(timeout=max(0.0, ends - time.monotonic())):
        raise unavailable(TimeoutError(_LOCKED))


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
    if connection.get_execution_options().get(_WRITES):
        _begin_to_write(connection)
    else:
        connection.exec_driver_sql("BEGIN")


def _begin_to_write(connection: Connection) -> None:
    """Begin once nobody else writes. SQLite itself looks ten times a second and would miss most gaps."""
    raw: Any = connection.connection.dbapi_connection
    ends = time.monotonic() + BUSY_SECONDS
    raw.execute("PRAGMA busy_timeout=0")
    try:
        while not _has_begun(raw):
            if time.monotonic() >= ends:
                raise unavailable(TimeoutError(_LOCKED))
            time.sleep(_POLL_SECONDS)
    finally:
        raw.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")


def _has_begun(raw: Any) -> bool:
    try:
        raw.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


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
