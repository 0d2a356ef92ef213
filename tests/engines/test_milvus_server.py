"""The contract, on a server that speaks Milvus's gRPC."""

from __future__ import annotations

import pytest
from tests.engines.test_milvus_lite import GAPS
from tests.servers.milvus import MilvusServer

from onevec.testing import *  # noqa: F403
from onevec.testing import EngineHarness


@pytest.fixture
def engine(milvus: MilvusServer) -> EngineHarness:
    return EngineHarness(milvus.url, native='metadata["year"] > 1960', server=True, gaps=GAPS)
