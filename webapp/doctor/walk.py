"""One client's way through a domain: its steps in its own order, what it would set up, what stopped it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from profiles.address import Address
from profiles.model import Server
from profiles.problems import Code, Problem
from webapp.discovery_names import mx_names
from webapp.doctor import strictness
from webapp.doctor.reading import client_config
from webapp.doctor.strictness import Reader, Setup
from webapp.doctor.visit import Visit, Web
from webapp.outbound import Mx, Outbound, Srv

ISPDB_DESKTOP = "https://live.thunderbird.net/autoconfig/v1.1/"
ISPDB_APPS = "https://autoconfig.thunderbird.net/v1.1/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One question of a client: `ok` None where there was nothing to find."""

    what: str
    ok: bool | None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one client would do."""

    client: str
    name: str
    setup: Setup | None = None
    steps: tuple[Step, ...] = ()
    problems: tuple[Problem, ...] = ()
    needs_settings: bool = True
    """False for clients that come only for calendar and contacts or for a format that not every domain has."""

    @property
    def ok(self) -> bool:
        """Whether the person gets a working account without help."""
        found = self.setup is not None or not self.needs_settings
        return found and not any(problem.is_error for problem in self.problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What all clients share: the domain, its answers, its MX."""

    domain: str
    address: Address
    web: Web
    outbound: Outbound
    mx: tuple[Mx, ...]
    mx_is_signed: bool
    srv: dict[str, tuple[Srv, ...]]
    """Answers by the name asked."""
    ispdb: bool = True
    """Whether Thunderbird's database is asked too."""

    @property
    def mx_names(self) -> tuple[str, ...]:
        """The names that clients ask in place of the domain."""
        return mx_names(self.mx[0].exchange) if self.mx and self.mx[0].exchange else ()

    def offered(self, label: str) -> tuple[Srv, ...]:
        """The SRV records of a service that name a server."""
        return tuple(record for record in self.srv.get(f"{label}._tcp.{self.domain}", ()) if record.target)


@dataclass(slots=True)
class Walk:
    """Collects the steps of one client."""

    world: World
    client: str
    name: str
    steps: list[Step] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def note(self, what: str, ok: bool | None, note: str = "") -> None:
        """Add a step."""
        self.steps.append(Step(what=what, ok=ok, note=note))

    def report(self, code: Code, **params: str) -> None:
        """Add a problem of this client."""
        problem = Problem(
            code, {"client": self.name, "domain": self.world.domain, **params}, place=params.get("url")
        )
        if problem not in self.problems:
            self.problems.append(problem)

    def autoconfig(self, urls: Sequence[str], reader: Reader) -> Setup | None:
        """Ask the URLs in order; plain http counts only where it leads to https."""
        for url in urls:
            visit = self.world.web.get_through(url)
            setup = self.read(visit, url, reader)
            if setup is not None:
                return setup
        return None

    def read(self, visit: Visit, asked: str, reader: Reader) -> Setup | None:
        """Let the client read one answer."""
        document = client_config(visit)
        if visit.is_plain and document is not None:
            # Clients take it, but anyone on the way could have written it: reported where the visits are judged.
            self.note(asked, False, visit.note)
            return None
        if document is None:
            missing = visit.status == 404 or visit.has_no_name or visit.is_plain
            self.note(asked, None if missing else False, visit.note)
            return None
        try:
            setup = reader(visit, document, self.world.address)
        except strictness.Unusable as refused:
            self.note(asked, False, refused.reason)
            self.report(Code.CONFIG_UNUSABLE, url=asked, reason=refused.reason)
            return None
        self.note(asked, True, _words(setup))
        return setup

    def by_mx(self, reader: Reader, ispdb: str) -> Setup | None:
        """The way through the domain's MX."""
        for name in self.world.mx_names:
            if name == self.world.domain:
                continue
            urls = [f"https://autoconfig.{name}/mail/config-v1.1.xml"]
            if self.world.ispdb:
                urls.append(ispdb + name)
            setup = self.autoconfig(urls, reader)
            if setup is not None:
                self.report(Code.CONFIG_ONLY_BY_MX, where=self.world.mx[0].exchange)
                if not self.world.mx_is_signed:
                    self.report(Code.MX_UNTRUSTED)
                return setup
        return None

    def by_ispdb(self, reader: Reader, base: str) -> Setup | None:
        """Thunderbird's database."""
        return self.autoconfig([base + self.world.domain], reader) if self.world.ispdb else None

    def end(self, setup: Setup | None, *, needs_settings: bool = True) -> Outcome:
        """Finish; a client that needs settings and has none says so."""
        if setup is None and needs_settings:
            self.report(Code.CLIENT_FINDS_NOTHING)
        return Outcome(
            client=self.client,
            name=self.name,
            setup=setup,
            steps=tuple(self.steps),
            problems=tuple(self.problems),
            needs_settings=needs_settings,
        )


def _words(setup: Setup) -> str:
    return f"{words_of(setup.incoming)}, {words_of(setup.outgoing)}"


def words_of(server: Server) -> str:
    """A server in a line: `imap mail.example.com:993 SSL`."""
    return f"{server.protocol} {server.endpoint} {server.socket_type}"
