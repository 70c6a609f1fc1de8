"""`hagaki domain`: the domains that this Hagaki serves."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from profiles.address import to_ascii
from profiles.model import ServiceSettings
from profiles.problems import N_, Code, Problem, ProblemError
from webapp.cli.files import write_file
from webapp.cli.report import server_document
from webapp.cli.settings import load_config
from webapp.cli.terminal import Terminal, in_words, json_option, pass_terminal

if TYPE_CHECKING:
    from profiles.dns_records import Record
    from webapp.config import Config
    from webapp.directory import Changes, Directory

STDIN = "-"
toml_file = click.Path(exists=True, dir_okay=False, allow_dash=True)


@click.group(short_help="The domains you serve: add, list, show, remove, apply, export, dns.")
def domain() -> None:
    """Keep the domains that this Hagaki serves, as TOML in autoconfig's own words.

    A running server answers for a change within a second. A change with problems is refused whole: what was there
    before stays.
    """


@domain.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...|-", type=toml_file)
@click.option("--replace", is_flag=True, help="Let a file take the place of the entry with its id.")
@json_option
@pass_terminal
def add(terminal: Terminal, *, files: tuple[str, ...], replace: bool) -> int:
    """Add the domains in these TOML files (- is standard input), all of them or none."""
    texts = {_place(name): _read(name) for name in files}
    with open_directory() as directory:
        if not replace:
            _refuse_existing(texts, directory)
        return _report(terminal, directory.apply(texts, whole=False))


@domain.command("list")
@json_option
@pass_terminal
def list_(terminal: Terminal) -> int:
    """List every entry with its domains."""
    with open_directory() as directory:
        entries = sorted(directory.snapshot().entries.values(), key=lambda settings: settings.id)
    if terminal.json:
        found = [{"id": s.id, "displayName": s.display_name, "domains": list(s.domains)} for s in entries]
        terminal.write_json({"domains": found})
    else:
        for settings in entries:
            click.echo(f"{settings.id}\t{settings.display_name}\t{' '.join(settings.domains)}")
    return 0


@domain.command()
@click.argument("name", metavar="DOMAIN")
@json_option
@pass_terminal
def show(terminal: Terminal, *, name: str) -> int:
    """Show the entry with this id, or the one that serves this domain."""
    with open_directory() as directory:
        settings = _entry(directory, name)
    document = _document(settings)
    if terminal.json:
        terminal.write_json(document)
        return 0
    click.echo(f"{settings.id}: {settings.display_name}\ndomains   {' '.join(settings.domains)}")
    for way in ("incoming", "outgoing"):
        for server in document[way]:
            click.echo(
                f"{way:<9} {server['type']:<4} {server['hostname']}:{server['port']} {server['socketType']}"
                f" {server['username']}"
            )
    return 0


@domain.command()
@click.argument("names", nargs=-1, required=True, metavar="ID...")
@json_option
@pass_terminal
def remove(terminal: Terminal, *, names: tuple[str, ...]) -> int:
    """Take entries out; each is named by its id or one of its domains.

    With an unknown name nothing is removed.
    """
    from webapp.directory import Changes

    with open_directory() as directory:
        gone = tuple(dict.fromkeys(_entry(directory, name).id for name in names))
        for entry_id in gone:
            directory.remove(entry_id)
    return _report(terminal, Changes(removed=gone))


@domain.command()
@click.argument("source", metavar="FILE|DIR|-", type=click.Path(exists=True, allow_dash=True))
@json_option
@pass_terminal
def apply(terminal: Terminal, *, source: str) -> int:
    """Make the domains as written: a FILE makes its own entry so, a DIR's *.toml are the whole truth.

    With a DIR, entries that are in none of its files are removed. Everything happens, or nothing.
    """
    is_folder = source != STDIN and Path(source).is_dir()
    files = [str(path) for path in sorted(Path(source).glob("*.toml"))] if is_folder else [source]
    if not files:
        raise click.UsageError(
            in_words(
                N_("%(folder)s holds no *.toml file. Use `hagaki domain remove` to remove domains."),
                folder=str(source),
            )
        )
    texts = {_place(name): _read(name) for name in files}
    with open_directory() as directory:
        return _report(terminal, directory.apply(texts, whole=is_folder))


@domain.command()
@click.argument("name", metavar="[ID]", required=False)
@click.option(
    "--directory",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write one file per entry into this folder, as `domain apply` reads them.",
)
def export(*, name: str | None, folder: Path | None) -> int:
    """Print the TOML of one entry, or of all of them one after the other."""
    with open_directory() as directory:
        entries = directory.export(None if name is None else _entry(directory, name).id)
    if folder is None:
        click.echo("\n".join(entry.toml for entry in entries), nl=False)
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    for entry in entries:
        write_file(folder / f"{entry.settings.id}.toml", entry.toml.encode(), private=False)
    return 0


@domain.command()
@click.argument("name", metavar="DOMAIN")
@click.option("--table", is_flag=True, help="Name, type and value in columns, for web forms of DNS hosters.")
@json_option
@pass_terminal
def dns(terminal: Terminal, *, name: str, table: bool) -> int:
    """Print the DNS records that DOMAIN should publish, as zone-file text."""
    from profiles import dns_records

    config = load_config()
    with open_directory(config) as directory:
        settings = _entry(directory, name)
    wanted = to_ascii(name) or name
    served = (wanted,) if wanted in settings.domains else settings.domains
    records = [record for one in served for record in _records(terminal, settings, one, config)]
    if terminal.json:
        terminal.write_json({"records": [_record_document(terminal, record) for record in records]})
    elif table:
        rows = dns_records.table(records)
        width = max(len(row[0]) for row in rows)
        click.echo("\n".join(f"{row[0]:<{width}}  {row[1]:<5}  {row[2]}" for row in rows))
    else:
        click.echo(dns_records.zone_file(records), nl=False)
    return 0


@contextmanager
def open_directory(config: Config | None = None) -> Iterator[Directory]:
    """Open the database for one command."""
    from webapp.directory import Directory
    from webapp.store import open_store

    store = open_store((config or load_config()).prepare())
    try:
        yield Directory(store)
    finally:
        store.close()


def _entry(directory: Directory, name: str) -> ServiceSettings:
    """Return the entry with this id, else the one that serves this domain."""
    known = directory.snapshot()
    settings = known.entries.get(name) or known.hosted.get(to_ascii(name) or "")
    if settings is None:
        raise ProblemError(Problem(Code.DOMAIN_UNKNOWN, {"id": name}))
    return settings


def _place(name: str) -> str:
    return "<stdin>" if name == STDIN else name


def _read(name: str) -> str:
    try:
        with click.open_file(name, encoding="utf-8") as file:
            return str(file.read())
    except (OSError, UnicodeDecodeError):
        raise ProblemError(Problem(Code.FILE_UNREADABLE, {"file": name}, place=name)) from None


def _refuse_existing(texts: dict[str, str], directory: Directory) -> None:
    from profiles.catalogue import parse

    known = directory.snapshot().entries
    parsed = {place: parse(text, place=place)[0] for place, text in texts.items()}
    problems = [
        Problem(Code.DOMAIN_EXISTS, {"id": settings.id}, place=f"{place}: id")
        for place, settings in parsed.items()
        if settings is not None and settings.id in known
    ]
    if problems:
        raise ProblemError(problems)


def _report(terminal: Terminal, changes: Changes) -> int:
    done = {
        "added": list(changes.added),
        "replaced": list(changes.replaced),
        "removed": list(changes.removed),
        "unchanged": list(changes.unchanged),
    }
    if terminal.json:
        terminal.write_json({"ok": True, **done, "problems": []})
        return 0
    said = {
        N_("Added: %(names)s"): changes.added,
        N_("Replaced: %(names)s"): changes.replaced,
        N_("Removed: %(names)s"): changes.removed,
    }
    for text, ids in said.items():
        if ids:
            terminal.say(terminal.translate(text, names=" ".join(ids)))
    return 0


def _document(settings: ServiceSettings) -> dict[str, Any]:
    return {
        "id": settings.id,
        "displayName": settings.display_name,
        "displayShortName": settings.display_short_name,
        "domains": list(settings.domains),
        "incoming": [server_document(server) for server in settings.incoming_servers],
        "outgoing": [server_document(server) for server in settings.outgoing_servers],
    }


def _records(terminal: Terminal, settings: ServiceSettings, served: str, config: Config) -> tuple[Record, ...]:
    from profiles.dns_records import records

    host = config.hostname
    if _is_address(host) or host == "localhost":
        host = f"hagaki.{served}"
        text = N_("HAGAKI_BASE_URL names no host, so the records point to %(host)s as an example.")
        terminal.say(terminal.translate(text, host=host))
    return records(settings, served, host)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _record_document(terminal: Terminal, record: Record) -> dict[str, Any]:
    return {
        "name": record.name,
        "type": str(record.type),
        "value": record.value,
        "purpose": terminal.translate(record.purpose),
        "required": record.required,
    }
