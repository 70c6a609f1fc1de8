"""The small internet that every test of the search goes through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.servers.authority import Authority
from tests.servers.dns import NameServer
from tests.servers.web import WebServer
from tests.webapp.discovery.internet import Internet


@pytest.fixture
def internet(authority: Authority, name_server: NameServer) -> Iterator[Internet]:
    """Nobody publishes anything yet."""
    with ExitStack() as stack:
        web = stack.enter_context(WebServer(authority))
        yield Internet(authority, name_server, web, stack)
