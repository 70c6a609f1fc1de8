"""Checks with nothing scripted: the real door to the network, Dovecot, Postfix, the built-in signing authority."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from profiles.address import parse_address
from profiles.problems import Code
from tests.conftest import require
from tests.servers.environment import Environment
from tests.servers.people import PEOPLE
from webapp.checks import Checks, CheckState, CheckView
from webapp.config import Config, load
from webapp.directory import Directory
from webapp.store import open_store

pytestmark = pytest.mark.servers
PATIENCE = 60.0


@pytest.fixture
def config(environment: Environment, tmp_path: Path) -> Config:
    """A Hagaki that finds the test servers, and whose people reach registered servers only."""
    return load(environment.variables(tmp_path / "data") | {"HAGAKI_ALLOW_OTHER_SERVERS": "0"}).prepare()


@pytest.fixture
def checks(environment: Environment, config: Config) -> Iterator[Checks]:
    """Checks of the test servers' domain."""
    store = open_store(config)
    directory = Directory(store)
    directory.add(environment.toml())
    checks = Checks(store, directory, config)
    yield checks
    checks.close()
    store.close()


def checked(checks: Checks, environment: Environment, password: str, **changes: object) -> CheckView:
    """A check of an ordinary person when it has ended."""
    address, _ = parse_address(PEOPLE["normal"].address)
    assert address is not None
    settings = environment.settings(**changes)  # type: ignore[arg-type]
    token = checks.start(settings, address, "山田 太郎", password, client_address="127.0.0.1", language="ja")
    checks.wait(token, PATIENCE)
    return checks.view(token)


def test_the_profile_of_a_good_check_verifies(
    checks: Checks, environment: Environment, config: Config, tmp_path: Path
) -> None:
    openssl = require("openssl")
    view = checked(checks, environment, PEOPLE["normal"].password)
    assert (view.state, view.problems) == (CheckState.OK, ())
    assert view.delivery is not None
    artifact = checks.links.fetch(view.delivery.token, view.delivery.file(".mobileconfig"))
    (tmp_path / "signed").write_bytes(artifact.data)
    root = config.data / "signing" / "ca.pem"

    done = subprocess.run(
        [
            openssl,
            "cms",
            "-verify",
            "-inform",
            "DER",
            "-in",
            tmp_path / "signed",
            "-CAfile",
            root,
            "-purpose",
            "any",
        ],
        capture_output=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert environment.incoming().hostname.encode() in done.stdout
    assert PEOPLE["normal"].password.encode() in done.stdout
    assert {(stage.service, stage.ok) for stage in view.stages} == {("imap", True), ("smtp", True)}


def test_a_wrong_password_is_told_and_counted(checks: Checks, environment: Environment) -> None:
    view = checked(checks, environment, "not the password")

    assert view.state is CheckState.FAILED
    assert Code.AUTH_WRONG_PASSWORD in [problem.code for problem in view.problems]
    assert view.attempts_left == 4


def test_a_server_that_nobody_registered_is_not_reached(checks: Checks, environment: Environment) -> None:
    other = environment.incoming(host="elsewhere.example.com")
    view = checked(checks, environment, PEOPLE["normal"].password, incoming=other)

    assert Code.TARGET_NOT_ALLOWED in [problem.code for problem in view.problems]
    assert view.attempts_left == 5
