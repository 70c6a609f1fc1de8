"""Logging in: password, then a code. Wrong tries are counted in the database, for all processes and restarts.

An unknown name, a wrong password and a disabled admin are answered alike, and take as long.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from profiles.problems import Code, Problem, ProblemError
from webapp.accounts import second_factor
from webapp.accounts.audit import Audit
from webapp.accounts.passwords import Passwords
from webapp.accounts.people import normal_name
from webapp.accounts.second_factor import Vault
from webapp.accounts.sessions import Session, Sessions
from webapp.budget import Budget, Limit, network_of
from webapp.links import hash_token
from webapp.store import Connection, Store, admin_sessions, admins

PER_ADMIN_AND_NETWORK = Limit(5, 15 * 60)
PER_NETWORK = Limit(20, 3600)
PER_ADMIN = Limit(50, 3600)
"""From everywhere: high, so that a stranger cannot lock an admin out with a handful of tries."""


UNLIMITED = Limit(sys.maxsize, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Where a try comes from."""

    address: str | None
    browser: str = ""

    @property
    def network(self) -> str | None:
        """The /24 or /64."""
        return network_of(self.address)


class Login:
    """The way into one database's sessions."""

    def __init__(
        self,
        store: Store,
        *,
        audit: Audit,
        sessions: Sessions,
        budget: Budget,
        hashes: Passwords,
        vault: Vault,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._audit = audit
        self._sessions = sessions
        self._budget = budget
        self._passwords = hashes
        self._vault = vault
        self._now = now

    def give_password(self, name: str, password: str, client: Client) -> str:
        """Begin a session that waits for the code; LOGIN_REFUSED, TOO_MANY_ATTEMPTS."""
        name = normal_name(name)
        with self._counted(name, client, forgives=False):
            row = self._right_password(name, password, client)
            with self._store.write() as connection:
                return self._sessions.begin(
                    connection, row.id, complete=False, network=client.network, browser=client.browser
                )

    def give_code(self, token: str, session: Session, code: str, client: Client) -> str:
        """Finish a session under a new token; CODE_WRONG, TOO_MANY_ATTEMPTS."""
        with self._counted(session.name, client), self._store.write() as connection:
            how = self._take_code(connection, session.admin_id, code)
            if how is None or not admin_sessions.end(connection, hash_token(token)):
                raise ProblemError(Problem(Code.CODE_WRONG, place="code"))
            admins.saw(connection, session.admin_id, now=self._now())
            self._audit.record(connection, session.name, "session.log_in", session.name, second_factor=how)
            return self._sessions.begin(
                connection, session.admin_id, complete=True, network=client.network, browser=client.browser
            )

    def begin_after_setup(self, name: str, client: Client) -> str:
        """Log the admin in who has just set password and second factor up."""
        with self._store.write() as connection:
            known = admins.by_name(connection, normal_name(name))
            row = None if known is None else admins.hold(connection, known.id)
            if row is None or row.password_hash is None or row.disabled_at is not None:
                raise ProblemError(Problem(Code.LOGIN_REFUSED))
            admins.saw(connection, row.id, now=self._now())
            self._audit.record(connection, row.name, "session.log_in", row.name, second_factor="set-up")
            return self._sessions.begin(
                connection, row.id, complete=True, network=client.network, browser=client.browser
            )

    def prove_again(self, token: str, session: Session, password: str, code: str, client: Client) -> None:
        """Password and code once more, for what is sensitive."""
        with self._counted(session.name, client):
            self._right_password(session.name, password, client)
            with self._store.write() as connection:
                if self._take_code(connection, session.admin_id, code) is None:
                    raise ProblemError(Problem(Code.CODE_WRONG, place="code"))
                admin_sessions.prove(connection, hash_token(token), now=self._now())
                self._audit.record(connection, session.name, "session.prove", session.name)

    def recovery_codes_left(self, admin_id: int) -> int:
        """How many recovery codes an admin still has."""
        with self._store.read() as connection:
            return admins.count_recovery_codes(connection, admin_id)

    @contextmanager
    def _counted(self, name: str, client: Client, *, forgives: bool = True) -> Iterator[None]:
        # A right password alone forgives nothing: guesses at the code go on counting.
        here = f"admin {name} from {client.network}"
        limits = [(here, PER_ADMIN_AND_NETWORK), (f"admin {name}", PER_ADMIN)]
        limits += [(f"admins from {client.network}", PER_NETWORK)] if client.network else []
        ticket = self._budget.begin_for(limits)
        try:
            yield
        except ProblemError:
            self._budget.failed(ticket)
            raise
        if forgives:
            self._budget.succeeded_for(ticket, [here, f"admin {name}"])
        else:
            self._budget.withdraw(ticket)

    def _right_password(self, name: str, password: str, client: Client) -> admins.AdminRow:
        with self._store.read() as connection:
            row = admins.by_name(connection, name)
        is_open = row is not None and row.disabled_at is None
        right = self._passwords.is_right(row.password_hash if row is not None and is_open else None, password)
        if row is None or not right:
            self._remember_refusal(row, client)
            raise ProblemError(Problem(Code.LOGIN_REFUSED, place="password"))
        if row.password_hash is not None and self._passwords.is_dated(row.password_hash):
            stronger = self._passwords.hash(password)
            with self._store.write() as connection:
                admins.set_password_hash(connection, row.id, stronger, known=row.password_hash)
        return row

    def _remember_refusal(self, row: admins.AdminRow | None, client: Client) -> None:
        if row is None:
            # A name that nobody has may be a password in the wrong field, and a stranger could fill the log with
            # such: it is not written down. But as much is written, else the time would tell who is an admin.
            self._budget.begin_for([("a name that nobody has", UNLIMITED)])
            return
        with self._store.write() as connection:
            self._audit.record(connection, row.name, "session.refused", row.name, network=client.network or "")

    def _take_code(self, connection: Connection, admin_id: int, code: str) -> str | None:
        row = admins.hold(connection, admin_id)
        secret = self._vault.open(row.totp_sealed, admin_id) if row is not None and row.totp_sealed else None
        if secret is None:
            return None
        step = second_factor.step_of(secret, code, self._now())
        if step is not None:
            return "app" if admins.take_step(connection, admin_id, step) else None
        taken = admins.take_recovery_code(connection, admin_id, self._vault.recovery_hash(code, admin_id))
        return "recovery code" if taken else None
