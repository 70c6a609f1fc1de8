"""Hands this process's environment to webapp.config: the one place where a command looks at it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from webapp.config import Config


def environment() -> Mapping[str, str]:
    """The variables of this process."""
    return os.environ


def load_config() -> Config:
    """Read the HAGAKI_ variables; raises ProblemError with everything that is wrong with them."""
    from webapp import config

    return config.load(environment())
