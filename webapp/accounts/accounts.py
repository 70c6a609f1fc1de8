"""The parts of this package put together for one database."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from argon2 import PasswordHasher

from webapp.accounts.audit import Audit
from webapp.accounts.login import Login
from webapp.accounts.passwords import Passwords
from webapp.accounts.people import People
from webapp.accounts.second_factor import Vault
from webapp.accounts.sessions import Sessions
from webapp.accounts.tokens import Tokens
from webapp.budget import Budget
from webapp.config import Config
from webapp.store import Store

LINK_FILE = "setup-link.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """Admins, log-in, sessions, tokens and the log of one database."""

    config: Config
    store: Store
    people: People
    sessions: Sessions
    login: Login
    tokens: Tokens
    audit: Audit

    def setup_url(self, token: str) -> str:
        """Where a set-up link leads."""
        return f"{self.config.base_url}/admin/setup/{token}"

    def first_link(self) -> str | None:
        """The set-up link of the first owner, also written where only the host can read it; None with an admin."""
        token = self.people.first_link()
        if token is None:
            return None
        url = self.setup_url(token)
        path = self.config.data / LINK_FILE
        path.unlink(missing_ok=True)
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(url + "\n", encoding="utf-8")
        return url

    def forget_first_link(self) -> None:
        """Remove the file of a link that is used up; where another machine made it, there is none."""
        with suppress(OSError):
            (self.config.data / LINK_FILE).unlink(missing_ok=True)


def open_accounts(
    store: Store,
    config: Config,
    *,
    hasher: PasswordHasher | None = None,
    now: Callable[[], float] = time.time,
) -> Accounts:
    """Open what is there. The link key seals and chains: it stands in neither database nor backup."""
    audit = Audit(store, key=config.link_key, now=now)
    hashes, vault = Passwords(hasher), Vault(config.link_key)
    sessions = Sessions(store, audit=audit, now=now)
    budget = Budget(store, key=config.secret_key, enabled=config.limit_attempts, now=now)
    return Accounts(
        config=config,
        store=store,
        people=People(store, audit=audit, hashes=hashes, vault=vault, now=now),
        sessions=sessions,
        login=Login(store, audit=audit, sessions=sessions, budget=budget, hashes=hashes, vault=vault, now=now),
        tokens=Tokens(store, audit=audit, now=now),
        audit=audit,
    )
