"""Looks an address up for the command line: the host's domains, the providers, then the network."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from profiles.address import Address
from profiles.model import ServiceSettings

if TYPE_CHECKING:
    from webapp.cli.connect import Overrides
    from webapp.config import Config
    from webapp.discovery.candidates import Candidate, Discovery


def known_candidates(address: Address, config: Config) -> tuple[Candidate, ...]:
    """What is known without asking the network: the host's own settings, then the provider's."""
    from webapp.directory import find_provider
    from webapp.discovery.candidates import known

    found = (_hosted_settings(address.domain, config), find_provider(address.domain))
    return tuple(known(settings, address) for settings in found if settings is not None)


def discover(address: Address, config: Config, connect_to: Overrides | None = None) -> Discovery:
    """Everything that is known or can be found; the network is asked only where nothing is known."""
    from webapp.discovery.candidates import Discovery

    candidates = known_candidates(address, config)
    return Discovery(candidates=candidates) if candidates else _search(address, config, connect_to)


def _search(address: Address, config: Config, connect_to: Overrides | None) -> Discovery:
    from webapp.directory import providers
    from webapp.discovery.search import Searcher
    from webapp.outbound import Outbound
    from webapp.probes.diagnosis import answers

    outbound = Outbound.unrestricted(resolver=config.resolver, ca_file=config.ca_file, connect_to=connect_to)
    searcher = Searcher(outbound=outbound, answers=partial(answers, outbound=outbound), providers=providers())
    return searcher.search(address)


def _hosted_settings(domain: str, config: Config) -> ServiceSettings | None:
    """Look into the host's domains; where there is no database yet, a question makes none."""
    embedded = config.database_url.removeprefix("sqlite:///")
    if embedded != config.database_url and not Path(embedded).exists():
        return None
    from webapp.directory import Directory
    from webapp.store import open_store

    store = open_store(config)
    try:
        return Directory(store).hosted(domain)
    finally:
        store.close()
