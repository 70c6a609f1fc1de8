"""Certificates made for a test: roots, intermediates, leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

NOW = datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: object = field(repr=False)


def self_signed(name: str, *, ca: bool = True) -> Issued:
    """A root, or a leaf that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Issued(certificate=_certificate(name, key, name, key, ca=ca, days=365), key=key)


def issue(name: str, issuer: Issued, key: object = None, *, ca: bool = False, days: int = 90) -> Issued:
    """A certificate under `issuer`."""
    own = key or ec.generate_private_key(ec.SECP256R1())
    above = issuer.certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
    return Issued(certificate=_certificate(name, own, above, issuer.key, ca=ca, days=days), key=own)


def chain_of(intermediates: int, make_key: Callable[[], object]) -> list[Issued]:
    """A root and the intermediates under it, from the top downwards."""
    found = [self_signed("test root")]
    for number in range(intermediates):
        found.append(issue(f"test intermediate {number}", found[-1], make_key(), ca=True, days=365))
    return found


def _certificate(name, key, issuer_name, issuer_key, *, ca, days):
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer_name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    algorithm = None if isinstance(issuer_key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(issuer_key, algorithm)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
