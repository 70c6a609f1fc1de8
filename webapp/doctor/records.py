"""Compares what DNS publishes with what the domain should publish."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from profiles.dns_records import Record, RecordType, records
from profiles.model import ServiceSettings
from profiles.problems import Code, Problem, ProblemError
from webapp.outbound import Outbound

_WORKERS = 8
_DENIAL = "0 0 0 ."
_NOWHERE = "service.invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One record that should be there, and what is. `ok` is None where it is missing but only helpful."""

    record: Record
    found: tuple[str, ...] = ()
    ok: bool | None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """What is known besides DNS: how the domain is meant to be served, and what answers already."""

    settings: ServiceSettings
    domain: str
    service_host: str
    """Empty where this Hagaki has no public name: then only the domain's own servers are compared."""
    answers: Callable[[str], bool]
    """Whether a name is answered well over https, however DNS leads there."""


def compare(zone: Zone, outbound: Outbound) -> tuple[Comparison, ...]:
    """Look every proposed record up."""
    wanted = proposed(zone.settings, zone.domain, zone.service_host)
    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        compared = list(pool.map(lambda record: _compared(record, wanted, zone, outbound), wanted))
    return tuple(_with_second_way(compared, zone.domain))


def proposed(settings: ServiceSettings, domain: str, service_host: str) -> tuple[Record, ...]:
    """The records of the domain; without a public name of this service those that need none."""
    found = records(settings, domain, service_host or _NOWHERE)
    return tuple(record for record in found if not record.value.endswith(f"{_NOWHERE}."))


def _compared(record: Record, wanted: tuple[Record, ...], zone: Zone, outbound: Outbound) -> Comparison:
    try:
        if record.type is RecordType.CNAME:
            return _pointer(record, zone, outbound)
        found = _found(record, outbound)
    except ProblemError as error:
        return Comparison(record=record, ok=False, problem=error.problems[0])
    if record.value == _DENIAL:
        return _denial(record, found, wanted)
    return _value(record, found, wanted)


def _value(record: Record, found: tuple[str, ...], wanted: tuple[Record, ...]) -> Comparison:
    same = {_normal(other.value) for other in wanted if (other.name, other.type) == (record.name, record.type)}
    there = {_normal(value) for value in found}
    strangers = there - same
    # Several digests may stand side by side while one takes the place of another.
    if _normal(record.value) in there and (not strangers or record.type is RecordType.TXT):
        return Comparison(record=record, found=found, ok=True)
    return _lacking(record, found, Code.RECORD_WRONG if found else Code.RECORD_ADVISABLE)


def _denial(record: Record, found: tuple[str, ...], wanted: tuple[Record, ...]) -> Comparison:
    """A service that the settings do not name: another server there is wrong, one of the domain's own is not."""
    own = {_normal(other.value).split()[-1] for other in wanted if other.type is RecordType.SRV}
    if all(_normal(value).split()[-1] in own | {"."} for value in found):
        is_there = _normal(_DENIAL) in {_normal(value) for value in found}
        return Comparison(record=record, found=found, ok=True if is_there else None)
    return _lacking(record, found, Code.RECORD_WRONG)


def _pointer(record: Record, zone: Zone, outbound: Outbound) -> Comparison:
    """A name that must lead to the service: by CNAME, by the same addresses, or by whatever answers well."""
    chain = tuple(f"{name}." for name in outbound.cname_chain(record.name))
    here = tuple(_addresses(record.name, outbound))
    found = chain or here
    leads_there = record.value in chain or bool(set(here) & set(_addresses(zone.service_host, outbound)))
    if found and (leads_there or zone.answers(record.name)):
        return Comparison(record=record, found=found, ok=True)
    if found:
        return _lacking(record, found, Code.RECORD_WRONG)
    is_pacc = record.name.startswith("ua-auto-config.")
    return _lacking(record, (), Code.RECORD_ADVISABLE if is_pacc else Code.RECORD_MISSING)


def _lacking(record: Record, found: tuple[str, ...], code: Code) -> Comparison:
    params = {
        "name": record.name,
        "type": str(record.type),
        "value": record.value,
        "found": ", ".join(found),
    }
    problem = Problem(code, params, place=f"{record.name} {record.type}")
    return Comparison(record=record, found=found, ok=False if problem.is_error else None, problem=problem)


def _with_second_way(compared: list[Comparison], domain: str) -> Iterator[Comparison]:
    """Outlook finds Autodiscover by name or by SRV: one of the two is enough."""
    name, srv = f"autodiscover.{domain}", f"_autodiscover._tcp.{domain}"
    good = {comparison.record.name for comparison in compared if comparison.ok}
    for one in compared:
        missing = one.problem is not None and one.problem.code in (Code.RECORD_MISSING, Code.RECORD_ADVISABLE)
        if missing and one.record.name == srv and name in good:
            yield Comparison(record=one.record, ok=None)
        elif missing and one.record.name == name and srv in good:
            yield _lacking(one.record, (), Code.RECORD_ADVISABLE)
        else:
            yield one


def _found(record: Record, outbound: Outbound) -> tuple[str, ...]:
    if record.type is RecordType.TXT:
        marks = ("v=uaac1", "path=")
        texts = outbound.txt(record.name)
        return tuple(text for text in texts if text.replace(" ", "").lower().startswith(marks))
    return tuple(f"{one.priority} {one.weight} {one.port} {one.target}." for one in outbound.srv(record.name))


def _addresses(name: str, outbound: Outbound) -> Iterator[str]:
    for kind in ("A", "AAAA"):
        yield from outbound.records(name, kind).records


def _normal(value: str) -> str:
    """Priorities and weights of SRV are the host's own choice: port and target count. TXT: tags without blanks."""
    words = value.split()
    if len(words) == 4 and words[2].isdigit():
        return " ".join(words[2:]).lower()
    return ";".join(sorted(part.strip() for part in value.split(";") if part.strip()))
