"""API tokens: scoped, kept as hashes, shown once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from profiles.problems import Code, Problem, ProblemError, quoted
from webapp.accounts.audit import Audit
from webapp.accounts.roles import Role, Scope
from webapp.links import hash_token, new_token, read_token
from webapp.store import Store, admins
from webapp.store import api_tokens as rows

PREFIX = "hagaki_"
"""So that a leaked token is recognised as one, by people and by secret scanners."""
LONGEST_NAME = 120
TOUCH_SECONDS = 60
DAY = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as lists show it; the token itself is nowhere."""

    name: str
    owner: str | None
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None

    @property
    def actor(self) -> str:
        """Who acts, in the audit log."""
        return f"token {self.name}"


class Tokens:
    """The API tokens of one database."""

    def __init__(self, store: Store, *, audit: Audit, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._audit = audit
        self._now = now

    def create(
        self,
        name: str,
        scopes: Iterable[Scope],
        *,
        actor: str,
        admin_id: int | None = None,
        days: int | None = None,
    ) -> str:
        """Make a token and return it: the only time that anybody sees it.

        ADMIN_UNKNOWN where its admin ceased to be an owner in this moment: the token would outlive that.
        """
        name, chosen = name.strip(), tuple(dict.fromkeys(scopes))
        problems = []
        if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
            problems.append(Problem(Code.TOKEN_NAME_INVALID, {"name": quoted(name)}, place="name"))
        if not chosen:
            problems.append(Problem(Code.TOKEN_WITHOUT_SCOPE, place="scopes"))
        if problems:
            raise ProblemError(problems)
        token, now = new_token(), self._now()
        with self._store.write() as connection:
            if admin_id is not None and not _is_owner(admins.hold(connection, admin_id)):
                raise ProblemError(Problem(Code.ADMIN_UNKNOWN, {"name": actor}))
            if rows.by_name(connection, name) is not None:
                raise ProblemError(Problem(Code.TOKEN_NAME_TAKEN, {"name": name}, place="name"))
            rows.add(
                connection,
                hash_token(token),
                name,
                admin_id=admin_id,
                scopes=" ".join(chosen),
                now=now,
                expires_at=None if days is None else now + days * DAY,
            )
            self._audit.record(connection, actor, "token.create", name, scopes=" ".join(chosen))
        return PREFIX + token

    def find(self, text: str) -> Token | None:
        """The living token of an Authorization header."""
        token = text.removeprefix(PREFIX)
        if not text.startswith(PREFIX) or not read_token(token):
            return None
        now = self._now()
        with self._store.read() as connection:
            row = rows.get(connection, hash_token(token))
        if row is None or (row.expires_at is not None and row.expires_at <= now):
            return None
        if row.used_at is None or row.used_at + TOUCH_SECONDS <= now:
            with self._store.write() as connection:
                rows.used(connection, hash_token(token), now=now)
        return _token(row)

    def every(self) -> tuple[Token, ...]:
        """Every token, by name."""
        with self._store.read() as connection:
            return tuple(map(_token, rows.every(connection)))

    def revoke(self, name: str, *, actor: str) -> None:
        """End a token at once; TOKEN_UNKNOWN for a name that none has."""
        with self._store.write() as connection:
            if not rows.remove(connection, name):
                raise ProblemError(Problem(Code.TOKEN_UNKNOWN, {"name": quoted(name)}))
            self._audit.record(connection, actor, "token.revoke", name)


def _is_owner(admin: admins.AdminRow | None) -> bool:
    """Whether this is an owner who can log in."""
    if admin is None or admin.password_hash is None or admin.disabled_at is not None:
        return False
    return admin.role == Role.OWNER


def _token(row: rows.TokenRow) -> Token:
    return Token(
        name=row.name,
        owner=row.owner,
        scopes=tuple(Scope(word) for word in row.scopes.split()),
        created_at=datetime.fromtimestamp(row.created_at, UTC),
        expires_at=None if row.expires_at is None else datetime.fromtimestamp(row.expires_at, UTC),
        used_at=None if row.used_at is None else datetime.fromtimestamp(row.used_at, UTC),
    )
