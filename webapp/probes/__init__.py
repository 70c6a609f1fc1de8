"""Live tests of an account: `check` tries its servers and returns a Report. One log-in attempt per service."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from ipaddress import ip_address

from profiles.address import Address, parse_address
from profiles.model import MailAccount, Protocol, Server
from profiles.problems import Code, Problem, ProblemError
from webapp.outbound import Deadline, Outbound
from webapp.probes import dav
from webapp.probes.comparison import compared, refined, without_repetition
from webapp.probes.credentials import Credentials, credentials
from webapp.probes.dav import with_dav
from webapp.probes.deadlines import Deadlines
from webapp.probes.dialogue import Facts, Failure, Plan
from webapp.probes.driver import Probe
from webapp.probes.meeting import Meeting
from webapp.probes.record import Outcome, stages_of
from webapp.probes.report import Findings, Report, Stage, StageName
from webapp.probes.verdicts import clean

__all__ = ["Deadlines", "Findings", "Report", "Stage", "StageName", "check"]

OnStage = Callable[[Stage], None]


def check(
    account: MailAccount,
    password: str | None,
    *,
    outbound: Outbound,
    on_stage: OnStage | None = None,
    deadlines: Deadlines = Deadlines(),  # noqa: B008 - a frozen value
    compare: bool = False,
    envelope: bool = True,
    outgoing_password: str | None = None,
    client_address: str | None = None,
) -> Report:
    """Try the first incoming and the first outgoing server of `account`, whichever it has.

    Without a password, or where only OAuth signs in, everything up to the log-in is tried. SMTP gets the password
    only after the incoming server took it; `compare` lets SMTP try although it was refused. Calendar and contacts
    come last. `on_stage` is called as stages end, from two threads but never at once.
    """
    started = time.monotonic()
    run = _Run(account, outbound, deadlines, on_stage, compare=compare)
    incoming, outgoing = run.sides(envelope=envelope, client_address=client_address)
    try:
        _demand_address(account.address)
        _give_passwords(incoming, outgoing, password, outgoing_password)
    except ProblemError as error:
        return run.refusal(error.problems, (incoming, outgoing))
    outcomes = run.run(incoming, outgoing)
    problems = [problem for outcome in outcomes for problem in outcome.problems]
    notes = compared(account, outcomes[0], outcomes[1], _facts(incoming), _facts(outgoing))
    findings = _findings(incoming, outgoing)
    report = Report(
        account=replace(account, path_prefix=findings.path_prefix or account.path_prefix),
        stages=tuple(stage for outcome in outcomes for stage in outcome.stages),
        problems=(*without_repetition(problems), *notes),
        findings=findings,
    )
    report = with_dav(report, password, outbound=outbound, on_stage=run.tell, seconds=run.dav_seconds)
    return replace(report, milliseconds=round((time.monotonic() - started) * 1000))


@dataclass(slots=True, kw_only=True)
class _Side:
    """One of the two services, before its plan is final."""

    server: Server
    facts: Facts
    sender: str
    envelope: bool
    uses_oauth: bool
    client_address: str | None = None
    credentials: Credentials | None = None

    @property
    def plan(self) -> Plan:
        return Plan(
            server=self.server,
            credentials=self.credentials,
            facts=self.facts,
            sender=self.sender,
            envelope=self.envelope,
            uses_oauth=self.uses_oauth,
            client_address=self.client_address,
        )


class _Run:
    """One check under way."""

    def __init__(
        self,
        account: MailAccount,
        outbound: Outbound,
        deadlines: Deadlines,
        on_stage: OnStage | None,
        *,
        compare: bool,
    ) -> None:
        self._account = account
        self._outbound = outbound
        self._deadlines = deadlines
        self._total = Deadline(deadlines.total)
        self._on_stage = on_stage
        self.telling = threading.Lock()
        self._compare = compare

    @property
    def dav_seconds(self) -> float:
        """What is left for calendar and contacts."""
        return min(dav.SECONDS, self._total.remaining)

    def sides(self, *, envelope: bool, client_address: str | None) -> tuple[_Side | None, _Side | None]:
        """The incoming and the outgoing side, None where the account has none."""
        client = None if client_address is None else str(ip_address(client_address))
        pair = (self._account.incoming[:1], self._account.outgoing[:1])
        incoming, outgoing = (
            _Side(
                server=servers[0],
                facts=Facts(),
                sender=str(self._account.address),
                envelope=envelope,
                uses_oauth=servers[0].needs_oauth or self._account.settings.needs_oauth,
                client_address=client if servers[0].protocol is Protocol.IMAP else None,
            )
            if servers
            else None
            for servers in pair
        )
        return incoming, outgoing

    def run(self, incoming: _Side | None, outgoing: _Side | None) -> tuple[Outcome, Outcome]:
        """Both sides at once: the incoming one here, the outgoing one in a thread."""
        meeting = Meeting(
            has_incoming=incoming is not None,
            has_outgoing=outgoing is not None,
            same_host=bool(incoming and outgoing and incoming.server.hostname == outgoing.server.hostname),
            compare=self._compare,
        )
        if incoming is None or outgoing is None:
            return self._incoming(incoming, meeting), self._outgoing(outgoing, meeting)
        box: list[Outcome] = []
        thread = threading.Thread(
            target=lambda: box.append(self._outgoing(outgoing, meeting)), name="probe-smtp", daemon=True
        )
        thread.start()
        try:
            first = self._incoming(incoming, meeting)
        finally:
            thread.join()
        if not box:
            raise RuntimeError("the outgoing probe ended without an outcome")
        return first, box[0]

    def _incoming(self, side: _Side | None, meeting: Meeting) -> Outcome:
        if side is None:
            return Outcome()
        outcome = None
        try:
            outcome = self._probe(
                side,
                gate=lambda: meeting.incoming_gate(self._total),
                on_tls=lambda code: meeting.tell_tls(code, outgoing=False),
                on_accepted=lambda: meeting.tell_incoming(None),
            ).run()
        finally:
            # Also when our own bug ends this side: the other must not wait for ever.
            meeting.tell_incoming(Code.INCIDENT if outcome is None else outcome.failed or outcome.held_back)
        return outcome

    def _outgoing(self, side: _Side | None, meeting: Meeting) -> Outcome:
        if side is None:
            return Outcome()
        try:
            return self._probe(
                side,
                gate=lambda: meeting.outgoing_gate(self._total),
                on_tls=lambda code: meeting.tell_tls(code, outgoing=True),
                on_accepted=lambda: None,
            ).run()
        finally:
            meeting.tell_tls(None, outgoing=True)

    def _probe(
        self,
        side: _Side,
        *,
        gate: Callable[[], Code | None],
        on_tls: Callable[[Code | None], None],
        on_accepted: Callable[[], None],
    ) -> Probe:
        settings = self._account.settings

        def refine(failure: Failure) -> Failure:
            return refined(failure, settings, side.server, side.credentials)

        return Probe(
            side.plan,
            outbound=self._outbound,
            policy=settings.tls,
            deadlines=self._deadlines,
            total=self._total,
            gate=gate,
            refine=refine,
            on_tls=on_tls,
            on_accepted=on_accepted,
            on_stage=self.tell,
        )

    def tell(self, stage: Stage) -> None:
        """Pass a stage on as it ends."""
        if self._on_stage is not None:
            with self.telling:
                self._on_stage(stage)

    def refusal(self, problems: tuple[Problem, ...], sides: Iterable[_Side | None]) -> Report:
        """Nothing was tried, because the password cannot be sent."""
        stages = tuple(
            Stage(
                service=side.server.protocol.value,
                stage=stage,
                ok=None,
                code=Code.NOT_TRIED,
                server=side.server.endpoint,
                because=problems[0].code,
            )
            for side in sides
            if side is not None
            for stage in stages_of(side.server, envelope=side.envelope)
        )
        for stage in stages:
            self.tell(stage)
        return Report(account=self._account, stages=stages, problems=problems)


def _demand_address(address: Address) -> None:
    """Refuse an address that did not come through `parse_address`: it stands in SMTP's dialogue."""
    if parse_address(str(address))[0] != address:
        raise ProblemError(Problem(Code.ADDRESS_INVALID, {"address": clean(str(address))}, place="address"))


def _give_passwords(
    incoming: _Side | None,
    outgoing: _Side | None,
    password: str | None,
    outgoing_password: str | None,
) -> None:
    for side, secret in ((incoming, password), (outgoing, outgoing_password or password)):
        if side is not None and secret is not None and not side.uses_oauth:
            side.credentials = credentials(side.server.username, secret)


def _facts(side: _Side | None) -> Facts | None:
    return None if side is None else side.facts


def _findings(incoming: _Side | None, outgoing: _Side | None) -> Findings:
    first = incoming.facts if incoming else Facts()
    second = outgoing.facts if outgoing else Facts()
    days = tuple(
        (side.server.endpoint, side.facts.certificate_days)
        for side in (incoming, outgoing)
        if side is not None and side.facts.certificate_days is not None
    )
    return Findings(
        path_prefix=first.path_prefix,
        hierarchy_delimiter=first.hierarchy_delimiter,
        quota_percent=first.quota_percent,
        special_folders=first.special_folders,
        unsubscribed_folders=first.unsubscribed_folders,
        size_limit=second.size_limit,
        incoming_authentication=first.authentication,
        outgoing_authentication=second.authentication,
        certificate_days=days,
    )
