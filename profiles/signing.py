"""Signing profiles: CMS with the content inside, one signer, SHA-256, leaf and intermediates included.

The only module here that meets the clock and randomness: signingTime, validity and ECDSA need them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder

from profiles.model import Artifact
from profiles.problems import Code, Problem, ProblemError

SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
"""What Apple's verifier knows: RSA PKCS #1 and ECDSA. Neither RSASSA-PSS nor Ed25519."""

# Without Binary the builder turns LF into CRLF. Capabilities mean nothing to a device.
_OPTIONS = (PKCS7Options.Binary, PKCS7Options.NoCapabilities)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A certificate with its key and the certificates above it. One that cannot verify cannot be made."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    """From the leaf's issuer upwards, the root left out where there is an intermediate."""
    key: SigningKey = field(repr=False)
    _valid_from: datetime = field(init=False, repr=False, compare=False)
    _valid_until: datetime = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what a device would show as broken, which is worse than an unsigned profile."""
        every = (self.certificate, *self.chain)
        # Read once: each look at a certificate's dates parses them anew, for every profile that is signed.
        object.__setattr__(self, "_valid_from", max(one.not_valid_before_utc for one in every))
        object.__setattr__(self, "_valid_until", min(one.not_valid_after_utc for one in every))
        problems = [*_key_problems(self.certificate, self.key), *chain_problems(self.certificate, self.chain)]
        if problems:
            raise ProblemError(problems)

    def sign(self, artifact: Artifact, *, now: datetime | None = None) -> Artifact:
        """Return the artifact with signed bytes; raises ProblemError outside the certificates' validity."""
        problems = self.validity_problems(now or datetime.now(UTC))
        if problems:
            raise ProblemError(problems)
        # The order matters: set_data() and add_signer() silently drop certificates that were added before.
        builder = PKCS7SignatureBuilder().set_data(artifact.data)
        builder = builder.add_signer(self.certificate, self.key, hashes.SHA256())
        for certificate in self.chain:
            builder = builder.add_certificate(certificate)
        return replace(artifact, data=builder.sign(Encoding.DER, _OPTIONS))

    def validity_problems(self, now: datetime) -> tuple[Problem, ...]:
        """What the certificates' dates say at `now`."""
        if self._valid_from <= now <= self._valid_until:
            return ()
        return tuple(
            problem
            for certificate in (self.certificate, *self.chain)
            if (problem := _validity_problem(certificate, now)) is not None
        )


def describe_name(name: x509.Name) -> str:
    """The common name of a subject or issuer, else all of it."""
    common_names = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(common_names[0].value) if common_names else name.rfc4514_string()


def is_self_issued(certificate: x509.Certificate) -> bool:
    """Whether a certificate names itself as its issuer: a root, or a self-signed leaf."""
    return certificate.issuer == certificate.subject


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether `issuer`'s key made the signature of `certificate`."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def chain_problems(leaf: x509.Certificate, chain: tuple[x509.Certificate, ...]) -> tuple[Problem, ...]:
    """What keeps a device from following the chain from the leaf upwards."""
    if is_self_issued(leaf):
        return (_problem(Code.SIGNER_SELF_SIGNED, leaf),)
    if not chain:
        return (_problem(Code.SIGNER_CHAIN_BROKEN, leaf),)
    return tuple(
        _problem(Code.SIGNER_CHAIN_BROKEN, certificate)
        for certificate, issuer in pairwise((leaf, *chain))
        if not (is_issued_by(certificate, issuer) and _is_authority(issuer))
    )


def _key_problems(certificate: x509.Certificate, key: SigningKey) -> tuple[Problem, ...]:
    if not is_supported_key(key):
        return (_problem(Code.SIGNER_KEY_UNSUPPORTED, certificate),)
    if certificate.public_key() != key.public_key():
        return (_problem(Code.SIGNER_KEY_MISMATCH, certificate),)
    return ()


def is_supported_key(key: object) -> bool:
    """RSA of at least 2048 bits, or ECDSA on a NIST curve."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.key_size >= 2048
    return isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(
        key.curve, ec.SECP256R1 | ec.SECP384R1 | ec.SECP521R1
    )


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _validity_problem(certificate: x509.Certificate, now: datetime) -> Problem | None:
    if now > certificate.not_valid_after_utc:
        return _problem(Code.SIGNER_EXPIRED, certificate)
    if now < certificate.not_valid_before_utc:
        return _problem(Code.SIGNER_NOT_YET_VALID, certificate)
    return None


def _problem(code: Code, certificate: x509.Certificate) -> Problem:
    params = {
        "subject": describe_name(certificate.subject),
        "issuer": describe_name(certificate.issuer),
        "not_before": f"{certificate.not_valid_before_utc:%Y-%m-%d}",
        "not_after": f"{certificate.not_valid_after_utc:%Y-%m-%d}",
    }
    return Problem(code, params)
