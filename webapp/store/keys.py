"""Which keys the server of a database has, as numbers that tell keys apart and give none away.

Machines that share a database must have the same keys: links made under another key cannot be printed again by the
others, nor is a row of the audit log that was written under another one believed.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from profiles.problems import Code, Problem, ProblemError
from webapp.store.engine import Store
from webapp.store.tables import counters

if TYPE_CHECKING:
    from webapp.config import Config


def announce(store: Store, config: Config) -> tuple[str, ...]:
    """Keep which keys the server has; return the settings whose key was another one before."""
    others = _others(store, config)
    marks = _marks(config)
    with store.write() as connection:
        connection.execute(delete(counters).where(counters.c.name.in_(marks)))
        connection.execute(insert(counters), [{"name": name, "value": mark} for name, mark in marks.items()])
    return others


def demand(store: Store, config: Config) -> None:
    """Raise HOST_KEY_OTHER unless our keys are those of the server, or no server ever ran."""
    if others := _others(store, config):
        raise ProblemError([Problem(Code.HOST_KEY_OTHER, {"setting": name}, place=name) for name in others])


def _others(store: Store, config: Config) -> tuple[str, ...]:
    marks = _marks(config)
    with store.read() as connection:
        query = select(counters.c.name, counters.c.value).where(counters.c.name.in_(marks))
        known = {row[0]: row[1] for row in connection.execute(query)}
    return tuple(name for name, mark in marks.items() if known.get(name, mark) != mark)


def _marks(config: Config) -> dict[str, int]:
    keys = {"HAGAKI_LINK_KEY": config.link_key, "HAGAKI_SECRET_KEY": config.secret_key}
    # Seven bytes, because the column has a sign.
    return {
        name: int.from_bytes(hmac.digest(key, b"hagaki mark " + name.encode(), "sha256")[:7], "big")
        for name, key in keys.items()
    }
