"""For the machines that watch: alive, ready, and keep out."""

from __future__ import annotations

from flask import Blueprint, Flask, Response

from webapp.services import services

health = Blueprint("health", __name__)


def init_app(app: Flask) -> None:
    """Serve the three paths."""
    app.register_blueprint(health)


@health.get("/healthz")
def alive() -> Response:
    """The process answers."""
    return Response("ok\n", mimetype="text/plain")


@health.get("/readyz")
def ready() -> Response:
    """The database answers too, so work can be taken."""
    if services().is_ready():
        return Response("ready\n", mimetype="text/plain")
    return Response("database unavailable\n", 503, mimetype="text/plain", headers={"Retry-After": "5"})


@health.get("/robots.txt")
def robots() -> Response:
    """Nothing here is for search engines."""
    return Response("User-agent: *\nDisallow: /\n", mimetype="text/plain")
