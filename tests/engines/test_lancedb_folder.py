"""The contract, on LanceDB's tables in a folder."""

import pytest

from onevec.errors import InvalidDocument
from onevec.testing import *  # noqa: F403
from onevec.testing import EngineHarness, Gap

IN_FLOAT32 = Gap("LanceDB computes in float32, where 1e25 has no square: such vectors are refused", InvalidDocument)
GAPS = {f"test_scores_of_long_vectors_are_numbers[{metric}]": IN_FLOAT32 for metric in ("dot", "euclidean")}


@pytest.fixture
def engine() -> EngineHarness:
    native = "json_get_int(metadata, 'year') > 1960"
    return EngineHarness(lambda folder: f"lancedb:///{folder}/store", native=native, gaps=GAPS)
