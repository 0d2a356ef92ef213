"""The contract, on a Qdrant server, spoken to by Qdrant's own client."""

from __future__ import annotations

import pytest
from tests.engines.test_qdrant_folder import GAPS, NATIVE
from tests.servers.qdrant import QdrantServer

from onevec.testing import *  # noqa: F403
from onevec.testing import EngineHarness


@pytest.fixture
def engine(qdrant: QdrantServer) -> EngineHarness:
    return EngineHarness(qdrant.url, native=NATIVE, server=True, gaps=GAPS)
