"""Sessions of admins: they live in the database, the browser holds a token, and any can be ended at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from webapp.accounts.audit import Audit
from webapp.accounts.roles import Role
from webapp.links import hash_token, new_token, read_token
from webapp.store import Connection, Store
from webapp.store import admin_sessions as rows

IDLE_SECONDS = 15 * 60
LONGEST_SECONDS = 12 * 3600
HALF_SECONDS = 5 * 60
"""Between the password and the code."""
FRESH_SECONDS = 10 * 60
"""How long after password and code sensitive actions need no new proof."""
TOUCH_SECONDS = 20
"""A page more within so many seconds costs no write."""
MOST_BROWSER = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session as pages see it. `id` names it in the list and opens nothing."""

    id: str
    admin_id: int
    name: str
    role: Role
    is_complete: bool
    is_fresh: bool
    created_at: datetime
    seen_at: datetime
    network: str
    browser: str


class Sessions:
    """The sessions of one database."""

    def __init__(self, store: Store, *, audit: Audit, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._audit = audit
        self._now = now

    def begin(
        self, connection: Connection, admin_id: int, *, complete: bool, network: str | None, browser: str
    ) -> str:
        """Begin a session and return its token."""
        token, now = new_token(), self._now()
        rows.purge(connection, seen_before=now - IDLE_SECONDS, created_before=now - LONGEST_SECONDS)
        rows.add(
            connection,
            hash_token(token),
            admin_id,
            complete=complete,
            now=now,
            network=network or "",
            browser=browser[:MOST_BROWSER],
        )
        return token

    def find(self, token: str, *, unattended: bool = False) -> Session | None:
        """The living session of a token; being asked for keeps it alive, unless a page asks by itself."""
        if not read_token(token):
            return None
        token_hash, now = hash_token(token), self._now()
        with self._store.read() as connection:
            row = rows.get(connection, token_hash, **self._alive(now))
        if row is None or (not row.complete and row.created_at + HALF_SECONDS <= now):
            return None
        if not unattended and row.complete and row.seen_at + TOUCH_SECONDS <= now:
            with self._store.write() as connection:
                rows.touch(connection, token_hash, now=now)
        return self._session(row)

    def every(self, admin_id: int | None = None) -> tuple[Session, ...]:
        """The living sessions of one admin, or of all."""
        with self._store.read() as connection:
            return tuple(map(self._session, rows.every(connection, admin_id, **self._alive(self._now()))))

    def log_out(self, token: str) -> None:
        """End the session of a token."""
        if not read_token(token):
            return
        with self._store.write() as connection:
            row = rows.get(connection, hash_token(token), **self._alive(self._now()))
            if row is not None and rows.end(connection, row.token_hash):
                self._audit.record(connection, row.name, "session.log_out", row.name)

    def end(self, session_id: str, *, actor: str) -> None:
        """End the session of this id; nothing happens where it has ended."""
        with self._store.write() as connection:
            for row in rows.every(connection, None, **self._alive(self._now())):
                if row.token_hash.hex() == session_id and rows.end(connection, row.token_hash):
                    self._audit.record(connection, actor, "session.end", row.name)

    def _alive(self, now: float) -> dict[str, float]:
        return {"seen_after": now - IDLE_SECONDS, "created_after": now - LONGEST_SECONDS}

    def _session(self, row: rows.SessionRow) -> Session:
        return Session(
            id=row.token_hash.hex(),
            admin_id=row.admin_id,
            name=row.name,
            role=Role(row.role),
            is_complete=row.complete,
            is_fresh=row.proved_at + FRESH_SECONDS > self._now(),
            created_at=datetime.fromtimestamp(row.created_at, UTC),
            seen_at=datetime.fromtimestamp(row.seen_at, UTC),
            network=row.network,
            browser=row.browser,
        )
