"""The contract, on Qdrant's engine in this process."""

import pytest

from onevec.errors import InvalidDocument
from onevec.testing import *  # noqa: F403
from onevec.testing import EngineHarness, Gap

IN_FLOAT32 = Gap("Qdrant computes in float32, where 1e25 has no square: such vectors are refused", InvalidDocument)
GAPS = {f"test_scores_of_long_vectors_are_numbers[{metric}]": IN_FLOAT32 for metric in ("dot", "euclidean")}

NATIVE = {"must": [{"key": "metadata.year", "range": {"gt": 1960}}]}


@pytest.fixture
def engine() -> EngineHarness:
    # What `sync` does has a test of its own; here it would be most of the time.
    return EngineHarness(lambda folder: f"qdrant:///{folder}/store", native=NATIVE, options={"sync": False}, gaps=GAPS)
