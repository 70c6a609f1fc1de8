"""The Makefile: what is done once is not done again, and what is missing is named."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files that the Makefile depends on, without a virtual environment."""
    for name in ("Makefile", "pyproject.toml", "hatch_build.py", "scripts/install-test-servers"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    texts = tmp_path / "webapp/translations/ja/LC_MESSAGES"
    texts.mkdir(parents=True)
    (texts / "messages.po").write_text("")
    return tmp_path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make as a person would, not as a part of the make that may run the tests."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(["make", "-C", str(folder), *arguments], capture_output=True, text=True, env=environ)


def touch(path: Path, *, when: int) -> None:
    """Make a file with a time of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (when, when))


def prepare(checkout: Path) -> None:
    """Leave a checkout as after a successful `make test`."""
    for path in checkout.rglob("*"):
        os.utime(path, (1_000, 1_000))
    for name in ("bin/python", "installed", "developed", "translated"):
        touch(checkout / ".venv" / name, when=2_000)


def test_help_names_the_two_commands(checkout: Path) -> None:
    listed = make(checkout, "help").stdout

    assert "\nrun " in listed
    assert "\ntest " in listed


def test_a_python_that_is_too_old_is_said_in_words(checkout: Path) -> None:
    done = make(checkout, "install", "CANDIDATES=no-python-here")

    assert done.returncode == 2
    assert "Hagaki needs Python 3.11 or newer" in done.stderr


def test_a_fresh_checkout_makes_and_fills_the_environment(checkout: Path) -> None:
    planned = make(checkout, "-n", "run").stdout

    assert planned.index("-m venv .venv") < planned.index("pip install") < planned.index("hagaki serve")


@pytest.mark.parametrize(("goal", "command"), [("run", ".venv/bin/hagaki serve"), ("test", "-m pytest")])
def test_a_second_run_only_starts(checkout: Path, goal: str, command: str) -> None:
    prepare(checkout)

    planned = make(checkout, "-n", goal).stdout.splitlines()
    planned = [line for line in planned if not line.startswith("make")]

    assert len(planned) == 1
    assert command in planned[0]


def test_new_requirements_are_installed(checkout: Path) -> None:
    prepare(checkout)
    touch(checkout / "pyproject.toml", when=3_000)

    assert "pip install" in make(checkout, "-n", "install").stdout


def test_changed_texts_are_compiled(checkout: Path) -> None:
    prepare(checkout)
    touch(checkout / "webapp/translations/ja/LC_MESSAGES/messages.po", when=3_000)

    planned = make(checkout, "-n", "run").stdout

    assert "pybabel --quiet compile" in planned
    assert "pip install" not in planned


def test_ci_runs_the_same_tests() -> None:
    assert "make test" in (ROOT / ".ci/run").read_text()
