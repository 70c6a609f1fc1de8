"""The WSGI application as servers load it: discovery endpoints in front, Flask behind them.

`application` is made when a server first asks for it, so importing this module reads no environment and opens no
database.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from webapp import create_app
from webapp.config import load
from webapp.endpoints import Discovery
from webapp.services import services

if TYPE_CHECKING:
    from webapp.config import Config

    application: Discovery


def make_application(config: Config | None = None) -> Discovery:
    """Build everything that one process serves; without `config` from the environment."""
    if config is None:
        config = load(os.environ).prepare()
    app = create_app(config)
    with app.app_context():
        directory = services().directory
    return Discovery(directory, config, app)


def __getattr__(name: str) -> Discovery:
    if name != "application":
        raise AttributeError(name)
    made = globals()["application"] = make_application()
    return made
