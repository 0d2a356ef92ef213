"""The jsonl engine against the memory engine, over any sequence of writes, compactions and reopenings."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

import onevec
from onevec import Collection, Document, Metric, Store, WriteReport
from onevec.filters import Filter
from onevec.testing import strategies

from .jsonl_disks import everything, opened

IDS = st.sampled_from(["1", "01", "a", "A", "é", "\n", "../a", "x" * 512])
PLACES = st.tuples(st.sampled_from(["papers", "Papers"]), st.sampled_from(["", "acme", "\n"]))
DOCUMENTS = st.builds(
    Document,
    id=IDS,
    text=st.none() | strategies.texts(),
    vector=strategies.vectors(2),
    metadata=strategies.metadata(),
)
CHANGES = st.builds(
    Document,
    id=IDS,
    text=st.none() | strategies.texts(),
    vector=st.none() | strategies.vectors(2),
    metadata=strategies.metadata(),
)


class Stores(RuleBasedStateMachine):
    """Two stores of one folder, which take turns, and a memory store that does the same."""

    @initialize(metric=st.sampled_from(Metric))
    def open(self, metric: Metric) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.stores = [opened(self.folder), opened(self.folder)]
        self.twin = onevec.connect("memory://")
        for store in (self.stores[0], self.twin):
            for name in ("papers", "Papers"):
                store.create_collection(name, dimension=2, metric=metric)

    @rule(place=PLACES, documents=st.lists(DOCUMENTS, max_size=4))
    def upsert(self, place: tuple[str, str], documents: list[Document]) -> None:
        self.both(place, "upsert", documents)

    @rule(place=PLACES, changes=st.lists(CHANGES, max_size=3))
    def update(self, place: tuple[str, str], changes: list[Document]) -> None:
        self.both(place, "update", changes, on_failure="report")

    @rule(place=PLACES, ids=st.lists(IDS, max_size=3))
    def delete(self, place: tuple[str, str], ids: list[str]) -> None:
        self.both(place, "delete", ids)

    @rule(place=PLACES, filter=strategies.conditions())
    def delete_matching(self, place: tuple[str, str], filter: Filter) -> None:
        assert self.at(self.stores[0], place).count(filter) == self.at(self.twin, place).count(filter)
        if self.at(self.twin, place).count(filter) < self.at(self.twin, place).count():
            self.both(place, "delete", filter=filter)

    @rule(place=PLACES)
    def clear(self, place: tuple[str, str]) -> None:
        self.both(place, "clear")

    @rule(place=PLACES)
    def optimize(self, place: tuple[str, str]) -> None:
        self.both(place, "optimize")

    @rule(place=PLACES, query=strategies.vectors(2), filter=strategies.filters())
    def search(self, place: tuple[str, str], query: list[float], filter: Filter) -> None:
        found, expected = [self.at(store, place).search(query, filter=filter) for store in (self.stores[0], self.twin)]
        assert (found.ids, found.scores) == (expected.ids, expected.scores)

    @rule()
    def make_again(self) -> None:
        for store in (self.stores[0], self.twin):
            store.create_collection("Papers", dimension=2, metric="euclidean", if_exists="replace")

    @rule()
    def take_turns(self) -> None:
        self.stores.reverse()

    @rule()
    def reopen(self) -> None:
        dated = self.dated()
        self.stores.pop(0).close()
        self.stores.insert(0, opened(self.folder))
        assert self.dated() == dated

    @invariant()
    def they_agree(self) -> None:
        if hasattr(self, "stores"):
            assert everything(self.stores[0]) == everything(self.twin)

    def both(self, place: tuple[str, str], method: str, *arguments: Any, **options: Any) -> None:
        ours, expected = [
            getattr(self.at(store, place), method)(*arguments, **options) for store in (self.stores[0], self.twin)
        ]
        if isinstance(expected, WriteReport):
            assert ours.written == expected.written
            assert [id for id, _ in ours.failed] == [id for id, _ in expected.failed]
        else:
            assert ours == expected

    def at(self, store: Store, place: tuple[str, str]) -> Collection:
        name, namespace = place
        return store.collection(name).namespace(namespace)

    def dated(self) -> list[Document]:
        papers = self.stores[0].collection("papers")
        return [document for namespace in papers.namespaces() for document in papers.namespace(namespace).scan()]

    def teardown(self) -> None:
        if hasattr(self, "stores"):
            for store in (*self.stores, self.twin):
                store.close()
            shutil.rmtree(self.folder)


def test_any_sequence_of_calls() -> None:
    """After every call both stores of a folder hold what the memory engine does, also when one is opened again."""
    run_state_machine_as_test(Stores, settings=settings(stateful_step_count=20))
