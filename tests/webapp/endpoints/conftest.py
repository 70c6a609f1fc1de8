"""The application under test: two hosted domains of different services, and one service with everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.webapp.endpoints.asking import Hosted, Reply, ask, full_service, service
from webapp.config import load
from webapp.endpoints import Discovery

BASE_URL = "https://hagaki.host.example"


@pytest.fixture
def directory() -> Hosted:
    """corp.example and its twin share one entry; other.example is a stranger to them."""
    return Hosted(
        service("corp.example", "twin.example", "xn--wgv71a119e.jp"),
        service("other.example"),
        full_service("full.example"),
    )


def fallback(_environ: Any, start_response: Any) -> list[bytes]:
    """What stands behind Discovery."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"fallback"]


@pytest.fixture
def application(directory: Hosted) -> Discovery:
    """Discovery behind a proxy on loopback, with an https address of its own."""
    config = load({"HAGAKI_BASE_URL": BASE_URL, "HAGAKI_TRUSTED_PROXIES": "127.0.0.0/8"})
    return Discovery(directory, config, fallback)


@pytest.fixture
def get(application: Discovery) -> Callable[..., Reply]:
    """GET a path."""
    return lambda path, query="", **more: ask(application, "GET", path, query, **more)


@pytest.fixture
def post(application: Discovery) -> Callable[..., Reply]:
    """POST a POX body to the usual path."""

    def post(body: bytes, path: str = "/autodiscover/autodiscover.xml", **more: Any) -> Reply:
        return ask(
            application, "POST", path, host=more.pop("host", "autodiscover.corp.example"), body=body, **more
        )

    return post
