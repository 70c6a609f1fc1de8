"""The queue between the pages and the workers. It carries ids of batches and nothing else.

Huey keeps it: in a file of the data folder, or in Redis or PostgreSQL where there are several machines. The rows
in the database are the truth; the queue may lose a message, or hand it out twice, and no harm is done.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from huey import Huey
from huey.serializer import SignedSerializer

from profiles.problems import Code, Problem, ProblemError
from webapp.config import Config

QUEUE_FILE = "queue.sqlite"
_NAME = "hagaki"
_DAMAGED = ("malformed", "not a database")
"""What SQLite says of a file that it cannot use."""
_CONNECT_SECONDS = 3
_ANSWER_SECONDS = 5


@dataclass(slots=True, kw_only=True)
class Queue:
    """One queue; nothing is opened before it is used, so never across a fork."""

    url: str | None = field(repr=False)
    """redis://, rediss:// or postgresql://; None for the file."""
    folder: Path
    key: bytes = field(repr=False)
    """Signs the messages: only who knows it can make a worker take one for real."""
    _opened: tuple[Huey, Any] | None = field(default=None, repr=False)
    _opening: Lock = field(default_factory=Lock, repr=False)

    @property
    def is_embedded(self) -> bool:
        """Whether it is the file, which serves one machine."""
        return self.url is None

    def enqueue(self, batch_id: int, times: int = 1) -> None:
        """Ask workers to go on with a batch, so many of them at once; raises QUEUE_UNAVAILABLE."""
        with self._use() as (_, task):
            for _ in range(times):
                task(batch_id)

    def next(self) -> int | None:
        """The next batch that somebody asked for; None where nobody did. Redis and PostgreSQL wait a second."""
        with self._use() as (huey, _):
            task = huey.dequeue()
            return None if task is None else int(task.args[0])

    def ping(self) -> None:
        """Raise QUEUE_UNAVAILABLE unless the queue answers."""
        with self._use() as (huey, _):
            huey.pending_count()

    def close(self) -> None:
        """Close every connection."""
        opened, self._opened = self._opened, None
        if opened is not None:
            with suppress(Exception):
                opened[0].storage.close()

    @contextmanager
    def _use(self) -> Iterator[tuple[Huey, Any]]:
        try:
            yield self._open()
        except ProblemError:
            raise
        except Exception as error:  # noqa: BLE001  each kind of queue has its own kinds of errors
            raise unavailable(error) from None

    def _open(self) -> tuple[Huey, Any]:
        with self._opening:
            if self._opened is None:
                huey = self._huey()
                self._opened = huey, huey.task(name="make_batch")(_make_batch)
            return self._opened

    def _huey(self) -> Huey:
        secret = hashlib.sha256(b"hagaki queue " + self.key).hexdigest()
        common = {"name": _NAME, "results": False, "serializer": SignedSerializer(secret=secret)}
        if self.url is None:
            return _file(self.folder, common)
        return _postgresql(self.url, common) if self.url.startswith("postgresql") else _redis(self.url, common)


def open_queue(config: Config) -> Queue:
    """The queue that this host has chosen."""
    return Queue(url=config.queue_url, folder=config.data, key=config.secret_key)


def unavailable(error: BaseException) -> ProblemError:
    """Say that the queue cannot be used, and why."""
    reason = str(error).strip().partition("\n")[0] or type(error).__name__
    return ProblemError(Problem(Code.QUEUE_UNAVAILABLE, {"reason": reason}, place="HAGAKI_QUEUE_URL"))


def _make_batch(batch_id: int) -> None:
    """What a message names; workers read its argument and do the work themselves."""
    del batch_id


def _file(folder: Path, common: dict[str, Any]) -> Huey:
    from huey import SqliteHuey

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / QUEUE_FILE
    path.touch(mode=0o600, exist_ok=True)
    try:
        return SqliteHuey(filename=str(path), cache_mb=1, **common)
    except Exception as error:
        if not any(words in str(error) for words in _DAMAGED):
            raise
    # Nothing in it is dear: what it asked for, the sweep finds.
    for damaged in folder.glob(f"{QUEUE_FILE}*"):
        damaged.unlink(missing_ok=True)
    path.touch(mode=0o600)
    return SqliteHuey(filename=str(path), cache_mb=1, **common)


def _redis(url: str, common: dict[str, Any]) -> Huey:
    from huey import RedisHuey
    from redis import ConnectionPool
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    pool = ConnectionPool.from_url(
        url,
        socket_connect_timeout=_CONNECT_SECONDS,
        socket_timeout=_ANSWER_SECONDS,
        # A connection that idled too long is made anew once; a page does not wait for more.
        retry=Retry(NoBackoff(), 1),
    )
    return RedisHuey(connection_pool=pool, **common)


def _postgresql(url: str, common: dict[str, Any]) -> Huey:
    from huey import PostgresHuey

    return PostgresHuey(dsn=url, connect_timeout=_CONNECT_SECONDS, **common)
