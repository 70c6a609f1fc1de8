"""`hagaki signing`: what signs the profiles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from webapp.cli.settings import load_config
from webapp.cli.terminal import Terminal, json_option, pass_terminal

if TYPE_CHECKING:
    from webapp.certificates import SigningStatus

readable_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(short_help="What signs the profiles: status, import, issue.")
def signing() -> None:
    """Show and change the certificate that signs profiles.

    Out of the box a local authority in the data folder issues it; devices call such profiles "Not Verified" until
    they trust its root. A certificate of a public CA comes in by `import`, or by the HAGAKI_SIGNING_ settings.
    """


@signing.command()
@json_option
@pass_terminal
def status(terminal: Terminal) -> int:
    """Show the certificate that signs profiles today, and what is or soon will be wrong with it."""
    from webapp import certificates

    config = load_config()
    config.prepare()
    return _report(terminal, certificates.status(config))


@signing.command("import")
@click.argument("certificate", type=readable_file)
@click.argument("key", type=readable_file, required=False)
@click.option(
    "--chain", type=readable_file, help="PEM file of the certificates above, unless CERTIFICATE has them."
)
@json_option
@pass_terminal
def import_(terminal: Terminal, *, certificate: Path, key: Path | None, chain: Path | None) -> int:
    """Copy a certificate and its key (PEM) into the data folder and sign with them.

    CERTIFICATE may hold the chain too, as a "full chain" file does, and the key where KEY is left out. A pair that
    cannot sign today is refused, and the old one stays.
    """
    from webapp import certificates

    config = load_config()
    config.prepare()
    return _report(terminal, certificates.import_files(config, certificate, key or certificate, chain))


@signing.command()
@json_option
@pass_terminal
def issue(terminal: Terminal) -> int:
    """Make a new signing certificate of the local authority and use it, also instead of an imported one."""
    from webapp import certificates

    config = load_config()
    config.prepare()
    return _report(terminal, certificates.issue(config))


def _report(terminal: Terminal, found: SigningStatus) -> int:
    ok = not any(problem.is_error for problem in found.problems)
    facts = _facts(found)
    if terminal.json:
        problems = [terminal.problem_document(problem) for problem in found.problems]
        terminal.write_json({"ok": ok, **facts, "problems": problems})
    else:
        for name, value in facts.items():
            click.echo(f"{name:<13} {'-' if value is None else value}")
        terminal.show(found.problems)
    return 0 if ok else 1


def _facts(found: SigningStatus) -> dict[str, Any]:
    return {
        "origin": str(found.origin),
        "subject": found.subject,
        "issuer": found.issuer,
        "not_after": found.not_after.isoformat() if found.not_after else None,
        "days_left": found.days_left,
        "key": found.key,
        "certificates": found.certificates,
        "root": str(found.root) if found.root else None,
    }
