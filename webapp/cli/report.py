"""A finished check as JSON and as a person reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from profiles.model import MailAccount, Server
from profiles.problems import N_, Code, Problem
from webapp.cli.terminal import Terminal

if TYPE_CHECKING:
    from webapp.probes.report import Report, Stage
    from webapp.probes.test_mail import RoundTrip

MARKS = {True: ("ok", "green"), False: ("failed", "red"), None: ("-", "white")}


def report_document(terminal: Terminal, report: Report, notes: tuple[Problem, ...] = ()) -> dict[str, Any]:
    """Return the JSON of `hagaki check --json`, as the contract spells it."""
    return {
        "address": str(report.account.address),
        "ok": report.ok,
        "source": str(report.source),
        "stages": [_stage_document(terminal, stage, report.problems) for stage in report.stages],
        "problems": [terminal.problem_document(problem) for problem in (*notes, *report.problems)],
        "account": account_document(report.account),
    }


def account_document(account: MailAccount) -> dict[str, Any]:
    """Return an account as JSON carries it."""
    return {
        "address": str(account.address),
        "full_name": account.full_name,
        "incoming": [server_document(server) for server in account.incoming],
        "outgoing": [server_document(server) for server in account.outgoing],
    }


def server_document(server: Server) -> dict[str, Any]:
    """Return a server as JSON carries it."""
    return {
        "type": str(server.protocol),
        "hostname": server.hostname,
        "port": server.port,
        "socketType": str(server.socket_type),
        "username": server.username,
    }


def _stage_document(terminal: Terminal, stage: Stage, problems: tuple[Problem, ...]) -> dict[str, Any]:
    summary, advice = (stage.detail, "")
    if stage.code is not None:
        summary, advice = terminal.describe(_problem_of(stage, problems))
    return {
        "service": stage.service,
        "stage": str(stage.stage),
        "ok": stage.ok,
        "code": str(stage.code) if stage.code else None,
        "server": stage.server,
        "milliseconds": stage.milliseconds,
        "summary": summary,
        "advice": advice,
        "detail": stage.detail,
    }


def _problem_of(stage: Stage, problems: tuple[Problem, ...]) -> Problem:
    """Return the problem that a stage's code stands for, with its parameters."""
    assert stage.code is not None
    same = [problem for problem in problems if problem.code is stage.code]
    here = [problem for problem in same if problem.server == stage.server]
    return (here or same or [Problem(stage.code, {"server": stage.server}, server=stage.server)])[0]


def stage_line(stage: Stage) -> str:
    """Return one stage as a line of progress."""
    word, colour = MARKS[stage.ok]
    mark = click.style(f"{word:<6}", fg=colour)
    what = f"{stage.service:<6} {stage.stage:<10}"
    facts = " ".join(part for part in (str(stage.code or ""), stage.detail) if part)
    return f"{mark} {what} {stage.milliseconds:>6} ms  {stage.server}  {facts}".rstrip()


def report_text(terminal: Terminal, report: Report, notes: tuple[Problem, ...], *, stages: bool) -> str:
    """Return the whole report as a person reads it; the stages only where they were not shown already."""
    lines = [stage_line(stage) for stage in report.stages] if stages else []
    told = [problem for problem in (*notes, *report.problems) if problem.code is not Code.NOT_TRIED]
    lines += ["", *(terminal.paragraph(problem) for problem in told)] if told else []
    lines += ["", _verdict(terminal, report)]
    return "\n".join(lines).strip("\n")


def _verdict(terminal: Terminal, report: Report) -> str:
    address = str(report.account.address)
    if report.ok:
        text = terminal.translate(N_("%(address)s: no errors found."), address=address)
        return click.style(text, fg="green", bold=True)
    text = terminal.translate(N_("%(address)s does not work yet."), address=address)
    return click.style(text, fg="red", bold=True)


def trip_document(trip: RoundTrip | None) -> dict[str, Any] | None:
    """Return what became of the test mail as JSON carries it; None where none was sent."""
    if trip is None:
        return None
    return {"seconds": None if trip.seconds is None else round(trip.seconds, 3), "removed": trip.is_removed}


def trip_text(terminal: Terminal, trip: RoundTrip | None) -> str:
    """Return what became of the test mail as a person reads it."""
    if trip is None:
        return terminal.translate(N_("No test mail was sent."))
    if trip.seconds is None:
        return terminal.translate(N_("The test mail was not seen."))
    seconds = f"{trip.seconds:.1f}"
    if trip.is_removed:
        return terminal.translate(
            N_("Your test mail arrived after %(seconds)s seconds. It has been removed again."), seconds=seconds
        )
    return terminal.translate(
        N_("Your test mail arrived after %(seconds)s seconds. You may delete it."), seconds=seconds
    )
