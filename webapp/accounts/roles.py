"""What admins and tokens may be allowed: closed sets, spelled as the database and the command line spell them."""

from __future__ import annotations

from enum import StrEnum

COMMAND_LINE = "command line"
"""Who acts, in the audit log, where the host's own hand does."""


class Role(StrEnum):
    """What an admin is here for. Each page says beside its route which roles it is open to."""

    OWNER = "owner"
    OPERATOR = "operator"
    HELPDESK = "helpdesk"
    AUDITOR = "auditor"


class Scope(StrEnum):
    """What an API token may do."""

    BATCHES_READ = "batches:read"
    BATCHES_RESULTS = "batches:results"
    """Links, PINs and passwords of lists; following how far a batch is needs none of them."""
    BATCHES_WRITE = "batches:write"
    DOMAINS_READ = "domains:read"
    DOMAINS_WRITE = "domains:write"
    CHECKS_READ = "checks:read"
