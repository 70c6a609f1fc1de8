"""Candidates: settings that were found, where, and how far each source can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from profiles.model import MailAccount, Protocol, ServiceSettings, Source
from profiles.problems import Problem


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
        return {1: "guess", 2: "dns", 3: "authenticated", 4: "provider", 5: "own"}[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way to set an account up."""

    source: Source
    trust: Trust
    reason: str
    """One English sentence (msgid of `messages`) that says why it is ranked so; `where` fills it."""
    where: str
    """URL, DNS name or host that said so."""
    settings: ServiceSettings
    account: MailAccount

    @property
    def needs_confirmation(self) -> bool:
        """Whether a person should look at it before a password is sent there."""
        return self.trust < Trust.AUTHENTICATED


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What was found for one address, best first, and which sources could not be asked."""

    candidates: tuple[Candidate, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def best(self) -> Candidate | None:
        """The candidate to offer first."""
        return self.candidates[0] if self.candidates else None


# Within one trust: what the domain itself says about mail stands before what others collected about it.
_ORDER = (
    Source.DOMAIN,
    Source.PROVIDER,
    Source.MX,
    Source.AUTOCONFIG,
    Source.PACC,
    Source.ISPDB,
    Source.SRV,
    Source.JMAP,
    Source.GUESS,
)


def ranked(candidates: list[Candidate]) -> tuple[Candidate, ...]:
    """Order by trust, then source; candidates with the same servers are named once, under the best source."""
    ordered = sorted(candidates, key=lambda c: (-c.trust, _ORDER.index(c.source), not _has_imap(c)))
    unique: dict[tuple[object, ...], Candidate] = {}
    for candidate in ordered:
        unique.setdefault((candidate.account.incoming, candidate.account.outgoing), candidate)
    return tuple(unique.values())


def _has_imap(candidate: Candidate) -> bool:
    return any(server.protocol is Protocol.IMAP for server in candidate.account.incoming)
