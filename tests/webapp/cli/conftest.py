"""The command with a data folder of its own, alone or in the world of the test servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers.environment import Environment
from tests.webapp.cli.command import Command

DOMAIN = """\
id = "corp.example"
displayName = "Example Corporation"
displayShortName = "Example"
domains = ["corp.example", "corp.example.jp"]

[[incomingServer]]
type = "imap"
hostname = "mail.corp.example"
port = 993
socketType = "SSL"
authentication = ["password-cleartext"]
username = "%EMAILADDRESS%"

[[outgoingServer]]
type = "smtp"
hostname = "mail.corp.example"
port = 465
socketType = "SSL"
authentication = ["password-cleartext"]
username = "%EMAILADDRESS%"
"""


@pytest.fixture
def hagaki(tmp_path: Path) -> Command:
    """The command in an empty folder."""
    return Command(tmp_path)


@pytest.fixture
def corp(tmp_path: Path) -> Path:
    """A domain's file."""
    path = tmp_path / "corp.toml"
    path.write_text(DOMAIN)
    return path


@pytest.fixture
def at_servers(hagaki: Command, environment: Environment, tmp_path: Path) -> Command:
    """The command that knows the test servers' names and authority."""
    hagaki.variables.update(environment.variables(tmp_path / "data"))
    return hagaki
