"""All faults of a certificate at once, from the chain a server shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from profiles.problems import Code
from webapp.probes.certificates import covers, faults

NOW = datetime(2026, 11, 25, tzinfo=UTC)
DAY = timedelta(days=1)
ROOT = trustme.CA()
MIDDLE = ROOT.create_child_ca()


def chain(*names: str, whole: bool = True, **dates: datetime) -> list[bytes]:
    leaf = MIDDLE.issue_cert(*names, **dates)
    pems = leaf.cert_chain_pems if whole else leaf.cert_chain_pems[:1]
    return [x509.load_pem_x509_certificate(pem.bytes()).public_bytes(Encoding.DER) for pem in pems]


def codes(found: list[bytes], verify_code: int, host: str = "mail.example.com") -> list[Code]:
    return [fault.code for fault in faults(found, host, verify_code, "words", NOW)]


def test_two_faults_are_both_named() -> None:
    found = chain("sv123.example.jp", not_before=NOW - 9 * DAY, not_after=NOW - DAY)

    assert codes(found, 62) == [Code.CERT_EXPIRED, Code.CERT_WRONG_NAME]


def test_untrusted_and_expired() -> None:
    found = chain("mail.example.com", whole=False, not_before=NOW - 9 * DAY, not_after=NOW - DAY)

    assert codes(found, 20) == [Code.CERT_MISSING_INTERMEDIATE, Code.CERT_EXPIRED]


@pytest.mark.parametrize(
    ("verify_code", "whole", "code"),
    [
        (18, False, Code.CERT_SELF_SIGNED),
        (19, True, Code.CERT_UNKNOWN_CA),
        (20, True, Code.CERT_UNKNOWN_CA),
        (20, False, Code.CERT_MISSING_INTERMEDIATE),
        (21, False, Code.CERT_MISSING_INTERMEDIATE),
        (7, True, Code.CERT_INVALID),
    ],
)
def test_trust(verify_code: int, whole: bool, code: Code) -> None:
    assert codes(chain("mail.example.com", whole=whole), verify_code) == [code]


def test_dates_and_names_fill_the_texts() -> None:
    (fault,) = faults(
        chain("a.example", "b.example", not_before=NOW + DAY, not_after=NOW + 9 * DAY), "a.example", 9, "", NOW
    )

    assert fault.code is Code.CERT_NOT_YET_VALID
    assert fault.params["not_before"] == "2026-11-26"
    assert fault.params["names"] == "a.example, b.example"


def test_no_chain_leaves_what_openssl_said() -> None:
    assert codes([], 10) == [Code.CERT_EXPIRED]
    assert codes([b"rubbish"], 99) == [Code.CERT_INVALID]


@pytest.mark.parametrize(
    ("names", "host", "good"),
    [
        (("mail.example.com",), "mail.example.com", True),
        (("*.example.com",), "mail.example.com", True),
        (("*.example.com",), "a.mail.example.com", False),
        (("*.example.com",), "example.com", False),
        (("192.0.2.1",), "192.0.2.1", True),
        (("*.0.2.1",), "192.0.2.1", False),
        ((), "mail.example.com", False),
    ],
)
def test_names_cover_hosts(names: tuple[str, ...], host: str, good: bool) -> None:
    assert covers(names, host) is good
