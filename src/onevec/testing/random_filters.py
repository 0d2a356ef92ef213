"""Many random filters over one collection: each finds just the documents that its meaning says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from onevec.documents import Document
from onevec.filter_syntax import to_dict
from onevec.filters import Filter
from onevec.lower import lower, unsupported
from onevec.matching import matches
from onevec.testing import strategies
from onevec.testing.harness import BRIEF, LONG
from onevec.testing.site import Site
from onevec.validate import clean_metadata

T = TypeVar("T")

DIMENSION = 2
DOCUMENTS = 40
FILTERS = 4000 if LONG else 80 if BRIEF else 400


def test_random_filters_agree(site: Site, record_property: Callable[[str, object], None]) -> None:
    """Of documents whose values look alike, a random filter finds those that `onevec.matching` says it means."""
    operators = site.capabilities.operators
    metadata = _drawn(strategies.metadata(), DOCUMENTS)
    trees = _drawn(strategies.filters(operators), FILTERS)
    filters = [tree for tree in trees if not unsupported(lower(tree, operators), operators)]
    documents = [Document(f"{number:02}", vector=[1, number], metadata=one) for number, one in enumerate(metadata)]
    site.run(_agree(site, documents, filters))
    record_property("random filters", len(filters))


async def _agree(site: Site, documents: list[Document], filters: list[Filter]) -> None:
    metric = min(site.capabilities.metrics)
    collection = await site.store.create_collection("random", dimension=DIMENSION, metric=metric)
    await collection.upsert(documents)
    stored = {document.id: clean_metadata(document.metadata, document.id) for document in documents}
    for filter in filters:
        found = [document.id async for document in collection.scan(filter=filter, include_vectors=False)]
        meant = [id for id, metadata in stored.items() if matches(filter, metadata)]
        differing = {id: stored[id] for id in set(found) ^ set(meant)}
        assert sorted(found) == meant, f"{to_dict(filter)} differs on {differing}"


def _drawn(strategy: st.SearchStrategy[T], count: int) -> list[T]:
    """Return so many values, all that Hypothesis draws."""
    values: list[T] = []

    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(value: T) -> None:
        values.append(value)

    draw()
    return values
