"""`hagaki domain`: the domains that this Hagaki serves."""

from __future__ import annotations

import click


@click.group(short_help="The domains you serve: add, list, show, remove, apply, export, dns.")
def domain() -> None:
    """Keep the domains that this Hagaki serves, as TOML in autoconfig's own words.

    A running server answers for a change within a second. A change with problems is refused whole: what was there
    before stays.
    """
