"""Reading the environment: every setting, every refusal, the keys in the data folder."""

from __future__ import annotations

import stat
import threading
from ipaddress import ip_network
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from profiles.problems import Code, Problem, ProblemError
from tests.servers.authority import Authority
from webapp import config
from webapp.config import Config, load

GOOD_KEY = "sixteen letters and more"


def problems_of(environ: dict[str, str]) -> tuple[Problem, ...]:
    with pytest.raises(ProblemError) as caught:
        load(environ)
    return caught.value.problems


def places_of(environ: dict[str, str]) -> list[str | None]:
    return [problem.place for problem in problems_of(environ)]


def test_an_empty_environment_is_a_local_trial() -> None:
    found = load({})

    assert found.data == Path("data")
    assert (found.bind, found.base_url) == ("127.0.0.1:8080", "http://127.0.0.1:8080")
    assert found.database_url == f"sqlite:///{Path.cwd()}/data/hagaki.sqlite"
    assert found.allow_other_servers
    assert found.allow_unchecked
    assert (found.language, found.retention_days, found.development, found.limit_attempts) == (
        "en",
        90,
        False,
        True,
    )


def test_other_servers_are_refused_once_the_host_has_a_name() -> None:
    assert not load({"HAGAKI_BASE_URL": "https://m.example.jp"}).allow_other_servers
    assert load({"HAGAKI_BASE_URL": "https://m.example.jp", "HAGAKI_ALLOW_OTHER_SERVERS": "1"}).allow_other_servers
    assert not load({"HAGAKI_ALLOW_OTHER_SERVERS": "0"}).allow_other_servers


def test_every_setting_is_read(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.write_text("x")
    key.write_text("x")

    found = load(
        {
            "HAGAKI_DATA": str(tmp_path),
            "HAGAKI_DATABASE_URL": "postgresql://hagaki:pw@db.example/hagaki",
            "HAGAKI_BASE_URL": "https://M.Example.jp/",
            "HAGAKI_BIND": "[::1]:9000",
            "HAGAKI_SECRET_KEY": GOOD_KEY,
            "HAGAKI_LINK_KEY": GOOD_KEY + "2",
            "HAGAKI_ALLOW_NETWORKS": "10.0.0.0/8, fd00::/8 192.0.2.7",
            "HAGAKI_RESOLVER": "192.0.2.53:5353",
            "HAGAKI_SIGNING_CERTIFICATE": str(certificate),
            "HAGAKI_SIGNING_KEY": str(key),
            "HAGAKI_SIGNING_CHAIN": str(certificate),
            "HAGAKI_SMTP_URL": "smtps://u:p@mail.example.jp:465",
            "HAGAKI_QUEUE_URL": "redis://queue.example:6379/0",
            "HAGAKI_TRUSTED_PROXIES": "127.0.0.1",
            "HAGAKI_LANGUAGE": "ja",
            "HAGAKI_TIMEZONE": "Asia/Tokyo",
            "HAGAKI_METRICS_TOKEN": "m",
            "HAGAKI_ALLOW_UNCHECKED": "0",
            "HAGAKI_RETENTION_DAYS": "30",
            "HAGAKI_OIDC_ISSUER": "https://login.example",
            "PATH": "/bin",
        }
    )

    assert found.database_url == "postgresql+psycopg://hagaki:pw@db.example/hagaki"
    assert (found.base_url, found.hostname, found.bind) == ("https://m.example.jp", "m.example.jp", "[::1]:9000")
    assert (found.secret_key, found.link_key) == (GOOD_KEY.encode(), GOOD_KEY.encode() + b"2")
    assert found.allow_networks == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"), ip_network("192.0.2.7/32"))
    assert found.resolver == ("192.0.2.53", 5353)
    assert (found.signing_certificate, found.signing_key, found.signing_chain) == (certificate, key, certificate)
    assert (found.smtp_url, found.queue_url) == ("smtps://u:p@mail.example.jp:465", "redis://queue.example:6379/0")
    assert found.trusted_proxies == (ip_network("127.0.0.1/32"),)
    assert (found.language, found.timezone, found.metrics_token) == ("ja", ZoneInfo("Asia/Tokyo"), "m")
    assert (found.allow_unchecked, found.retention_days) == (False, 30)
    assert found.oidc == {"OIDC_ISSUER": "https://login.example"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BIND", "8080"),
        ("BIND", "127.0.0.1:99999"),
        ("BIND", "example.jp:80/x"),
        ("BASE_URL", "m.example.jp"),
        ("BASE_URL", "https://m.example.jp/hagaki"),
        ("BASE_URL", "ftp://m.example.jp"),
        ("DATABASE_URL", "mysql://db.example/hagaki"),
        ("DATABASE_URL", "sqlite:///"),
        ("SECRET_KEY", "short"),
        ("LINK_KEY", "short"),
        ("CA_FILE", "/nowhere/ca.pem"),
        ("ALLOW_NETWORKS", "10.0.0.0/8, office"),
        ("RESOLVER", "dns.example"),
        ("SMTP_URL", "https://mail.example.jp"),
        ("QUEUE_URL", "amqp://queue.example"),
        ("TRUSTED_PROXIES", "*"),
        ("LANGUAGE", "fr"),
        ("TIMEZONE", "Asia/Edo"),
        ("TIMEZONE", "../../etc/passwd"),
        ("ALLOW_OTHER_SERVERS", "yes"),
        ("ALLOW_UNCHECKED", "true"),
        ("RETENTION_DAYS", "0"),
        ("RETENTION_DAYS", "a while"),
    ],
)
def test_a_bad_value_is_named(name: str, value: str) -> None:
    found = problems_of({f"HAGAKI_{name}": value})

    assert [(problem.code, problem.place) for problem in found] == [(Code.SETTING_INVALID, f"HAGAKI_{name}")]


def test_all_problems_are_named_at_once() -> None:
    places = places_of({"HAGAKI_DTA": "x", "HAGAKI_BIND": "x", "HAGAKI_LANGUAGE": "fr", "HAGAKI_RESOLVER": "x"})

    assert sorted(map(str, places)) == ["HAGAKI_BIND", "HAGAKI_DTA", "HAGAKI_LANGUAGE", "HAGAKI_RESOLVER"]


def test_an_unknown_variable_is_refused_and_the_nearest_name_offered() -> None:
    (problem,) = problems_of({"HAGAKI_BASEURL": "https://m.example.jp"})

    assert (problem.code, problem.place) == (Code.SETTING_UNKNOWN, "HAGAKI_BASEURL")
    assert problem.params["nearest"] == "HAGAKI_BASE_URL"


def test_an_unknown_variable_is_refused_even_when_empty() -> None:
    assert places_of({"HAGAKI_DTA": ""}) == ["HAGAKI_DTA"]


def test_an_empty_value_is_an_unset_one() -> None:
    assert load({"HAGAKI_BIND": "", "HAGAKI_SECRET_KEY_FILE": " "}).bind == "127.0.0.1:8080"


def test_switches_of_the_test_suite_are_not_settings() -> None:
    assert load({"HAGAKI_TEST_COMPLETE": "1"}) == load({})


def test_the_caps_and_the_style_guide_have_no_variable() -> None:
    places = places_of({"HAGAKI_LIMIT_ATTEMPTS": "0", "HAGAKI_DEVELOPMENT": "1"})

    assert sorted(map(str, places)) == ["HAGAKI_DEVELOPMENT", "HAGAKI_LIMIT_ATTEMPTS"]


@pytest.mark.parametrize("name", ["SECRET_KEY", "LINK_KEY", "METRICS_TOKEN", "OIDC_CLIENT_SECRET"])
def test_a_secret_may_come_from_a_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(GOOD_KEY + "\n")

    found = load({f"HAGAKI_{name}_FILE": str(file)})

    read = {
        "SECRET_KEY": found.given_secret_key,
        "LINK_KEY": found.given_link_key,
        "METRICS_TOKEN": (found.metrics_token or "").encode(),
        "OIDC_CLIENT_SECRET": found.oidc.get("OIDC_CLIENT_SECRET", "").encode(),
    }
    assert read[name] == GOOD_KEY.encode()


def test_a_secret_and_its_file_together_are_a_conflict(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(GOOD_KEY)

    (problem,) = problems_of({"HAGAKI_SECRET_KEY": GOOD_KEY, "HAGAKI_SECRET_KEY_FILE": str(file)})

    assert problem.code is Code.SETTING_CONFLICT


def test_a_secret_file_that_is_missing_or_empty_is_named(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("\n")

    assert places_of({"HAGAKI_SECRET_KEY_FILE": "/nowhere"}) == ["HAGAKI_SECRET_KEY_FILE"]
    assert places_of({"HAGAKI_SMTP_URL_FILE": str(empty)}) == ["HAGAKI_SMTP_URL_FILE"]


def test_what_is_no_secret_has_no_file_form() -> None:
    assert places_of({"HAGAKI_BASE_URL_FILE": "/x"}) == ["HAGAKI_BASE_URL_FILE"]


def test_a_secret_never_shows_in_a_problem_or_a_repr() -> None:
    problems = problems_of({"HAGAKI_SECRET_KEY": "hush", "HAGAKI_SMTP_URL": "mail://u:hush@x"})

    assert "hush" not in repr(problems)
    assert GOOD_KEY not in repr(load({"HAGAKI_SECRET_KEY": GOOD_KEY, "HAGAKI_METRICS_TOKEN": GOOD_KEY}))


def test_a_certificate_without_its_key_is_told(tmp_path: Path) -> None:
    file = tmp_path / "cert.pem"
    file.write_text("x")

    (certificate,) = problems_of({"HAGAKI_SIGNING_CERTIFICATE": str(file)})
    (chain,) = problems_of({"HAGAKI_SIGNING_CHAIN": str(file)})

    assert (certificate.code, certificate.place) == (Code.SETTING_MISSING, "HAGAKI_SIGNING_KEY")
    assert (chain.code, chain.place) == (Code.SETTING_MISSING, "HAGAKI_SIGNING_CERTIFICATE")


def test_trust_anchors_must_be_certificates(tmp_path: Path, authority: Authority) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("not a certificate")
    del authority

    assert places_of({"HAGAKI_CA_FILE": str(file)}) == ["HAGAKI_CA_FILE"]


def test_keys_are_made_once_and_private(tmp_path: Path) -> None:
    found = load({"HAGAKI_DATA": str(tmp_path / "data")}).prepare()

    assert len(found.secret_key) == 43
    assert found.secret_key != found.link_key
    assert load({"HAGAKI_DATA": str(tmp_path / "data")}).link_key == found.link_key
    assert modes(tmp_path / "data") == {"link.key": 0o600, "secret.key": 0o600}
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


def test_starts_at_the_same_time_agree_on_the_keys(tmp_path: Path) -> None:
    at_once = threading.Barrier(16)
    keys: set[bytes] = set()

    def start() -> None:
        at_once.wait()
        keys.add(load({"HAGAKI_DATA": str(tmp_path / "data")}).prepare().link_key)

    threads = [threading.Thread(target=start) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(keys) == 1


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ProblemError) as caught:
        load({"HAGAKI_DATA": str(tmp_path / "file" / "data")}).prepare()

    assert caught.value.problems[0].place == "HAGAKI_DATA"


def test_another_bind_moves_a_base_url_that_was_not_given() -> None:
    assert load({}).with_bind("127.0.0.1:9999").base_url == "http://127.0.0.1:9999"
    given = load({"HAGAKI_BASE_URL": "https://m.example.jp"})
    assert given.with_bind("127.0.0.1:9999").base_url == "https://m.example.jp"


@pytest.mark.parametrize(
    ("bind", "base_url"),
    [
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("[::]:8080", "http://[::1]:8080"),
        ("localhost:8080", "http://localhost:8080"),
    ],
)
def test_a_base_url_that_was_not_given_can_be_opened(bind: str, base_url: str) -> None:
    assert load({"HAGAKI_BIND": bind}).base_url == base_url


def test_only_config_reads_the_prefix() -> None:
    fields = set(Config.__dataclass_fields__)
    known = {name.lower() for name in config.SETTINGS}

    assert known - fields - {"secret_key", "link_key"} == set()
