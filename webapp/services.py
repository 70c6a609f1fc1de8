"""What the blueprints work with: opened once per process, reached through the application."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from flask import current_app

from profiles.problems import ProblemError
from webapp.checks import Checks, Probe
from webapp.config import Config
from webapp.directory import Directory
from webapp.links import Links
from webapp.store import Store, open_store

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts without Flask."""

    config: Config
    store: Store
    directory: Directory
    checks: Checks
    links: Links

    def signer_is_public(self) -> bool:
        """Whether devices can know the signer: the built-in authority is known to nobody."""
        return self.config.signing_certificate is not None

    def is_ready(self) -> bool:
        """Whether the database answers."""
        try:
            with self.store.read() as connection:
                connection.exec_driver_sql("SELECT 1")
        except ProblemError as error:
            log.warning("event=not_ready code=%s", error.problems[0].code)
            return False
        return True


def open_services(config: Config, *, probe: Probe | None = None) -> Services:
    """Open the database and everything that stands on it."""
    store = open_store(config)
    directory = Directory(store)
    checks = Checks(store, directory, config, probe=probe)
    checks.start_sweeping()
    return Services(config=config, store=store, directory=directory, checks=checks, links=checks.links)


def services() -> Services:
    """The services of the running application."""
    found: Services = current_app.extensions["hagaki"]
    return found
