"""`hagaki bulk`: from a list of people to a ZIP of profiles, codes and postcards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from webapp.cli.bulk_choices import (
    LAYOUTS,
    MODES,
    MOST_DAYS,
    PARTS,
    Choices,
    known_encoding,
    mapped_columns,
    one_sign,
    refuse_what_does_not_fit,
)
from webapp.cli.settings import load_config
from webapp.cli.terminal import Terminal, json_option, language_option, pass_terminal


@click.command(short_help="Make profiles, codes and postcards for a list of people.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The ZIP file to write.")
@click.option(
    "--mode",
    type=click.Choice(MODES),
    default=MODES[0],
    show_default=True,
    help="invitations: links without a secret. ready-made: links that hand out the list's passwords for a PIN, and"
    " profiles with the passwords in them.",
)
@click.option("--check", is_flag=True, help="Try each password of the list on the mail servers, gently.")
@click.option(
    "--check-rate",
    type=click.FloatRange(min=0.01, max=50),
    default=2.0,
    show_default=True,
    metavar="NUMBER",
    help="Log-ins that begin at one server in a second.",
)
@click.option("--dry-run", is_flag=True, help="Read and check the list, and write nothing.")
@click.option("--strict", is_flag=True, help="Make nothing at all where a row has a problem.")
@click.option(
    "--map",
    "mapped",
    multiple=True,
    callback=mapped_columns,
    metavar="COLUMN=FIELD",
    help="Say what a column means, by its heading or letter: address, full_name, family_name, given_name,"
    " department, employee_number, username, password, pin or notify. May be repeated.",
)
@click.option("--encoding", callback=known_encoding, metavar="NAME", help="Encoding of a text file.")
@click.option("--delimiter", callback=one_sign, metavar="SIGN", help="Delimiter of a text file, such as ; or tab.")
@click.option(
    "--layout",
    type=click.Choice(LAYOUTS),
    default=LAYOUTS[0],
    show_default=True,
    help="Paper of the hand-outs: postcards of 100 x 148 mm, or A4 with four or eight to cut.",
)
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(PARTS),
    help="Make only this part. May be repeated (default: all of them).",
)
@click.option(
    "--days",
    type=click.IntRange(1, MOST_DAYS["invitations"]),
    metavar="NUMBER",
    help="How long new links open: 30 days unless it is said here; ready-made ones 3, and never longer than 30.",
)
@click.option(
    "--pins",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the PINs of ready-made links into this file (mode 0600), instead of into the ZIP.",
)
@click.option(
    "--mail",
    is_flag=True,
    help="Send each person the link by mail (HAGAKI_SMTP_URL); what became of each mail stands in results.csv.",
)
@click.option("--company", metavar="TEXT", help="Company on the cards (default: as the domain says).")
@click.option("--help-desk", metavar="TEXT", help="Whom to ask, on the cards (default: as the domain says).")
@language_option
@json_option
@pass_terminal
def bulk(terminal: Terminal, /, **options: Any) -> int:
    """Make everything for the people in FILE (CSV, TSV or .xlsx) and write it into one ZIP.

    The ZIP holds profiles/ (signed), k9s/ (for Thunderbird on Android), qr/ (SVG and PNG of each person's link),
    handouts.pdf, results.csv and problems.csv; in the mode ready-made also pins.csv, which is never handed on
    together with a card. Encoding, delimiter and columns are found and shown first. Every row is checked; the good
    ones are made, the bad ones come back in problems.csv with two more columns, and the exit status is then 1. A
    person who was invited before keeps the link and the card.

    \b
    Examples:
      hagaki bulk people.xlsx --dry-run
      hagaki bulk people.csv -o people.zip --layout a4-4
      hagaki bulk people.csv -o people.zip --mode ready-made --check --map "E-Mail (privat)=address"
      hagaki bulk people.csv -o people.zip --mode ready-made --pins pins.csv
      hagaki bulk people.csv -o people.zip --mail --only handouts
    """
    choices = Choices(**options)
    refuse_what_does_not_fit(choices)
    from webapp.cli.bulk_run import Run

    return Run(terminal, choices, load_config()).run()
