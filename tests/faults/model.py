"""Any sequence of calls on an embedded engine, against the memory engine and the definitions of the metrics."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import onevec
from onevec import Collection, Document, Metric, Store, WriteReport, field
from onevec.capabilities import Capabilities
from onevec.errors import CollectionNotFound, Unsupported
from onevec.filters import Filter
from onevec.matching import matches
from onevec.testing import strategies
from onevec.testing.samples import undated
from onevec.testing.scores import assert_nearest, distances

from .drawing import CHANGES, DIMENSION, DOCUMENTS, FILTERS, IDS, INDEXES, KINDS, NAMES, PLACES, QUERY, matrix
from .embedded import without_syncs


@dataclass(slots=True)
class Opened:
    """A store and the handles that were taken of it."""

    store: Store
    handles: dict[str, Collection]

    def at(self, place: tuple[str, str]) -> Collection:
        name, namespace = place
        return self.handles[name].namespace(namespace)


class Stores(RuleBasedStateMachine):
    """Stores of one folder, which take turns, and a memory store that is told the same.

    Args:
        url: The URL of the store in a folder.
        tried: What is counted.
    """

    def __init__(self, url: Callable[[Path], str], tried: Counter[str]) -> None:
        super().__init__()
        self.url = url
        self.tried = tried
        self.folder = Path(tempfile.mkdtemp())
        self.stores: list[Opened] = []
        self.twin = Opened(onevec.connect("memory://"), {})
        self.metrics: dict[str, Metric] = {}
        self.kinds: dict[str, str] = {}

    @initialize(metrics=st.tuples(st.sampled_from(Metric), st.sampled_from(Metric)))
    def open(self, metrics: tuple[Metric, Metric]) -> None:
        self.stores = [self.connected()]
        if self.capabilities.shared:
            self.stores.append(self.connected())
        self.metrics = dict(zip(NAMES, metrics, strict=True))
        for name in NAMES:
            self.make(name)

    @rule(place=PLACES, documents=st.lists(DOCUMENTS, max_size=4))
    def upsert(self, place: tuple[str, str], documents: list[Document]) -> None:
        self.both(place, "upsert", documents)

    @rule(place=PLACES, seed=st.integers(0, 99), count=st.integers(1, 80), kind=KINDS)
    def upsert_many(self, place: tuple[str, str], seed: int, count: int, kind: str) -> None:
        ids = [f"{(number * 7 + seed) % 120:03}" for number in range(count)]
        vectors = matrix(kind, seed, count, self.metrics[place[0]])
        texts = [f"wing {id} " + "slipstream " * (seed % 3) for id in ids]
        metadata = [{"a": number % 5, "far": bool(vector @ QUERY < 0)} for number, vector in enumerate(vectors)]
        self.both(place, "upsert", ids=ids, vectors=vectors, texts=texts, metadata=metadata)

    @rule(place=PLACES, changes=st.lists(CHANGES, max_size=3))
    def update(self, place: tuple[str, str], changes: list[Document]) -> None:
        self.both(place, "update", changes, on_failure="report")

    @rule(place=PLACES, ids=st.lists(IDS, max_size=3))
    def delete(self, place: tuple[str, str], ids: list[str]) -> None:
        self.both(place, "delete", ids)

    @rule(place=PLACES, filter=strategies.conditions())
    def delete_matching(self, place: tuple[str, str], filter: Filter) -> None:
        if self.twin.at(place).count(filter) < self.twin.at(place).count():  # `delete` refuses a filter for all
            self.both(place, "delete", filter=filter)

    @rule(place=PLACES.filter(lambda place: place != ("papers", "")))
    def clear(self, place: tuple[str, str]) -> None:
        self.both(place, "clear")

    @rule(place=PLACES)
    def optimize(self, place: tuple[str, str]) -> None:
        self.stores[0].at(place).optimize()

    @precondition(lambda self: self.capabilities.index_kinds)
    @rule(place=PLACES, settings=INDEXES)
    def index(self, place: tuple[str, str], settings: dict[str, Any]) -> None:
        if settings["kind"] not in self.capabilities.index_kinds:
            return
        try:
            self.stores[0].at(place).create_index(**settings)
        except Unsupported:
            assert self.metrics[place[0]] is Metric.MANHATTAN
        else:
            self.kinds[place[0]] = settings["kind"]

    @rule(metric=st.sampled_from(Metric), replace=st.booleans())
    def make_again(self, metric: Metric, *, replace: bool) -> None:
        """Nothing of the old collection is in the new one, and its handles, wherever they are, don't reach it."""
        name = "Papers"
        old = [opened.handles[name] for opened in (*self.stores, self.twin)]
        self.metrics[name] = metric
        if not replace:
            assert self.stores[0].store.delete_collection(name) is self.twin.store.delete_collection(name) is True
        self.make(name, if_exists="replace" if replace else "error")
        for handle in old:
            with pytest.raises(CollectionNotFound):
                handle.count()

    @rule(
        place=PLACES,
        query=strategies.vectors(DIMENSION),
        top_k=st.integers(1, 30),
        filter=FILTERS,
        ids=st.none() | st.lists(IDS, max_size=8),
        ef_search=st.none() | st.integers(1, 100),
    )
    def search(
        self,
        place: tuple[str, str],
        query: list[float],
        *,
        top_k: int,
        filter: Filter | None,
        ids: list[str] | None,
        ef_search: int | None,
    ) -> None:
        self.finds(place, query, top_k, filter=filter, ids=ids, ef_search=ef_search)

    @rule(place=PLACES, words=strategies.texts(), filter=FILTERS)
    def search_texts(self, place: tuple[str, str], words: str, filter: Filter | None) -> None:
        ours, expected = [
            opened.at(place).search(words, mode="text", top_k=200, filter=filter)
            for opened in (self.stores[0], self.twin)
        ]
        assert dict(zip(ours.ids, ours.scores, strict=True)) == pytest.approx(
            dict(zip(expected.ids, expected.scores, strict=True)), rel=1e-6
        )
        few = self.stores[0].at(place).search(words, mode="text", top_k=2, filter=filter)
        assert few.scores == pytest.approx(expected.scores[:2], rel=1e-6)

    @rule(place=PLACES, filter=FILTERS, limit=st.integers(0, 30), ids=st.lists(IDS, max_size=5))
    def read(self, place: tuple[str, str], filter: Filter | None, limit: int, ids: list[str]) -> None:
        ours, twin = self.stores[0].at(place), self.twin.at(place)
        assert ours.count(filter) == twin.count(filter)
        assert undated(list(ours.scan(filter=filter, limit=limit))) == undated(
            list(twin.scan(filter=filter, limit=limit))
        )
        assert undated(ours.get_many(ids)) == undated(twin.get_many(ids))
        assert ours.stats().documents == twin.count()

    @precondition(lambda self: len(self.stores) > 1)
    @rule()
    def take_turns(self) -> None:
        self.stores.reverse()

    @precondition(lambda self: self.capabilities.persistent)
    @rule()
    def reopen(self) -> None:
        dated = self.dated()
        self.stores.pop(0).store.close()
        self.stores.insert(0, self.connected(NAMES))
        assert self.dated() == dated

    @precondition(lambda self: self.capabilities.persistent)
    @rule()
    def kill(self) -> None:
        """What processes leave that are killed is what their files are at that moment."""
        dated = self.dated()
        left = Path(tempfile.mkdtemp())
        for file in filter(Path.is_file, self.folder.rglob("*")):
            copy = left / file.relative_to(self.folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # the background saves indexes meanwhile
                shutil.copyfile(file, copy)
        count = len(self.stores)
        self.let_go()
        self.folder = left
        self.stores = [self.connected(NAMES) for _ in range(count)]
        assert self.dated() == dated

    @invariant()
    def they_agree(self) -> None:
        self.tried["steps"] += 1
        infos = [(info.name, info.metric) for info in self.stores[0].store.collections()]
        assert infos == sorted(self.metrics.items())
        for name in NAMES:
            spaces = self.stores[0].handles[name].namespaces()
            assert spaces == self.twin.handles[name].namespaces()
            for namespace in spaces:
                ours, expected = [opened.at((name, namespace)).scan() for opened in (self.stores[0], self.twin)]
                assert undated(list(ours)) == undated(list(expected))
                self.finds((name, namespace), QUERY, 7)
                self.finds((name, namespace), QUERY, 3, filter=field("far") == True)  # noqa: E712 (a filter)

    def teardown(self) -> None:
        self.let_go()
        self.twin.store.close()

    @property
    def capabilities(self) -> Capabilities:
        return self.stores[0].store.capabilities

    def connected(self, names: Sequence[str] = ()) -> Opened:
        store = onevec.connect(self.url(self.folder), max_retries=0)
        without_syncs(store)
        return Opened(store, {name: store.collection(name) for name in names})

    def let_go(self) -> None:
        while self.stores:
            self.stores.pop().store.close()
        shutil.rmtree(self.folder)

    def make(self, name: str, if_exists: Any = "error") -> None:
        self.kinds[name] = "hnsw"
        first, *others = self.stores
        for opened in (first, self.twin):
            opened.handles[name] = opened.store.create_collection(
                name, dimension=DIMENSION, metric=self.metrics[name], if_exists=if_exists
            )
        for opened in others:
            opened.handles[name] = opened.store.collection(name)

    def finds(
        self,
        place: tuple[str, str],
        query: list[float],
        top_k: int,
        *,
        filter: Filter | None = None,
        ids: Sequence[str] | None = None,
        ef_search: int | None = None,
    ) -> None:
        """The nearest; an index may miss some, but what it finds matches, is rightly scored, and fills the page."""
        metric = self.metrics[place[0]]
        among = [
            document
            for document in self.twin.at(place).scan()
            if (filter is None or matches(filter, document.metadata)) and (ids is None or document.id in ids)
        ]
        vectors = np.array([document.vector for document in among]).reshape(-1, DIMENSION)
        true = dict(zip((one.id for one in among), distances(metric, query, vectors).tolist(), strict=True))
        papers = self.stores[0].at(place)
        assert_nearest(papers.search(query, top_k=top_k, filter=filter, ids=ids, exact=True), metric, true, top_k)
        if "ef_search" not in self.capabilities.search_settings or self.kinds[place[0]] != "hnsw":
            ef_search = None
        hits = papers.search(query, top_k=top_k, filter=filter, ids=ids, include_vectors=True, ef_search=ef_search)
        assert len(hits) == min(top_k, len(true))
        assert set(hits.ids) <= true.keys()
        assert_nearest(hits, metric, {id: true[id] for id in hits.ids}, top_k)
        assert undated([hit.document for hit in hits]) == undated(papers.get_many(hits.ids))

    def both(self, place: tuple[str, str], method: str, *arguments: Any, **options: Any) -> None:
        ours, expected = [
            getattr(opened.at(place), method)(*arguments, **options) for opened in (self.stores[0], self.twin)
        ]
        if isinstance(expected, WriteReport):
            assert ours.written == expected.written
            assert [id for id, _ in ours.failed] == [id for id, _ in expected.failed]
        else:
            assert ours == expected

    def dated(self) -> list[Document]:
        handles = self.stores[0].handles
        return [
            document
            for name in NAMES
            for namespace in handles[name].namespaces()
            for document in handles[name].namespace(namespace).scan()
        ]
