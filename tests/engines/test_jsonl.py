"""The contract, on the jsonl engine."""

import pytest

from onevec.testing import *  # noqa: F403
from onevec.testing import EngineHarness


@pytest.fixture
def engine() -> EngineHarness:
    return EngineHarness(lambda folder: f"jsonl:///{folder}/store")
