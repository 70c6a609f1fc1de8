"""One client's way through a domain: its steps in its own order, what it would set up, what stopped it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from profiles.address import Address
from profiles.model import MailAccount, Server
from profiles.problems import N_, TEXTS, Code, Problem, ProblemError
from webapp.discovery_names import mx_names
from webapp.doctor.reading import client_config
from webapp.doctor.strictness import Reader, Setup, Unusable
from webapp.doctor.visit import Visit, Web
from webapp.outbound import Mx, Outbound, Srv

ISPDB_DESKTOP = "https://live.thunderbird.net/autoconfig/v1.1/"
ISPDB_APPS = "https://autoconfig.thunderbird.net/v1.1/"
ONLY_POP3 = N_("only POP3 is offered, which this client does not speak")


class LookUp(StrEnum):
    """The kinds of place where clients look, in the order of the picture."""

    AUTOCONFIG = "autoconfig"
    WELL_KNOWN = "well-known"
    ISPDB = "ispdb"
    MX = "mx"
    AUTODISCOVER = "autodiscover"
    SRV = "srv"
    PACC = "pacc"
    DAV = "dav"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One question of a client: `ok` None where there was nothing to find."""

    by: LookUp
    what: str
    ok: bool | None
    note: str = ""
    """What came: plain facts, or a text marked with N_."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one client would do."""

    client: str
    name: str
    setup: Setup | None = None
    steps: tuple[Step, ...] = ()
    problems: tuple[Problem, ...] = ()
    fits: bool = True
    """False where the domain offers only what this client does not speak: no fault of either."""
    needs_settings: bool = True
    """False for clients that come only for calendar and contacts or for a format that not every domain has."""

    @property
    def ok(self) -> bool | None:
        """Whether the person gets what this client can give without help; None where it does not fit."""
        if any(problem.is_error for problem in self.problems):
            return False
        if not self.fits:
            return None
        return self.setup is not None or not self.needs_settings


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
    expected: MailAccount | None = None
    """What the domain should give, where it is hosted here."""
    ispdb: bool = True
    """Whether Thunderbird's database is asked too."""

    @property
    def mx_names(self) -> tuple[str, ...]:
        """The names that clients ask in place of the domain."""
        names = mx_names(self.mx[0].exchange) if self.mx and self.mx[0].exchange else ()
        return tuple(name for name in names if name != self.domain)

    def offered(self, label: str) -> tuple[Srv, ...]:
        """The SRV records of a service that name a server."""
        return tuple(record for record in self.srv.get(f"{label}._tcp.{self.domain}", ()) if record.target)

    def txt(self, name: str) -> tuple[str, ...]:
        """TXT records; none where DNS fails, which the comparison of the records tells."""
        try:
            return self.outbound.txt(name)
        except ProblemError:
            return ()


@dataclass(slots=True)
class Walk:
    """Collects the steps of one client."""

    world: World
    client: str
    name: str
    steps: list[Step] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    last: Visit | None = None
    """The latest answer to a question for an autoconfig document."""
    met_only_pop3: bool = False

    def note(self, by: LookUp, what: str, ok: bool | None, note: str = "") -> None:
        """Add a step."""
        self.steps.append(Step(by=by, what=what, ok=ok, note=note))

    def report(self, code: Code, **params: str) -> None:
        """Add a problem; it names the client only where its words do."""
        known = {"client": self.name, "domain": self.world.domain, **params}
        told = {name: value for name, value in known.items() if name in TEXTS[code].params}
        problem = Problem(code, told, place=params.get("url"))
        if problem not in self.problems:
            self.problems.append(problem)

    def autoconfig(self, urls: Sequence[str], reader: Reader, by: LookUp | None = None) -> Setup | None:
        """Ask the URLs in order; the first document that the client can use wins."""
        for url in urls:
            self.last = self.world.web.get_through(url)
            setup = self._read(self.last, url, reader, by or _kind(url))
            if setup is not None:
                return setup
        return None

    def _read(self, visit: Visit, asked: str, reader: Reader, by: LookUp) -> Setup | None:
        document = client_config(visit)
        if document is None:
            self.note(by, asked, None if is_nothing(visit, self.world.domain) else False, visit.note)
            return None
        if visit.is_plain:
            # Clients take it, but anyone on the way could have written it: reported where the answers are judged.
            self.note(by, asked, False, visit.note)
            return None
        try:
            setup = reader(visit, document, self.world.address)
        except Unusable as refused:
            self._refuse(by, asked, refused.reason, only_pop3=document.has_only_pop3)
            return None
        self.note(by, asked, True, _words(setup))
        return setup

    def _refuse(self, by: LookUp, asked: str, reason: str, *, only_pop3: bool) -> None:
        if only_pop3:
            self.met_only_pop3 = True
            self.note(by, asked, None, ONLY_POP3)
        else:
            self.note(by, asked, False, reason)
            self.report(Code.CONFIG_UNUSABLE, url=asked, reason=reason)

    def by_mx(self, reader: Reader, ispdb: str) -> Setup | None:
        """The way through the domain's MX."""
        for name in self.world.mx_names:
            urls = [f"https://autoconfig.{name}/mail/config-v1.1.xml"]
            if self.world.ispdb:
                urls.append(ispdb + name)
            setup = self.autoconfig(urls, reader, LookUp.MX)
            if setup is not None:
                self.report(Code.CONFIG_ONLY_BY_MX, where=self.world.mx[0].exchange)
                if not self.world.mx_is_signed:
                    self.report(Code.MX_UNTRUSTED)
                return setup
        return None

    def by_ispdb(self, reader: Reader, base: str) -> Setup | None:
        """Thunderbird's database."""
        if not self.world.ispdb:
            return None
        return self.autoconfig([base + self.world.domain], reader, LookUp.ISPDB)

    def end(self, setup: Setup | None, *, needs_settings: bool = True) -> Outcome:
        """Finish; a client that needs settings and has none says so."""
        fits = setup is not None or not self.met_only_pop3
        if setup is None and needs_settings and fits:
            self.report(Code.CLIENT_FINDS_NOTHING)
        return Outcome(
            client=self.client,
            name=self.name,
            setup=setup,
            steps=tuple(self.steps),
            problems=tuple(self.problems),
            fits=fits,
            needs_settings=needs_settings,
        )


def is_nothing(visit: Visit, domain: str) -> bool:
    """Whether an answer only says that there is nothing; the bare domain need not have a web server at all."""
    if visit.is_absent or (visit.is_plain and visit.status != 200):
        return True
    is_silent = visit.problem is not None and visit.problem.code.startswith("CONNECT_")
    return is_silent and visit.host == domain


def words_of(server: Server) -> str:
    """A server in a line: `imap mail.example.com:993 SSL`."""
    return f"{server.protocol} {server.endpoint} {server.socket_type}"


def _words(setup: Setup) -> str:
    return f"{words_of(setup.incoming)}, {words_of(setup.outgoing)}"


def _kind(url: str) -> LookUp:
    return LookUp.WELL_KNOWN if "/.well-known/" in url else LookUp.AUTOCONFIG
