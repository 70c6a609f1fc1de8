"""Admins and the links by which they set themselves up. No password is ever chosen for somebody else.

A set-up link works once, for a day. Its page shows the same code for the authenticator app however often it is
opened, because the secret is derived from the link; only sending the form claims it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from profiles.problems import Code, Problem, ProblemError, quoted
from webapp.accounts import passwords, second_factor
from webapp.accounts.audit import Audit
from webapp.accounts.passwords import Passwords
from webapp.accounts.roles import Role
from webapp.accounts.second_factor import Vault
from webapp.links import hash_token, new_token, read_token
from webapp.store import Connection, Store, admin_sessions, admins, api_tokens

SETUP_SECONDS = 24 * 3600
LONGEST_NAME = 254


class AdminState(StrEnum):
    """Whether an admin can log in."""

    READY = "ready"
    INVITED = "invited"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    """One admin as pages and commands show it."""

    id: int
    name: str
    role: Role
    state: AdminState
    created_at: datetime
    seen_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a set-up link is for; the first owner has no name yet."""

    name: str | None
    role: Role
    secret: bytes
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsOnce:
    """What is shown once and never again."""

    name: str
    secret: bytes
    recovery_codes: tuple[str, ...]


class People:
    """The admins of one database."""

    def __init__(
        self, store: Store, *, audit: Audit, hashes: Passwords, vault: Vault, now: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._audit = audit
        self._passwords = hashes
        self._vault = vault
        self._now = now

    def every(self) -> tuple[Admin, ...]:
        """Every admin, by name."""
        with self._store.read() as connection:
            return tuple(map(_admin, admins.every(connection)))

    def get(self, name: str) -> Admin:
        """One admin; ADMIN_UNKNOWN for a name that nobody has."""
        with self._store.read() as connection:
            return _admin(_existing(connection, name))

    # links

    def first_link(self) -> str | None:
        """A fresh link for the first owner; None where there is an admin already."""
        with self._store.write() as connection:
            admins.begin(connection)
            if admins.every(connection):
                return None
            return self._new_link(connection, None)

    def create(self, name: str, role: Role, *, actor: str) -> str:
        """Add an admin and return the token of the set-up link."""
        with self._store.write() as connection:
            admin_id = self._add(connection, name, role, actor=actor)
            return self._new_link(connection, admin_id)

    def create_ready(self, name: str, role: Role, password: str, *, actor: str) -> SecretsOnce:
        """Add an admin with password and second factor, for scripts that set a host up."""
        weak = passwords.weakness(password, normal_name(name))
        if weak is not None:
            raise ProblemError(weak)
        password_hash, secret = self._passwords.hash(password), second_factor.new_secret()
        with self._store.write() as connection:
            admin_id = self._add(connection, name, role, actor=actor)
            codes = self._put_secrets(connection, admin_id, password_hash, secret)
        return SecretsOnce(name=normal_name(name), secret=secret, recovery_codes=codes)

    def reset(self, name: str, *, actor: str) -> str:
        """Take password and second factor away, end everything open, and return a new set-up link's token."""
        with self._store.write() as connection:
            admins.begin(connection)
            row = _existing(connection, name)
            admins.set_secrets(connection, row.id, password_hash=None, totp_sealed=None)
            admins.set_disabled(connection, row.id, None)
            self._end_everything(connection, row.id)
            self._audit.record(connection, actor, "admin.reset", row.name)
            return self._new_link(connection, row.id)

    def look_at_link(self, token: str) -> Setup:
        """What a set-up link is for; SETUP_LINK_ENDED for one that is used, too old or unknown."""
        with self._store.read() as connection:
            return self._setup(connection, token)[1]

    def claim(self, token: str, name: str, password: str, code: str) -> SecretsOnce:
        """Use a set-up link: all of it is right and happens, or nothing does."""
        with self._store.read() as connection:
            setup = self._setup(connection, token)[1]
        name = setup.name or name
        step = second_factor.step_of(setup.secret, code, self._now())
        problems = _claim_problems(name, password, step)
        if problems or step is None:
            raise ProblemError(problems)
        # Hashing takes its time; it is done before the transaction keeps others waiting.
        password_hash = self._passwords.hash(password)
        with self._store.write() as connection:
            admins.begin(connection)
            admin_id, setup = self._setup(connection, token)
            if not admins.claim_setup(connection, hash_token(token), now=self._now()):
                raise ProblemError(Problem(Code.SETUP_LINK_ENDED))
            if admin_id is None:
                if admins.every(connection):
                    raise ProblemError(Problem(Code.SETUP_LINK_ENDED))
                admin_id = self._add(connection, name, Role.OWNER, actor="set-up link")
            codes = self._put_secrets(connection, admin_id, password_hash, setup.secret)
            admins.take_step(connection, admin_id, step)
            self._audit.record(connection, normal_name(name), "admin.set_up", normal_name(name))
        return SecretsOnce(name=normal_name(name), secret=setup.secret, recovery_codes=codes)

    # changes

    def change_role(self, name: str, role: Role, *, actor: str) -> None:
        """Give another role; sessions and tokens end, they were made for the old one."""
        with self._store.write() as connection:
            admins.begin(connection)
            row = _existing(connection, name)
            if role != Role.OWNER:
                _keep_an_owner(connection, row)
            admins.set_role(connection, row.id, role)
            admin_sessions.end_all(connection, row.id)
            api_tokens.remove_all(connection, row.id)
            self._audit.record(connection, actor, "admin.role", row.name, before=row.role, after=role)

    def disable(self, name: str, *, actor: str) -> None:
        """End an admin's sessions, tokens and links at once, and let nobody in by this name."""
        with self._store.write() as connection:
            admins.begin(connection)
            row = _existing(connection, name)
            _keep_an_owner(connection, row)
            admins.set_disabled(connection, row.id, self._now())
            self._end_everything(connection, row.id)
            self._audit.record(connection, actor, "admin.disable", row.name)

    # parts

    def _add(self, connection: Connection, name: str, role: Role, *, actor: str) -> int:
        plain = normal_name(name)
        problem = name_problem(plain)
        if problem is not None:
            raise ProblemError(problem)
        admins.begin(connection)
        if admins.by_name(connection, plain) is not None:
            raise ProblemError(Problem(Code.ADMIN_NAME_TAKEN, {"name": plain}, place="name"))
        admin_id = admins.add(connection, plain, role, now=self._now())
        self._audit.record(connection, actor, "admin.create", plain, role=role)
        return admin_id

    def _new_link(self, connection: Connection, admin_id: int | None) -> str:
        token, now = new_token(), self._now()
        admins.add_setup(connection, hash_token(token), admin_id, now=now, expires_at=now + SETUP_SECONDS)
        return token

    def _setup(self, connection: Connection, token: str) -> tuple[int | None, Setup]:
        row = admins.setup(connection, hash_token(token)) if read_token(token) else None
        if row is None or row.claimed_at is not None or row.expires_at <= self._now():
            raise ProblemError(Problem(Code.SETUP_LINK_ENDED))
        admin = None if row.admin_id is None else admins.by_id(connection, row.admin_id)
        if admin is not None and admin.disabled_at is not None:
            raise ProblemError(Problem(Code.SETUP_LINK_ENDED))
        return row.admin_id, Setup(
            name=admin.name if admin else None,
            role=Role(admin.role) if admin else Role.OWNER,
            secret=self._vault.derived(token),
            expires_at=datetime.fromtimestamp(row.expires_at, UTC),
        )

    def _put_secrets(
        self, connection: Connection, admin_id: int, password_hash: str, secret: bytes
    ) -> tuple[str, ...]:
        sealed = self._vault.seal(secret, admin_id)
        admins.set_secrets(connection, admin_id, password_hash=password_hash, totp_sealed=sealed)
        codes = second_factor.new_recovery_codes()
        admins.add_recovery_codes(
            connection, admin_id, (self._vault.recovery_hash(code, admin_id) for code in codes)
        )
        return codes

    @staticmethod
    def _end_everything(connection: Connection, admin_id: int) -> None:
        # After the admin's own row was changed: see webapp.store.admins.hold.
        admin_sessions.end_all(connection, admin_id)
        api_tokens.remove_all(connection, admin_id)
        admins.end_setups(connection, admin_id)


def _claim_problems(name: str, password: str, step: int | None) -> tuple[Problem, ...]:
    found = (
        name_problem(normal_name(name)),
        passwords.weakness(password, normal_name(name)),
        Problem(Code.CODE_WRONG, place="code") if step is None else None,
    )
    return tuple(problem for problem in found if problem is not None)


def normal_name(name: str) -> str:
    """The form by which an admin is recognised."""
    return name.strip().casefold()


def name_problem(name: str) -> Problem | None:
    """What speaks against a name."""
    usable = 0 < len(name) <= LONGEST_NAME and name.isprintable() and " " not in name
    return None if usable else Problem(Code.ADMIN_NAME_INVALID, {"name": quoted(name)}, place="name")


def _existing(connection: Connection, name: str) -> admins.AdminRow:
    row = admins.by_name(connection, normal_name(name))
    if row is None:
        raise ProblemError(Problem(Code.ADMIN_UNKNOWN, {"name": quoted(name)}))
    return row


def _keep_an_owner(connection: Connection, row: admins.AdminRow) -> None:
    is_ready = row.disabled_at is None and row.password_hash is not None
    if row.role == Role.OWNER and is_ready and admins.count_ready(connection, Role.OWNER) == 1:
        raise ProblemError(Problem(Code.ADMIN_LAST_OWNER, {"name": row.name}))


def _admin(row: admins.AdminRow) -> Admin:
    state = AdminState.INVITED if row.password_hash is None else AdminState.READY
    return Admin(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        state=AdminState.DISABLED if row.disabled_at is not None else state,
        created_at=datetime.fromtimestamp(row.created_at, UTC),
        seen_at=None if row.seen_at is None else datetime.fromtimestamp(row.seen_at, UTC),
    )
