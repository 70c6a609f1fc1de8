"""What every command has in common: help, exit status, languages, settings, clean ends."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.webapp.cli.command import HAGAKI, Command, is_japanese
from webapp.cli import COMMANDS
from webapp.cli import hagaki as root

COMMAND_LINES = [
    "serve",
    "worker",
    "check",
    "render",
    "domain add",
    "domain list",
    "domain show",
    "domain remove",
    "domain apply",
    "domain export",
    "domain dns",
    "signing status",
    "signing import",
    "signing issue",
    "config check",
]


@pytest.mark.parametrize("line", ["", *COMMAND_LINES, "domain", "signing", "config"])
def test_every_command_has_help(line: str, hagaki: Command) -> None:
    done = hagaki(*line.split(), "--help")

    assert done.out.startswith(f"Usage: hagaki {line}".rstrip())
    assert not (hagaki.folder / "data").exists()


def test_the_table_of_commands_is_the_command(hagaki: Command) -> None:
    assert list(root.commands) == [command.name for command in COMMANDS]
    assert all(command.get_short_help_str() for command in COMMANDS)


def test_help_loads_no_web_server_and_no_database() -> None:
    """`hagaki --help` and tab completion must be quick."""
    code = (
        "import sys; from webapp.cli import run; run(['--help']);"
        "heavy = ('flask', 'gunicorn', 'sqlalchemy', 'cryptography', 'PIL', 'babel');"
        "print([name for name in heavy if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


def test_the_version_is_told(hagaki: Command) -> None:
    assert hagaki("--version").out.startswith("hagaki ")


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "check",
        "check a@example.com --language fr",
        "render a@example.com",
        "render a@example.com --format vcard",
        "serve --workers 0",
        "serve --server apache",
        "domain add",
        "render taro@example.com --format sheet --username 'x\ny'",
        "domain add no-such-file.toml",
        "domain apply no-such-folder",
    ],
)
def test_wrong_use_is_exit_status_2(line: str, hagaki: Command) -> None:
    done = hagaki(*shlex.split(line), status=2)

    assert done.raw == b""
    assert "Error: " in done.err


@pytest.mark.parametrize("line", ["domain list", "signing status", "check a@gmail.com", "serve"])
def test_bad_settings_stop_a_command_and_all_are_named(line: str, hagaki: Command) -> None:
    bad = {"HAGAKI_BASE_ULR": "https://m.example.com", "HAGAKI_BIND": "nowhere", "HAGAKI_LANGUAGE": "fr"}

    done = hagaki(*line.split(), variables=bad, status=2)

    assert all(name in done.err for name in bad)
    assert done.raw == b""
    assert not (hagaki.folder / "data").exists()


@pytest.mark.parametrize("line", ["domain list", "signing status", "check a@gmail.com", "discover a@gmail.com"])
def test_bad_settings_are_wrong_use_in_json_too(line: str, hagaki: Command) -> None:
    done = hagaki(*line.split(), "--json", variables={"HAGAKI_BIND": "nowhere"}, status=2)

    assert done.codes == {"SETTING_INVALID"}


@pytest.mark.parametrize(
    ("variables", "japanese"),
    [
        ({"LANG": "ja_JP.UTF-8"}, True),
        ({"LANG": "en_US.UTF-8"}, False),
        ({"LANG": "de_DE.UTF-8"}, False),
        ({"HAGAKI_LANGUAGE": "ja"}, True),
        ({"HAGAKI_LANGUAGE": "en", "LANG": "ja_JP.UTF-8"}, False),
        ({"LC_ALL": "ja_JP.UTF-8", "LANG": "en_US.UTF-8"}, True),
    ],
)
def test_problems_speak_the_language_of_the_terminal(
    variables: dict[str, str], japanese: bool, hagaki: Command
) -> None:
    done = hagaki("check", "not an address", variables=variables, status=1)

    assert "ADDRESS_INVALID" in done.err
    assert is_japanese(done.err) is japanese


def test_the_language_option_wins(hagaki: Command) -> None:
    done = hagaki("check", "nobody", "--language", "ja", variables={"HAGAKI_LANGUAGE": "en"}, status=1)

    assert is_japanese(done.err)


def test_a_reader_that_goes_away_is_no_error(hagaki: Command) -> None:
    """As in `hagaki config check | head -1`."""
    reader, writer = os.pipe()
    os.close(reader)

    done = subprocess.run(
        [HAGAKI, "config", "check"],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        env=hagaki.environment(),
        cwd=hagaki.folder,
    )
    os.close(writer)

    assert done.returncode == 1
    assert done.stderr == ""


def test_interrupting_is_clean(hagaki: Command, tmp_path: Path) -> None:
    """Ctrl-C while the command waits: here for a password that never comes through a named pipe."""
    fifo = tmp_path / "password"
    os.mkfifo(fifo)
    held = os.open(fifo, os.O_RDWR)
    url = "imaps://127.0.0.1:1"

    with subprocess.Popen(
        [
            sys.executable,
            "-u",
            "-c",
            INTERRUPTIBLE,
            "check",
            "a@example.com",
            "--incoming",
            url,
            "--password-stdin",
        ],
        stdin=held,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=hagaki.environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "reading\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    os.close(held)

    assert process.returncode == 130
    assert "Traceback" not in out + err


# Says that it has come to the password before it waits for it, so that the test needs no sleep.
INTERRUPTIBLE = """
import io, sys
class Telling(io.BufferedReader):
    def read(self, *size):
        print("reading", flush=True)
        return super().read(*size)
sys.stdin = io.TextIOWrapper(Telling(io.FileIO(0, closefd=False)))
from webapp.cli import run
sys.exit(run(sys.argv[1:]))
"""
