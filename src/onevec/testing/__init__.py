"""The conformance kit: the contract as tests, for any engine.

A test file of an engine's own:

    import pytest

    from onevec.testing import *
    from onevec.testing import EngineHarness


    @pytest.fixture
    def engine() -> EngineHarness:
        return EngineHarness(lambda folder: f"mine:///{folder}/store")

runs every promise of the contract on the sync and on the async API, as the engine's capabilities select them. It needs
`pip install "onevec[testing]"`.
"""

import pytest

_AREAS = (
    "documents",
    "vectors",
    "metadata",
    "writes",
    "updates",
    "reads",
    "search",
    "scores",
    "indexes",
    "filters",
    "filter_forms",
    "names",
    "namespaces",
    "mistakes",
    "embedding",
    "text_search",
    "hybrid",
    "reranking",
    "lifecycle",
    "concurrency",
    "injection",
    "native",
    "differential",
    "random_filters",
)
pytest.register_assert_rewrite(*(f"onevec.testing.{area}" for area in _AREAS))

from importlib import import_module  # noqa: E402 (after the registration, so that asserts show their values)

from onevec.testing.harness import EngineHarness, Gap  # noqa: E402
from onevec.testing.site import Site, contract, papers, site, store  # noqa: E402

__all__ = ["EngineHarness", "Gap", "Site", "contract", "papers", "site", "store"]

for _area in _AREAS:
    for _name, _value in vars(import_module(f"onevec.testing.{_area}")).items():
        if _name.startswith("test_"):
            globals()[_name] = _value
            __all__.append(_name)  # noqa: PYI056
