"""The contract, on a test server of Pinecone's published API, spoken to by Pinecone's own client."""

from __future__ import annotations

import pytest
from tests.servers.pinecone import PineconeServer

from onevec.errors import InvalidDocument
from onevec.testing import *  # noqa: F403
from onevec.testing import EngineHarness, Gap

IN_FLOAT32 = Gap("Pinecone computes in float32, where 1e25 has no square: such vectors are refused", InvalidDocument)
NO_ZEROS = Gap("Pinecone takes no vector of zeros only", InvalidDocument)
GAPS = {
    **{f"test_scores_of_long_vectors_are_numbers[{metric}]": IN_FLOAT32 for metric in ("dot", "euclidean")},
    **{
        f"test_a_zero_vector_has_a_place_where_it_needs_no_direction[{metric}]": NO_ZEROS
        for metric in ("dot", "euclidean")
    },
}


@pytest.fixture
def engine(pinecone: PineconeServer) -> EngineHarness:
    return EngineHarness(pinecone.url, native={"year": {"$gt": 1960}}, server=True, gaps=GAPS)
