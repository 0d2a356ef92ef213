"""The contract, on the collections that Qdrant's client keeps in memory.

Without the area of payloads in every place: this client runs a filter in Python, document by document, and what goes in
and out is what goes to a server.
"""

from __future__ import annotations

import pytest
from tests.engines.test_qdrant_folder import GAPS, NATIVE

from onevec.testing import EngineHarness, contract, papers, site, store
from onevec.testing.differential import *  # noqa: F403
from onevec.testing.documents import *  # noqa: F403
from onevec.testing.filters import *  # noqa: F403
from onevec.testing.harness import LONG
from onevec.testing.lifecycle import *  # noqa: F403
from onevec.testing.metadata import *  # noqa: F403
from onevec.testing.names import *  # noqa: F403
from onevec.testing.namespaces import *  # noqa: F403
from onevec.testing.native import *  # noqa: F403
from onevec.testing.reads import *  # noqa: F403
from onevec.testing.scores import *  # noqa: F403
from onevec.testing.search import *  # noqa: F403
from onevec.testing.updates import *  # noqa: F403
from onevec.testing.vectors import *  # noqa: F403
from onevec.testing.writes import *  # noqa: F403

pytestmark = pytest.mark.skipif(
    not LONG, reason="qdrant in memory is tested in the long form, by `make faults`; short are a folder and a server"
)

__all__ = ["contract", "papers", "site", "store"]


@pytest.fixture
def engine() -> EngineHarness:
    return EngineHarness(lambda _folder: "qdrant:///:memory:", native=NATIVE, gaps=GAPS)
