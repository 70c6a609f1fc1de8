"""What every command has in common: help, exit status, languages, settings, clean ends."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from gettext import translation
from pathlib import Path
from unicodedata import east_asian_width

import click
import pytest

from tests.servers.processes import PATIENCE
from tests.webapp.cli.command import HAGAKI, Command, is_japanese
from webapp.cli import COMMANDS, run
from webapp.cli import hagaki as root
from webapp.cli.spoken import help_texts
from webapp.i18n import FOLDER


def command_lines(command: click.Command = root, *words: str) -> list[str]:
    """Every command and group, as it is typed after `hagaki`."""
    below = command.commands if isinstance(command, click.Group) else {}
    deeper = [line for name, each in below.items() for line in command_lines(each, *words, name)]
    return [" ".join(words), *deeper]


@pytest.mark.parametrize("line", command_lines())
def test_every_command_has_help(line: str, hagaki: Command) -> None:
    done = hagaki(*line.split(), "--help")

    assert done.out.startswith(f"Usage: hagaki {line}".rstrip())
    assert not (hagaki.folder / "data").exists()


@pytest.mark.parametrize("line", command_lines())
def test_every_help_is_japanese_where_the_terminal_is(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HAGAKI_LANGUAGE", "ja")

    assert run([*line.split(), "--help"]) == 0

    written = capsys.readouterr().out
    assert written.startswith(f"使い方: hagaki {line}".rstrip())
    assert "オプション:" in written
    assert is_japanese(written.split("\n\n")[1])


def test_every_text_of_a_help_is_translated() -> None:
    japanese = translation("messages", FOLDER, ["ja"])

    assert [text for text in help_texts(root) if japanese.gettext(text) == text] == []


@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_help_is_no_wider_than_the_terminal(
    language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Japanese signs take two columns. Only examples are kept as they are, to be copied."""
    monkeypatch.setenv("HAGAKI_LANGUAGE", language)
    monkeypatch.setenv("COLUMNS", "80")
    for line in command_lines():
        run([*line.split(), "--help"])

    lines = capsys.readouterr().out.splitlines()
    kept = ("    hagaki ", "  --scope [")
    assert [line for line in lines if columns(line) > 78 and not line.startswith(kept)] == []
    assert [line for line in lines if re.match(r" *[、。）」ーっゃゅょッャュョ]", line)] == []


def columns(line: str) -> int:
    """How wide a terminal shows it."""
    return sum(1 + (east_asian_width(sign) in "WF") for sign in line)


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
    said = hagaki(*shlex.split(line), variables={"HAGAKI_LANGUAGE": "ja"}, status=2).err
    assert is_japanese(said.partition("エラー：")[2])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("chek", "There is no command chek here. Did you mean check?"),
        ("check a@example.com --jsn", "There is no option --jsn here. Did you mean --json?"),
        ("render a@example.com", "--format is missing. Which format: mobileconfig, "),
        ("render --format", "--format needs a value."),
        ("check --json=1 a@example.com", "--json takes no value."),
        ("check", "ADDRESS is missing."),
        ("check a@example.com b c", "This is too much: b c."),
        ("serve --server apache", "--server: choose one of gunicorn, granian."),
        ("serve --workers 0", "--workers: a number from 1 to 64 is needed."),
        ("domain add no-such-file.toml", "FILE...|-: there is nothing with this name that can be read."),
        ("bulk people.csv", "Name the ZIP file with -o, or only look with --dry-run."),
    ],
)
def test_wrong_use_says_what_to_do(line: str, said: str, hagaki: Command) -> None:
    told = hagaki(*line.split(), status=2).err

    assert f"Error: {said}" in told


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
        out, err = process.communicate(timeout=PATIENCE)
    os.close(held)

    assert process.returncode == 130
    assert "Traceback" not in out + err


# Says that it has come to the password before it waits for it, so that the test needs no sleep.
INTERRUPTIBLE = """
import io, signal, sys
# Whoever runs the tests in the background ignores Ctrl-C, and so does what it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
class Telling(io.BufferedReader):
    def read(self, *size):
        print("reading", flush=True)
        return super().read(*size)
sys.stdin = io.TextIOWrapper(Telling(io.FileIO(0, closefd=False)))
from webapp.cli import run
sys.exit(run(sys.argv[1:]))
"""
