"""Compares what DNS publishes with what the domain should publish."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from profiles.dns_records import Record, RecordType, records
from profiles.model import ServiceSettings
from profiles.problems import Code, Problem, ProblemError
from webapp.outbound import Outbound


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One record that should be there, and what is. `ok` is None where it is missing but only helpful."""

    record: Record
    found: tuple[str, ...]
    ok: bool | None
    problem: Problem | None = None


def compare(
    settings: ServiceSettings, domain: str, service_host: str, outbound: Outbound
) -> tuple[Comparison, ...]:
    """Look every proposed record up. Without a `service_host` only the domain's own servers are compared."""
    wanted = records(settings, domain, service_host or "service.invalid")
    groups: dict[tuple[str, RecordType], list[Record]] = {}
    for record in wanted:
        if service_host or not record.value.endswith("service.invalid."):
            groups.setdefault((record.name, record.type), []).append(record)
    return tuple(_compared(group, outbound, service_host) for group in groups.values())


def _compared(group: list[Record], outbound: Outbound, service_host: str) -> Comparison:
    record = group[0]
    try:
        found = _found(record, outbound)
    except ProblemError as error:
        return Comparison(record=record, found=(), ok=False, problem=error.problems[0])
    values = {_normal(one.value) for one in group}
    if record.type is RecordType.CNAME:
        good = _normal(record.value) in map(_normal, found) or _same_place(record.name, service_host, outbound)
        found = found or (tuple(_addresses(record.name, outbound)) if not good else found)
    else:
        good = values <= set(map(_normal, found))
    if good:
        return Comparison(record=record, found=found, ok=True)
    return _lacking(record, found)


def _lacking(record: Record, found: tuple[str, ...]) -> Comparison:
    helpful = not record.required or record.type is not RecordType.CNAME or record.name.startswith("ua-")
    if record.value == "0 0 0 ." and not found:
        return Comparison(record=record, found=found, ok=None)
    code = Code.RECORD_WRONG if found else (Code.RECORD_ADVISABLE if helpful else Code.RECORD_MISSING)
    params = {
        "name": record.name,
        "type": str(record.type),
        "value": record.value,
        "found": ", ".join(found),
    }
    problem = Problem(code, params, place=f"{record.name} {record.type}")
    return Comparison(record=record, found=found, ok=False if problem.is_error else None, problem=problem)


def _found(record: Record, outbound: Outbound) -> tuple[str, ...]:
    if record.type is RecordType.TXT:
        marks = ("v=uaac1", "path=")
        texts = outbound.txt(record.name)
        return tuple(text for text in texts if text.replace(" ", "").lower().startswith(marks))
    if record.type is RecordType.SRV:
        return tuple(f"{r.priority} {r.weight} {r.port} {r.target}." for r in outbound.srv(record.name))
    return tuple(f"{name}." for name in outbound.cname_chain(record.name))


def _same_place(name: str, service_host: str, outbound: Outbound) -> bool:
    """A and AAAA records that lead where the service is serve as well as a CNAME."""
    here = set(_addresses(name, outbound))
    return bool(here) and bool(here & set(_addresses(service_host, outbound)))


def _addresses(name: str, outbound: Outbound) -> Iterator[str]:
    for kind in ("A", "AAAA"):
        try:
            yield from outbound.records(name, kind).records
        except ProblemError:
            continue


def _normal(value: str) -> str:
    """Priorities and weights of SRV are the host's own choice: port and target count."""
    words = value.lower().split()
    if len(words) == 4 and words[2].isdigit():
        return " ".join(words[2:])
    return "".join(words).rstrip(";")
