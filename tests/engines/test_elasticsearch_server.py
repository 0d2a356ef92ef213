"""The contract, on an Elasticsearch server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.servers.elasticsearch import MARKS, ElasticsearchServer

from onevec.errors import InvalidDocument
from onevec.testing import *  # noqa: F403
from onevec.testing import EngineHarness, Gap

pytestmark = MARKS

IN_FLOAT32 = Gap(
    "Elasticsearch computes in float32, where 1e25 has no square: such vectors are refused", InvalidDocument
)
GAPS = {
    f"test_scores_of_long_vectors_are_numbers[{metric}]": IN_FLOAT32 for metric in ("dot", "euclidean", "manhattan")
}


@pytest.fixture
def engine(elasticsearch: ElasticsearchServer) -> Iterator[EngineHarness]:
    native = {"range": {"metadata.year": {"gt": "1960"}}}  # numbers of a flattened field are texts
    yield EngineHarness(elasticsearch.url, native=native, server=True, gaps=GAPS)
    elasticsearch.forget()
