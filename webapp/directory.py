"""domain -> ServiceSettings: the host's own domains and the public providers, answered from memory.

The database holds the host's domains as TOML text. Each process keeps a snapshot of them, looks at most once a
second whether their version changed, and keeps the last good snapshot when the database cannot be read. Changes
go through `add`, `apply` and `remove`: all or nothing, every problem named with its place.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from threading import Lock
from urllib.parse import urlsplit

from profiles.catalogue import parse
from profiles.model import DOMAIN, ServiceSettings, Source
from profiles.problems import Code, Problem, ProblemError
from webapp.store import Connection, Store, domains

log = logging.getLogger(__name__)

CHECK_SECONDS = 1.0
"""How long a change may stay unseen by another process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One of the host's entries: what was written and what it means."""

    settings: ServiceSettings
    toml: str
    place: str = ""
    """The file it came from, for problems."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a change did, by id."""

    added: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()


@dataclass(frozen=True)  # without slots: cached_property needs a __dict__
class Snapshot:
    """The host's domains at one version. Never changed, only replaced."""

    version: int = -1
    entries: Mapping[str, ServiceSettings] = field(default_factory=dict)
    """By id."""
    hosted: Mapping[str, ServiceSettings] = field(default_factory=dict)
    """By domain; an entry stands under each of its domains."""

    def changed(self, version: int, rows: Iterable[domains.EntryRow]) -> Snapshot:
        """The next snapshot: the same but for `rows`, of which only those are parsed."""
        entries, hosted = dict(self.entries), dict(self.hosted)
        new: dict[str, ServiceSettings] = {}
        for row in rows:
            settings = None if row.toml is None else _parse_stored(row.id, row.toml)
            if row.toml is not None and settings is None:
                continue  # the last good reading stays
            old = entries.pop(row.id, None)
            for domain in old.domains if old else ():
                if hosted.get(domain) is old:
                    del hosted[domain]
            if settings is not None:
                new[row.id] = settings
        # Added only after all removals: a domain may have moved from one entry to another.
        entries.update(new)
        hosted.update((domain, settings) for settings in new.values() for domain in settings.domains)
        return Snapshot(version, entries, hosted)

    @cached_property
    def _servers(self) -> tuple[frozenset[tuple[str, int]], frozenset[tuple[str, int]]]:
        """Host and port of every server: those written out, and those that hold the domain."""
        every = frozenset(_servers_of(self.entries.values()))
        return every, frozenset((host, port) for host, port in every if DOMAIN in host)

    def registers(self, hostname: str, port: int) -> bool:
        """Whether a hosted domain names this server."""
        every, templates = self._servers
        if (hostname, port) in every:
            return True
        return any(port == ours and self._fills(template, hostname, ours) for template, ours in templates)

    def _fills(self, template: str, hostname: str, port: int) -> bool:
        before, _, after = template.partition(DOMAIN)
        if not (hostname.startswith(before) and hostname.endswith(after)):
            return False
        settings = self.hosted.get(hostname[len(before) : len(hostname) - len(after)])
        return settings is not None and (template, port) in set(_servers_of([settings]))


class Directory:
    """What is known about domains without asking the network."""

    def __init__(self, store: Store, *, now: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._now = now
        self._snapshot = Snapshot()
        self._next_look = float("-inf")
        self._looking = Lock()
        self._failing = False

    # reading, from memory

    @property
    def version(self) -> int:
        """A number that changes when domains change."""
        return self.snapshot().version

    def snapshot(self) -> Snapshot:
        """The host's domains, at most a second old (or the last good ones)."""
        # One thread looks, the others are answered from what is there. Only the very first look is waited for.
        if self._now() >= self._next_look and self._looking.acquire(blocking=self._snapshot.version < 0):
            try:
                if self._now() >= self._next_look:
                    self._look()
            finally:
                self._looking.release()
        return self._snapshot

    def hosted(self, domain: str) -> ServiceSettings | None:
        """The settings of one of the host's domains (lower-case A-labels)."""
        return self.snapshot().hosted.get(domain)

    def find(self, domain: str) -> ServiceSettings | None:
        """The settings of a domain: the host's own first, then the public providers, wild cards included."""
        return self.hosted(domain) or find_provider(domain)

    def hosted_domains(self) -> Iterable[str]:
        """Every domain of the host."""
        return self.snapshot().hosted.keys()

    @property
    def providers(self) -> tuple[ServiceSettings, ...]:
        """The public providers."""
        return providers()

    def is_registered(self, hostname: str, port: int) -> bool:
        """Whether a hosted domain or a provider names this server, so that people may be led to it."""
        return self.snapshot().registers(hostname, port) or (hostname, port) in _provider_servers()

    def _look(self) -> None:
        known = self._snapshot
        try:
            with self._store.read() as connection:
                version = domains.version(connection)
                # A smaller number means that a backup was put back: everything is read anew.
                start = known if version >= known.version else Snapshot()
                if version != known.version:
                    rows = domains.changed_since(connection, start.version)
                    self._snapshot = start.changed(version, rows)
            self._failing = False
        except ProblemError as error:
            if known.version < 0:
                raise
            if not self._failing:
                log.warning("event=directory_kept version=%s code=%s", known.version, error.problems[0].code)
            self._failing = True
        self._next_look = self._now() + CHECK_SECONDS

    # changing

    def add(self, toml: str, *, place: str = "toml", replace: bool = False) -> ServiceSettings:
        """Add one entry; `replace` lets it take the place of the entry with its id."""
        entry = _parse_all({place: toml})[0]
        with self._store.write() as connection:
            version = domains.begin_change(connection)
            old = domains.entries(connection, entry.settings.id)
            if old and not replace:
                raise ProblemError(_exists(entry))
            self._write(connection, [entry], version, given_up=[row.id for row in old])
        self._look_at_once()
        return entry.settings

    def apply(self, texts: Mapping[str, str], *, whole: bool = True) -> Changes:
        """Make the entries so. `texts` is TOML by place; `whole`: entries not among them are removed."""
        entries = _parse_all(texts)
        with self._store.write() as connection:
            version = domains.begin_change(connection)
            old = {row.id: row.toml for row in domains.entries(connection)}
            new = {entry.settings.id: entry for entry in entries}
            removed = [entry_id for entry_id in old if whole and entry_id not in new]
            changed = [entry for entry in entries if old.get(entry.settings.id) != entry.toml]
            touched = [entry.settings.id for entry in changed if entry.settings.id in old]
            for entry_id in removed:
                domains.remove(connection, entry_id, version=version, at=time.time())
            self._write(connection, changed, version, given_up=touched)
        self._look_at_once()
        return Changes(
            added=tuple(entry_id for entry_id in new if entry_id not in old),
            replaced=tuple(touched),
            removed=tuple(removed),
            unchanged=tuple(entry_id for entry_id in new if old.get(entry_id) == new[entry_id].toml),
        )

    def remove(self, entry_id: str) -> None:
        """Take an entry out; DOMAIN_UNKNOWN where there is none."""
        with self._store.write() as connection:
            version = domains.begin_change(connection)
            if not domains.entries(connection, entry_id):
                raise ProblemError(_unknown(entry_id))
            domains.remove(connection, entry_id, version=version, at=time.time())
        self._look_at_once()

    def export(self, entry_id: str | None = None) -> tuple[Entry, ...]:
        """The entries as they were written, by id: all, or the one asked for."""
        with self._store.read() as connection:
            rows = domains.entries(connection, entry_id)
        if entry_id is not None and not rows:
            raise ProblemError(_unknown(entry_id))
        read = [(row, _parse_stored(row.id, row.toml or "")) for row in rows]
        return tuple(Entry(settings=s, toml=row.toml or "", place=row.id) for row, s in read if s is not None)

    def _write(self, connection: Connection, entries: list[Entry], version: int, *, given_up: list[str]) -> None:
        domains.release_names(connection, given_up)
        wanted = [domain for entry in entries for domain in entry.settings.domains]
        taken = domains.owners(connection, wanted)
        problems = [_taken(entry, domain, taken[domain]) for entry, domain in _pairs(entries) if domain in taken]
        if problems:
            raise ProblemError(problems)
        for entry in entries:
            domains.put(connection, entry.settings.id, entry.toml, version=version, at=time.time())
            domains.claim_names(connection, entry.settings.id, entry.settings.domains)

    def _look_at_once(self) -> None:
        self._next_look = float("-inf")


@cache
def providers() -> tuple[ServiceSettings, ...]:
    """The providers in profiles/providers, read once."""
    folder = resources.files("profiles") / "providers"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    found: list[ServiceSettings] = []
    for file in files:
        settings, problems = parse(file.read_text("utf-8"), place=file.name, source=Source.PROVIDER)
        if settings is None:
            raise ProblemError(problems)  # shipped with us: a test reads them all
        found.append(settings)
    return tuple(found)


def find_provider(domain: str) -> ServiceSettings | None:
    """The provider of a domain: by its name, else by the longest wild card above it."""
    table = _provider_table()
    if domain in table:
        return table[domain]
    labels = domain.split(".")
    above = (table.get("*." + ".".join(labels[depth:])) for depth in range(1, len(labels)))
    return next((settings for settings in above if settings), None)


@cache
def _provider_table() -> dict[str, ServiceSettings]:
    return {domain: settings for settings in providers() for domain in settings.domains}


@cache
def _provider_servers() -> frozenset[tuple[str, int]]:
    return frozenset(_servers_of(providers()))


def _servers_of(every: Iterable[ServiceSettings]) -> Iterable[tuple[str, int]]:
    for settings in every:
        for server in settings.incoming_servers + settings.outgoing_servers:
            yield server.hostname, server.port
        for service in (settings.calendar, settings.addressbook):
            if service is not None:
                # Not `hostname`, which would make %EMAILDOMAIN% lower case.
                parts = urlsplit(service.url)
                yield parts.netloc.removesuffix(f":{parts.port}").strip("[]"), parts.port or 443


def _parse_all(texts: Mapping[str, str]) -> list[Entry]:
    """Parse every text; raise with the problems of all of them, clashes among them included."""
    problems: list[Problem] = []
    entries: list[Entry] = []
    for place, text in texts.items():
        settings, found = parse(text, place=place, source=Source.DOMAIN)
        problems += [problem for problem in found if settings is None or problem.is_error]
        if settings is not None:
            entries.append(Entry(settings=settings, toml=text, place=place))
    problems += _clashes(entries)
    if problems:
        raise ProblemError(problems)
    return entries


def _clashes(entries: list[Entry]) -> list[Problem]:
    problems: list[Problem] = []
    ids: set[str] = set()
    owner: dict[str, str] = {}
    for entry in entries:
        if entry.settings.id in ids:
            problems.append(_exists(entry))
        ids.add(entry.settings.id)
    for entry, domain in _pairs(entries):
        if owner.setdefault(domain, entry.place) != entry.place:
            problems.append(_taken(entry, domain, owner[domain]))
    return problems


def _pairs(entries: Iterable[Entry]) -> Iterable[tuple[Entry, str]]:
    return ((entry, domain) for entry in entries for domain in entry.settings.domains)


def _exists(entry: Entry) -> Problem:
    return Problem(Code.DOMAIN_EXISTS, {"id": entry.settings.id}, place=f"{entry.place}: id")


def _taken(entry: Entry, domain: str, other: str) -> Problem:
    return Problem(Code.DOMAIN_TAKEN, {"domain": domain, "id": other}, place=f"{entry.place}: domains")


def _unknown(entry_id: str) -> Problem:
    return Problem(Code.DOMAIN_UNKNOWN, {"id": entry_id})


def _parse_stored(entry_id: str, toml: str) -> ServiceSettings | None:
    settings, problems = parse(toml, place=entry_id, source=Source.DOMAIN)
    if settings is None:
        # Only possible when the rules became stricter since it was written.
        codes = ",".join(sorted({problem.code for problem in problems}))
        log.error("event=domain_unreadable id=%s codes=%s", entry_id, codes)
    return settings
