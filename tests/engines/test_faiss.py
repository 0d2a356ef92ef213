"""The contract, on the faiss engine."""

import pytest

from onevec.testing import *  # noqa: F403
from onevec.testing import EngineHarness


@pytest.fixture
def engine() -> EngineHarness:
    native = ("json_extract(metadata, '$.year') > ?", [1960])
    return EngineHarness(lambda folder: f"faiss:///{folder}/store", native=native)
