"""How commands speak: the document on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import click

from profiles.problems import Problem, Severity
from webapp.setting_values import LANGUAGES

COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


@dataclass(slots=True)
class Terminal:
    """What one run of the command has chosen: its language, and whether it reports as JSON."""

    language: str = "en"
    json: bool = False

    def translate(self, message: str, **params: str) -> str:
        """Return a text of the command in the chosen language."""
        from webapp.i18n import translate

        return translate(message, self.language, **params)

    def gettext(self, message: str) -> str:
        """Return a text with its placeholders still open."""
        from webapp.i18n import catalogue

        return catalogue(self.language).gettext(message)

    def describe(self, problem: Problem) -> tuple[str, str]:
        """Return summary and advice in the chosen language."""
        from webapp.i18n import describe

        return describe(problem, self.language)

    def say(self, message: str) -> None:
        """Tell a person something beside the document."""
        click.echo(message, err=True)

    def write_json(self, document: Any) -> None:
        """Write the one JSON document of this run."""
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))

    def show(self, problems: Iterable[Problem], *, err: bool = True) -> None:
        """Show problems to a person: what happened, and what to do next."""
        for problem in problems:
            click.echo(self.paragraph(problem), err=err)

    def paragraph(self, problem: Problem) -> str:
        """Return one problem as a person reads it."""
        summary, advice = self.describe(problem)
        head = click.style(f"{problem.severity} {problem.code}", fg=COLOURS[problem.severity], bold=True)
        place = f" {problem.place}" if problem.place else ""
        said = f'\n  "{problem.server_text}"' if problem.server_text else ""
        return f"{head}{place}\n  {summary}{said}" + (f"\n  {advice}" if advice else "")

    def fail(self, problems: Iterable[Problem]) -> None:
        """End with problems: as JSON where that was asked for, always in words."""
        found = tuple(problems)
        if self.json:
            self.write_json({"ok": False, "problems": [self.problem_document(problem) for problem in found]})
        else:
            self.show(found)

    def problem_document(self, problem: Problem) -> dict[str, Any]:
        """Return one problem as JSON carries it."""
        summary, advice = self.describe(problem)
        return {
            "code": str(problem.code),
            "severity": str(problem.severity),
            "summary": summary,
            "advice": advice,
            "server": problem.server,
            "place": problem.place,
        }


def in_words(message: str, **params: str) -> str:
    """Return a text in the language of the command that runs: for what click itself shows."""
    return click.get_current_context().ensure_object(Terminal).translate(message, **params)


def spoken_language(environ: Mapping[str, str]) -> str:
    """Return the language of the terminal: `ja_JP.UTF-8` is Japanese, what we do not speak is English."""
    names = (environ.get(name) for name in ("HAGAKI_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"))
    chosen = next(filter(None, names), "")
    return "ja" if chosen.lower().startswith("ja") else "en"


pass_terminal = click.make_pass_decorator(Terminal)


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--json`."""

    def choose(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        del param
        ctx.ensure_object(Terminal).json = value

    text = "Write one JSON document to standard output."
    return click.option("--json", is_flag=True, expose_value=False, is_eager=True, callback=choose, help=text)(
        command
    )


def language_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--language`."""

    def choose(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
        del param
        if value:
            ctx.ensure_object(Terminal).language = value

    return click.option(
        "--language",
        type=click.Choice(LANGUAGES),
        expose_value=False,
        is_eager=True,
        callback=choose,
        help="Language of the texts (default: HAGAKI_LANGUAGE or the terminal's).",
    )(command)


def is_terminal_output() -> bool:
    """Whether a person sees standard error as it is written."""
    return sys.stderr.isatty()
