"""Fixtures for all tests: what must be installed, and the private mail servers.

`environment` is the one to use for anything that needs a real Dovecot and Postfix (hosts, ports and accounts: see
tests/servers/environment.py). It starts once per run.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.servers.authority import Authority
from tests.servers.dns import NameServer
from tests.servers.environment import Environment

# Whether an example takes long is the machine's affair, and which ones are drawn must not be a matter of luck.
# To draw others: pytest --hypothesis-profile=default --hypothesis-seed=…
settings.register_profile(
    "repeatable", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("repeatable")

SYSTEM_FOLDERS = os.pathsep.join(("/usr/sbin", "/sbin", "/usr/local/sbin"))


def require(name: str) -> str:
    """Return the path of program `name`; skip the test where it is missing.

    With HAGAKI_TEST_COMPLETE=1 a missing program fails instead, so that a full run cannot be green by skipping.
    """
    path = shutil.which(name, path=os.environ.get("PATH", "") + os.pathsep + SYSTEM_FOLDERS)
    if path is None:
        missing(f"{name} is not installed (scripts/install-test-servers installs it)")
    return path


def missing(reason: str) -> None:
    """Skip, or fail in a complete run."""
    if os.environ.get("HAGAKI_TEST_COMPLETE") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def environment() -> Iterator[Environment]:
    """Private Dovecot, Postfix and DNS with accounts of every kind; they need root, as their masters do."""
    require("dovecot")
    require("postfix")
    if os.geteuid() != 0:
        missing("Dovecot and Postfix start as root only")
    with Environment.start() as running:
        yield running


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority for scripted servers."""
    return Authority(Path(tmp_path_factory.mktemp("authority")))


@pytest.fixture
def name_server() -> Iterator[NameServer]:
    """A DNS server of the test's own: fill `.records` and `.faults`."""
    with NameServer() as running:
        yield running
