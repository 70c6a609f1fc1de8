"""Candidates: settings that were found, where, and how far each source can be trusted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from profiles.address import Address
from profiles.model import MailAccount, Protocol, ServiceSettings, Source
from profiles.problems import N_, Problem

BY_HOST = N_("Your administrator set these servers up for %(where)s.")
BY_PROVIDER = N_("%(where)s is a provider we know; its servers are on our list.")


class Trust(IntEnum):
    """How a source is ranked; the larger wins."""

    GUESS = 1
    """Usual host names and ports that answered."""
    DNS = 2
    """Plain DNS: whoever can answer for the domain on the way can change it."""
    AUTHENTICATED = 3
    """https of the domain itself or of Thunderbird's database, or DNS signed by DNSSEC."""
    PROVIDER = 4
    """Our own table of providers."""
    OWN = 5
    """The host's own configuration."""

    @property
    def word(self) -> str:
        """The word in JSON."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way to set an account up."""

    source: Source
    trust: Trust
    reason: str
    """One English sentence (msgid of `messages`) that says why it is ranked so; `where` fills it."""
    where: str
    """URL, DNS name or server that said so."""
    settings: ServiceSettings
    account: MailAccount

    @property
    def needs_confirmation(self) -> bool:
        """Whether a person should look at it before a password is sent there."""
        return self.trust < Trust.AUTHENTICATED


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What was found for one address, best first, and which sources could not be asked."""

    candidates: tuple[Candidate, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def best(self) -> Candidate | None:
        """The candidate to offer first."""
        return self.candidates[0] if self.candidates else None


def candidate(
    settings: ServiceSettings, address: Address, *, source: Source, trust: Trust, reason: str, where: str
) -> Candidate:
    """One person's candidate out of the settings of a source."""
    return Candidate(
        source=source,
        trust=trust,
        reason=reason,
        where=where,
        settings=settings,
        account=settings.account(address),
    )


def known(settings: ServiceSettings, address: Address) -> Candidate:
    """The candidate of a hosted domain or a known provider: no network is asked."""
    is_own = settings.source is Source.DOMAIN
    return candidate(
        settings,
        address,
        source=settings.source,
        trust=Trust.OWN if is_own else Trust.PROVIDER,
        reason=BY_HOST if is_own else BY_PROVIDER,
        where=address.domain if is_own else settings.display_name,
    )


# Within one trust: what the domain says about itself stands before what others know about it.
_ORDER = (
    Source.DOMAIN,
    Source.PROVIDER,
    Source.AUTOCONFIG,
    Source.PACC,
    Source.MX,
    Source.ISPDB,
    Source.SRV,
    Source.JMAP,
    Source.GUESS,
)


def ranked(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Order by trust, then source; candidates with the same servers are named once, under the best source."""
    ordered = sorted(candidates, key=lambda c: (-c.trust, _ORDER.index(c.source), not _has_imap(c)))
    unique: dict[object, Candidate] = {}
    for each in ordered:
        unique.setdefault(_chosen(each), each)
    return tuple(unique.values())


def _chosen(each: Candidate) -> object:
    """What an account would be set up with: two candidates that differ only further down are one to a person."""
    servers = each.account.incoming[:1] + each.account.outgoing[:1]
    return tuple((s.protocol, s.hostname, s.port, s.socket_type, s.username) for s in servers)


def _has_imap(each: Candidate) -> bool:
    return any(server.protocol is Protocol.IMAP for server in each.account.incoming)
