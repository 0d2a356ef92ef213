"""The contract, on a Weaviate server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.servers.weaviate import MARKS, WeaviateServer
from weaviate.classes.query import Filter

from onevec.errors import InvalidDocument
from onevec.testing import *  # noqa: F403
from onevec.testing import EngineHarness, Gap

pytestmark = MARKS

IN_FLOAT32 = Gap("Weaviate computes in float32, where 1e25 has no square: such vectors are refused", InvalidDocument)
GAPS = {f"test_scores_of_long_vectors_are_numbers[{metric}]": IN_FLOAT32 for metric in ("dot", "euclidean")}


@pytest.fixture
def engine(weaviate: WeaviateServer) -> Iterator[EngineHarness]:
    years = [f"year=n:{year}" for year in range(1961, 2000)]
    native = Filter.by_property("onevec_facets").contains_any(years)
    yield EngineHarness(weaviate.url, native=native, server=True, gaps=GAPS)
    weaviate.clear()
