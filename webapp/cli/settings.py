"""The settings of this process as the commands see them."""

from __future__ import annotations

from os import environ
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from webapp.config import Config


def load_config(**options: str | None) -> Config:
    """Read the HAGAKI_ variables; an option of the command line stands in for the variable of its name."""
    from webapp import config

    given = {f"HAGAKI_{name.upper()}": value for name, value in options.items() if value is not None}
    return config.load({**environ, **given})
