"""The built-in certificate authority: root -> intermediate -> signing certificate, in files of the data folder.

The root's key is never stored: it signs one intermediate and is forgotten. A stolen data folder can then sign
profiles and nothing else, since the intermediate's uses are limited.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from profiles.signing import SigningKey, is_issued_by

ROOT_FILE = "ca.pem"
"""The root certificate that devices may trust."""
SIGNER_FILE = "signer.pem"
"""Key, certificate and intermediate of the signer, in one file so that they change together."""
_AUTHORITY_FILE = "intermediate.pem"
_LOCK_FILE = ".lock"

AUTHORITY_LIFETIME = timedelta(days=20 * 365)
SIGNER_LIFETIME = timedelta(days=397)
RENEW_BEFORE = timedelta(days=30)
_CLOCK_SKEW = timedelta(days=1)

_USES = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.CODE_SIGNING])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Authority:
    """What signs the signing certificate."""

    certificate: x509.Certificate
    key: SigningKey = field(repr=False)


def ensure_signer(folder: Path, now: datetime) -> Path:
    """Return the signer's file; make it, and the authority above it, where they are missing or about to end."""
    if not is_fresh(folder, now):
        with _lock(folder):
            # Another process may have been faster.
            if not is_fresh(folder, now):
                _write_signer(folder, now)
    return folder / SIGNER_FILE


def issue_signer(folder: Path, now: datetime) -> Path:
    """Replace the signer by a new key and certificate under the same root."""
    with _lock(folder):
        return _write_signer(folder, now)


def is_fresh(folder: Path, now: datetime) -> bool:
    """Whether root and signer are there and the signer is not about to end."""
    try:
        certificate = x509.load_pem_x509_certificates((folder / SIGNER_FILE).read_bytes())[0]
    except (OSError, ValueError):
        return False
    return (folder / ROOT_FILE).exists() and certificate.not_valid_after_utc - now > RENEW_BEFORE


def write_private(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file at once: readers see the old one or the new one, never half, and nobody else sees it."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def key_pem(key: SigningKey) -> bytes:
    """The key as unencrypted PKCS #8."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Let one process at a time make files here; the system frees the lock of a process that died."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / _LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write_signer(folder: Path, now: datetime) -> Path:
    authority = _load_authority(folder, now) or _make_authority(folder, now)
    # RSA, since every iOS verifies it; the authority's keys are ECDSA, which are made at once.
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    builder = _builder("Hagaki profile signing", authority.certificate.subject, now, SIGNER_LIFETIME)
    certificate = (
        _extended(builder, key, authority.certificate, ca=False, path_length=None)
        .add_extension(_USES, critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    path = folder / SIGNER_FILE
    write_private(path, key_pem(key) + _pem(certificate) + _pem(authority.certificate))
    return path


def _load_authority(folder: Path, now: datetime) -> _Authority | None:
    """The stored authority, None when it is missing, does not fit the root, or would end before a new signer."""
    try:
        data = (folder / _AUTHORITY_FILE).read_bytes()
        root = x509.load_pem_x509_certificate((folder / ROOT_FILE).read_bytes())
        certificate = x509.load_pem_x509_certificate(data)
        key = load_pem_private_key(data, None)
    except (OSError, ValueError):
        return None
    lasts = certificate.not_valid_after_utc > now + SIGNER_LIFETIME
    if isinstance(key, ec.EllipticCurvePrivateKey) and lasts and is_issued_by(certificate, root):
        return _Authority(certificate=certificate, key=key)
    return None


def _make_authority(folder: Path, now: datetime) -> _Authority:
    # Two installations, or two roots of one, must not share a name: verifiers look issuers up by it.
    mark = secrets.token_hex(3).upper()
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root_name = _name(f"Hagaki local root {mark}")
    builder = _builder(f"Hagaki local root {mark}", root_name, now, AUTHORITY_LIFETIME)
    root = _extended(builder, root_key, None, ca=True, path_length=1).sign(root_key, hashes.SHA256())
    builder = _builder(f"Hagaki local signing CA {mark}", root_name, now, AUTHORITY_LIFETIME)
    certificate = (
        _extended(builder, key, root, ca=True, path_length=0)
        .add_extension(_USES, critical=False)
        .sign(root_key, hashes.SHA256())
    )
    write_private(folder / _AUTHORITY_FILE, key_pem(key) + _pem(certificate))
    write_private(folder / ROOT_FILE, _pem(root), mode=0o644)
    return _Authority(certificate=certificate, key=key)


def _builder(subject: str, issuer: x509.Name, now: datetime, lifetime: timedelta) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + lifetime)
    )


def _extended(
    builder: x509.CertificateBuilder,
    key: SigningKey,
    issuer: x509.Certificate | None,
    *,
    ca: bool,
    path_length: int | None,
) -> x509.CertificateBuilder:
    public_key = key.public_key()
    own_identifier = x509.SubjectKeyIdentifier.from_public_key(public_key)
    issuer_identifier = (
        own_identifier
        if issuer is None
        else issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    )
    authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_identifier)
    return (
        builder.public_key(public_key)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True)
        .add_extension(_key_usage(ca=ca), critical=True)
        .add_extension(own_identifier, critical=False)
        .add_extension(authority, critical=False)
    )


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Hagaki"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name),
        ]
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
