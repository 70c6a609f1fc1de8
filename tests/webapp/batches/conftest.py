"""What is dear to make and the same for every test of lists."""

from __future__ import annotations

import pytest

from profiles.signing import Signer
from webapp.certificates import load_signer
from webapp.config import Config, load


@pytest.fixture(scope="session")
def signing_config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A host with a built-in authority of its own."""
    return load({"HAGAKI_DATA": str(tmp_path_factory.mktemp("signing"))}).prepare()


@pytest.fixture(scope="session")
def signer(signing_config: Config) -> Signer:
    """Its signer: making RSA keys takes as long as all else in a test."""
    return load_signer(signing_config)
