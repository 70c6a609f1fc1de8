"""The test mail to oneself after a finished check: counted like any other attempt, and few at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from profiles.model import MailAccount
from profiles.problems import Code, Problem, ProblemError
from webapp.budget import Budget
from webapp.checks.live import live_outbound
from webapp.config import Config
from webapp.directory import Directory
from webapp.outbound import Outbound
from webapp.probes.test_mail import RoundTrip, send_to_self

WAIT_SECONDS = 20.0
"""A person waits for the page meanwhile."""
AT_ONCE = 8

Mailer = Callable[[MailAccount, str, str, str], RoundTrip]
"""account, password, subject, text -> what became of it"""


class Mailing:
    """Sends test mails for people whose check has passed."""

    def __init__(self, mailer: Mailer, budget: Budget, *, at_once: int = AT_ONCE) -> None:
        self._mailer = mailer
        self._budget = budget
        self._places = threading.BoundedSemaphore(at_once)

    def send(
        self, account: MailAccount, password: str, *, subject: str, text: str, client_address: str | None
    ) -> RoundTrip:
        """Send one and wait for it; raises TOO_MANY_ATTEMPTS or BUSY before any server hears of it."""
        if not self._places.acquire(blocking=False):
            raise ProblemError(Problem(Code.BUSY))
        try:
            ticket = self._budget.begin(account, client_address)
            trip = self._try(account, password, subject, text, ticket)
            self._settle(ticket, account, trip)
            return trip
        finally:
            self._places.release()

    def _try(
        self, account: MailAccount, password: str, subject: str, text: str, ticket: bytes | None
    ) -> RoundTrip:
        try:
            return self._mailer(account, password, subject, text)
        except ProblemError:  # the password cannot be sent at all
            self._budget.withdraw(ticket)
            raise

    def _settle(self, ticket: bytes | None, account: MailAccount, trip: RoundTrip) -> None:
        if any(problem.code.startswith("AUTH_") for problem in trip.problems):
            self._budget.failed(ticket)
        elif trip.ok:
            self._budget.succeeded(ticket, account)
        else:
            self._budget.withdraw(ticket)


def live_mailer(config: Config, directory: Directory) -> Mailer:
    """Send through the account's real servers."""
    return partial(_send, live_outbound(config, directory))


def _send(outbound: Outbound, account: MailAccount, password: str, subject: str, text: str) -> RoundTrip:
    return send_to_self(account, password, outbound=outbound, wait=WAIT_SECONDS, subject=subject, text=text)
