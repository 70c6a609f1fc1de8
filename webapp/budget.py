"""How many wrong passwords we carry to a mail server, so that nobody guesses through us and no server bans us;
how much one network may ask for besides.

The count lives in the database, so several processes and restarts share it. An attempt is counted before it is
made and stays counted when its process dies; a success frees the account, and an attempt that never reached the
log-in is taken back. The answer depends on the count alone, never on whether an address exists.
"""

from __future__ import annotations

import hmac
import ipaddress
import math
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from profiles.model import MailAccount, Source
from profiles.problems import Code, Problem, ProblemError
from webapp.store import Store, attempts


@dataclass(frozen=True, slots=True)
class Limit:
    """So many failures in so many seconds."""

    most: int
    seconds: int


ACCOUNT = Limit(5, 15 * 60)
NETWORK = Limit(20, 3600)
DOMAIN = Limit(100, 3600)
"""Of one domain's mail servers: more looks like spraying to them, and they would ban us for all."""
FILES = Limit(1000, 3600)
"""Files made without a check for one network: a whole company sets up within an hour behind one address."""
SEARCHES = Limit(200, 3600)
"""Searches for the settings of unknown domains; what was found is kept, so that colleagues cost nothing."""
_LONGEST = max(limit.seconds for limit in (ACCOUNT, NETWORK, DOMAIN, FILES, SEARCHES))


class Budget:
    """The attempts of one database. `key` keeps addresses out of the rows; `now` is in seconds since the epoch."""

    def __init__(
        self, store: Store, *, key: bytes, enabled: bool = True, now: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._key = key
        self._enabled = enabled
        self._now = now

    def begin(self, account: MailAccount, client_address: str | None) -> bytes | None:
        """Count an attempt before it is made; the ticket settles it. Raises TOO_MANY_ATTEMPTS, or BUSY.

        Attempts under way count too, else a hundred at once would all pass. When only they are in the way, waiting
        a moment helps, and BUSY says so.
        """
        return self.begin_for(_limits(account, client_address))

    def begin_for(self, limits: Iterable[tuple[str, Limit]]) -> bytes | None:
        """The same for anything else that must not be guessed: names of what is counted, with their limits."""
        if not self._enabled:
            return None
        now, ticket = self._now(), secrets.token_bytes(16)
        subjects = {self._hash(name): limit for name, limit in limits}
        with self._store.write() as connection:
            attempts.begin(connection)
            for subject, limit in subjects.items():
                _refuse(attempts.since(connection, subject, now - limit.seconds), limit, now)
            attempts.add(connection, ticket, subjects, at=now)
        return ticket

    def spend(self, what: str, limit: Limit, client_address: str | None, code: Code) -> None:
        """Count what is done for whoever asks from one network; raises `code` once it was too much."""
        network = network_of(client_address)
        if not self._enabled or network is None:
            return
        now, subject = self._now(), self._hash(f"{what} for {network}")
        with self._store.write() as connection:
            attempts.begin(connection)
            _refuse(attempts.since(connection, subject, now - limit.seconds), limit, now, code)
            attempts.add(connection, secrets.token_bytes(16), (subject,), at=now, pending=False)

    def failed(self, ticket: bytes | None) -> None:
        """The server refused the password."""
        if ticket is not None:
            with self._store.write() as connection:
                attempts.settle(connection, ticket)

    def succeeded(self, ticket: bytes | None, account: MailAccount) -> None:
        """The server took the password: the account's failures are forgotten."""
        self.succeeded_for(ticket, _account_names(account))

    def succeeded_for(self, ticket: bytes | None, names: Iterable[str]) -> None:
        """The attempt was good: the failures of these names are forgotten."""
        if ticket is not None:
            with self._store.write() as connection:
                attempts.withdraw(connection, ticket)
                attempts.forgive(connection, map(self._hash, names))

    def withdraw(self, ticket: bytes | None) -> None:
        """No password was tried."""
        if ticket is not None:
            with self._store.write() as connection:
                attempts.withdraw(connection, ticket)

    def attempts_left(self, account: MailAccount) -> int:
        """How many more wrong passwords this account may have now."""
        start = self._now() - ACCOUNT.seconds
        with self._store.read() as connection:
            counts = [len(attempts.since(connection, self._hash(name), start)) for name in _account_names(account)]
        return max(0, ACCOUNT.most - max(counts))

    def purge(self) -> None:
        """Forget what no limit looks at any more."""
        with self._store.write() as connection:
            attempts.purge(connection, self._now() - _LONGEST)

    def _hash(self, name: str) -> bytes:
        return hmac.digest(self._key, b"hagaki attempts " + name.encode(), "sha256")


def _refuse(
    made: list[attempts.AttemptRow], limit: Limit, now: float, code: Code = Code.TOO_MANY_ATTEMPTS
) -> None:
    failed = [attempt for attempt in made if not attempt.pending]
    if len(failed) >= limit.most:
        # Room again when enough of the oldest have left the window.
        free_at = failed[len(failed) - limit.most].at + limit.seconds
        minutes = max(1, math.ceil((free_at - now) / 60))
        raise ProblemError(Problem(code, {"minutes": str(minutes)}))
    if len(made) >= limit.most:
        raise ProblemError(Problem(Code.BUSY))


def _limits(account: MailAccount, client_address: str | None) -> Iterable[tuple[str, Limit]]:
    yield from ((name, ACCOUNT) for name in _account_names(account))
    network = network_of(client_address)
    if network is not None:
        yield f"network {network}", NETWORK
    yield from ((name, DOMAIN) for name in _domain_names(account))


def _account_names(account: MailAccount) -> tuple[str, ...]:
    """An account is known by its address and by each name it signs in with: neither may be varied to go on."""
    chosen = account.incoming[:1] + account.outgoing[:1]
    logins = {f"account {server.username.lower()} at {server.hostname}" for server in chosen}
    return (f"account {account.address.key}", *sorted(logins))


def _domain_names(account: MailAccount) -> tuple[str, ...]:
    if account.settings.source in (Source.DOMAIN, Source.PROVIDER):
        return (f"domain {account.address.domain}",)
    # Servers typed by hand: the address's domain is the typist's choice, the servers are what must be spared.
    return tuple(sorted({f"server {server.hostname}" for server in account.incoming[:1] + account.outgoing[:1]}))


def network_of(client_address: str | None) -> str | None:
    """The /24 or /64 that a person's address stands in; None for no address."""
    try:
        address = ipaddress.ip_address((client_address or "").partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(ipaddress.ip_network(f"{address}/{24 if address.version == 4 else 64}", strict=False))
