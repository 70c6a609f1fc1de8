"""The whole examination of one domain: clients, DNS records, certificates, and every problem once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from profiles.address import Address
from profiles.model import MailAccount, Server, ServiceSettings
from profiles.problems import Code, Problem, ProblemError
from webapp.doctor import clients, judging
from webapp.doctor.certificates import Certificate, Door, look_at
from webapp.doctor.clients import CLIENTS
from webapp.doctor.records import Comparison, Zone, compare
from webapp.doctor.visit import Web
from webapp.doctor.walk import Outcome, World, words_of
from webapp.outbound import Mx, Outbound, Srv

SECONDS = 5.0
"""How long each question may take."""
_SRV_LABELS = (
    "_imaps",
    "_imap",
    "_submissions",
    "_submission",
    "_autodiscover",
    "_caldavs",
    "_carddavs",
)
_WEB_LABELS = ("_autodiscover", "_caldavs", "_carddavs")
_WEB_NAMES = ("autoconfig.{}", "autodiscover.{}", "ua-auto-config.{}", "{}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """The result for one domain."""

    domain: str
    address: Address
    outcomes: tuple[Outcome, ...]
    records: tuple[Comparison, ...]
    certificates: tuple[Certificate, ...]
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing but warnings and notes was found."""
        return not any(problem.is_error for problem in self.problems)


def examine(
    domain: str,
    outbound: Outbound,
    *,
    settings: ServiceSettings | None = None,
    service_host: str = "",
    seconds: float = SECONDS,
    ispdb: bool = True,
) -> Examination:
    """Play every client. `settings` are what the domain should publish, where it is hosted here."""
    web = Web(outbound, seconds=seconds)
    world = _world(domain, outbound, web, settings, ispdb=ispdb)
    web.prefetch(clients.urls(domain, clients.address_query(world)))
    with ThreadPoolExecutor(max_workers=len(CLIENTS)) as pool:
        played = list(pool.map(lambda client: client(world), CLIENTS))
    outcomes = tuple(_agreeing(played, world.expected))
    compared = () if settings is None else compare(_zone(settings, domain, service_host, web), outbound)
    certificates = _certificates(world, outcomes, seconds)
    found = (
        *_name_server_trouble(domain, outbound),
        *_certificate_problems(certificates),
        *(comparison.problem for comparison in compared if comparison.problem is not None),
        *(problem for chain in web.chains() for problem in judging.faults(chain, domain)),
        *(problem for outcome in outcomes for problem in outcome.problems),
    )
    return Examination(
        domain=domain,
        address=world.address,
        outcomes=outcomes,
        records=compared,
        certificates=certificates,
        problems=tuple(_once(found)),
    )


def _world(domain: str, outbound: Outbound, web: Web, settings: ServiceSettings | None, *, ispdb: bool) -> World:
    address = Address("user", domain)
    mx, signed = _mx(domain, outbound)
    names = [f"{label}._tcp.{domain}" for label in _SRV_LABELS]
    with ThreadPoolExecutor(max_workers=len(names)) as pool:
        answers = list(pool.map(lambda name: _srv(name, outbound), names))
    return World(
        domain=domain,
        address=address,
        web=web,
        outbound=outbound,
        mx=mx,
        mx_is_signed=signed,
        srv=dict(zip(names, answers, strict=True)),
        expected=None if settings is None else settings.account(address),
        ispdb=ispdb,
    )


def _name_server_trouble(domain: str, outbound: Outbound) -> tuple[Problem, ...]:
    """Where the name servers fail, nothing else that was found means much."""
    try:
        outbound.records(domain, "MX")
    except ProblemError as error:
        return tuple(replace(problem, place=domain) for problem in error.problems)
    return ()


def _mx(domain: str, outbound: Outbound) -> tuple[tuple[Mx, ...], bool]:
    try:
        return outbound.mx(domain), outbound.records(domain, "MX").is_authenticated
    except ProblemError:
        return (), False


def _srv(name: str, outbound: Outbound) -> tuple[Srv, ...]:
    try:
        return outbound.srv(name)
    except ProblemError:
        return ()  # the comparison of the records tells


def _zone(settings: ServiceSettings, domain: str, service_host: str, web: Web) -> Zone:
    good = {
        chain.asked.host
        for chain in web.chains()
        if chain.final.status == 200 and not chain.asked.is_plain and not list(judging.faults(chain, domain))
    }
    return Zone(settings=settings, domain=domain, service_host=service_host, answers=good.__contains__)


# agreement


def _agreeing(outcomes: Iterable[Outcome], expected: MailAccount | None) -> Iterator[Outcome]:
    """Each outcome, with a problem where it would set up other servers than the domain has.

    Where nothing is expected, all clients must at least be led to the same hosts.
    """
    first: Outcome | None = None
    for outcome in outcomes:
        if outcome.setup is None:
            yield outcome
        elif expected is not None:
            yield replace(outcome, problems=(*outcome.problems, *_strangers(outcome, expected)))
        else:
            first = first or outcome
            yield replace(outcome, problems=(*outcome.problems, *_differences(outcome, first)))


def _strangers(outcome: Outcome, expected: MailAccount) -> Iterator[Problem]:
    setup = outcome.setup
    assert setup is not None
    for found, known in ((setup.incoming, expected.incoming), (setup.outgoing, expected.outgoing)):
        same = [server for server in known if words_of(server) == words_of(found)]
        if known and not same:
            yield _disagreement(outcome.name, words_of(found), words_of(known[0]))
        elif known and setup.knows_username and found.username not in {server.username for server in same}:
            yield _disagreement(outcome.name, _with_username(found), _with_username(same[0]))


def _differences(outcome: Outcome, first: Outcome) -> Iterator[Problem]:
    assert outcome.setup is not None
    assert first.setup is not None
    pairs = (
        (outcome.setup.incoming, first.setup.incoming),
        (outcome.setup.outgoing, first.setup.outgoing),
    )
    for found, other in pairs:
        if found.hostname != other.hostname:
            yield _disagreement(outcome.name, words_of(found), words_of(other))


def _disagreement(client: str, found: str, expected: str) -> Problem:
    return Problem(Code.CONFIG_DISAGREES, {"client": client, "found": found, "expected": expected})


def _with_username(server: Server) -> str:
    return f"{words_of(server)} ({server.username})"


# certificates


def _certificates(world: World, outcomes: tuple[Outcome, ...], seconds: float) -> tuple[Certificate, ...]:
    doors = [Door(host=name.format(world.domain)) for name in _WEB_NAMES]
    for label in _WEB_LABELS:
        doors += [Door(host=record.target, port=record.port) for record in world.offered(label)]
    web = len(doors)
    for server in _servers(world, outcomes):
        door = Door(
            host=server.hostname, port=server.port, protocol=server.protocol, socket_type=server.socket_type
        )
        doors.append(door)
    found = look_at(doors, world.outbound, seconds=seconds)
    named = {door.server for door in doors[web:]}
    # A name without a web server is nothing to tell of; a silent mail server is.
    return tuple(one for one in found if one.silence is None or one.server in named)


def _servers(world: World, outcomes: tuple[Outcome, ...]) -> Iterator[Server]:
    if world.expected is not None:
        yield from (*world.expected.incoming, *world.expected.outgoing)
    for outcome in outcomes:
        if outcome.setup is not None:
            yield from (outcome.setup.incoming, outcome.setup.outgoing)


def _certificate_problems(certificates: tuple[Certificate, ...]) -> Iterator[Problem]:
    for one in certificates:
        if one.problem is not None:
            yield one.problem
        elif one.silence in (Code.DNS_NXDOMAIN, Code.DNS_NO_ADDRESS):
            # Others are not told as problems: this machine may not be let out to mail ports.
            yield Problem(Code.MAIL_HOST_UNKNOWN, {"server": one.server}, server=one.server)


def _once(problems: Iterable[Problem]) -> Iterator[Problem]:
    seen: list[Problem] = []
    for problem in problems:
        if problem not in seen:
            seen.append(problem)
            yield problem
