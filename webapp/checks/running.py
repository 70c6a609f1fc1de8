"""A check on its way: one thread that tries the account, writes each stage as it ends, and the outcome.

The password lives here, in the memory of that thread, and nowhere else.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import cache, partial
from ipaddress import ip_address

from profiles.model import Artifact, MailAccount, Source
from profiles.problems import Code, Problem, ProblemError
from webapp.budget import Budget
from webapp.checks.issuing import Issuing
from webapp.checks.live import Probe
from webapp.checks.views import CheckOptions, CheckState, Outcome, keys_of
from webapp.links import hash_token
from webapp.probes.report import Report, Stage, StageName
from webapp.store import Store, invitations
from webapp.store import checks as rows
from webapp.store.invitations import Mark
from webapp.store.values import to_text

log = logging.getLogger(__name__)

THREADS = 128
"""Checks that run at once; they mostly wait for servers."""
MOST_WAITING = 512
"""Checks taken in at all before the answer is BUSY."""
PASSWORD_KEPT = frozenset(
    (Code.AUTH_NEEDS_TLS, Code.AUTH_LOGIN_DISABLED, Code.AUTH_NOT_OFFERED, Code.AUTH_NO_COMMON_MECHANISM)
)
"""Codes of a log-in that failed before the password was sent: no server counted it, so neither do we."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one thread needs to know. It exists in memory only, and only as long as the check runs."""

    token: str = field(repr=False)
    account: MailAccount
    options: CheckOptions
    password: str | None = field(repr=False)
    ticket: bytes | None = field(repr=False)
    client_address: str | None = field(default=None, repr=False)
    earlier: tuple[str | None, ...] = field(default=(), repr=False)
    """Passwords of the accounts that were checked before (`options.also`), in their order."""
    writing: threading.Lock = field(default_factory=threading.Lock, repr=False)
    """Stages are numbered in the order in which they end, also where two services report at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a check ended; files only where it passed."""

    account: MailAccount
    outcome: Outcome
    artifacts: tuple[Artifact, ...] = field(default=(), repr=False)
    passwords: tuple[str | None, ...] = field(default=(), repr=False)
    """Those in the files, in the order of the accounts."""


class Running:
    """The checks that this process works on."""

    def __init__(
        self, store: Store, *, probe: Probe, budget: Budget, issuing: Issuing, now: Callable[[], float]
    ) -> None:
        self._store = store
        self._probe = probe
        self._budget = budget
        self._issuing = issuing
        self._now = now
        self._futures: dict[bytes, Future[None]] = {}

    @property
    def is_full(self) -> bool:
        """Whether no more should be taken in."""
        return len(self._futures) >= MOST_WAITING

    def begin(self, run: Run) -> None:
        """Let a thread do it, as soon as one is free."""
        listed = threading.Event()
        # The thread waits for its entry, else a quick check could end before it is listed and stay listed.
        self._futures[hash_token(run.token)] = _executor().submit(self._work, run, listed)
        listed.set()

    def wait(self, token: str, seconds: float) -> None:
        """Wait for a check to end, at most so long."""
        future = self._futures.get(hash_token(token))
        if future is not None:
            wait([future], timeout=seconds)

    def wait_for_all(self, seconds: float) -> None:
        """Wait for every check to end, at most so long."""
        wait(tuple(self._futures.values()), timeout=seconds)

    def beat(self) -> None:
        """Give a sign of life for every check of this process."""
        running = tuple(self._futures)
        if running:
            with self._store.write() as connection:
                rows.beat(connection, running, now=self._now())

    def _work(self, run: Run, listed: threading.Event) -> None:
        listed.wait()
        try:
            self._write_end(run, self._end(run))
        finally:
            self._futures.pop(hash_token(run.token), None)

    def _end(self, run: Run) -> End:
        try:
            return self._check(run)
        except ProblemError as error:
            return End(account=run.account, outcome=Outcome(problems=error.problems))
        except Exception as error:  # noqa: BLE001  the outermost edge of this thread
            number = secrets.token_hex(4)
            # Neither message nor traceback: both may hold the password.
            log.error("event=incident number=%s type=%s in=check", number, type(error).__name__)
            problem = Problem(Code.INCIDENT, {"incident": number})
            return End(account=run.account, outcome=Outcome(problems=(problem,)))

    def _check(self, run: Run) -> End:
        on_stage = partial(self._write_stage, run)
        report = self._probe(
            run.account,
            run.password,
            on_stage=on_stage,
            compare=run.options.compare,
            client_address=_address_to_tell(run),
        )
        self._settle(run, report)
        account = replace(report.account, path_prefix=report.findings.path_prefix)
        outcome = Outcome(problems=report.problems, findings=report.findings, milliseconds=report.milliseconds)
        if not report.ok or run.password is None:
            return End(account=account, outcome=outcome)
        password = run.password if run.options.include_password else None
        artifacts = self._issuing.render(
            account, run.options, password=password, unchecked=False, earlier=run.earlier
        )
        passwords = (*run.earlier, password)
        return End(account=account, outcome=outcome, artifacts=artifacts, passwords=passwords)

    def _settle(self, run: Run, report: Report) -> None:
        logins = [stage for stage in report.stages if stage.stage is StageName.LOGIN and stage.ok is not None]
        sent = [stage.ok for stage in logins if stage.code not in PASSWORD_KEPT]
        known = run.account.settings.source in (Source.DOMAIN, Source.PROVIDER)
        if sent and False not in sent:
            self._budget.succeeded(run.ticket, run.account)
        elif sent or not known:
            # Servers that somebody typed count in any case, else we could be used to look for open ports.
            self._budget.failed(run.ticket)
        else:
            self._budget.withdraw(run.ticket)

    def _write_stage(self, run: Run, stage: Stage) -> None:
        try:
            with run.writing, self._store.write() as connection:
                rows.add_stage(connection, hash_token(run.token), stage=to_text(stage), now=self._now())
        except ProblemError as error:
            # The verdict matters more than a line of progress.
            log.warning("event=stage_not_written code=%s", error.problems[0].code)

    def _write_end(self, run: Run, end: End) -> None:
        try:
            with self._store.write() as connection:
                invitations.hold_owner(connection, hash_token(run.token))
                written = rows.finish(
                    connection,
                    hash_token(run.token),
                    state=CheckState.OK if end.artifacts else CheckState.FAILED,
                    account=to_text(end.account),
                    outcome=to_text(end.outcome),
                    generation=1 if end.artifacts else 0,
                    now=self._now(),
                )
                if written and end.artifacts:
                    self._issuing.lay_ready(
                        connection, run.token, end.artifacts, generation=1, passwords=end.passwords
                    )
                    invitations.mark_of_check(
                        connection,
                        hash_token(run.token),
                        Mark.VALIDATED,
                        Mark.ISSUED,
                        address_keys=keys_of((*run.options.also, run.account)),
                        now=self._now(),
                    )
        except ProblemError as error:
            # Its page will say that the check was lost.
            log.warning("event=check_not_written code=%s", error.problems[0].code)


def _address_to_tell(run: Run) -> str | None:
    """Where the person sits, for the host's own servers: they may then count wrong passwords per person."""
    try:
        address = str(ip_address(run.client_address or ""))
    except ValueError:
        return None  # a Unix socket has no address
    return address if run.account.settings.source is Source.DOMAIN else None


@cache
def _executor() -> ThreadPoolExecutor:
    # Made at the first check, so after any fork.
    return ThreadPoolExecutor(THREADS, thread_name_prefix="hagaki-check")
