"""Signed profiles, verified by openssl as a device does: attached, DER, one signer, whole chain."""

from __future__ import annotations

import plistlib
import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from profiles.formats import FORMATS
from profiles.model import RenderOptions
from profiles.problems import TEXTS, Code, ProblemError
from profiles.signing import Signer
from tests.conftest import require

from .accounts import COMPLETE, account
from .certificates import NOW, Issued, chain_of, issue, self_signed

KEYS = {
    "RSA-2048": lambda: rsa.generate_private_key(65537, 2048),
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
}
PROFILE = FORMATS["mobileconfig"].render(account(COMPLETE), RenderOptions(password="secret ü 🎐"))


def signer_of(leaf: Issued, *chain: Issued) -> Signer:
    return Signer(certificate=leaf.certificate, chain=tuple(one.certificate for one in chain), key=leaf.key)


@pytest.fixture(scope="module", params=[(key, count) for key in KEYS for count in (1, 2)], ids=str)
def signed(request):
    """Root and signed bytes, for each kind of key with one and with two intermediates."""
    kind, intermediates = request.param
    root, *above = chain_of(intermediates, KEYS["P-256"])
    leaf = issue("profiles.host.example", above[-1], KEYS[kind]())
    signer = signer_of(leaf, *reversed(above))
    return root, signer, signer.sign(PROFILE)


def openssl(tmp_path, data, *arguments):
    path = tmp_path / "signed.mobileconfig"
    path.write_bytes(data)
    command = [require("openssl"), "cms", *arguments, "-inform", "DER", "-in", str(path)]
    return subprocess.run(command, capture_output=True, check=False)


def verify(tmp_path, root, data):
    anchor = tmp_path / "root.pem"
    anchor.write_bytes(root.certificate.public_bytes(Encoding.PEM))
    # Without -purpose any openssl refuses every TLS certificate: its default purpose is S/MIME.
    return openssl(tmp_path, data, "-verify", "-purpose", "any", "-CAfile", str(anchor))


def test_chain_verifies_and_content_is_the_same_byte_for_byte(signed, tmp_path):
    root, _, artifact = signed

    result = verify(tmp_path, root, artifact.data)

    assert result.returncode == 0, result.stderr
    assert result.stdout == PROFILE.data
    assert plistlib.loads(result.stdout)["PayloadType"] == "Configuration"


def test_leaf_and_every_intermediate_are_inside_and_the_root_is_not(signed):
    """cryptography silently drops certificates added before the data or the signer."""
    root, signer, artifact = signed

    inside = pkcs7.load_der_pkcs7_certificates(artifact.data)

    assert {one.subject for one in inside} == {one.subject for one in (signer.certificate, *signer.chain)}
    assert len(inside) == 1 + len(signer.chain)
    assert root.certificate not in inside


def test_signature_is_der_with_one_sha_256_signer(signed, tmp_path):
    _, _, artifact = signed

    printed = openssl(tmp_path, artifact.data, "-cmsout", "-print", "-noout").stdout.decode()

    assert artifact.data[:2] == b"\x30\x82", "definite length, so DER and not BER"
    assert printed.count("issuerAndSerialNumber:") == 1
    assert "algorithm: sha256" in printed
    assert "rsassaPss" not in printed
    assert "1.2.840.113549.1.9.15" not in printed, "no S/MIME capabilities"


def test_one_changed_byte_of_the_host_is_found(signed, tmp_path):
    root, _, artifact = signed

    tampered = artifact.data.replace(b"imap.corp.example", b"imap.evil.example", 1)

    assert tampered != artifact.data
    assert verify(tmp_path, root, tampered).returncode != 0


def test_foreign_root_does_not_verify(signed, tmp_path):
    _, _, artifact = signed

    assert verify(tmp_path, self_signed("another root"), artifact.data).returncode != 0


def test_only_the_bytes_change(signed):
    _, _, artifact = signed

    assert artifact == replace(PROFILE, data=artifact.data)


@pytest.fixture(scope="module")
def chain():
    return chain_of(1, KEYS["P-256"])


def refused(make):
    with pytest.raises(ProblemError) as refusal:
        make()
    return [problem.code for problem in refusal.value.problems]


def test_self_signed_leaf_is_refused():
    """Devices show it as worse than unsigned."""
    leaf = self_signed("snakeoil")

    assert refused(lambda: signer_of(leaf)) == [Code.SIGNER_SELF_SIGNED]


def test_missing_intermediate_is_refused(chain):
    root, intermediate = chain
    leaf = issue("leaf", intermediate)

    assert refused(lambda: signer_of(leaf)) == [Code.SIGNER_CHAIN_BROKEN]
    assert refused(lambda: signer_of(leaf, root)) == [Code.SIGNER_CHAIN_BROKEN]


def test_foreign_intermediate_of_the_same_name_is_refused(chain):
    leaf = issue("leaf", chain[1])
    _, twin = chain_of(1, KEYS["P-256"])

    assert twin.certificate.subject == chain[1].certificate.subject
    assert refused(lambda: signer_of(leaf, twin)) == [Code.SIGNER_CHAIN_BROKEN]


def test_issuer_that_is_no_authority_is_refused(chain):
    false_authority = issue("leaf of the intermediate", chain[1])
    leaf = issue("leaf", false_authority)

    assert refused(lambda: signer_of(leaf, false_authority, chain[1])) == [Code.SIGNER_CHAIN_BROKEN]


def test_key_of_another_certificate_is_refused(chain):
    leaf = issue("leaf", chain[1])
    stranger = replace(leaf, key=KEYS["P-256"]())

    assert refused(lambda: signer_of(stranger, chain[1])) == [Code.SIGNER_KEY_MISMATCH]


@pytest.mark.parametrize(
    "make", [ed25519.Ed25519PrivateKey.generate, lambda: rsa.generate_private_key(65537, 1024)]
)
def test_key_that_apple_does_not_verify_is_refused(chain, make):
    leaf = issue("leaf", chain[1], make())

    assert refused(lambda: signer_of(leaf, chain[1])) == [Code.SIGNER_KEY_UNSUPPORTED]


@pytest.mark.parametrize(("days", "code"), [(400, Code.SIGNER_EXPIRED), (-400, Code.SIGNER_NOT_YET_VALID)])
def test_signing_outside_the_validity_is_refused(chain, days, code):
    signer = signer_of(issue("leaf", chain[1]), chain[1])

    assert code in refused(lambda: signer.sign(PROFILE, now=NOW + timedelta(days=days)))


def test_expired_intermediate_is_refused():
    root = self_signed("root")
    intermediate = issue("intermediate", root, ca=True, days=1)
    signer = signer_of(issue("leaf", intermediate, days=90), intermediate)

    later = NOW + timedelta(days=30)

    assert refused(lambda: signer.sign(PROFILE, now=later)) == [Code.SIGNER_EXPIRED]


def test_leaf_of_a_private_root_takes_the_root_along(tmp_path):
    root = self_signed("company root")
    signer = signer_of(issue("leaf", root), root)

    assert verify(tmp_path, root, signer.sign(PROFILE).data).returncode == 0


def test_key_never_shows_in_a_repr(chain):
    signer = signer_of(issue("leaf", chain[1]), chain[1])

    assert "PrivateKey" not in repr(signer)


def test_signing_time_is_now(chain, tmp_path):
    signer = signer_of(issue("leaf", chain[1]), chain[1])
    before = datetime.now(UTC).replace(microsecond=0)

    data = signer.sign(PROFILE).data

    after = datetime.now(UTC)
    printed = openssl(tmp_path, data, "-cmsout", "-print", "-noout").stdout.decode()
    found = re.search(r"signingTime.*?TIME:(.+? GMT)", printed, re.S | re.I)
    assert found is not None
    assert before <= datetime.strptime(found[1], "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC) <= after


@pytest.mark.parametrize("code", [code for code in Code if code.startswith(("SIGNER_", "FORMAT_"))])
def test_words_of_signing_problems_have_their_parameters(code):
    known = {"subject", "issuer", "not_before", "not_after", "days", "place", "format", "reason", "file"}
    text = TEXTS[code].summary + TEXTS[code].advice

    assert set(re.findall(r"%\((\w+)\)s", text)) <= known
