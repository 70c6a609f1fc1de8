"""The documents say what the command does."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from profiles.formats import FORMATS
from webapp.cli import hagaki
from webapp.config import SETTINGS

ROOT = Path(__file__).parents[3]
DOCUMENTS = ("README.md", "docs/operators.md", "ARCHITECTURE.md")


def text(name: str) -> str:
    """A document."""
    return (ROOT / name).read_text()


@pytest.mark.parametrize("setting", sorted(SETTINGS))
def test_the_operators_guide_lists_every_setting(setting: str) -> None:
    assert f"`HAGAKI_{setting}`" in text("docs/operators.md")


def test_no_document_names_a_setting_that_does_not_exist() -> None:
    named = {name for document in DOCUMENTS for name in re.findall(r"`HAGAKI_([A-Z_]+)`", text(document))}

    assert named <= SETTINGS


@pytest.mark.parametrize("name", list(FORMATS))
def test_the_readme_lists_every_format(name: str) -> None:
    assert f"| `{name}` |" in text("README.md")


@pytest.mark.parametrize("command", sorted(hagaki.commands))
def test_the_readme_names_every_command(command: str) -> None:
    assert f"hagaki {command}" in text("README.md")


def examples() -> list[str]:
    """Every line of the documents that begins with `hagaki`, comments and redirections left out."""
    lines = [line for document in DOCUMENTS for line in re.findall(r"(?m)^ *(hagaki [a-z].*)$", text(document))]
    return [re.split(r"\s+#|\s+<", line)[0] for line in lines]


@pytest.mark.parametrize("line", examples())
def test_an_example_is_a_command_with_options_that_exist(line: str) -> None:
    command: click.Command = hagaki
    words = shlex.split(line)[1:]
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]

    known = {option for param in command.params for option in param.opts}

    assert {word for word in words if word.startswith("-")} <= known


def test_links_between_documents_lead_somewhere() -> None:
    for document in (*DOCUMENTS, "CHANGELOG.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", text(document)):
            assert ((ROOT / document).parent / target).exists(), f"{document}: {target}"
