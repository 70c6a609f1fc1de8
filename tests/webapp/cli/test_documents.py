"""The documents say what the command does, and those in two languages say the same."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from profiles.formats import FORMATS
from webapp.cli import hagaki
from webapp.cli.spoken import Context
from webapp.config import SECRETS, SETTINGS

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("*.md", "docs/*.md", "deploy/*", "Dockerfile", "compose.yaml")
    for path in ROOT.glob(pattern)
)
GENERATED = {"docs/troubleshooting.md", "docs/troubleshooting.ja.md"}
PAIRS = [
    (name, name.replace(".ja.md", ".md"))
    for name in DOCUMENTS
    if name.endswith(".ja.md") and name not in GENERATED
]
STAND_INS = {"HAGAKI_TEST_COMPLETE", "HAGAKI_OIDC_"}
"""Names in documents that are no setting, or stand for several."""


def text(name: str) -> str:
    """A document."""
    return (ROOT / name).read_text("utf-8")


@pytest.mark.parametrize("setting", sorted(SETTINGS))
def test_the_operators_guide_lists_every_setting(setting: str) -> None:
    assert f"`HAGAKI_{setting}`" in text("docs/operators.md")


@pytest.mark.parametrize("document", sorted({*DOCUMENTS} - GENERATED))
def test_no_document_names_a_setting_that_does_not_exist(document: str) -> None:
    known = {f"HAGAKI_{name}" for name in SETTINGS} | {f"HAGAKI_{name}_FILE" for name in SECRETS}

    named = set(re.findall(r"\bHAGAKI_[A-Z_]+", text(document)))

    assert named <= known | STAND_INS


@pytest.mark.parametrize("name", list(FORMATS))
def test_the_readme_lists_every_format(name: str) -> None:
    assert f"| `{name}` |" in text("README.md")


@pytest.mark.parametrize("command", sorted(hagaki.commands))
def test_the_readme_names_every_command(command: str) -> None:
    assert f"hagaki {command}" in text("README.md")


def commands(document: str) -> list[str]:
    """The command lines of a document, comments and redirections left out."""
    written = re.sub(r"\\\n\s*", "", text(document))
    lines = re.findall(r"(?m)^[# ]*(?:sudo |docker compose exec (?:-T )?hagaki )?(hagaki [a-z].*)$", written)
    return [re.split(r"\s+#|\s+<", line)[0].strip() for line in lines]


def named(document: str) -> list[str]:
    """The commands that are named within sentences, whole or in part."""
    return [re.sub(r"\s*….*", "", line) for line in re.findall(r"`(hagaki [a-z][^`\n]*)`", text(document))]


def take_command(line: str) -> tuple[click.Command, list[str]]:
    """The command of a line, and the words behind it."""
    command: click.Command = hagaki
    words = shlex.split(line)[1:]
    while isinstance(command, click.Group) and words:
        command = command.commands[words.pop(0)]
    return command, words


@pytest.mark.parametrize("line", sorted({line for document in DOCUMENTS for line in commands(document)}))
def test_an_example_can_be_typed_as_it_stands(line: str) -> None:
    """Options and arguments are those of the command; only the files are not there."""
    command, words = take_command(line)

    with Context(command) as context:
        values, rest, _ = command.make_parser(context).parse_args(list(words))
        for param in command.params:
            if not isinstance(param.type, click.Path):
                param.handle_parse_result(context, values, [])

    assert rest == []
    assert [param.name for param in command.params if param.required and not values.get(param.name or "")] == []


@pytest.mark.parametrize("line", sorted({line for document in DOCUMENTS for line in named(document)}))
def test_a_command_in_a_sentence_exists(line: str) -> None:
    command, words = take_command(line)

    known = {option for param in command.params for option in param.opts}

    assert {word for word in words if word.startswith("-")} <= known


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if name.endswith(".md")])
def test_links_lead_somewhere(document: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", text(document)):
        if ":" in target:
            continue
        path, _, anchor = target.partition("#")
        found = (ROOT / document).parent / path if path else ROOT / document
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


def anchors(path: Path) -> set[str]:
    """What the headings of a document are linked by."""
    headings = re.findall(r"(?m)^#+ (.*)$", path.read_text("utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(("japanese", "english"), PAIRS)
def test_both_languages_have_the_same_parts_tables_and_commands(japanese: str, english: str) -> None:
    assert outline(text(japanese)) == outline(text(english))
    assert sorted(set(code(japanese))) == sorted(set(code(english)))


def outline(written: str) -> list[str]:
    """The levels of the headings, and the rows of tables and points of lists below each."""
    found = []
    for line in re.sub(r"(?s)```.*?```", "", written).splitlines():
        mark = re.match(r"#+ |\| |- ", line)
        if mark:
            found.append(mark[0].strip())
    return found


def code(document: str) -> list[str]:
    """Lines of code without their comments, and the words between backticks."""
    written = text(document)
    blocks = "\n".join(re.findall(r"(?s)```\w*\n(.*?)```", written)).splitlines()
    lines = [line for line in written.splitlines() if line.startswith("    ")]
    within = re.sub(r"(?s)```.*?```", "", written)
    quoted = re.findall(r"`([^`\n]+)`", " ".join(within.split()))
    return [re.split(r"\s+#", line)[0].strip() for line in (*blocks, *lines)] + quoted
