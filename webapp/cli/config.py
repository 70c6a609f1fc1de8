"""`hagaki config`: what the host's settings are and where they came from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from profiles.problems import Problem, ProblemError
from webapp.cli.settings import environment
from webapp.cli.terminal import Terminal, json_option, pass_terminal

if TYPE_CHECKING:
    from webapp.config import Config

HIDDEN = "…"
PASSWORD_IN_URL = re.compile(r"(?<=://)[^/]*(?=@)|(?<=password=)[^&]*")
MADE_KEYS = {"SECRET_KEY": "secret.key", "LINK_KEY": "link.key"}
"""Secrets that are made in the data folder unless given."""


@click.group(short_help="The host's settings: check.")
def config() -> None:
    """Look at the HAGAKI_ settings of this process."""


@config.command("check")
@json_option
@pass_terminal
def check(terminal: Terminal) -> int:
    """List every setting with its value and source; name everything that is wrong.

    Secrets stay hidden.

    Exit status 1 when something is wrong: the other commands would not start with these settings.
    """
    variables = environment()
    loaded, problems = _load(variables)
    settings = _settings(loaded, variables) if loaded else []
    if terminal.json:
        found = [terminal.problem_document(problem) for problem in problems]
        terminal.write_json({"ok": not problems, "settings": settings, "problems": found})
    else:
        width = max((len(setting["name"]) for setting in settings), default=0)
        for setting in settings:
            click.echo(f"{setting['name']:<{width}}  {setting['source']:<11}  {setting['value'] or '-'}")
        terminal.show(problems)
    return 1 if problems else 0


def _load(variables: Mapping[str, str]) -> tuple[Config | None, tuple[Problem, ...]]:
    """Return the settings, without the bad ones where there are some, and what is wrong."""
    from webapp.config import load

    try:
        return load(variables), ()
    except ProblemError as error:
        bad = {problem.place for problem in error.problems}
        try:
            good = load({name: value for name, value in variables.items() if name not in bad})
        except ProblemError:
            return None, error.problems
        return good, error.problems


def _settings(loaded: Config, variables: Mapping[str, str]) -> list[dict[str, Any]]:
    from webapp.config import PREFIX, SETTINGS

    names = sorted(SETTINGS) + sorted(loaded.oidc)
    return [
        {"name": PREFIX + name, "value": _shown(loaded, name), "source": _source(loaded, PREFIX + name, variables)}
        for name in names
    ]


def _source(loaded: Config, variable: str, variables: Mapping[str, str]) -> str:
    if variables.get(f"{variable}_FILE", "").strip():
        return "file"
    if variables.get(variable, "").strip():
        return "environment"
    key = MADE_KEYS.get(variable.partition("_")[2])
    return "data folder" if key and (loaded.data / key).exists() else "default"


def _shown(loaded: Config, name: str) -> str | None:
    from webapp.config import SECRETS

    if name in MADE_KEYS or name in loaded.oidc:
        return HIDDEN
    value = getattr(loaded, name.lower())
    if name.endswith("_URL") and value:
        return PASSWORD_IN_URL.sub(HIDDEN, value)
    if name in SECRETS and name != "SIGNING_KEY":
        # SIGNING_KEY is the path of a key, not a key.
        return HIDDEN if value else None
    return _text(value)


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, tuple):
        separator = ":" if value and isinstance(value[-1], int) else ", "
        return separator.join(map(str, value)) or None
    return str(value)
