"""The employee's pages: form, live check, device pages, delivery.

Every page exists twice: without a prefix (the browser's language) and below /ja and /en. Deliveries have no prefix.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask

from webapp.setup import entry
from webapp.setup.names import DEVICE_NAMES

setup = Blueprint("setup", __name__)
setup.add_url_rule("/", view_func=entry.start, methods=["GET", "POST"], strict_slashes=False)


@setup.context_processor
def _names() -> dict[str, Any]:
    return {"device_names": DEVICE_NAMES}


def init_app(app: Flask) -> None:
    """Register the pages, without and with a language."""
    app.register_blueprint(setup)
    app.register_blueprint(setup, name="setup_in_language", url_prefix="/<any(ja, en):language>")
