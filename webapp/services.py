"""What the blueprints work with: opened once per process, reached through the application."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial

from flask import current_app, request

from profiles.address import Address
from profiles.model import ServiceSettings
from profiles.problems import Code, ProblemError
from webapp.accounts import Accounts, open_accounts
from webapp.batches.following import Following
from webapp.batches.invitations import Invitations
from webapp.batches.leavers import Leavers
from webapp.batches.mailing import Mailing
from webapp.batches.queue import open_queue
from webapp.batches.repeats import Repeats
from webapp.batches.results import Results, open_results
from webapp.batches.service import Batches, open_batches
from webapp.batches.set_ups import SetUps
from webapp.batches.uploads import Uploads
from webapp.budget import SEARCHES, Budget
from webapp.checks import Checks, Probe
from webapp.config import Config
from webapp.directory import Directory
from webapp.discovery.cache import CachedSearch, Search
from webapp.discovery.candidates import Discovery
from webapp.discovery.search import Searcher
from webapp.links import Links
from webapp.outbound import Outbound
from webapp.probes.diagnosis import answers
from webapp.store import Store, open_store

log = logging.getLogger(__name__)


SEARCH_SECONDS = 3.0
"""A person waits for the search with the form in hand, so it is shorter than on the command line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts without Flask."""

    config: Config
    store: Store
    directory: Directory
    checks: Checks
    links: Links
    invitations: Invitations
    results: Results
    following: Following
    leavers: Leavers
    repeats: Repeats
    search: Search
    accounts: Accounts
    uploads: Uploads
    batches: Batches
    mailing: Mailing
    set_ups: SetUps

    def signer_is_public(self) -> bool:
        """Whether devices can know the signer: the built-in authority is known to nobody."""
        return self.config.signing_certificate is not None

    def is_ready(self) -> bool:
        """Whether the database answers."""
        try:
            self.store.ping()
        except ProblemError as error:
            log.warning("event=not_ready code=%s", error.problems[0].code)
            return False
        return True


def open_services(config: Config, *, probe: Probe | None = None, search: Search | None = None) -> Services:
    """Open the database and everything that stands on it."""
    store = open_store(config)
    directory = Directory(store)
    checks = Checks(store, directory, config, probe=probe)
    checks.start_sweeping()
    accounts = open_accounts(store, config)
    enqueue = open_queue(config).enqueue
    invitations = Invitations(store, link_key=config.link_key)
    return Services(
        config=config,
        store=store,
        directory=directory,
        checks=checks,
        links=checks.links,
        invitations=invitations,
        results=open_results(store, config, directory.find, invitations),
        following=Following(
            store, link_key=config.link_key, record_each=accounts.audit.record_each, zone=config.timezone
        ),
        leavers=Leavers(store, record_each=accounts.audit.record_each),
        repeats=Repeats(store, link_key=config.link_key),
        search=_searching(search, config, directory, checks.budget),
        accounts=accounts,
        uploads=Uploads(store, record=accounts.audit.record),
        batches=open_batches(store, directory.find, config, record=accounts.audit.record, enqueue=enqueue),
        mailing=Mailing(store, config, directory.find, record=accounts.audit.record, wake=enqueue),
        set_ups=SetUps(store, link_key=config.link_key, record=accounts.audit.record),
    )


def _searching(search: Search | None, config: Config, directory: Directory, budget: Budget) -> Search:
    """A search that is shared and counted; none where this host lets nobody reach other servers."""
    if search is None and not config.allow_other_servers:
        return _nothing

    def permit() -> None:
        budget.spend("searches", SEARCHES, request.remote_addr, Code.TOO_MANY_SEARCHES)

    return CachedSearch(search or live_search(config, directory), permit=permit)


def live_search(config: Config, directory: Directory) -> Search:
    """Search as far as this host lets people reach: elsewhere nothing could come of it."""
    outbound = Outbound(
        allow_networks=config.allow_networks,
        resolver=config.resolver,
        ca_file=config.ca_file,
        registered=directory.is_registered,
        allow_other=True,
    )
    searcher = Searcher(
        outbound=outbound,
        answers=partial(answers, outbound=outbound),
        providers=directory.providers,
        seconds=SEARCH_SECONDS,
    )
    return searcher.search


def _nothing(address: Address) -> Discovery:
    """The search of a host that forbids other servers."""
    del address
    return Discovery()


def services() -> Services:
    """The services of the running application."""
    found: Services = current_app.extensions["hagaki"]
    return found


def house() -> ServiceSettings | None:
    """The host's only domain, whose pages these then are even before an address is known."""
    entries = tuple(services().directory.snapshot().entries.values())
    return entries[0] if len(entries) == 1 else None
