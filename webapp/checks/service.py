"""Starting, showing, renewing and ending checks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from profiles.address import Address
from profiles.model import Artifact, MailAccount, Protocol, ServiceSettings
from profiles.problems import Code, Problem, ProblemError
from profiles.signing import Signer
from webapp.budget import FILES, Budget
from webapp.certificates import load_signer
from webapp.checks.issuing import Issuing, link
from webapp.checks.live import Probe, live_probe
from webapp.checks.mailing import Mailer, Mailing, live_mailer
from webapp.checks.running import Run, Running
from webapp.checks.sweeper import Sweeper
from webapp.checks.views import CheckOptions, CheckState, CheckView, Outcome, keys_of
from webapp.config import Config
from webapp.directory import Directory
from webapp.links import (
    Claimed,
    HandedOver,
    Links,
    hash_token,
    new_token,
    read_token,
    seal_text,
    unseal_text,
)
from webapp.probes.report import Stage
from webapp.probes.test_mail import RoundTrip
from webapp.store import Connection, Store, invitations
from webapp.store import checks as rows
from webapp.store.invitations import Mark
from webapp.store.values import from_text, to_text

KEEP_SECONDS = 24 * 3600
LOST_SECONDS = 45
"""Without a sign of life for so long, the process that worked on a check is gone."""
RENEWABLE_SECONDS = 3600
"""How long after the check new links to a profile with the password can be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What was checked before and stands in the same files."""

    accounts: tuple[MailAccount, ...] = ()
    passwords: tuple[str | None, ...] = field(default=(), repr=False)


class Checks:
    """The checks of one database. `now` is the clock, in seconds since the epoch."""

    def __init__(
        self,
        store: Store,
        directory: Directory,
        config: Config,
        *,
        probe: Probe | None = None,
        mailer: Mailer | None = None,
        signer: Callable[[], Signer] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.links = Links(store, now=now)
        self.budget = Budget(store, key=config.secret_key, enabled=config.limit_attempts, now=now)
        self._store = store
        self._config = config
        self._now = now
        self._issuing = Issuing(self.links, signer or partial(load_signer, config), zone=config.timezone)
        self._running = Running(
            store,
            probe=probe or live_probe(config, directory),
            budget=self.budget,
            issuing=self._issuing,
            now=now,
        )
        self._mailing = Mailing(mailer or live_mailer(config, directory), self.budget)
        self._sweeper: Sweeper | None = None

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
        prefer: Protocol | None = None,
        compare: bool = False,
        invitation: str | None = None,
        beside: str | None = None,
        form: str = "",
    ) -> str:
        """Begin a check and return its token; raises TOO_MANY_ATTEMPTS or BUSY before any server hears of it.

        `invitation` is the token of the link that led here, where one did; `beside` that of a finished check of
        the same person, whose accounts stand in the same files; `form` the path of the form to come back to.
        """
        account = settings.account(address, full_name, username=username, prefer=prefer)
        before = self._before(beside, account)
        token = new_token()
        options = CheckOptions(
            language=language,
            include_password=include_password,
            compare=compare,
            also=before.accounts,
            also_passwords=any(before.passwords),
            form=seal_text(token, form, context="form"),
        )
        run = Run(
            token=token,
            account=account,
            options=options,
            password=password,
            ticket=None,
            client_address=client_address,
            earlier=before.passwords,
        )
        self._begin(run, invitation)
        return token

    def _begin(self, run: Run, invitation: str | None) -> None:
        if self._running.is_full:
            raise ProblemError(Problem(Code.BUSY))
        if run.password is not None:
            run = replace(run, ticket=self.budget.begin(run.account, run.client_address))
        with self._store.write() as connection:
            self._put(connection, run.token, run.account, run.options, invitation)
        self._running.begin(run)

    def _before(self, beside: str | None, account: MailAccount) -> Before:
        """What another check of the same person gave; without its passwords once these are forgotten."""
        if beside is None:
            return Before()
        with self._store.read() as connection:
            row = _row(connection, beside)
            view = self._view(connection, beside, row)
            held = self._held(connection, beside, row)
        if not view.can_add_account:
            raise ProblemError(Problem(Code.LINK_EXPIRED))
        if any(one.address.key == account.address.key for one in view.accounts):
            address = {"address": str(account.address)}
            raise ProblemError(Problem(Code.ACCOUNT_REPEATED, address, place="address"))
        passwords = held.passwords if held is not None else ()
        return Before(accounts=view.accounts, passwords=passwords or (None,) * len(view.accounts))

    def keeps_passwords(self, token: str) -> bool:
        """Whether what a check was given is still there to be put into another file."""
        with self._store.read() as connection:
            row = _row(connection, token)
            return self._held(connection, token, row) is not None

    def _put(
        self,
        connection: Connection,
        token: str,
        account: MailAccount,
        options: CheckOptions,
        invitation: str | None,
    ) -> bytes | None:
        """Write that a check begins; return whose invitation led to it, LINK_EXPIRED where that has ended."""
        now, invitation_id = self._now(), None
        if invitation is not None:
            invitation_id = invitations.living_id(connection, hash_token(invitation), now=now)
            if invitation_id is None:
                raise ProblemError(Problem(Code.LINK_EXPIRED))
            invitations.mark(connection, invitation_id, Mark.OPENED, now=now)
        rows.put(
            connection,
            hash_token(token),
            state=CheckState.RUNNING,
            address_key=account.address.key,
            account=to_text(account),
            options=to_text(options),
            at=now,
            expires_at=now + KEEP_SECONDS,
            invitation_id=invitation_id,
        )
        return invitation_id

    def issue_ready_made(
        self, account: MailAccount, password: str, *, tried: bool, language: str = "en", invitation: str
    ) -> str:
        """Lay a profile with the password of the host's list ready, as if a check had passed; return its token.

        Unless the live check of the list accepted the password, everything says that it was not checked.
        """
        options = CheckOptions(language=language, ready_made=True)
        artifacts = self._issuing.render(account, options, password=password, unchecked=not tried)
        token, marks = new_token(), (Mark.VALIDATED, Mark.ISSUED) if tried else (Mark.ISSUED,)
        with self._store.write() as connection:
            invitation_id = self._put(connection, token, account, options, invitation)
            rows.finish(
                connection,
                hash_token(token),
                state=CheckState.OK,
                account=to_text(account),
                outcome=to_text(Outcome()),
                generation=1,
                unchecked=not tried,
                now=self._now(),
            )
            self._issuing.lay_ready(connection, token, artifacts, generation=1, passwords=(password,))
            if invitation_id is not None:
                invitations.mark(connection, invitation_id, *marks, now=self._now())
        return token

    def view(self, token: str) -> CheckView:
        """What is known of a check; LINK_UNKNOWN for a token that never was, or is forgotten."""
        with self._store.read() as connection:
            view = self._view(connection, token, _row(connection, token))
        left = self.budget.attempts_left(view.account) if view.state is not CheckState.OK else 0
        return replace(view, attempts_left=left)

    def wait(self, token: str, seconds: float) -> None:
        """Wait for a check of this process to end, at most so long."""
        self._running.wait(token, seconds)

    def deliver_without_check(
        self,
        settings: ServiceSettings,
        address: Address,
        full_name: str = "",
        *,
        language: str = "en",
        client_address: str | None = None,
        invitation: str | None = None,
    ) -> Claimed:
        """Make the files of a service that takes no password: there is nothing to check and nothing to hide.

        Raises TOO_MANY_FILES: no wrong password limits how often somebody comes.
        """
        self._count_files(client_address)
        account, options = settings.account(address, full_name), CheckOptions(language=language)
        artifacts = self._issuing.render(account, options, password=None, unchecked=True)
        return self.links.deliver(artifacts, group=invitation)

    def issue_unchecked(self, token: str) -> None:
        """Make links to a profile without password, marked as unchecked, where the host allows that."""
        view = self.view(token)
        if view.unchecked or view.state is CheckState.OK:
            return
        if not view.can_issue_unchecked:
            raise ProblemError(Problem(Code.LINK_EXPIRED))
        artifacts = self._issuing.render(view.account, view.options, password=None, unchecked=True)
        self._lay_ready(view, HandedOver(files=artifacts), known=0, unchecked=True)

    def renew(self, token: str, *, client_address: str | None = None) -> None:
        """Make fresh links to the same profile; LINK_EXPIRED once its password is forgotten, TOO_MANY_FILES."""
        self._count_files(client_address)
        with self._store.read() as connection:
            row = _row(connection, token)
            view = self._view(connection, token, row)
            held = self._held(connection, token, row)
        if row.generation == 0 or view.state is CheckState.EXPIRED:
            raise ProblemError(Problem(Code.LINK_EXPIRED))
        if held is None and view.holds_secrets:
            raise ProblemError(Problem(Code.LINK_EXPIRED))
        if held is None:
            held = HandedOver(files=self._rendered_again(view))
        self._lay_ready(view, held, known=row.generation, unchecked=view.unchecked)

    def _count_files(self, client_address: str | None) -> None:
        self.budget.spend("files", FILES, client_address, Code.TOO_MANY_FILES)

    def send_test_mail(
        self, token: str, password: str, *, subject: str, text: str, client_address: str | None = None
    ) -> RoundTrip:
        """Send a mail from the person to the person and wait for it; only after the check has passed."""
        view = self.view(token)
        if not view.can_send_test_mail:
            raise ProblemError(Problem(Code.LINK_EXPIRED))
        trip = self._mailing.send(
            view.account, password, subject=subject, text=text, client_address=client_address
        )
        if trip.ok:
            self._confirmed(token, (view.account,))
        return trip

    def confirm(self, token: str) -> None:
        """Note that the person says it works; LINK_EXPIRED for a check that gave nothing that could work."""
        view = self.view(token)
        if not view.has_files:
            raise ProblemError(Problem(Code.LINK_EXPIRED))
        self._confirmed(token, view.accounts)

    def ready_made_password(self, token: str) -> str:
        """The password of the host's list, for apps that read no profile; LINK_EXPIRED with its hand-over."""
        with self._store.read() as connection:
            row = _row(connection, token)
            view = self._view(connection, token, row)
            held = self.links.handed_over(connection, link(token, "handover", row.generation))
        password = held.passwords[0] if held is not None and held.passwords else None
        if not view.options.ready_made or view.state is not CheckState.OK or password is None:
            raise ProblemError(Problem(Code.LINK_EXPIRED))
        return password

    def downloaded(self, token: str, filename: str, device: str) -> None:
        """Note that an invited person has a file of this check that holds no password and needs no delivery."""
        with self._store.write() as connection:
            self.links.note_fetch(connection, hash_token(token), filename, device)

    def _confirmed(self, token: str, accounts: Sequence[MailAccount]) -> None:
        with self._store.write() as connection:
            invitations.mark_of_check(
                connection, hash_token(token), Mark.CONFIRMED, address_keys=keys_of(accounts), now=self._now()
            )

    def revoke(self, token: str) -> None:
        """End a check with every link it has or could still get."""
        with self._store.write() as connection:
            rows.expire(connection, hash_token(token), now=self._now())
        self.links.revoke(token)

    # the process

    def sweep(self) -> None:
        """Forget what has ended. The application does so at start and every minute."""
        self.links.purge()
        self.budget.purge()
        with self._store.write() as connection:
            rows.purge(connection, now=self._now(), begun_before=self._now() - KEEP_SECONDS)
            invitations.forget_ended(connection, now=self._now())

    def beat(self) -> None:
        """Give a sign of life for every check of this process."""
        self._running.beat()

    def start_sweeping(self) -> None:
        """Sweep now and from now on, in a thread of this process (call it after a fork)."""
        if self._sweeper is None:
            self._sweeper = Sweeper(beat=self.beat, sweep=self.sweep)
            self._sweeper.start()

    def close(self) -> None:
        """Let the checks in hand end and stop the sweeping."""
        self._running.wait_for_all(LOST_SECONDS)
        if self._sweeper is not None:
            self._sweeper.stop()
            self._sweeper = None

    def _held(self, connection: Connection, token: str, row: rows.CheckRow) -> HandedOver | None:
        """The files and passwords of a check, as long as they are kept."""
        in_time = row.finished_at is not None and self._now() < row.finished_at + RENEWABLE_SECONDS
        return self.links.handed_over(connection, link(token, "handover", row.generation)) if in_time else None

    def _rendered_again(self, view: CheckView) -> tuple[Artifact, ...]:
        return self._issuing.render(view.account, view.options, password=None, unchecked=view.unchecked)

    def _lay_ready(self, view: CheckView, held: HandedOver, *, known: int, unchecked: bool) -> None:
        token, token_hash, now = view.token, hash_token(view.token), self._now()
        with self._store.write() as connection:
            invitations.hold_owner(connection, token_hash)
            # Two presses of the button make one pair of links.
            if rows.next_generation(connection, token_hash, known=known, unchecked=unchecked, now=now):
                self._issuing.lay_ready(
                    connection, token, held.files, generation=known + 1, passwords=held.passwords
                )
                invitations.mark_of_check(
                    connection, token_hash, Mark.ISSUED, address_keys=keys_of(view.accounts), now=now
                )

    def _view(self, connection: Connection, token: str, row: rows.CheckRow) -> CheckView:
        state = self._state(row)
        outcome = from_text(Outcome, row.outcome) if row.outcome else Outcome()
        lost = (Problem(Code.CHECK_LOST),) if state is CheckState.LOST else ()
        linked = row.generation > 0 and state is not CheckState.EXPIRED
        invited = row.invitation_id
        delivery, handover = (link(token, kind, row.generation) for kind in ("delivery", "handover"))
        ended = row.finished_at or (row.heartbeat_at if state is CheckState.LOST else self._now())
        options = from_text(CheckOptions, row.options)
        return CheckView(
            token=token,
            state=state,
            account=from_text(MailAccount, row.account),
            options=options,
            form=unseal_text(token, options.form, context="form"),
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
            is_invited=invited is not None,
            is_confirmed=invited is not None and invitations.is_marked(connection, invited, Mark.CONFIRMED),
        )

    def _state(self, row: rows.CheckRow) -> CheckState:
        if row.expires_at <= self._now():
            return CheckState.EXPIRED
        silent = self._now() - row.heartbeat_at > LOST_SECONDS
        return CheckState.LOST if row.state == CheckState.RUNNING and silent else CheckState(row.state)


def _row(connection: Connection, token: str) -> rows.CheckRow:
    row = rows.get(connection, hash_token(token)) if read_token(token) else None
    if row is None:
        raise ProblemError(Problem(Code.LINK_UNKNOWN))
    return row
