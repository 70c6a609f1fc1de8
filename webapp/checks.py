"""The check that a page starts, follows and hands its result over from.

It brings the budget, the probes, the signer and the links together. The password lives in the memory of one
thread; rows hold the account, the stages and the outcome. Everything a check's page shows derives from the token
in its link, so nothing that opens a link or a file is at rest.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache, partial
from typing import Protocol

from profiles.address import Address
from profiles.formats import FORMATS
from profiles.model import Artifact, MailAccount, RenderOptions, ServiceSettings, Source
from profiles.model import Protocol as MailProtocol
from profiles.problems import Code, Problem, ProblemError
from profiles.signing import Signer
from webapp import i18n
from webapp.budget import Budget
from webapp.config import Config
from webapp.directory import Directory
from webapp.links import DeliveryView, HandoverView, Links, derive, hash_token, new_token, read_token
from webapp.probes.report import Findings, Report, Stage, StageName
from webapp.store import Connection, Store
from webapp.store import checks as rows
from webapp.store.values import from_text, to_text

log = logging.getLogger(__name__)

THREADS = 128
"""Checks that run at once; they mostly wait for servers."""
MOST_WAITING = 512
"""Checks taken in at all before the answer is BUSY."""
KEEP_SECONDS = 24 * 3600
LOST_SECONDS = 45
"""Without a sign of life for so long, the process that worked on a check is gone."""
BEAT_SECONDS = 10
PURGE_SECONDS = 60
RENEWABLE_SECONDS = 3600
"""How long after the check new links to a profile with the password can be made."""
DELIVERED_FORMATS = ("mobileconfig",)
PASSWORD_KEPT = frozenset(
    (Code.AUTH_NEEDS_TLS, Code.AUTH_LOGIN_DISABLED, Code.AUTH_NOT_OFFERED, Code.AUTH_NO_COMMON_MECHANISM)
)
"""Codes of a log-in that failed before the password was sent: no server counted it, so neither do we."""


class CheckState(StrEnum):
    """What became of a check."""

    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    LOST = "lost"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """What the person chose, besides the account."""

    language: str = "en"
    include_password: bool = True
    compare: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a finished check found."""

    problems: tuple[Problem, ...] = ()
    findings: Findings = field(default_factory=Findings)
    milliseconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckView:
    """A check as its page shows it."""

    token: str
    state: CheckState
    account: MailAccount
    options: CheckOptions
    started_at: datetime
    finished_at: datetime | None
    expires_at: datetime
    milliseconds: int
    stages: tuple[Stage, ...] = ()
    problems: tuple[Problem, ...] = ()
    findings: Findings = field(default_factory=Findings)
    unchecked: bool = False
    """Whether the links hold a profile that was issued without a successful check."""
    delivery: DeliveryView | None = None
    handover: HandoverView | None = None
    attempts_left: int = 0
    can_issue_unchecked: bool = False

    @property
    def source(self) -> Source:
        """Where the settings came from."""
        return self.account.settings.source

    @property
    def includes_password(self) -> bool:
        """Whether the profile behind the links holds the password."""
        return self.options.include_password and not self.unchecked and self.state is CheckState.OK


class Probe(Protocol):
    """Tries an account on its servers (webapp.probes.check with its outbound filled in)."""

    def __call__(
        self, account: MailAccount, password: str | None, *, on_stage: Callable[[Stage], None], compare: bool
    ) -> Report:
        """Try it; each stage is told as it ends, perhaps from several threads."""


class Checks:
    """The checks of one database. `now` is the clock, in seconds since the epoch."""

    def __init__(
        self,
        store: Store,
        directory: Directory,
        config: Config,
        *,
        probe: Probe | None = None,
        signer: Callable[[], Signer] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.links = Links(store, now=now)
        self.budget = Budget(store, key=config.secret_key, enabled=config.limit_attempts, now=now)
        self._store = store
        self._config = config
        self._probe = probe or live_probe(config, directory)
        self._signer = signer or partial(_load_signer, config)
        self._now = now
        self._running: dict[bytes, Future[None]] = {}
        self._sweeper: _Sweeper | None = None

    def start(
        self,
        settings: ServiceSettings,
        address: Address,
        full_name: str = "",
        password: str | None = None,
        *,
        username: str | None = None,
        include_password: bool = True,
        language: str = "en",
        client_address: str | None = None,
        prefer: MailProtocol | None = None,
        compare: bool = False,
    ) -> str:
        """Begin a check and return its token; raises TOO_MANY_ATTEMPTS or BUSY before any server hears of it."""
        account = settings.account(address, full_name, username=username, prefer=prefer)
        options = CheckOptions(language=language, include_password=include_password, compare=compare)
        if len(self._running) >= MOST_WAITING:
            raise ProblemError(Problem(Code.BUSY))
        ticket = self.budget.begin(account, client_address) if password is not None else None
        token, now = new_token(), self._now()
        with self._store.write() as connection:
            rows.put(
                connection,
                hash_token(token),
                state=CheckState.RUNNING,
                account=to_text(account),
                options=to_text(options),
                at=now,
                expires_at=now + KEEP_SECONDS,
            )
        self._submit(_Run(token=token, account=account, options=options, password=password, ticket=ticket))
        return token

    def view(self, token: str) -> CheckView:
        """What is known of a check; LINK_UNKNOWN for a token that never was, or is forgotten."""
        if read_token(token) is None:
            raise ProblemError(Problem(Code.LINK_UNKNOWN))
        with self._store.read() as connection:
            row = rows.get(connection, hash_token(token))
            if row is None:
                raise ProblemError(Problem(Code.LINK_UNKNOWN))
            view = self._view(connection, token, row)
        left = self.budget.attempts_left(view.account) if view.state is not CheckState.OK else 0
        return replace(view, attempts_left=left)

    def wait(self, token: str, seconds: float) -> None:
        """Wait for a check of this process to end, at most so long."""
        future = self._running.get(hash_token(token))
        if future is not None:
            wait([future], timeout=seconds)

    def issue_unchecked(self, token: str) -> None:
        """Make links to a profile without password, marked as unchecked, where the host allows that."""
        view = self.view(token)
        if view.unchecked or view.state is CheckState.OK:
            return
        if not view.can_issue_unchecked:
            raise ProblemError(Problem(Code.LINK_EXPIRED))
        artifacts = self._render(view.account, view.options, password=None, unchecked=True)
        self._lay_ready(token, artifacts, known=0, unchecked=True)

    def renew(self, token: str) -> None:
        """Make fresh links to the same profile; LINK_EXPIRED once its password is forgotten."""
        with self._store.read() as connection:
            row = rows.get(connection, hash_token(token)) if read_token(token) else None
            if row is None or row.generation == 0 or row.expires_at <= self._now():
                raise ProblemError(Problem(Code.LINK_EXPIRED if row else Code.LINK_UNKNOWN))
            view = self._view(connection, token, row)
            held = self.links.handed_over(connection, _link(token, "handover", row.generation))
        if view.includes_password:
            in_time = row.finished_at is not None and self._now() < row.finished_at + RENEWABLE_SECONDS
            if held is None or not in_time:
                raise ProblemError(Problem(Code.LINK_EXPIRED))
            artifacts = held
        else:
            artifacts = self._render(view.account, view.options, password=None, unchecked=view.unchecked)
        self._lay_ready(token, artifacts, known=row.generation, unchecked=view.unchecked)

    def revoke(self, token: str) -> None:
        """End every link of a check."""
        self.links.revoke(token)

    def sweep(self) -> None:
        """Forget what has ended. The application does so at start and every minute."""
        self.links.purge()
        self.budget.purge()
        with self._store.write() as connection:
            rows.purge(connection, now=self._now())

    def beat(self) -> None:
        """Give a sign of life for every check of this process."""
        running = tuple(self._running)
        if running:
            with self._store.write() as connection:
                rows.beat(connection, running, now=self._now())

    def start_sweeping(self) -> None:
        """Sweep now and from now on, in a thread of this process (call it after a fork)."""
        if self._sweeper is None:
            self._sweeper = _Sweeper(self)
            self._sweeper.start()

    def close(self) -> None:
        """Stop the sweeping."""
        if self._sweeper is not None:
            self._sweeper.stop()
            self._sweeper = None

    # the run, in a thread of its own

    def _submit(self, run: _Run) -> None:
        token_hash = hash_token(run.token)
        started = threading.Event()
        # The thread waits for its entry, else a quick check could end before it is listed and stay listed.
        self._running[token_hash] = _executor().submit(self._run, run, started)
        started.set()

    def _run(self, run: _Run, listed: threading.Event) -> None:
        listed.wait()
        try:
            self._write_end(run, self._end(run))
        finally:
            self._running.pop(hash_token(run.token), None)

    def _end(self, run: _Run) -> _End:
        try:
            return self._check(run)
        except ProblemError as error:
            return _End(account=run.account, outcome=Outcome(problems=error.problems))
        except Exception as error:  # noqa: BLE001  the outermost edge of this thread
            number = secrets.token_hex(4)
            # Neither message nor traceback: both may hold the password.
            log.error("event=incident number=%s type=%s in=check", number, type(error).__name__)
            problem = Problem(Code.INCIDENT, {"incident": number})
            return _End(account=run.account, outcome=Outcome(problems=(problem,)))

    def _check(self, run: _Run) -> _End:
        on_stage = partial(self._write_stage, run)
        report = self._probe(run.account, run.password, on_stage=on_stage, compare=run.options.compare)
        self._settle(run, report)
        account = replace(run.account, path_prefix=report.findings.path_prefix)
        outcome = Outcome(problems=report.problems, findings=report.findings, milliseconds=report.milliseconds)
        if not report.ok or run.password is None:
            return _End(account=account, outcome=outcome)
        password = run.password if run.options.include_password else None
        artifacts = self._render(account, run.options, password=password, unchecked=False)
        return _End(account=account, outcome=outcome, artifacts=artifacts)

    def _settle(self, run: _Run, report: Report) -> None:
        logins = [stage for stage in report.stages if stage.stage is StageName.LOGIN and stage.ok is not None]
        sent = [stage.ok for stage in logins if stage.code not in PASSWORD_KEPT]
        known = run.account.settings.source in (Source.DOMAIN, Source.PROVIDER)
        if sent and False not in sent:
            self.budget.succeeded(run.ticket, run.account)
        elif sent or not known:
            # Servers that somebody typed count in any case, else we could be used to look for open ports.
            self.budget.failed(run.ticket)
        else:
            self.budget.withdraw(run.ticket)

    def _write_stage(self, run: _Run, stage: Stage) -> None:
        try:
            with run.writing, self._store.write() as connection:
                rows.add_stage(connection, hash_token(run.token), stage=to_text(stage), now=self._now())
        except ProblemError as error:
            # The verdict matters more than a line of progress.
            log.warning("event=stage_not_written code=%s", error.problems[0].code)

    def _write_end(self, run: _Run, end: _End) -> None:
        state = CheckState.OK if end.artifacts else CheckState.FAILED
        try:
            with self._store.write() as connection:
                rows.finish(
                    connection,
                    hash_token(run.token),
                    state=state,
                    account=to_text(end.account),
                    outcome=to_text(end.outcome),
                    generation=1 if end.artifacts else 0,
                    now=self._now(),
                )
                if end.artifacts:
                    self._put_links(connection, run.token, end.artifacts, generation=1)
        except ProblemError as error:
            # Its page will say that the check was lost.
            log.warning("event=check_not_written code=%s", error.problems[0].code)

    # files and links

    def _render(
        self, account: MailAccount, options: CheckOptions, *, password: str | None, unchecked: bool
    ) -> tuple[Artifact, ...]:
        rendering = RenderOptions(
            language=options.language,
            password=password,
            unchecked=unchecked,
            translate=lambda text: i18n.translate(text, options.language),
        )
        signer = self._signer()
        return tuple(signer.sign(FORMATS[name].render(account, rendering)) for name in DELIVERED_FORMATS)

    def _lay_ready(self, token: str, artifacts: tuple[Artifact, ...], *, known: int, unchecked: bool) -> None:
        with self._store.write() as connection:
            # Two presses of the button make one pair of links.
            if rows.next_generation(connection, hash_token(token), known=known, unchecked=unchecked):
                self._put_links(connection, token, artifacts, generation=known + 1)

    def _put_links(
        self, connection: Connection, token: str, artifacts: tuple[Artifact, ...], *, generation: int
    ) -> None:
        delivery, handover = _link(token, "delivery", generation), _link(token, "handover", generation)
        self.links.lay_ready(connection, token, artifacts, delivery=delivery, handover=handover)

    def _view(self, connection: Connection, token: str, row: rows.CheckRow) -> CheckView:
        state = self._state(row)
        outcome = from_text(Outcome, row.outcome) if row.outcome else Outcome()
        lost = (Problem(Code.CHECK_LOST),) if state is CheckState.LOST else ()
        linked = row.generation > 0 and state is not CheckState.EXPIRED
        delivery, handover = (_link(token, kind, row.generation) for kind in ("delivery", "handover"))
        ended = row.finished_at or (row.heartbeat_at if state is CheckState.LOST else self._now())
        return CheckView(
            token=token,
            state=state,
            account=from_text(MailAccount, row.account),
            options=from_text(CheckOptions, row.options),
            started_at=datetime.fromtimestamp(row.started_at, UTC),
            finished_at=datetime.fromtimestamp(row.finished_at, UTC) if row.finished_at else None,
            expires_at=datetime.fromtimestamp(row.expires_at, UTC),
            milliseconds=outcome.milliseconds or max(0, round((ended - row.started_at) * 1000)),
            stages=tuple(from_text(Stage, text) for text in rows.stages(connection, hash_token(token))),
            problems=outcome.problems + lost,
            findings=outcome.findings,
            unchecked=row.unchecked,
            delivery=self.links.view_delivery(connection, delivery) if linked else None,
            handover=self.links.view_handover(connection, handover) if linked else None,
            can_issue_unchecked=self._config.allow_unchecked and state in (CheckState.FAILED, CheckState.LOST),
        )

    def _state(self, row: rows.CheckRow) -> CheckState:
        if row.expires_at <= self._now():
            return CheckState.EXPIRED
        silent = self._now() - row.heartbeat_at > LOST_SECONDS
        return CheckState.LOST if row.state == CheckState.RUNNING and silent else CheckState(row.state)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """A check on its way. It exists in memory only, and only as long as it runs."""

    token: str = field(repr=False)
    account: MailAccount
    options: CheckOptions
    password: str | None = field(repr=False)
    ticket: bytes | None = field(repr=False)
    writing: threading.Lock = field(default_factory=threading.Lock, repr=False)
    """Stages are numbered in the order in which they end, also where two services report at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """How a check ended; files only where it passed."""

    account: MailAccount
    outcome: Outcome
    artifacts: tuple[Artifact, ...] = field(default=(), repr=False)


class _Sweeper(threading.Thread):
    """Gives signs of life and sweeps, until stopped."""

    def __init__(self, checks: Checks) -> None:
        super().__init__(name="hagaki-sweeper", daemon=True)
        self._checks = checks
        self._stopped = threading.Event()

    def run(self) -> None:
        """Work until `stop`."""
        next_purge = 0.0
        while True:
            try:
                if time.monotonic() >= next_purge:
                    next_purge = time.monotonic() + PURGE_SECONDS
                    self._checks.sweep()
                self._checks.beat()
            except ProblemError as error:
                log.warning("event=sweep_failed code=%s", error.problems[0].code)
            if self._stopped.wait(BEAT_SECONDS):
                return

    def stop(self) -> None:
        """End soon and wait for it."""
        self._stopped.set()
        self.join()


def live_probe(config: Config, directory: Directory) -> Probe:
    """Try accounts on their real servers, as far as this host lets people reach."""
    from webapp import probes
    from webapp.outbound import Outbound

    outbound = Outbound(
        allow_networks=config.allow_networks,
        resolver=config.resolver,
        ca_file=config.ca_file,
        registered=directory.is_registered,
        allow_other=config.allow_other_servers,
    )
    return partial(probes.check, outbound=outbound)


def _load_signer(config: Config) -> Signer:
    from webapp.certificates import load_signer

    return load_signer(config)


def _link(token: str, kind: str, generation: int) -> str:
    return derive(token, f"{kind} {generation}")


@cache
def _executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="hagaki-check")
