"""The contract, on a Chroma server, spoken to by Chroma's own clients."""

from __future__ import annotations

import pytest
from tests.engines.test_chroma_folder import GAPS, NATIVE
from tests.servers.chroma import ChromaServer

from onevec.testing import *  # noqa: F403
from onevec.testing import EngineHarness


@pytest.fixture
def engine(chroma: ChromaServer) -> EngineHarness:
    # A busy machine is no reason for a request to fail.
    return EngineHarness(chroma.url, options={"request_timeout": 120.0}, native=NATIVE, server=True, gaps=GAPS)
