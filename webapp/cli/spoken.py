"""Help and wrong use in the language of the terminal, with Japanese counted as wide as it is shown.

The texts are the commands' own: each paragraph of a help and each text of an option is looked up as it stands, so
a command says nothing twice. `help_texts` names them to the catalogue.
"""

from __future__ import annotations

import gettext
import inspect
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from profiles.problems import N_
from webapp.cli.terminal import Terminal

# Not webapp.i18n's: its Babel would make the help slow.
_FOLDER = Path(__file__).parent.parent / "translations"
_CLICKS_OWN = (
    N_("Usage"),
    N_("Options"),
    N_("Commands"),
    N_("Show the version and exit."),
    N_("Show this message and exit."),
)
_VERBATIM = "\b"
"""What stands in front of lines that are not joined: a heading and indented examples, or a table."""
_UNITS = re.compile(r"[（「“(]*(?:[!-~]+|\S)[、。）」”’…？！：ーぁぃぅぇぉっゃゅょァィゥェォッャュョ]*|\s+")
"""A line breaks only between these: never inside a word, nor in front of a sign that begins no line."""


class Formatter(click.HelpFormatter):
    """Writes help in one language."""

    def __init__(self, language: str, *, width: int | None = None, max_width: int | None = None) -> None:
        super().__init__(width=width, max_width=max_width)
        self._words = gettext.translation("messages", _FOLDER, [language], fallback=True)

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write how the command is called."""
        super().write_usage(prog, args, prefix or f"{self._said('Usage')}: ")

    def write_heading(self, heading: str) -> None:
        """Write the heading of a section."""
        super().write_heading(self._said(heading))

    def write_text(self, text: str) -> None:
        """Write paragraph after paragraph."""
        self.write("\n\n".join(self._paragraph(text) for text in _paragraphs(text)) + "\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write names and what they mean in two columns; a name that is too long has a line of its own."""
        found = list(rows)
        column = min(max(_width(name) for name, _ in found), col_max) + col_spacing
        indent = " " * self.current_indent
        for name, text in found:
            lines = _wrapped(self._meaning(text), max(self.width - column - self.current_indent, 10)) or [""]
            if _width(name) > column - col_spacing:
                self.write(f"{indent}{name}\n")
                name = ""
            beside = [name.ljust(column) + lines[0], *(" " * column + line for line in lines[1:])]
            self.write("".join(f"{indent}{line.rstrip()}\n" for line in beside))

    def _paragraph(self, text: str) -> str:
        indent = " " * self.current_indent
        if text.startswith(_VERBATIM):
            lines = [line if line.startswith(" ") else self._said(line) for line in text.splitlines()[1:]]
        else:
            lines = _wrapped(self._said(text), self.width - self.current_indent)
        return "\n".join(indent + line for line in lines)

    def _meaning(self, text: str) -> str:
        text, _, extra = text.rpartition("  [") if "  [" in text else (text, "", "")
        said = self._said(text)
        if not extra:
            return said
        for word in (N_("default:"), N_("required")):
            extra = extra.replace(word, self._said(word))
        return f"{said}  [{extra}"

    def _said(self, text: str) -> str:
        return self._words.gettext(text) if text else ""


class Context(click.Context):
    """Makes formatters that know the language."""

    def make_formatter(self) -> click.HelpFormatter:
        """Of the language that was chosen before."""
        language = self.ensure_object(Terminal).language
        return Formatter(language, width=self.terminal_width, max_width=self.max_content_width)


def speak(command: click.Command) -> None:
    """Let a command and all below it give help in the terminal's language."""
    for each in _all(command):
        each.context_class = Context
        each.short_help = each.short_help or next(_paragraphs(each.help or ""), "")


def help_texts(command: click.Command) -> Iterator[str]:
    """Every text that the help of a command and those below it is made of."""
    for each in _all(command):
        yield from filter(None, [each.short_help])
        for paragraph in _paragraphs(each.help or ""):
            kept = paragraph.splitlines()[1:] if paragraph.startswith(_VERBATIM) else [paragraph]
            yield from (line for line in kept if line and not line.startswith(" "))
        yield from (param.help for param in each.params if isinstance(param, click.Option) and param.help)


def tell_wrong_use(error: click.ClickException, terminal: Terminal) -> None:
    """Say what was wrong with a command line, and where to read on."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return error.show()
    if isinstance(error, click.UsageError) and error.ctx is not None:
        terminal.say(error.ctx.get_usage())
        text = N_("`%(command)s --help` tells the rest.")
        terminal.say(terminal.translate(text, command=error.ctx.command_path) + "\n")
    terminal.say(terminal.translate(N_("Error: %(text)s"), text=_wrong_use(error, terminal)))
    return None


def _wrong_use(error: click.ClickException, terminal: Terminal) -> str:
    """In our words where click has its own, which know one language."""
    say = terminal.translate
    match error:
        case click.MissingParameter(param=click.Option() as option):
            return _joined(say(_MISSING, name=_name(option)), say(option.help or ""))
        case click.MissingParameter(param=click.Parameter() as param):
            return say(_MISSING, name=_name(param))
        case click.BadParameter(param=click.Parameter() as param):
            return f"{_name(param)}: {_expected(param.type, terminal) or error.message}"
        case click.BadParameter(param_hint=str() as name):
            return f"{name}: {error.message}"
    for pattern, text in _CLICK_SAYS:
        found = pattern.match(error.message)
        if found:
            return _joined(say(text, name=found[1]), _near(error, terminal))
    return error.format_message()


_MISSING = N_("%(name)s is missing.")
_CLICK_SAYS = (
    (re.compile(r"No such option:? '?([^']+?)'?[.]?$"), N_("There is no option %(name)s here.")),
    (re.compile(r"No such command '(.+)'\."), N_("There is no command %(name)s here.")),
    (re.compile(r"Option '(.+)' requires "), N_("%(name)s needs a value.")),
    (re.compile(r"Option '(.+)' does not take "), N_("%(name)s takes no value.")),
    (re.compile(r"Got unexpected extra arguments? \((.*)\)"), N_("This is too much: %(name)s.")),
)


def _near(error: click.ClickException, terminal: Terminal) -> str:
    near = getattr(error, "possibilities", None)
    return terminal.translate(N_("Did you mean %(names)s?"), names=", ".join(sorted(near))) if near else ""


def _joined(first: str, second: str) -> str:
    """Two sentences; in Japanese no blank stands between them."""
    return first + ("" if first.endswith("。") else " ") + second if second else first


def _expected(kind: click.ParamType[Any], terminal: Terminal) -> str:
    """What a value of this kind may be; nothing where its command says so itself."""
    match kind:
        case click.Choice():
            return terminal.translate(N_("choose one of %(names)s."), names=", ".join(map(str, kind.choices)))
        case click.IntRange() | click.FloatRange():
            text = N_("a number from %(least)s to %(most)s is needed.")
            return terminal.translate(text, least=str(kind.min), most=str(kind.max))
        case click.Path(exists=True):
            return terminal.translate(N_("there is nothing with this name that can be read."))
    return ""


def _name(param: click.Parameter) -> str:
    return max(param.opts, key=len) if isinstance(param, click.Option) else param.human_readable_name


def _all(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        for each in command.commands.values():
            yield from _all(each)


def _paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of a help, each on one line unless it is kept as it is."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        yield paragraph if paragraph.startswith(_VERBATIM) else " ".join(paragraph.split())


def _wrapped(text: str, columns: int) -> list[str]:
    lines = [""]
    for unit in _UNITS.findall(text):
        if _width(lines[-1]) + _width(unit.rstrip()) > columns and lines[-1]:
            lines.append("")
        lines[-1] += unit if lines[-1] else unit.lstrip()
    return [line.rstrip() for line in lines]


def _width(text: str) -> int:
    """Columns on a terminal: Japanese signs take two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
