"""The contract, on the sqlite engine."""

import pytest

from onevec.testing import *  # noqa: F403
from onevec.testing import EngineHarness


@pytest.fixture
def engine() -> EngineHarness:
    native = ("json_extract(metadata, '$.year') > ?", [1960])
    return EngineHarness(lambda folder: f"sqlite:///{folder}/store.db", native=native)
