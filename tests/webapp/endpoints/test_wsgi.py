"""The application as servers load it, and the outermost edge of the endpoints."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.webapp.endpoints.asking import Hosted, ask, pox, service
from tests.webapp.endpoints.conftest import fallback
from webapp.config import load
from webapp.directory import Snapshot
from webapp.endpoints import Discovery


def test_importing_makes_nothing_and_the_application_is_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HAGAKI_DATA", str(tmp_path / "data"))
    monkeypatch.delitem(sys.modules, "webapp.wsgi", raising=False)

    wsgi = importlib.import_module("webapp.wsgi")

    assert not (tmp_path / "data").exists()
    assert wsgi.application is wsgi.application
    assert ask(wsgi.application, "GET", "/robots.txt").status == 200
    assert ask(wsgi.application, "GET", "/healthz", host="127.0.0.1:8080").status == 200


def test_module_has_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    wsgi = importlib.import_module("webapp.wsgi")

    with pytest.raises(AttributeError):
        wsgi.app  # noqa: B018 - asking is the test


class Broken(Hosted):
    """A directory with a bug."""

    def snapshot(self) -> Snapshot:
        """Work once, then fail with what was asked in the exception."""
        if hasattr(self, "used"):
            raise KeyError("taro@corp.example")
        self.used = True
        return super().snapshot()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_our_own_bug_is_a_404_and_logged_without_what_was_asked(
    method: str, caplog: pytest.LogCaptureFixture
) -> None:
    application = Discovery(Broken(service("corp.example")), load({}), fallback)
    path = "/mail/config-v1.1.xml" if method == "GET" else "/autodiscover/autodiscover.xml"

    reply = ask(application, method, path, "emailaddress=taro@corp.example", body=pox("taro@corp.example"))

    assert reply.status == 404
    (record,) = caplog.records
    assert "event=incident" in record.getMessage()
    assert "taro" not in record.getMessage()


def test_fallback_gets_the_request_as_it_came() -> None:
    seen: dict[str, Any] = {}

    def behind(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.update(environ)
        return fallback(environ, start_response)

    application = Discovery(Hosted(), load({"HAGAKI_TRUSTED_PROXIES": "192.0.2.0/24"}), behind)
    headers = {"HTTP_AUTHORIZATION": "Bearer t", "HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_FORWARDED_FOR": "x"}

    ask(application, "GET", "/api/v1/domains", **headers)

    assert headers.items() <= seen.items()
