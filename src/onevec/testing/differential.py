"""Random documents, filters and writes: every engine against the memory engine, and both against the contract.

`ONEVEC_HYPOTHESIS=long` in the environment runs many times more examples.
"""

from __future__ import annotations

from collections.abc import Collection, Coroutine
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import onevec
from onevec.aio import AsyncCollection
from onevec.documents import Document, WriteReport
from onevec.filter_syntax import to_dict
from onevec.filters import ALWAYS, Filter, Op
from onevec.lower import lower, unsupported
from onevec.matching import matches
from onevec.metrics import Metric
from onevec.testing import strategies
from onevec.testing.awaited import awaited
from onevec.testing.harness import BRIEF, LONG
from onevec.testing.samples import contents, undated
from onevec.testing.scores import assert_nearest, distances
from onevec.testing.site import Site
from onevec.validate import clean_metadata

DIMENSION = 3
_IDS = ("1", "01", "a", "A", "a ", "é", "e\u0301", "🦩", "'", "%", "../a", "x" * 512)


def examples(site: Site) -> settings:
    """How many examples are drawn, and what is done with one that fails."""
    return settings(
        max_examples=500 if LONG else 5 if BRIEF or site.surface == "async" else 20,
        deadline=None,
        report_multiple_bugs=False,  # one failure of one kind, so that a gap can name it
        phases=set(Phase) - {Phase.explain},
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


class _Pair(NamedTuple):
    """The same collection in the engine under test and in the memory engine."""

    ours: AsyncCollection
    reference: AsyncCollection


async def _pair(site: Site, twin: onevec.Store, metric: Metric) -> _Pair:
    stores = (site.store, awaited(twin))
    return _Pair(
        *[await s.create_collection("random", dimension=DIMENSION, metric=metric, if_exists="replace") for s in stores]
    )


@pytest.mark.parametrize("metric", list(Metric))
def test_random_reads_agree(site: Site, metric: Metric) -> None:
    """`count`, `scan`, `search` and `delete` by random filters find what the reference finds, and the formulas say."""
    if metric not in site.capabilities.metrics:
        pytest.skip(f"{site.store.engine} doesn't have the metric {metric}")
    with onevec.connect("memory://") as twin:

        @examples(site)
        @given(
            documents=st.lists(strategies.documents(DIMENSION), max_size=12),
            filters=st.lists(strategies.filters(site.capabilities.operators), min_size=1, max_size=4),
            query=strategies.vectors(DIMENSION),
            top_k=st.integers(1, 15),
        )
        def check(documents: list[Document], filters: list[Filter], query: list[float], top_k: int) -> None:
            site.run(
                _reads_agree(site, twin, metric=metric, documents=documents, filters=filters, query=query, top_k=top_k)
            )

        check()


async def _reads_agree(
    site: Site,
    twin: onevec.Store,
    *,
    metric: Metric,
    documents: list[Document],
    filters: list[Filter],
    query: list[float],
    top_k: int,
) -> None:
    pair = await _pair(site, twin, metric)
    given = {document.id: clean_metadata(document.metadata, "it") for document in documents}
    for collection in pair:
        assert (await collection.upsert(documents)).written == len(given)
        assert {id: document.metadata for id, document in (await contents(collection)).items()} == given
    true = {
        document.id: float(distances(metric, query, [document.vector])[0]) for document in documents if document.vector
    }
    for filter in filters:
        if _lowered(site, filter) is None:
            continue
        among = {id for id, metadata in given.items() if matches(filter, metadata)}
        nearest = {id: distance for id, distance in true.items() if id in among}
        for collection in pair:
            for written in (filter, to_dict(filter)):
                assert await collection.count(written) == len(among)
            assert sorted([document.id async for document in collection.scan(filter=filter)]) == sorted(among)
            hits = await collection.search(query, top_k=top_k, filter=filter, include_vectors=True)
            assert_nearest(hits, metric, nearest, top_k)
            assert undated([hit.document for hit in hits]) == undated(await collection.get_many(hits.ids))
            some = sorted(given)[::2]
            hits = await collection.search(query, top_k=top_k, filter=filter, ids=some)
            assert_nearest(hits, metric, {id: nearest[id] for id in some if id in among}, top_k)
    for filter in filters:
        if _lowered(site, filter) not in (ALWAYS, None):
            gone = {id for id, metadata in given.items() if matches(filter, metadata)}
            given = {id: metadata for id, metadata in given.items() if id not in gone}
            for collection in pair:
                assert await collection.delete(filter=filter) == len(gone)
                assert (await contents(collection)).keys() == given.keys()
                assert set((await collection.search(query, top_k=50)).ids) == given.keys()


def _lowered(site: Site, filter: Filter) -> Filter | None:
    """The filter as the engine gets it, None if it can't run it."""
    declared = site.capabilities.operators
    tree = lower(filter, declared)
    return None if unsupported(tree, declared) else tree


def _writes(operators: Collection[Op]) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """A method of a collection and its arguments."""
    ids = st.sampled_from(_IDS)
    some_ids = st.lists(ids, max_size=4)
    documents = st.builds(
        Document,
        id=ids,
        text=st.none() | strategies.texts(),
        vector=strategies.vectors(DIMENSION),
        metadata=strategies.metadata(),
    )
    changes = st.builds(
        Document,
        id=ids,
        text=st.none() | strategies.texts(),
        vector=st.none() | strategies.vectors(DIMENSION),
        metadata=strategies.metadata(),
    )
    upsert = st.tuples(st.just("upsert"), st.fixed_dictionaries({"documents": st.lists(documents, max_size=5)}))
    return st.one_of(
        upsert,
        upsert,
        st.tuples(
            st.just("update"),
            st.fixed_dictionaries({"documents": st.lists(changes, max_size=4), "on_failure": st.just("report")}),
        ),
        st.tuples(st.just("delete"), st.fixed_dictionaries({"ids": some_ids})),
        st.tuples(st.just("delete"), st.fixed_dictionaries({"filter": strategies.conditions(operators)})),
        st.tuples(st.just("clear"), st.just({})),
    )


def test_random_writes_agree(site: Site) -> None:
    """Random writes, in any order, report the same and leave the same documents as in the memory engine."""
    with onevec.connect("memory://") as twin:

        @examples(site)
        @given(
            writes=st.lists(_writes(site.capabilities.operators), max_size=12),
            query=strategies.vectors(DIMENSION),
        )
        def check(writes: list[tuple[str, dict[str, Any]]], query: list[float]) -> None:
            site.run(_writes_agree(site, twin, writes, query))

        check()


async def _writes_agree(
    site: Site, twin: onevec.Store, writes: list[tuple[str, dict[str, Any]]], query: list[float]
) -> None:
    pair = await _pair(site, twin, Metric.COSINE)
    for method, arguments in writes:
        if "filter" in arguments and _lowered(site, arguments["filter"]) in (ALWAYS, None):
            continue
        ours, reference = [await _summary(getattr(collection, method)(**arguments)) for collection in pair]
        assert ours == reference
        hits, expected = [await collection.search(query, top_k=50) for collection in pair]
        assert hits.scores == pytest.approx(expected.scores, abs=1e-4)
        assert sorted(hits.ids) == sorted(expected.ids)
        assert await pair.ours.count({"a": 1}) == await pair.reference.count({"a": 1})
    ours, reference = [await contents(collection) for collection in pair]
    assert undated([ours[id] for id in sorted(ours)]) == undated([reference[id] for id in sorted(reference)])


async def _summary(write: Coroutine[Any, Any, object]) -> object:  # Any: what an event loop sends
    """What a write returned, its errors by their kind."""
    result = await write
    if isinstance(result, WriteReport):
        return result.written, [(id, type(error)) for id, error in result.failed]
    return result
