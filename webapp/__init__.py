"""Hagaki's web side. `create_app` wires the parts together and holds nothing else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from webapp.checks import Probe
    from webapp.config import Config
    from webapp.discovery.cache import Search

MOST_FORM_BYTES = 64 * 1024
"""An employee's form is far smaller; uploads of admins raise it at their own routes."""


def create_app(config: Config | None = None, *, probe: Probe | None = None, search: Search | None = None) -> Flask:
    """Make the Flask application; without `config` the environment decides, without the
    other two checks and searches are live.
    """
    # Imported here, so that `import webapp` stays light for the command line.
    from flask import Flask

    from webapp import admin, api, errors, health, languages, presentation, security, setup
    from webapp import config as configuration
    from webapp.services import open_services

    settings = (config or configuration.load(os.environ)).prepare()
    app = Flask(__name__, template_folder=str(template_folder()))
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=MOST_FORM_BYTES,
        MAX_FORM_MEMORY_SIZE=MOST_FORM_BYTES,
        TEMPLATES_AUTO_RELOAD=settings.development,
    )
    app.jinja_env.trim_blocks = False
    app.extensions["hagaki"] = open_services(settings, probe=probe, search=search)
    languages.init_app(app, default=settings.language, timezone=settings.timezone.key)
    security.init_app(app)
    presentation.init_app(app)
    errors.init_app(app)
    health.init_app(app)
    setup.init_app(app)
    admin.init_app(app)
    api.init_app(app)
    app.wsgi_app = security.trust_proxies(app.wsgi_app, settings)  # type: ignore[method-assign]  # Flask's own way
    return app


def template_folder() -> Path:
    """`templates/` beside us in a wheel, at the top of a checkout otherwise."""
    here = Path(__file__).parent
    packed = here / "templates"
    return packed if packed.is_dir() else here.parent / "templates"
