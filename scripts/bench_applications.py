"""The bare WSGI answers that the discovery endpoints are measured against: the same bytes, nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_FOLDER = Path(os.environ["BENCH_ANSWERS"])
_AUTOCONFIG = (_FOLDER / "autoconfig.xml").read_bytes()
_AUTODISCOVER = (_FOLDER / "autodiscover.xml").read_bytes()


def get(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Constant bytes."""
    return _constant(start_response, _AUTOCONFIG)


def post(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Constant bytes after reading the body."""
    environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    return _constant(start_response, _AUTODISCOVER)


def _constant(start_response: StartResponse, body: bytes) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
    return [body]
