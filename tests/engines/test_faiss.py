"""The contract, on the faiss engine."""

import pytest

from onevec.testing import *  # noqa: F403
from onevec.testing import EngineHarness


@pytest.fixture
def engine() -> EngineHarness:
    return EngineHarness(lambda folder: f"faiss:///{folder}/store")
