"""A host with admins: cheap password hashes, a clock that the test moves, and browsers that keep cookies."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from argon2 import PasswordHasher
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.webapp.clock import Clock
from tests.webapp.page_world import Pages, form_token
from webapp.accounts import COMMAND_LINE, Accounts, Role, SecretsOnce, open_accounts, second_factor
from webapp.config import Config
from webapp.store import Store

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "a bicycle in the rain"
OWNER = "owner@example.co.jp"


def cheap_accounts(store: Store, config: Config, clock: Clock) -> Accounts:
    """Accounts whose passwords cost nothing to hash."""
    return open_accounts(store, config, hasher=CHEAP, now=clock)


@dataclass(slots=True)
class Person:
    """An admin with a browser and an authenticator app."""

    name: str
    secret: bytes
    recovery_codes: tuple[str, ...]
    clock: Clock
    client: FlaskClient

    def code(self) -> str:
        """A code that was not used yet: time goes on to the next one."""
        self.clock.advance(second_factor.STEP_SECONDS)
        return second_factor.code_at(self.secret, int(self.clock() // second_factor.STEP_SECONDS))

    def post(self, path: str, page: str | None = None, **fields: str) -> TestResponse:
        """Send the form of `page` to `path`."""
        token = form_token(self.client.get(page or path).text)
        return self.client.post(path, data={"csrf_token": token, **fields})

    def give_password(self, password: str = PASSWORD) -> TestResponse:
        """The first step of a log-in."""
        return self.post("/admin/log-in", name=self.name, password=password)

    def log_in(self) -> TestResponse:
        """Both steps."""
        self.give_password()
        return self.post("/admin/code", code=self.code())


@dataclass(slots=True)
class Host:
    """The application, its accounts and its clock."""

    pages: Pages
    clock: Clock

    @property
    def accounts(self) -> Accounts:
        """What stands below the pages."""
        return self.pages.services.accounts

    def browser(self) -> FlaskClient:
        """A fresh browser."""
        return self.pages.app.test_client()

    def person(self, name: str, role: Role) -> Person:
        """Make an admin."""
        once: SecretsOnce = self.accounts.people.create_ready(name, role, PASSWORD, actor=COMMAND_LINE)
        return Person(once.name, once.secret, once.recovery_codes, self.clock, self.browser())

    def logged_in(self, role: Role, name: str | None = None) -> Person:
        """Make an admin and log in."""
        person = self.person(name or f"{role}@example.co.jp", role)
        answer = person.log_in()
        assert answer.status_code == 303, answer.text
        return person


def make_host(pages: Pages, clock: Clock) -> Host:
    """Put cheap accounts into an application."""
    here = pages.services
    pages.app.extensions["hagaki"] = replace(here, accounts=cheap_accounts(here.store, here.config, clock))
    return Host(pages, clock)


def shown_once(page: str) -> str:
    """The value that a page shows this once."""
    found = re.search(r'data-copy="([^"]+)"', page)
    assert found is not None, page
    return found.group(1)
