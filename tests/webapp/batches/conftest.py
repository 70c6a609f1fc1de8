"""What is dear to make and the same for every test of lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from profiles.signing import Signer
from tests.webapp.batches.engine import Engine
from tests.webapp.clock import Clock
from webapp.certificates import load_signer
from webapp.config import Config, load
from webapp.store import Store


@pytest.fixture(scope="session")
def signing_config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A host with a built-in authority of its own."""
    return load({"HAGAKI_DATA": str(tmp_path_factory.mktemp("signing"))}).prepare()


@pytest.fixture(scope="session")
def signer(signing_config: Config) -> Signer:
    """Its signer: making RSA keys takes as long as all else in a test."""
    return load_signer(signing_config)


@pytest.fixture
def engine(store: Store, store_config: Config, clock: Clock, tmp_path: Path) -> Engine:
    """Batches on an empty database of each kind, with a clock that the test moves."""
    return Engine(store=store, config=store_config, folder=tmp_path, clock=clock)
