"""The signing certificate: the built-in authority, files from outside, reloading, and what is told about them."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from profiles.model import Artifact
from profiles.problems import Code, ProblemError
from tests.conftest import require
from tests.profiles.certificates import NOW, Issued, chain_of, issue, self_signed
from webapp.certificates import Origin, import_files, load_signer, status
from webapp.certificates import issue as issue_anew

PROFILE = Artifact(data=b"<plist>\n</plist>\n", content_type="text/plain", filename="x.mobileconfig")


@dataclass(frozen=True, kw_only=True)
class SigningConfig:
    data: Path
    signing_certificate: Path | None = None
    signing_key: Path | None = None
    signing_chain: Path | None = None


@pytest.fixture
def local(tmp_path):
    return SigningConfig(data=tmp_path / "data")


def pem(*issued: Issued) -> bytes:
    return b"".join(one.certificate.public_bytes(Encoding.PEM) for one in issued)


def key_pem(issued: Issued, encryption=None) -> bytes:
    return issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


def put(path: Path, data: bytes) -> None:
    """Let another file take this one's place: two changes within a tick of the file system's clock differ too."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(data)
    fresh.replace(path)


@dataclass(frozen=True, kw_only=True)
class Outside:
    """A certificate from elsewhere in files, as a host's ACME client leaves them."""

    root: Issued
    intermediate: Issued
    config: SigningConfig

    def write(self, leaf: Issued, *, chain: bytes | None = None, key: bytes | None = None) -> None:
        put(self.config.signing_certificate, pem(leaf))
        put(self.config.signing_key, key_pem(leaf) if key is None else key)
        put(self.config.signing_chain, pem(self.intermediate) if chain is None else chain)

    def leaf(self, name="profiles.host.example", key=None, *, days=90) -> Issued:
        return issue(name, self.intermediate, key, days=days)


@pytest.fixture
def outside(tmp_path):
    config = SigningConfig(
        data=tmp_path / "data",
        signing_certificate=tmp_path / "cert.pem",
        signing_key=tmp_path / "key.pem",
        signing_chain=tmp_path / "chain.pem",
    )
    root, intermediate = chain_of(1, lambda: ec.generate_private_key(ec.SECP256R1()))
    return Outside(root=root, intermediate=intermediate, config=config)


def verify(tmp_path, data, root):
    signed = tmp_path / "signed"
    signed.write_bytes(data)
    command = [require("openssl"), "cms", "-verify", "-inform", "DER", "-in", str(signed), "-CAfile", str(root)]
    result = subprocess.run([*command, "-purpose", "any"], capture_output=True, check=False)
    return result.stdout if result.returncode == 0 else None


def codes(error) -> list[Code]:
    return [problem.code for problem in error.value.problems]


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_first_start_makes_root_intermediate_and_leaf(local, tmp_path):
    signed = load_signer(local).sign(PROFILE)

    assert verify(tmp_path, signed.data, local.data / "signing" / "ca.pem") == PROFILE.data


def test_local_certificates_are_marked_for_what_they_are(local):
    signer = load_signer(local)
    root = x509.load_pem_x509_certificate((local.data / "signing" / "ca.pem").read_bytes())

    lengths = [
        one.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
        for one in (root, *signer.chain)
    ]

    assert lengths == [1, 0]
    assert not signer.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert len({one.subject for one in (root, signer.certificate, *signer.chain)}) == 3


def test_keys_are_for_their_owner_only_and_the_root_key_is_not_kept(local):
    load_signer(local)
    folder = local.data / "signing"

    with_keys = {path.name for path in folder.iterdir() if b"PRIVATE KEY" in path.read_bytes()}

    assert with_keys == {"intermediate.pem", "signer.pem"}
    assert all(mode(folder / name) == 0o600 for name in with_keys)
    assert mode(folder) == 0o700


def test_second_start_keeps_everything(local):
    first = load_signer(local).certificate

    assert load_signer(local).certificate == first
    assert load_signer(SigningConfig(data=local.data)).certificate == first


def test_processes_that_start_at_once_agree(tmp_path):
    """Each process loads its own signer; all must end up with the one in the folder."""
    program = (
        "import sys; from pathlib import Path; from types import SimpleNamespace;"
        "from webapp.certificates import load_signer;"
        "config = SimpleNamespace(data=Path(sys.argv[1]), signing_certificate=None, signing_key=None,"
        " signing_chain=None);"
        "print(load_signer(config).certificate.serial_number)"
    )

    def start(_number):
        command = [sys.executable, "-c", program, str(tmp_path / "data")]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    with ThreadPoolExecutor(4) as pool:
        serials = set(pool.map(start, range(4)))

    assert len(serials) == 1


def test_local_signer_renews_itself_under_the_same_root(local, tmp_path):
    first = load_signer(local)
    root = (local.data / "signing" / "ca.pem").read_bytes()

    second = load_signer(local, now=NOW + timedelta(days=380))

    assert second.certificate != first.certificate
    assert second.chain == first.chain
    assert (local.data / "signing" / "ca.pem").read_bytes() == root


def test_authority_is_made_anew_before_it_ends(local):
    first = load_signer(local)

    second = load_signer(local, now=NOW + timedelta(days=19 * 365 + 300))

    assert second.chain != first.chain


@pytest.mark.parametrize("name", ["signer.pem", "intermediate.pem", "ca.pem"])
@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"damaged")])
def test_damaged_local_files_are_made_anew(local, name, damage, tmp_path):
    load_signer(local)
    damage(local.data / "signing" / name)

    issue_anew(local)

    signed = load_signer(local).sign(PROFILE)
    assert verify(tmp_path, signed.data, local.data / "signing" / "ca.pem") == PROFILE.data


def test_issue_replaces_the_leaf_only(local):
    first = load_signer(local)

    issue_anew(local)

    second = load_signer(local)
    assert second.certificate != first.certificate
    assert second.chain == first.chain


def test_local_status_names_the_root_and_says_it_is_local(local):
    found = status(local)

    assert found.origin is Origin.LOCAL
    assert found.root == local.data / "signing" / "ca.pem"
    assert found.root.exists()
    assert found.certificates == 2
    assert found.days_left > 390
    assert found.key == "RSA 2048"
    assert [problem.code for problem in found.problems] == [Code.SIGNER_LOCAL_CA]


@pytest.mark.parametrize(
    ("make_key", "description"),
    [
        (lambda: rsa.generate_private_key(65537, 2048), "RSA 2048"),
        (lambda: ec.generate_private_key(ec.SECP256R1()), "ECDSA secp256r1"),
    ],
)
def test_certificate_from_outside_signs(outside, make_key, description, tmp_path):
    outside.write(outside.leaf(key=make_key()))
    root = tmp_path / "root.pem"
    root.write_bytes(pem(outside.root))

    signed = load_signer(outside.config).sign(PROFILE)
    found = status(outside.config)

    assert verify(tmp_path, signed.data, root) == PROFILE.data
    assert (found.origin, found.subject, found.issuer) == (
        Origin.CONFIGURED,
        "profiles.host.example",
        "test intermediate 0",
    )
    assert (found.key, found.root, found.problems) == (description, None, ())
    assert not (outside.config.data / "signing").exists()


def test_full_chain_in_one_file_needs_no_other(tmp_path):
    """certbot's fullchain.pem, and one file that even holds the key."""
    root, first, second = chain_of(2, lambda: ec.generate_private_key(ec.SECP256R1()))
    leaf = issue("leaf", second)
    everything = tmp_path / "everything.pem"
    # The order in the file does not matter, and a root in it does not travel along.
    everything.write_bytes(pem(root, first, leaf, second) + key_pem(leaf))

    signer = load_signer(SigningConfig(data=tmp_path, signing_certificate=everything))

    assert signer.certificate == leaf.certificate
    assert signer.chain == (second.certificate, first.certificate)


def test_renewed_files_are_used_without_a_restart(outside):
    outside.write(outside.leaf("old"))
    load_signer(outside.config)

    renewed = outside.leaf("new")
    outside.write(renewed)

    assert load_signer(outside.config).certificate == renewed.certificate


def test_broken_change_keeps_the_last_good_signer_and_is_told(outside):
    good = outside.leaf()
    outside.write(good)
    load_signer(outside.config)

    put(outside.config.signing_key, key_pem(outside.leaf("another")))

    assert load_signer(outside.config).certificate == good.certificate
    assert [problem.code for problem in status(outside.config).problems] == [Code.SIGNER_KEY_MISMATCH]


def test_mended_change_is_taken(outside):
    outside.write(outside.leaf("old"))
    load_signer(outside.config)
    put(outside.config.signing_key, b"half written")
    load_signer(outside.config)

    mended = outside.leaf("new")
    outside.write(mended)

    assert load_signer(outside.config).certificate == mended.certificate
    assert status(outside.config).problems == ()


def broken(outside, *, leaf=None, **parts):
    outside.write(leaf or outside.leaf(), **parts)
    with pytest.raises(ProblemError) as refusal:
        load_signer(outside.config)
    assert [problem.code for problem in status(outside.config).problems] == codes(refusal)
    return codes(refusal)


def test_expired_certificate_is_refused(outside):
    intermediate = issue("short", outside.root, ca=True, days=365)
    leaf = issue("leaf", intermediate, days=-0.5)

    assert broken(outside, leaf=leaf, chain=pem(intermediate)) == [Code.SIGNER_EXPIRED]


def test_self_signed_certificate_is_refused(outside):
    assert broken(outside, leaf=self_signed("snakeoil"), chain=b"") == [Code.SIGNER_SELF_SIGNED]


def test_missing_intermediate_is_refused(outside):
    assert broken(outside, chain=b"") == [Code.SIGNER_CHAIN_BROKEN]


def test_foreign_key_is_refused(outside):
    assert broken(outside, key=key_pem(outside.leaf("other"))) == [Code.SIGNER_KEY_MISMATCH]


def test_ed25519_key_is_refused(outside):
    leaf = outside.leaf(key=ed25519.Ed25519PrivateKey.generate())

    assert broken(outside, leaf=leaf) == [Code.SIGNER_KEY_UNSUPPORTED]


def test_encrypted_key_is_refused(outside):
    leaf = outside.leaf()

    assert broken(outside, leaf=leaf, key=key_pem(leaf, BestAvailableEncryption(b"x"))) == [
        Code.SIGNER_KEY_UNSUPPORTED
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"no pem at all", Code.SIGNER_MISSING),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", Code.FILE_UNREADABLE),
    ],
)
def test_unreadable_certificate_is_refused(outside, content, code):
    outside.write(outside.leaf(), chain=b"")
    outside.config.signing_certificate.write_bytes(content)

    with pytest.raises(ProblemError) as refusal:
        load_signer(outside.config)

    assert codes(refusal) == [code]
    assert refusal.value.problems[0].place == str(outside.config.signing_certificate)


def test_missing_file_is_named(outside):
    with pytest.raises(ProblemError) as refusal:
        load_signer(outside.config)

    assert codes(refusal) == [Code.FILE_UNREADABLE]
    assert refusal.value.problems[0].place == str(outside.config.signing_key)


def test_certificate_that_ends_soon_is_told(outside):
    outside.write(outside.leaf(days=90))

    (problem,) = status(outside.config, now=NOW + timedelta(days=80)).problems

    assert problem.code is Code.SIGNER_EXPIRES_SOON
    assert problem.params["days"] == "9"


def test_short_lived_certificate_is_not_always_ending_soon(outside):
    """Public authorities issue certificates for six days."""
    outside.write(outside.leaf(days=6))

    assert status(outside.config).problems == ()


def test_certificate_that_expired_while_in_use_is_told_and_does_not_sign(outside):
    outside.write(outside.leaf(days=10))
    signer = load_signer(outside.config)
    later = NOW + timedelta(days=20)

    with pytest.raises(ProblemError) as refusal:
        signer.sign(PROFILE, now=later)

    assert codes(refusal) == [Code.SIGNER_EXPIRED]
    assert [p.code for p in status(outside.config, now=later).problems] == [Code.SIGNER_EXPIRED]


@pytest.fixture
def imported_files(outside, tmp_path):
    leaf = outside.leaf()
    files = [tmp_path / name for name in ("import.crt", "import.key", "import.chain")]
    for path, data in zip(files, (pem(leaf), key_pem(leaf), pem(outside.intermediate)), strict=True):
        path.write_bytes(data)
    return files


def test_import_copies_the_files_and_uses_them(local, imported_files):
    load_signer(local)

    found = import_files(local, *imported_files)
    for path in imported_files:
        path.unlink()

    assert (found.origin, found.subject) == (Origin.IMPORTED, "profiles.host.example")
    assert len(load_signer(local).chain) == 1
    assert mode(local.data / "signing" / "imported.pem") == 0o600


def test_import_that_cannot_sign_changes_nothing(local, imported_files):
    before = load_signer(local).certificate
    certificate, key, _ = imported_files

    with pytest.raises(ProblemError) as refusal:
        import_files(local, certificate, key)

    assert codes(refusal) == [Code.SIGNER_CHAIN_BROKEN]
    assert load_signer(local).certificate == before


def test_issue_goes_back_to_the_built_in_authority(local, imported_files):
    import_files(local, *imported_files)

    assert issue_anew(local).origin is Origin.LOCAL
    assert status(local).origin is Origin.LOCAL


def test_configured_certificate_is_not_overruled(outside, imported_files):
    outside.write(outside.leaf())

    for change in (lambda: issue_anew(outside.config), lambda: import_files(outside.config, *imported_files)):
        with pytest.raises(ProblemError) as refusal:
            change()
        assert codes(refusal) == [Code.SETTING_CONFLICT]


def test_unchanged_files_are_not_read_again(outside):
    """Checking an RSA key costs as much as signing a hundred profiles."""
    outside.write(outside.leaf())
    first = load_signer(outside.config)

    for path in (outside.config.signing_certificate, outside.config.signing_key):
        found = path.stat()
        path.write_bytes(b"x" * found.st_size)
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))

    assert load_signer(outside.config) is first
