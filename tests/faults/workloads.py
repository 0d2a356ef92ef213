"""What is written while the disk fails: steps that can be run again, and what a store holds after each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import TypeAlias

import numpy as np

import onevec
from onevec import Document, Store
from onevec.documents import IndexKind

Step: TypeAlias = Callable[[Store], object]
Contents: TypeAlias = tuple[str | None, dict[str, object], bytes]
State: TypeAlias = dict[tuple[str, str], dict[str, Contents]]

DIMENSION = 8
IDS = [f"{number:03}" for number in range(60)]


def documents(numbers: Iterable[int], *, version: int = 0) -> list[Document]:
    """Make documents that differ in text, vector and metadata from those of another number or version."""
    return [
        Document(
            IDS[number],
            text=f"{'wing' if number % 2 else 'flap'} version{version} " + "in a slipstream " * 20,
            vector=np.random.default_rng((number, version)).normal(size=DIMENSION).astype(np.float32),
            metadata={"n": number, "version": version},
        )
        for number in numbers
    ]


def create(store: Store, *, name: str = "papers", metric: str = "cosine") -> None:
    store.create_collection(name, dimension=DIMENSION, metric=metric, if_exists="open")


def upsert(store: Store, numbers: range, *, version: int = 0, namespace: str = "", name: str = "papers") -> None:
    store.collection(name).namespace(namespace).upsert(documents(numbers, version=version))


def delete(store: Store, numbers: range) -> None:
    store.collection("papers").delete([IDS[number] for number in numbers])


def delete_matching(store: Store, condition: str, *, namespace: str = "") -> None:
    store.collection("papers").namespace(namespace).delete(filter=condition)


def update(store: Store, numbers: range) -> None:
    changed = [
        {"id": document.id, "text": f"rudder {document.id}", "vector": document.vector, "metadata": {"version": 7}}
        for document in documents(numbers, version=7)
    ]
    store.collection("papers").update(changed)


def clear(store: Store, *, namespace: str = "") -> None:
    store.collection("papers").namespace(namespace).clear()


def drop(store: Store) -> None:
    store.delete_collection("papers")


def search(store: Store, words: str = "wing", *, namespace: str = "") -> None:
    store.collection("papers").namespace(namespace).search(words, mode="text")


def optimize(store: Store) -> None:
    store.collection("papers").optimize()


def index(store: Store, kind: IndexKind) -> None:
    store.collection("papers").create_index(kind)


_TWENTY = partial(upsert, numbers=range(20))

WORKLOADS: Mapping[str, tuple[Step, ...]] = {
    "create": (create, partial(create, name="notes", metric="euclidean"), partial(create, name="more", metric="dot")),
    "upsert": (create, _TWENTY, partial(upsert, numbers=range(20, 50)), partial(upsert, numbers=range(50, 51))),
    "replace": (
        create,
        _TWENTY,
        partial(upsert, numbers=range(10, 30), version=1),
        partial(upsert, numbers=range(10, 12), version=2),
    ),
    "delete by ids": (create, _TWENTY, partial(delete, numbers=range(5, 15)), partial(delete, numbers=range(1))),
    "delete by filter": (
        create,
        _TWENTY,
        partial(upsert, numbers=range(15, 25), version=1),
        partial(delete_matching, condition="version = 1 or n < 5"),
    ),
    "update": (create, _TWENTY, partial(update, numbers=range(10)), partial(update, numbers=range(5, 20))),
    "clear": (
        create,
        _TWENTY,
        partial(upsert, numbers=range(10), namespace="acme"),
        search,
        clear,
        partial(upsert, numbers=range(5, 10), version=1),
        partial(clear, namespace="acme"),
    ),
    "delete a collection": (
        partial(create, name="notes"),
        partial(upsert, numbers=range(3), name="notes"),
        create,
        _TWENTY,
        search,
        drop,
        create,
        partial(upsert, numbers=range(5), version=1),
    ),
    "text search": (
        create,
        _TWENTY,
        search,
        partial(upsert, numbers=range(10, 30), version=1),
        search,
        partial(delete, numbers=range(0, 30, 3)),
        search,
    ),
    "optimize": (
        create,
        _TWENTY,
        optimize,
        partial(upsert, numbers=range(10, 25), version=1),
        partial(delete, numbers=range(3)),
        optimize,
        partial(upsert, numbers=range(30, 35)),
    ),
    "namespaces": (
        create,
        partial(upsert, numbers=range(20), namespace="acme"),
        partial(upsert, numbers=range(10), namespace="zeta"),
        _TWENTY,
        partial(search, namespace="acme"),
        partial(upsert, numbers=range(10, 25), version=1, namespace="acme"),
        partial(delete_matching, condition="n < 5", namespace="zeta"),
        partial(clear, namespace="acme"),
        partial(upsert, numbers=range(3), version=1, namespace="acme"),
    ),
    "index": (
        create,
        partial(index, kind="flat"),
        _TWENTY,
        partial(index, kind="hnsw"),
        partial(upsert, numbers=range(10, 25), version=1),
    ),
    "cut": (  # more documents go than `gone` keeps
        create,
        _TWENTY,
        search,
        partial(upsert, numbers=range(20), version=1),
        partial(upsert, numbers=range(15), version=2),
        search,
        partial(delete, numbers=range(0, 20, 2)),
        partial(update, numbers=range(1, 20, 2)),
        search,
    ),
}

# How many entries of `gone` the sqlite engine keeps here; by itself it keeps ten thousand.
KEPT_GONE = 6


@cache
def states(workload: str) -> tuple[State, ...]:
    """What a store holds before the first step and after each, by the memory engine."""
    with onevec.connect("memory://") as twin:
        found = [everything(twin)]
        for step in WORKLOADS[workload]:
            step(twin)
            found.append(everything(twin))
        return tuple(found)


def everything(store: Store) -> State:
    """All that a store holds, times aside, by collection and namespace."""
    found: State = {}
    for info in store.collections():
        collection = store.collection(info.name)
        for namespace in {"", *collection.namespaces()}:
            found[f"{info.name} {info.metric.value}", namespace] = {
                document.id: (
                    document.text,
                    document.metadata,
                    np.asarray(document.vector, np.float32).tobytes(),
                )
                for document in collection.namespace(namespace).scan()
            }
    return found
