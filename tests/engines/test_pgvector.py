"""The contract, on the pgvector engine."""

from __future__ import annotations

import pytest
from tests.servers.postgres import PostgresServer, schema_of

from onevec.testing import *  # noqa: F403
from onevec.testing import EngineHarness, Gap


@pytest.fixture
def engine(postgres: PostgresServer) -> EngineHarness:
    return EngineHarness(
        lambda folder: postgres.url(schema=schema_of(folder)),
        native=("(metadata ->> 'year')::int > %s", [1960]),
        server=True,
        gaps={
            "test_a_store_tells_how_it_is": Gap(
                "the server of the tests has pgvector 0.8.5, whose flaws health() names", AssertionError
            )
        },
    )
