"""The work on the rows of a batch: claimed in chunks, tried on the mail servers where that is wanted, and made.

Whatever happens to a worker, no row is lost, doubled or half made: what became of a chunk, its invitations with
it, is one transaction, and it counts only while the lease of the chunk is still the worker's own.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Event, Lock

from profiles import mobileconfig
from profiles.address import parse_address, parse_recipient
from profiles.model import MailAccount, RenderOptions
from profiles.problems import Code, Problem, ProblemError
from webapp.batches.gentle import NOT_TRIED, GentleCheck, Probe, Verdict
from webapp.batches.invitations import Invitations
from webapp.batches.options import BatchOptions, BatchState, MailState, Mode, RowState
from webapp.batches.rows import CellProblem, Employee, FindSettings
from webapp.batches.sealing import RowSecrets, open_row
from webapp.batches.turns import SharedTurns
from webapp.probes.report import Report
from webapp.store import Store, batch_rows, batches
from webapp.store.batch_rows import EndedRow, WorkRow
from webapp.store.batches import BatchRow
from webapp.store.values import from_text, to_text

log = logging.getLogger(__name__)

CHUNK, CHUNK_CHECKED = 100, 8
"""Rows that are worked on together; few where each waits for its server, so that progress is seen."""
LEASE_SECONDS = 20.0
"""After so long without a sign of life a worker is taken for dead, and its rows go to another one."""
SLICE_SECONDS = 4.0
"""How long one batch is worked on before another one gets its turn."""
ALONE_AFTER, MOST_CLAIMS = 2, 5
"""A row that was with a worker twice when it died is worked on alone, and given up after the fifth time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A batch as a worker sees it."""

    id: int
    name: str
    mode: Mode
    options: BatchOptions


@dataclass(slots=True, kw_only=True)
class _Case:
    """One claimed row on its way."""

    row: WorkRow
    secrets: RowSecrets
    employee: Employee | None = None
    verdict: Verdict = NOT_TRIED
    problems: list[Problem] = field(default_factory=list)
    failed: bool = False

    def fail(self, *problems: Problem) -> None:
        self.problems += problems
        self.failed = True


class Leases:
    """The chunks that this process works on. Somebody calls `beat` several times in the length of a lease."""

    def __init__(
        self, store: Store, *, seconds: float = LEASE_SECONDS, now: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._now = now
        self.seconds = seconds
        self._held: dict[bytes, int] = {}
        self._changing = Lock()

    @property
    def until(self) -> float:
        """When a lease ends that begins now."""
        return self._now() + self.seconds

    @contextmanager
    def holding(self, lease: bytes, batch_id: int) -> Iterator[None]:
        """Give signs of life for this chunk."""
        with self._changing:
            self._held[lease] = batch_id
        try:
            yield
        finally:
            with self._changing:
                del self._held[lease]

    def beat(self) -> None:
        """Give a sign of life for every chunk."""
        with self._changing:
            held = dict(self._held)
        if held:
            with self._store.write() as connection:
                # In the order of `_claim`: the batch, then its rows.
                batches.beat(connection, set(held.values()), at=self._now())
                batch_rows.renew(connection, tuple(held), until=self.until)


class Work:
    """Works on the batches of one database, for as many threads as like. `now` is the clock."""

    def __init__(
        self,
        store: Store,
        find: FindSettings,
        invitations: Invitations,
        *,
        link_key: bytes,
        probe: Probe,
        leases: Leases,
        halted: Event,
        chunk: int = CHUNK,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._find = find
        self._invitations = invitations
        self._link_key = link_key
        self._probe = probe
        self._leases = leases
        self._halted = halted
        self._chunk = chunk
        self._now = now

    def work(self, batch_id: int, *, seconds: float = SLICE_SECONDS) -> bool:
        """Make rows of a batch for so long; False where some were left, for whoever comes next."""
        ends = time.monotonic() + seconds
        while not self._halted.is_set():
            if not self._one_chunk(batch_id):
                return True
            if time.monotonic() >= ends:
                return False
        return False

    def _one_chunk(self, batch_id: int) -> bool:
        """Make one chunk; False where no row waits."""
        lease = secrets.token_bytes(16)
        with self._leases.holding(lease, batch_id):
            job, rows = self._claim(batch_id, lease)
            if job is None:
                return False
            if not rows:
                self._finish(batch_id)
                return False
            try:
                self._make(job, lease, rows)
            except ProblemError:
                self._let_go(lease, counts=False)
                raise
            except BaseException:
                self._let_go(lease, counts=True)
                raise
        return True

    def _claim(self, batch_id: int, lease: bytes) -> tuple[Job | None, Sequence[WorkRow]]:
        with self._store.write() as connection:
            batch = batches.begin_making(connection, batch_id, at=self._now())
            if batch is None:
                return None, ()
            job = _job(batch)
            batch_rows.free_lapsed(connection, batch_id, now=self._now())
            claim = partial(batch_rows.claim, connection, batch_id, lease=lease, until=self._leases.until)
            most = CHUNK_CHECKED if job.options.check else self._chunk
            rows = claim(most=most, claims=range(ALONE_AFTER)) or claim(most=1, claims=range(ALONE_AFTER, 1_000))
        return job, rows

    def _finish(self, batch_id: int) -> None:
        with self._store.write() as connection:
            done = batches.finish_if_done(connection, batch_id, state=BatchState.DONE, at=self._now())
        if done:
            log.info("event=batch_done batch=%d", batch_id)

    def _let_go(self, lease: bytes, *, counts: bool) -> None:
        """Give the rows back at once, as far as that can be done now; else their lease ends by itself.

        What the database or the network did is no fault of the rows and does not count against them.
        """
        try:
            with self._store.write() as connection:
                batch_rows.let_go(connection, lease, counts=counts)
        except ProblemError as error:
            log.warning("event=lease_not_given_back code=%s", error.problems[0].code)

    # a chunk

    def _make(self, job: Job, lease: bytes, rows: Sequence[WorkRow]) -> None:
        cases = [self._case(row) for row in rows]
        if job.options.check:
            self._check(job, cases)
        ready = [case for case in cases if not case.verdict.postponed]
        for case in ready:
            self._try_to_render(job, case)
        with self._store.write() as connection:
            held = batch_rows.hold(connection, lease)
            ours = [case for case in ready if case.row.id in held]
            good = [case for case in ours if case.employee is not None and not case.failed]
            links = self._invitations.invite_within(
                connection,
                job.id,
                [case.employee for case in good if case.employee is not None],
                expires_at=job.options.expires_at,
                mode=job.mode,
                tried={case.row.row for case in good if case.verdict.tried},
                spare_pins={case.row.row: case.secrets.spare_pin for case in good if case.secrets.spare_pin},
            )
            ids = {case.row.id: link.id for case, link in zip(good, links, strict=True)}
            to_mail = batch_rows.not_mailed(connection, tuple(ids.values())) if job.options.mail else set()
            ended = [_ended(job, case, ids.get(case.row.id), to_mail) for case in ours]
            batch_rows.end(connection, lease, ended, at=self._now())
            if len(ready) < len(cases):
                batch_rows.let_go(connection, lease, counts=False)

    def _case(self, row: WorkRow) -> _Case:
        kept = open_row(self._link_key, row.id, row.sealed)
        case = _Case(row=row, secrets=kept or RowSecrets())
        if row.claims > MOST_CLAIMS:
            case.fail(Problem(Code.ROW_GIVEN_UP))
            return case
        if row.sealed and kept is None:
            # Sealed under a link key that was replaced since.
            case.fail(Problem(Code.PASSWORD_MISSING))
            return case
        address, _ = parse_address(row.address)
        settings = None if address is None else self._find(address.domain)
        if address is None or settings is None:
            case.fail(Problem(Code.DOMAIN_NOT_SERVED, {"domain": row.address.rpartition("@")[2]}))
            return case
        notify, _ = parse_recipient(row.notify) if row.notify else (None, ())
        case.employee = Employee(
            row=row.row,
            address=address,
            settings=settings,
            full_name=row.full_name,
            department=row.department,
            employee_number=row.employee_number,
            username=row.username,
            password=case.secrets.password,
            pin=case.secrets.pin,
            notify=notify,
        )
        return case

    def _check(self, job: Job, cases: Sequence[_Case]) -> None:
        found = [case for case in cases if case.employee is not None]
        turns = SharedTurns(self._store, job.id, rate=job.options.check_rate, halted=self._halted, now=self._now)
        with GentleCheck(self._try_once, turns=turns) as check:
            verdicts = check.check([case.employee for case in found if case.employee is not None])
        for case, verdict in zip(found, verdicts, strict=True):
            case.verdict = verdict
            if verdict.failed:
                case.fail(*verdict.problems)
            elif case.row.has_password and not verdict.tried:
                case.problems.append(Problem(Code.ROW_NOT_TRIED))
            else:
                case.problems += verdict.problems

    def _try_once(self, account: MailAccount, password: str) -> Report:
        """Whatever goes wrong on the way, no password is sent a second time."""
        try:
            return self._probe(account, password)
        except ProblemError as error:
            return Report(account=account, problems=error.problems)
        except Exception as error:  # noqa: BLE001  one odd server must not hold up the others
            return Report(account=account, problems=(_incident(error),))

    def _try_to_render(self, job: Job, case: _Case) -> None:
        """Find out whether a profile can hold the account; an invitation's page knows other ways."""
        if case.employee is None or case.failed:
            return
        ready_made = job.mode is Mode.READY_MADE
        password = case.secrets.password if ready_made else None
        try:
            # Its values without the file: writing that would take most of the time.
            mobileconfig.profile(case.employee.account, RenderOptions(password=password))
        except ProblemError as error:
            case.problems += error.problems
            case.failed = ready_made
        except Exception as error:  # noqa: BLE001  one odd row must not hold up the others
            case.fail(_incident(error))


def _incident(error: Exception) -> Problem:
    number = secrets.token_hex(4)
    # Neither message nor traceback: both may hold the password.
    log.error("event=incident number=%s type=%s in=batch", number, type(error).__name__)
    return Problem(Code.INCIDENT, {"incident": number})


def _job(batch: BatchRow) -> Job:
    return Job(id=batch.id, name=batch.name, mode=Mode(batch.mode), options=from_text(BatchOptions, batch.options))


def _ended(job: Job, case: _Case, invitation_id: bytes | None, to_mail: set[bytes]) -> EndedRow:
    """What became of a row. What is wrong with the list itself stays; what an earlier try found does not."""
    row = case.row
    noted = from_text(tuple[CellProblem, ...], row.problems) if row.problems else ()
    place = f"{job.name}: {row.row}"
    found = [CellProblem(problem=replace(problem, place=place), row=row.row) for problem in case.problems]
    problems = (*(one for one in noted if one.column is not None), *found)
    mails = invitation_id in to_mail
    return EndedRow(
        id=row.id,
        state=RowState.FAILED if case.failed else RowState.MADE,
        problems=to_text(problems) if problems else None,
        keeps_secrets=case.failed,
        tried=case.verdict.tried,
        invitation_id=invitation_id,
        mail_state=MailState.WAITING if mails else None,
        mail_kind="invitation" if mails else None,
    )
