"""The whole examination of one domain: clients, DNS records, certificates, and every problem once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from profiles.address import Address
from profiles.model import ServiceSettings, SocketType
from profiles.problems import Code, Problem, ProblemError
from webapp.doctor import clients, records
from webapp.doctor.clients import CLIENTS, POX, https_urls
from webapp.doctor.records import Comparison
from webapp.doctor.strictness import Setup
from webapp.doctor.visit import UNKNOWN_NAME, Certificate, Visit, Web, certificate
from webapp.doctor.walk import Outcome, World, words_of
from webapp.outbound import Mx, Outbound, Srv

EXPIRES_SOON_DAYS = 14
_SRV_LABELS = (
    "_imaps",
    "_imap",
    "_pop3s",
    "_pop3",
    "_submissions",
    "_submission",
    "_autodiscover",
    "_caldavs",
    "_carddavs",
)
_WEB_NAMES = ("autoconfig.{}", "autodiscover.{}", "ua-auto-config.{}", "{}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """The result for one domain."""

    domain: str
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
    seconds: float = 5.0,
    ispdb: bool = True,
) -> Examination:
    """Play every client. `settings` are what the domain should publish, where it is hosted here."""
    web = Web(outbound, seconds=seconds)
    world = _world(domain, outbound, web, ispdb=ispdb)
    web.prefetch(clients.urls(domain, clients.address_query(world)))
    outcomes = tuple(client(world) for client in CLIENTS)
    expected = _expected(settings, world)
    outcomes = tuple(_judged(outcome, expected) for outcome in outcomes)
    compared = () if settings is None else records.compare(settings, domain, service_host, outbound)
    certificates = _certificates(domain, outcomes, outbound)
    found = [
        *_certificate_problems(certificates),
        *(comparison.problem for comparison in compared if comparison.problem is not None),
        *(problem for visit in web.visits() for problem in _visit_problems(visit, domain)),
        *_disagreements(outcomes, expected),
        *(problem for outcome in outcomes for problem in outcome.problems),
    ]
    return Examination(
        domain=domain,
        outcomes=outcomes,
        records=compared,
        certificates=certificates,
        problems=tuple(_once(found)),
    )


def _world(domain: str, outbound: Outbound, web: Web, *, ispdb: bool) -> World:
    mx, signed = _mx(domain, outbound)
    names = [f"{label}._tcp.{domain}" for label in _SRV_LABELS]
    with ThreadPoolExecutor(max_workers=len(names)) as pool:
        answers = list(pool.map(lambda name: _srv(name, outbound), names))
    return World(
        domain=domain,
        address=Address("user", domain),
        web=web,
        outbound=outbound,
        mx=mx,
        mx_is_signed=signed,
        srv=dict(zip(names, answers, strict=True)),
        ispdb=ispdb,
    )


def _mx(domain: str, outbound: Outbound) -> tuple[tuple[Mx, ...], bool]:
    try:
        return outbound.mx(domain), outbound.records(domain, "MX").is_authenticated
    except ProblemError:
        return (), False


def _srv(name: str, outbound: Outbound) -> tuple[Srv, ...]:
    try:
        return outbound.srv(name)
    except ProblemError:
        return ()


def _expected(settings: ServiceSettings | None, world: World) -> Setup | None:
    if settings is None:
        return None
    account = settings.account(world.address)
    return Setup(incoming=account.incoming_server, outgoing=account.outgoing_server)


def _judged(outcome: Outcome, expected: Setup | None) -> Outcome:
    if outcome.setup is None or expected is None:
        return outcome
    problems = [
        _disagreement(outcome.name, found, wanted)
        for found, wanted in (
            (outcome.setup.incoming, expected.incoming),
            (outcome.setup.outgoing, expected.outgoing),
        )
        if words_of(found) != words_of(wanted)
    ]
    return replace(outcome, problems=(*outcome.problems, *problems))


def _disagreement(client: str, found: object, wanted: object) -> Problem:
    params = {"client": client, "found": words_of(found), "expected": words_of(wanted)}  # type: ignore[arg-type]
    return Problem(Code.CONFIG_DISAGREES, params)


def _disagreements(outcomes: tuple[Outcome, ...], expected: Setup | None) -> Iterator[Problem]:
    """Where nothing is expected, all clients must at least get the same servers."""
    if expected is not None:
        return
    setups = [(outcome.name, outcome.setup) for outcome in outcomes if outcome.setup is not None]
    for name, setup in setups[1:]:
        first = setups[0][1]
        if words_of(setup.incoming) != words_of(first.incoming):
            yield _disagreement(name, setup.incoming, first.incoming)
        elif words_of(setup.outgoing) != words_of(first.outgoing):
            yield _disagreement(name, setup.outgoing, first.outgoing)


def _visit_problems(visit: Visit, domain: str) -> Iterator[Problem]:
    """What is wrong with an answer, whoever asked."""
    params = {"url": visit.url, "status": str(visit.status), "content_type": visit.content_type or "–"}

    def problem(code: Code) -> Problem:
        return Problem(code, params, place=visit.url, server=visit.host)

    # Thunderbird's database and other people's servers are not this domain's to mend.
    if not (visit.host == domain or visit.host.endswith("." + domain)):
        return
    if visit.problem is not None:
        yield from _unreached(visit, domain)
    elif visit.status == 401:
        yield problem(Code.WEB_ASKS_CREDENTIALS)
    elif visit.is_plain:
        if visit.status == 200 and (visit.host != domain or _is_xml(visit)):
            yield problem(Code.HTTP_NOT_REDIRECTED)
    elif visit.status == 200:
        yield from _misleading(visit, domain, problem(Code.WEB_CATCH_ALL), problem(Code.WEB_CONTENT_TYPE))
    elif visit.status >= 400 and visit.status not in (404, 405, 410) and not _is_json_question(visit):
        yield problem(Code.WEB_STATUS)


def _unreached(visit: Visit, domain: str) -> Iterator[Problem]:
    """A name that exists and does not answer; the bare domain need not have a web server."""
    assert visit.problem is not None
    code = visit.problem.code
    if visit.is_plain or code in UNKNOWN_NAME or code.startswith("CERT_") or code is Code.TLS_FAILED:
        return  # nothing there, or told with the certificates
    if visit.host != domain:
        yield Problem(
            Code.WEB_UNREACHABLE, {"url": visit.url, "reason": str(code)}, place=visit.url, server=visit.host
        )


def _misleading(visit: Visit, domain: str, catch_all: Problem, content_type: Problem) -> Iterator[Problem]:
    del domain
    if not _is_xml(visit) and not visit.body.lstrip().startswith(b"{"):
        yield catch_all
    elif _is_xml(visit) and visit.content_type not in ("text/xml", "application/xml"):
        yield content_type


def _is_xml(visit: Visit) -> bool:
    head = visit.body.lstrip()[:400].lower()
    return (
        head.startswith((b"<?xml", b"\xef\xbb\xbf<?xml", b"<clientconfig", b"<autodiscover"))
        and b"<html" not in head
    )


def _is_json_question(visit: Visit) -> bool:
    return "/autodiscover.json" in visit.url


def _certificates(domain: str, outcomes: tuple[Outcome, ...], outbound: Outbound) -> tuple[Certificate, ...]:
    wanted = [(name.format(domain), 443) for name in _WEB_NAMES]
    for outcome in outcomes:
        if outcome.setup is not None:
            for server in (outcome.setup.incoming, outcome.setup.outgoing):
                if server.socket_type is SocketType.SSL:
                    wanted.append((server.hostname, server.port))
    unique = list(dict.fromkeys(wanted))
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = list(pool.map(lambda server: certificate(outbound, *server), unique))
    return tuple(one for one in found if one.problem is None or _is_about_trust(one.problem))


def _is_about_trust(problem: Problem) -> bool:
    return problem.code.startswith(("CERT_", "TLS_"))


def _certificate_problems(certificates: tuple[Certificate, ...]) -> Iterator[Problem]:
    for one in certificates:
        if one.problem is not None:
            yield one.problem
        elif one.days_left is not None and one.days_left <= EXPIRES_SOON_DAYS:
            params = {"server": one.server, "days": str(one.days_left), "not_after": one.not_after}
            yield Problem(Code.CERT_EXPIRES_SOON, params, server=one.server)


def _once(problems: list[Problem]) -> Iterator[Problem]:
    seen: list[Problem] = []
    for problem in problems:
        if problem not in seen:
            seen.append(problem)
            yield problem


__all__ = ["POX", "Examination", "examine", "https_urls"]
