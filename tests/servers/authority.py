"""Certificates of the test servers: good ones, and one for every fault a certificate can have."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

GOOD_NAMES = ("localhost", "*.example.com", "example.com", "*.example.jp", "127.0.0.1", "127.0.0.2")
DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFiles:
    """What a server needs: its certificates (leaf first) and its key, both PEM files."""

    chain: Path
    key: Path

    @property
    def both(self) -> str:
        """Key and certificates in one text, as Postfix's SNI table wants them."""
        return self.key.read_text() + self.chain.read_text()


class Authority:
    """A root, an intermediate, and leaves issued on demand into `folder`.

    `ca_file` is the trust anchor to give to a check. `expired.example.com` has its fault from `FAULTS`.
    """

    FAULTS = (
        "self-signed",
        "expired",
        "not-yet-valid",
        "wrong-name",
        "missing-intermediate",
        "unknown-ca",
        "expired-and-wrong-name",
        "expires-soon",
    )

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._root = trustme.CA(organization_name="Hagaki Test Root")
        self._intermediate = self._root.create_child_ca()
        self._stranger = trustme.CA(organization_name="Stranger Root")
        self.ca_file = folder / "ca.pem"
        self._root.cert_pem.write_to_path(str(self.ca_file))
        self.stranger_file = folder / "stranger-ca.pem"
        self._stranger.cert_pem.write_to_path(str(self.stranger_file))
        self._issued: dict[str, CertificateFiles] = {}

    def good(self) -> CertificateFiles:
        """A leaf for every name the test servers have, with its intermediate."""
        return self._once("good", lambda: self._leaf(*GOOD_NAMES))

    def good_rsa(self) -> CertificateFiles:
        """The same with an RSA key, for static RSA key exchange."""
        key_type = trustme.KeyType.RSA
        return self._once(
            "good-rsa", lambda: self._pem(self._intermediate.issue_cert(*GOOD_NAMES, key_type=key_type))
        )

    def faulty(self, fault: str) -> CertificateFiles:
        """The certificate for `<fault>.example.com`."""
        return self._once(fault, lambda: self._make_faulty(fault, f"{fault}.example.com"))

    def issue(self, host: str, fault: str | None = None) -> CertificateFiles:
        """A certificate for one host, with a fault from FAULTS where one is named."""
        if fault is None:
            return self._once(host, lambda: self._leaf(host))
        return self._once(f"{fault}-{host}", lambda: self._make_faulty(fault, host))

    def without_key_identifier(self) -> CertificateFiles:
        """A leaf straight from the root that has no Authority Key Identifier, as old company CAs issue them."""
        return self._once("no-key-identifier", self._issue_without_key_identifier)

    def _issue_without_key_identifier(self) -> tuple[bytes, bytes]:
        now = datetime.datetime.now(datetime.UTC)
        issuer = x509.load_pem_x509_certificate(self._root.cert_pem.bytes()).subject
        issuer_key = serialization.load_pem_private_key(self._root.private_key_pem.bytes(), None)
        assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)
        return _build("mail.example.com", now, issuer=issuer, issuer_key=issuer_key)

    def _once(self, name: str, make: Callable[[], tuple[bytes, bytes]]) -> CertificateFiles:
        if name not in self._issued:
            chain, key = make()
            self._issued[name] = self._write(name, chain, key)
        return self._issued[name]

    def _make_faulty(self, fault: str, host: str) -> tuple[bytes, bytes]:
        now = datetime.datetime.now(datetime.UTC)
        long_ago, past, future = now - 90 * DAY, now - 3 * DAY, now + 30 * DAY
        dates = {
            "expired": {"not_before": long_ago, "not_after": past},
            "expired-and-wrong-name": {"not_before": long_ago, "not_after": past},
            "not-yet-valid": {"not_before": future, "not_after": future + 90 * DAY},
            "expires-soon": {"not_after": now + 5 * DAY},
        }
        if fault == "self-signed":
            return _self_signed(host, now)
        if fault == "unknown-ca":
            chain, key = self._pem(self._stranger.issue_cert(host))
            return chain + self._stranger.cert_pem.bytes(), key
        chain, key = self._leaf("sv123.example.com" if "wrong-name" in fault else host, **dates.get(fault, {}))
        return (_first_certificate(chain) if fault == "missing-intermediate" else chain), key

    def _leaf(self, *names: str, **dates: datetime.datetime) -> tuple[bytes, bytes]:
        return self._pem(self._intermediate.issue_cert(*names, **dates))

    @staticmethod
    def _pem(leaf: trustme.LeafCert) -> tuple[bytes, bytes]:
        return b"".join(pem.bytes() for pem in leaf.cert_chain_pems), leaf.private_key_pem.bytes()

    def _write(self, name: str, chain: bytes, key: bytes) -> CertificateFiles:
        files = CertificateFiles(chain=self.folder / f"{name}.pem", key=self.folder / f"{name}-key.pem")
        files.chain.write_bytes(chain)
        files.key.write_bytes(key)
        return files


def _first_certificate(chain: bytes) -> bytes:
    end = b"-----END CERTIFICATE-----\n"
    return chain.split(end)[0] + end


def _self_signed(host: str, now: datetime.datetime) -> tuple[bytes, bytes]:
    return _build(host, now, issuer=None, issuer_key=None)


def _build(
    host: str,
    now: datetime.datetime,
    *,
    issuer: x509.Name | None,
    issuer_key: ec.EllipticCurvePrivateKey | None,
) -> tuple[bytes, bytes]:
    """A certificate with a subject and names only; without issuer it signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer or name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + 90 * DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(issuer_key or key, hashes.SHA256())
    )
    pem_key = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), pem_key
