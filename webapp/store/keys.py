"""Which keys the server of a database has, as numbers that tell keys apart and give none away.

Machines that share a database must have the same keys: links made under another key cannot be printed again by the
others, nor is a row of the audit log that was written under another one believed.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, insert, select

from profiles.problems import Code, Problem, ProblemError
from webapp.store.engine import Store, lock
from webapp.store.tables import counters

if TYPE_CHECKING:
    from webapp.config import Config

_KEYS_LOCK = 0x4B65_7973
_SETTINGS = ("HAGAKI_LINK_KEY", "HAGAKI_SECRET_KEY")


def announce(store: Store, config: Config) -> tuple[str, ...]:
    """Keep which keys the server has; return the settings whose key was another one before."""
    marks = _marks(config)
    with store.write() as connection:
        lock(connection, _KEYS_LOCK)
        known = _known(connection)
        connection.execute(delete(counters).where(counters.c.name.in_(marks)))
        connection.execute(insert(counters), [{"name": name, "value": mark} for name, mark in marks.items()])
    return _others(known, marks)


def demand(store: Store, config: Config) -> None:
    """Raise HOST_KEY_OTHER unless our keys are those of the server, or no server ever ran."""
    with store.read() as connection:
        known = _known(connection)
    if others := _others(known, _marks(config)):
        raise ProblemError([Problem(Code.HOST_KEY_OTHER, {"setting": name}, place=name) for name in others])


def _known(connection: Connection) -> dict[str, int]:
    query = select(counters.c.name, counters.c.value).where(counters.c.name.in_(_SETTINGS))
    return {row[0]: row[1] for row in connection.execute(query)}


def _others(known: Mapping[str, int], marks: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(name for name, mark in marks.items() if known.get(name, mark) != mark)


def _marks(config: Config) -> dict[str, int]:
    # Seven bytes, because the column has a sign.
    return {
        name: int.from_bytes(hmac.digest(key, b"hagaki mark " + name.encode(), "sha256")[:7], "big")
        for name, key in zip(_SETTINGS, (config.link_key, config.secret_key), strict=True)
    }
