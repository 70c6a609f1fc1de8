"""What is wrong with a certificate: all its faults, from the chain a server shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address

from cryptography import x509
from cryptography.x509.oid import NameOID

from profiles.problems import Code
from webapp.outbound.https import CERTIFICATE_CODES

EXPIRES_SOON_DAYS = 14
SHOWN_NAMES = 6

# OpenSSL reports trust before name before dates, and stops at the first: with any other code the chain is trusted.
_SELF_SIGNED_LEAF = 18
_UNTRUSTED = {
    19: Code.CERT_UNKNOWN_CA,
    2: Code.CERT_UNKNOWN_CA,
    20: Code.CERT_MISSING_INTERMEDIATE,
    21: Code.CERT_MISSING_INTERMEDIATE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault, with what fills its text."""

    code: Code
    params: dict[str, str]


def faults(
    chain: Sequence[bytes], host: str, verify_code: int, verify_message: str, now: datetime
) -> tuple[Fault, ...]:
    """Return every fault of the certificates (DER, leaf first), the one OpenSSL named never missing."""
    certificates = _read(chain)
    if not certificates:
        return (
            Fault(code=CERTIFICATE_CODES.get(verify_code, Code.CERT_INVALID), params={"reason": verify_message}),
        )
    found = [*_trust(certificates, verify_code), *_dates(certificates, now), *_names(certificates[0], host)]
    if not found:
        code = CERTIFICATE_CODES.get(verify_code, Code.CERT_INVALID)
        found = [Fault(code=code, params={"reason": verify_message})]
    basic = _basic(certificates[0])
    return tuple(Fault(code=fault.code, params=basic | fault.params) for fault in found)


def subject_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """The names a certificate is for (DNS and IP), lower case."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    dns_names = names.get_values_for_type(x509.DNSName)
    addresses = names.get_values_for_type(x509.IPAddress)
    return (*(name.lower() for name in dns_names), *(str(address) for address in addresses))


def covers(names: Sequence[str], host: str) -> bool:
    """Whether one of the names is `host`; a wild card stands for one label."""
    try:
        return any(name == str(ip_address(host)) for name in names)
    except ValueError:
        pass
    parent = host.partition(".")[2]
    return any(name == host or (name.startswith("*.") and name[2:] == parent) for name in names)


def _read(chain: Sequence[bytes]) -> list[x509.Certificate]:
    certificates = []
    for der in chain:
        try:
            certificates.append(x509.load_der_x509_certificate(der))
        except ValueError:
            break
    return certificates


def _trust(certificates: list[x509.Certificate], verify_code: int) -> Iterator[Fault]:
    leaf = certificates[0]
    code = _UNTRUSTED.get(verify_code)
    if verify_code == _SELF_SIGNED_LEAF:
        yield Fault(code=Code.CERT_SELF_SIGNED, params={})
    elif code is not None:
        if len(certificates) > 1 and not _lacks_link(certificates):
            # A chain was sent, but it leads to no anchor we know.
            code = Code.CERT_UNKNOWN_CA
        yield Fault(code=code, params={"issuer": _name(certificates[-1].issuer) or _name(leaf.issuer)})


def _lacks_link(certificates: list[x509.Certificate]) -> bool:
    """Whether the leaf's issuer is not among what was sent (in any order)."""
    leaf, *others = certificates
    return all(other.subject != leaf.issuer for other in others)


def _dates(certificates: list[x509.Certificate], now: datetime) -> Iterator[Fault]:
    for certificate in certificates:
        subject = _name(certificate.subject)
        if certificate.not_valid_after_utc < now:
            yield Fault(
                code=Code.CERT_EXPIRED,
                params={"date": _day(certificate.not_valid_after_utc), "subject": subject},
            )
            return
        if certificate.not_valid_before_utc > now:
            yield Fault(
                code=Code.CERT_NOT_YET_VALID,
                params={"date": _day(certificate.not_valid_before_utc), "subject": subject},
            )
            return


def _names(leaf: x509.Certificate, host: str) -> Iterator[Fault]:
    if not covers(subject_names(leaf), host):
        yield Fault(code=Code.CERT_WRONG_NAME, params={})


def _basic(leaf: x509.Certificate) -> dict[str, str]:
    """What every text about a certificate may name."""
    names = subject_names(leaf)
    more = len(names) - SHOWN_NAMES
    return {
        "names": ", ".join(names[:SHOWN_NAMES]) + (f" (+{more})" if more > 0 else "") or "–",
        "issuer": _name(leaf.issuer),
        "subject": _name(leaf.subject),
        "not_before": _day(leaf.not_valid_before_utc),
        "not_after": _day(leaf.not_valid_after_utc),
        "date": _day(leaf.not_valid_after_utc),
    }


def _name(name: x509.Name) -> str:
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        values = name.get_attributes_for_oid(kind)
        if values:
            return str(values[0].value)[:100]
    return name.rfc4514_string()[:100]


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()
