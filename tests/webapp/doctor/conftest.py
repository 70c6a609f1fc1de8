"""The healthy domain, ready to be broken."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.authority import Authority
from tests.webapp.doctor.hosting import Hosting, hosting


@pytest.fixture
def healthy(authority: Authority) -> Iterator[Hosting]:
    """A domain with everything as it should be."""
    with hosting(authority) as world:
        yield world
