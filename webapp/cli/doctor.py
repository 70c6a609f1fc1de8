"""`hagaki doctor`: how each mail app looks for a domain, what it would set up, and what is wrong."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from profiles.address import to_ascii
from profiles.problems import N_
from webapp.cli.connect import Overrides, connect_option
from webapp.cli.domain import open_directory
from webapp.cli.files import write_file
from webapp.cli.report import MARKS, server_document
from webapp.cli.settings import load_config
from webapp.cli.terminal import COLOURS, Terminal, in_words, json_option, language_option, pass_terminal

if TYPE_CHECKING:
    from profiles.model import ServiceSettings
    from profiles.problems import Problem
    from webapp.config import Config
    from webapp.doctor import Examination
    from webapp.doctor.certificates import Certificate
    from webapp.doctor.records import Comparison
    from webapp.doctor.walk import Outcome


@click.command(short_help="See how each mail app finds a domain, and what is wrong.")
@click.argument("name", metavar="DOMAIN")
@connect_option
@click.option("--ispdb/--no-ispdb", default=True, help="Ask Thunderbird's database too, as the mail apps do.")
@click.option("-v", "--verbose", is_flag=True, help="Show every step of every mail app.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.html",
    help="Write the result as a page with a picture, the records to publish and advice.",
)
@language_option
@json_option
@pass_terminal
def doctor(
    terminal: Terminal, *, name: str, connect_to: Overrides, ispdb: bool, verbose: bool, output: Path | None
) -> int:
    """Look for DOMAIN as Thunderbird, K-9, FairEmail, Delta Chat, Evolution, KMail, Outlook and Apple do.

    Each in its own order and with its own strictness, over real DNS and HTTPS; no password is sent anywhere. For a
    domain of yours the DNS records are compared with those of `hagaki domain dns`, and the servers found with the
    domain's own.

    \b
    Examples:
      hagaki doctor example.com
      hagaki doctor example.com -o report.html
      hagaki doctor example.com --connect autoconfig.example.com:443=192.0.2.7:443
    """
    domain = to_ascii(name)
    if domain is None or "." not in domain:
        raise click.BadParameter(in_words(N_("“%(value)s” is not a domain."), value=name), param_hint="DOMAIN")
    config = load_config()
    settings = _hosted(domain, config)
    examination = _examine(domain, config, settings, connect_to=connect_to, ispdb=ispdb)
    if output is not None:
        _write_page(terminal, output, examination, config)
    if terminal.json:
        terminal.write_json(document(terminal, examination))
    else:
        click.echo(text(terminal, examination, hosted=settings is not None, verbose=verbose))
    return 0 if examination.ok else 1


def _hosted(domain: str, config: Config) -> ServiceSettings | None:
    with open_directory(config) as directory:
        return directory.hosted(domain)


def _examine(
    domain: str, config: Config, settings: ServiceSettings | None, *, connect_to: Overrides, ispdb: bool
) -> Examination:
    from webapp.doctor import examine
    from webapp.outbound import Outbound

    outbound = Outbound.unrestricted(resolver=config.resolver, ca_file=config.ca_file, connect_to=connect_to)
    # A local trial has no name that DNS could lead to.
    host = to_ascii(config.hostname) or ""
    service_host = host if "." in host else ""
    return examine(domain, outbound, settings=settings, service_host=service_host, ispdb=ispdb)


def _write_page(terminal: Terminal, output: Path, examination: Examination, config: Config) -> None:
    from webapp.doctor import page

    moment = datetime.now(config.timezone)
    write_file(output, page.render(examination, terminal.language, moment), private=False)


# JSON


def document(terminal: Terminal, examination: Examination) -> dict[str, Any]:
    """Return the JSON of `hagaki doctor --json`, as the contract spells it."""
    return {
        "domain": examination.domain,
        "ok": examination.ok,
        "clients": [_client_document(terminal, outcome, examination) for outcome in examination.outcomes],
        "records": [_record_document(terminal, one) for one in examination.records],
        "certificates": [_certificate_document(terminal, one) for one in examination.certificates],
        "problems": [terminal.problem_document(problem) for problem in examination.problems],
    }


def _client_document(terminal: Terminal, outcome: Outcome, examination: Examination) -> dict[str, Any]:
    return {
        "client": outcome.client,
        "ok": outcome.ok,
        "account": _account_document(outcome, examination),
        "steps": [
            {"by": str(step.by), "what": step.what, "ok": step.ok, "note": terminal.translate(step.note)}
            for step in outcome.steps
        ],
        "problems": [terminal.problem_document(problem) for problem in outcome.problems],
    }


def _account_document(outcome: Outcome, examination: Examination) -> dict[str, Any] | None:
    if outcome.setup is None:
        return None
    return {
        "address": str(examination.address),
        "full_name": "",
        "incoming": [server_document(outcome.setup.incoming)],
        "outgoing": [server_document(outcome.setup.outgoing)],
    }


def _record_document(terminal: Terminal, one: Comparison) -> dict[str, Any]:
    return {
        "name": one.record.name,
        "type": str(one.record.type),
        "value": one.record.value,
        "purpose": terminal.translate(one.record.purpose),
        "found": list(one.found),
        "ok": one.ok,
    }


def _certificate_document(terminal: Terminal, one: Certificate) -> dict[str, Any]:
    return {
        "server": one.server,
        "ok": one.ok,
        "not_after": one.not_after or None,
        "days_left": one.days_left,
        "issuer": one.issuer or None,
        "code": str(one.problem.code) if one.problem else (str(one.silence) if one.silence else None),
        "summary": terminal.describe(one.problem)[0] if one.problem else "",
    }


# words


def text(terminal: Terminal, examination: Examination, *, hosted: bool, verbose: bool) -> str:
    """Return the result as a person reads it on a terminal."""
    from webapp.doctor import words

    lines = []
    for outcome in examination.outcomes:
        lines.append(_client_line(terminal, outcome))
        if verbose:
            lines += [_step_line(terminal, step.what, step.ok, step.note) for step in outcome.steps]
    if verbose:
        lines += ["", *(_record_line(terminal, one) for one in examination.records)] if examination.records else []
    lines += ["", *(_certificate_line(terminal, one) for one in examination.certificates)]
    lines += ["", *(_piece(*piece) for piece in words.grouped(examination.problems, terminal.language))]
    if not hosted:
        lines += ["", terminal.translate(words.NOT_HOSTED, domain=examination.domain)]
    lines += ["", _verdict(terminal, examination)]
    return "\n".join(lines).strip("\n").replace("\n\n\n", "\n\n")


def _piece(problem: Problem, summaries: list[str], advice: str) -> str:
    head = click.style(f"{problem.severity} {problem.code}", fg=COLOURS[problem.severity], bold=True)
    return "\n  ".join([head, *summaries, advice])


def _client_line(terminal: Terminal, outcome: Outcome) -> str:
    from webapp.doctor import words
    from webapp.doctor.walk import words_of

    if outcome.setup is not None:
        said = f"{words_of(outcome.setup.incoming)}, {words_of(outcome.setup.outgoing)}"
    else:
        said = terminal.translate(words.verdict(outcome))
    return f"{_mark(outcome.ok)} {outcome.name:<33} {said}"


def _step_line(terminal: Terminal, what: str, ok: bool | None, note: str) -> str:
    return f"         {_mark(ok)} {what}  {terminal.translate(note)}".rstrip()


def _record_line(terminal: Terminal, one: Comparison) -> str:
    del terminal
    found = ", ".join(one.found) or "–"
    return f"{_mark(one.ok)} {one.record.name} {one.record.type} {found}"


def _certificate_line(terminal: Terminal, one: Certificate) -> str:
    from webapp.doctor import words

    code = one.problem.code if one.problem else one.silence
    days = "" if one.days_left is None else terminal.translate(words.DAYS_LEFT, days=str(one.days_left))
    facts = "  ".join(str(fact) for fact in (one.not_after, days, one.issuer, code) if fact)
    return f"{_mark(one.ok)} {one.server:<33} {facts}".rstrip()


def _mark(ok: bool | None) -> str:
    word, colour = MARKS[ok]
    return click.style(f"{word:<6}", fg=colour)


def _verdict(terminal: Terminal, examination: Examination) -> str:
    from webapp.doctor import words

    message = words.verdict_of(examination.ok, has_problems=bool(examination.problems))
    said = terminal.translate(message, domain=examination.domain)
    return click.style(said, fg="green" if examination.ok else "red", bold=True)
