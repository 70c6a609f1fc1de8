"""How long each stage of a check may take."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.probes.report import StageName


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Seconds per stage, and for the whole check. The clock is monotonic; dripping bytes do not stretch it."""

    resolve: float = 3.0
    connect: float = 5.0
    tls: float = 8.0
    greeting: float = 8.0
    silence: float = 2.5
    """After so much silence on a STARTTLS port it is tried whether the port speaks TLS."""
    starttls: float = 8.0
    capability: float = 8.0
    login: float = 25.0
    """Dovecot delays the right password of one person by 15 s after wrong ones of another from our address."""
    mailbox: float = 8.0
    submit: float = 10.0
    look: float = 2.0
    """Each second look that finds the cause of a failure."""
    total: float = 40.0

    def of(self, stage: StageName) -> float:
        """The limit of one stage."""
        name = "mailbox" if stage in (StageName.NAMESPACE, StageName.QUOTA) else stage.value
        return float(getattr(self, name))
