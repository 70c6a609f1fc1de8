"""What `hagaki bulk` can be asked for, and what of it does not fit together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from profiles.problems import N_
from webapp.cli.terminal import in_words

if TYPE_CHECKING:
    from webapp.batches.columns import Field

MODES = ("invitations", "ready-made")
MOST_DAYS = {"invitations": 365, "ready-made": 30}
PARTS = ("profiles", "k9s", "qr", "handouts")
LAYOUTS = ("postcard", "a4-4", "a4-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the command line says."""

    file: Path
    output: Path | None
    mode: str
    check: bool
    check_rate: float
    dry_run: bool
    strict: bool
    mapped: tuple[tuple[str, Field], ...]
    encoding: str | None
    delimiter: str | None
    layout: str
    only: tuple[str, ...]
    days: int | None
    pins: Path | None
    mail: bool
    company: str | None
    help_desk: str | None

    @property
    def is_ready_made(self) -> bool:
        """Whether the links hand out the passwords of the list."""
        return self.mode == "ready-made"


def mapped_columns(
    ctx: click.Context, param: click.Parameter, value: tuple[str, ...]
) -> tuple[tuple[str, Field], ...]:
    """Read `COLUMN=FIELD` pairs."""
    from webapp.batches.columns import Field

    found = []
    for text in value:
        column, mark, name = text.rpartition("=")
        if not mark or not column.strip() or name.strip() not in set(Field) - {Field.PROBLEM, Field.ADVICE}:
            fields = ", ".join(one for one in Field if one not in (Field.PROBLEM, Field.ADVICE))
            raise click.BadParameter(
                in_words(
                    N_("“%(value)s” is not COLUMN=FIELD with one of the fields %(names)s."),
                    value=text,
                    names=fields,
                ),
                ctx,
                param,
            )
        found.append((column.strip(), Field(name.strip())))
    return tuple(found)


def known_encoding(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Accept what Python knows as a text encoding."""
    from webapp.batches.encodings import is_known

    if value is not None and not is_known(value):
        raise click.BadParameter(
            in_words(N_("“%(value)s” is not an encoding; try utf-8, cp932 or utf-16."), value=value), ctx, param
        )
    return value


def one_sign(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Accept a delimiter: one sign, or its name."""
    named = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";"}
    sign = named.get((value or "").lower(), value)
    if sign is not None and (len(sign) != 1 or sign in '"\r\n'):
        raise click.BadParameter(in_words(N_("the delimiter is one sign, such as , or ; or tab.")), ctx, param)
    return sign


def refuse_what_does_not_fit(choices: Choices) -> None:
    """Raise where options contradict each other."""
    if choices.output is None and not choices.dry_run:
        raise click.UsageError(in_words(N_("Name the ZIP file with -o, or only look with --dry-run.")))
    most = MOST_DAYS[choices.mode]
    if choices.days is not None and choices.days > most:
        raise click.BadParameter(
            in_words(
                N_("links of the mode %(mode)s open for at most %(days)s days."),
                mode=str(choices.mode),
                days=str(most),
            ),
            param_hint="--days",
        )
    if choices.pins is not None and not choices.is_ready_made:
        raise click.BadParameter(in_words(N_("only links of the mode ready-made have PINs.")), param_hint="--pins")
    if choices.pins is not None and choices.output is not None and _is_same(choices.pins, choices.output):
        raise click.BadParameter(in_words(N_("the PINs need another file than the ZIP.")), param_hint="--pins")


def _is_same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()
