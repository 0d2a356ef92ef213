"""The contract, on a Weaviate server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.servers.weaviate import MARKS, WeaviateServer

from onevec.errors import InvalidDocument
from onevec.testing import *  # noqa: F403
from onevec.testing import EngineHarness, Gap

pytestmark = MARKS

IN_FLOAT32 = Gap("Weaviate computes in float32, where 1e25 has no square: such vectors are refused", InvalidDocument)
GAPS = {f"test_scores_of_long_vectors_are_numbers[{metric}]": IN_FLOAT32 for metric in ("dot", "euclidean")}


@pytest.fixture
def engine(weaviate: WeaviateServer) -> Iterator[EngineHarness]:
    yield EngineHarness(weaviate.url, server=True, gaps=GAPS)
    weaviate.clear()
