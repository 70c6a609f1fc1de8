"""`hagaki signing`: the local authority, certificates from elsewhere, and what is refused."""

from __future__ import annotations

from pathlib import Path

from tests.servers.authority import Authority
from tests.webapp.cli.command import Command

FACTS = {"ok", "origin", "subject", "issuer", "not_after", "days_left", "key", "certificates", "root", "problems"}


def test_the_first_status_makes_a_local_authority(hagaki: Command) -> None:
    done = hagaki("signing", "status", "--json")

    assert set(done.json) == FACTS
    assert done.json["origin"] == "local"
    assert done.json["days_left"] > 30
    assert Path(done.json["root"]).exists() or (hagaki.folder / done.json["root"]).exists()
    assert done.codes == {"SIGNER_LOCAL_CA"}


def test_status_is_readable(hagaki: Command) -> None:
    done = hagaki("signing", "status")

    assert "origin" in done.out
    assert "SIGNER_LOCAL_CA" in done.err


def test_issue_makes_another_certificate_of_the_same_root(hagaki: Command) -> None:
    before = hagaki("signing", "status", "--json").json
    root = (hagaki.folder / before["root"]).read_bytes()

    after = hagaki("signing", "issue", "--json").json

    assert after["origin"] == "local"
    assert (hagaki.folder / after["root"]).read_bytes() == root


def test_an_imported_certificate_signs(hagaki: Command, authority: Authority) -> None:
    files = authority.good_rsa()

    done = hagaki("signing", "import", files.chain, files.key, "--json")

    assert done.json["origin"] == "imported"
    assert done.json["key"] == "RSA 2048"
    assert hagaki("signing", "status", "--json").json["origin"] == "imported"


def test_a_key_of_another_certificate_is_refused_and_the_old_one_stays(
    hagaki: Command, authority: Authority
) -> None:
    before = hagaki("signing", "status", "--json").json

    done = hagaki("signing", "import", authority.good().chain, authority.good_rsa().key, "--json", status=1)

    assert done.codes == {"SIGNER_KEY_MISMATCH"}
    assert hagaki("signing", "status", "--json").json == before


def test_an_expired_certificate_is_refused(hagaki: Command, authority: Authority) -> None:
    files = authority.faulty("expired")

    done = hagaki("signing", "import", files.chain, files.key, "--json", status=1)

    assert "SIGNER_EXPIRED" in done.codes


def test_settings_name_the_certificate(hagaki: Command, authority: Authority) -> None:
    files = authority.good()
    variables = {"HAGAKI_SIGNING_CERTIFICATE": str(files.chain), "HAGAKI_SIGNING_KEY": str(files.key)}

    assert hagaki("signing", "status", "--json", variables=variables).json["origin"] == "configured"
    refused = hagaki("signing", "issue", "--json", variables=variables, status=2)
    assert refused.codes == {"SETTING_CONFLICT"}
