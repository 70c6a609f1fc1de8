"""The probe that checks use: a function, so that tests of pages can say how a check ends."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from profiles.model import MailAccount
from webapp import probes
from webapp.config import Config
from webapp.directory import Directory
from webapp.outbound import Outbound
from webapp.probes.report import Report, Stage


class Probe(Protocol):
    """Tries an account on its servers (webapp.probes.check with its outbound filled in)."""

    def __call__(
        self,
        account: MailAccount,
        password: str | None,
        *,
        on_stage: Callable[[Stage], None],
        compare: bool,
        client_address: str | None,
    ) -> Report:
        """Try it; each stage is told as it ends, perhaps from several threads.

        `client_address` is what the server may be told about where the person sits.
        """


def live_probe(config: Config, directory: Directory) -> Probe:
    """Try accounts on their real servers, as far as this host lets people reach."""
    return partial(probes.check, outbound=live_outbound(config, directory))


def live_outbound(config: Config, directory: Directory) -> Outbound:
    """The door to mail servers as far as this host lets people reach."""
    return Outbound(
        allow_networks=config.allow_networks,
        resolver=config.resolver,
        ca_file=config.ca_file,
        registered=directory.is_registered,
        allow_other=config.allow_other_servers,
    )
