"""What became of an address's last checks, for the help desk: stages and causes, no token and no secret."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from profiles.address import Address
from profiles.model import MailAccount
from profiles.problems import Problem
from webapp.checks.views import CheckState, Outcome
from webapp.probes.report import Stage
from webapp.store import Connection, Store
from webapp.store import checks as rows
from webapp.store.values import from_text

MOST = 5
LOST_SECONDS = 45


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCheck:
    """One check as the help desk sees it."""

    state: CheckState
    account: MailAccount
    started_at: datetime
    milliseconds: int
    stages: tuple[Stage, ...]
    problems: tuple[Problem, ...]
    unchecked: bool


def last_checks(store: Store, address: Address, *, most: int = MOST) -> tuple[PastCheck, ...]:
    """The last checks of an address, newest first; they are kept for a day."""
    with store.read() as connection:
        found = rows.recent(connection, address.key, most=most)
        return tuple(_past(connection, token_hash, row) for token_hash, row in found)


def _past(connection: Connection, token_hash: bytes, row: rows.CheckRow) -> PastCheck:
    outcome = from_text(Outcome, row.outcome) if row.outcome else Outcome()
    silent = row.state == CheckState.RUNNING and time.time() - row.heartbeat_at > LOST_SECONDS
    return PastCheck(
        state=CheckState.LOST if silent else CheckState(row.state),
        account=from_text(MailAccount, row.account),
        started_at=datetime.fromtimestamp(row.started_at, UTC),
        milliseconds=outcome.milliseconds,
        stages=tuple(from_text(Stage, text) for text in rows.stages(connection, token_hash)),
        problems=outcome.problems,
        unchecked=row.unchecked,
    )
