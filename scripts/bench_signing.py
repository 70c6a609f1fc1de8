"""What a signed profile costs, as ratios to the raw signature of the same key in the same run."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import thread_time

sys.path.insert(0, str(Path(__file__).parents[1]))

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from profiles import mobileconfig
from profiles.address import Address
from profiles.model import (
    DavService,
    Protocol,
    RenderOptions,
    Server,
    ServiceSettings,
    SocketType,
)
from profiles.signing import Signer
from webapp.certificates import load_signer

ROUNDS = 40
RUNS_PER_ROUND = 20
OPTIONS = RenderOptions(password="invented password")

Operation = Callable[[], object]


@dataclass(frozen=True)
class _Folder:
    """A configuration that names nothing but the data folder, so that the built-in authority signs."""

    data: Path
    signing_certificate: Path | None = None
    signing_key: Path | None = None
    signing_chain: Path | None = None


def ratios() -> list[tuple[str, float, str]]:
    """Name, ratio and goal of each comparison; operations are interleaved, medians of processor time compared."""
    with tempfile.TemporaryDirectory() as folder:
        rsa_signer = load_signer(_Folder(Path(folder)))
    ec_signer = _ec_signer()
    raw_rsa, signed_rsa, built, raw_ec, signed_ec = _medians(
        [
            lambda: _sign_rsa(rsa_signer.key),
            lambda: rsa_signer.sign(mobileconfig.render(_MAIL, OPTIONS)),
            lambda: mobileconfig.render(_MAIL, OPTIONS),
            lambda: _sign_ec(ec_signer.key),
            lambda: ec_signer.sign(mobileconfig.render(_MAIL, OPTIONS)),
        ]
    )
    complete = _medians(
        [
            lambda: _sign_rsa(rsa_signer.key),
            lambda: rsa_signer.sign(mobileconfig.render(_COMPLETE, OPTIONS)),
        ]
    )
    return [
        ("signed mail profile / raw RSA-2048 signature", signed_rsa / raw_rsa, "<= 1.7"),
        ("signed mail, calendar and contacts / raw RSA-2048", complete[1] / complete[0], "-"),
        ("signed mail profile / raw ECDSA P-256 signature", signed_ec / raw_ec, "-"),
        ("rendering alone / raw RSA-2048 signature", built / raw_rsa, "-"),
    ]


def _medians(operations: list[Operation]) -> list[float]:
    times: list[list[float]] = [[] for _ in operations]
    for _ in range(ROUNDS):
        for operation, found in zip(operations, times, strict=True):
            start = thread_time()
            for _ in range(RUNS_PER_ROUND):
                operation()
            found.append(thread_time() - start)
    return [median(found) for found in times]


def _sign_rsa(key: object) -> bytes:
    assert isinstance(key, rsa.RSAPrivateKey)
    return key.sign(b"x" * 100, padding.PKCS1v15(), hashes.SHA256())


def _sign_ec(key: object) -> bytes:
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key.sign(b"x" * 100, ec.ECDSA(hashes.SHA256()))


def _service(*, calendar: DavService | None = None, addressbook: DavService | None = None) -> ServiceSettings:
    def server(protocol: Protocol, port: int) -> Server:
        return Server(protocol=protocol, hostname="mail.corp.example", port=port, socket_type=SocketType.SSL)

    return ServiceSettings(
        id="corp.example",
        display_name="Example Corporation",
        display_short_name="Example",
        domains=("corp.example",),
        incoming_servers=(server(Protocol.IMAP, 993),),
        outgoing_servers=(server(Protocol.SMTP, 465),),
        calendar=calendar,
        addressbook=addressbook,
    )


_ADDRESS = Address("taro", "corp.example")
_MAIL = _service().account(_ADDRESS, "山田 太郎")
_COMPLETE = _service(
    calendar=DavService(url="https://dav.corp.example/cal/"),
    addressbook=DavService(url="https://dav.corp.example/card/"),
).account(_ADDRESS, "山田 太郎")


def _ec_signer() -> Signer:
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    root = _certificate("root", "root", keys[0], keys[0], ca=True)
    intermediate = _certificate("intermediate", "root", keys[1], keys[0], ca=True)
    leaf = _certificate("leaf", "intermediate", keys[2], keys[1], ca=False)
    assert intermediate.issuer == root.subject
    return Signer(certificate=leaf, chain=(intermediate,), key=keys[2])


def _certificate(
    subject: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    ca: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])


if __name__ == "__main__":
    for name, ratio, goal in ratios():
        print(f"{name:52} {ratio:6.2f}  {goal}")
