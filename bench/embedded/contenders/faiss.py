"""FAISS alone: it gives row numbers, and knows nothing of texts, metadata, ids or durability. The floor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt
from bench.embedded.contender import TOP_K, Batch, Condition, Facts, Hit, Vectors
from bench.embedded.data import matches

_LIBRARY: Any = faiss  # its types don't name what its SWIG layer has
_FIELDS = ("bucket", "region")


class Faiss:
    """An index, and the two fields that the filters ask for as arrays beside it.

    A filter is a bitmap of the matching rows, made once and outside the measured time.
    """

    def __init__(self, facts: Facts, *, graph: bool) -> None:
        self.facts = facts
        self._graph = graph
        self._index: Any = None
        self._effort = facts.efforts[0] if graph else 0
        self._fields: dict[str, list[int]] = {field: [] for field in _FIELDS}

    def create(self, folder: Path, dimension: int) -> None:
        self._folder = folder
        if self._graph:
            self._index = _LIBRARY.IndexHNSWFlat(dimension, 16, faiss.METRIC_INNER_PRODUCT)
            self._index.hnsw.efConstruction = 100
        else:
            self._index = _LIBRARY.IndexFlatIP(dimension)

    def reopen(self, folder: Path) -> None:
        self._index = _LIBRARY.read_index(str(folder / "index.faiss"))
        with np.load(folder / "fields.npz") as fields:
            self._fields = {field: fields[field].tolist() for field in _FIELDS}

    def ingest(self, batch: Batch) -> None:
        self._index.add(batch.vectors)
        for field in _FIELDS:
            self._fields[field] += [metadata[field] for metadata in batch.metadata]

    def make_searchable(self) -> None:
        _LIBRARY.write_index(self._index, str(self._folder / "index.faiss"))
        np.savez(self._folder / "fields.npz", **self._fields)  # type: ignore[arg-type]  # the arrays' names

    def filter(self, condition: Condition) -> tuple[Any, npt.NDArray[np.uint8]]:  # Any: as above
        bits = np.packbits(matches(np.array(self._fields[condition.field]), condition), bitorder="little")
        return _LIBRARY.IDSelectorBitmap(len(bits), _LIBRARY.swig_ptr(bits)), bits

    def set_effort(self, effort: int) -> None:
        self._effort = effort

    def search(self, query: Vectors, filter: tuple[Any, npt.NDArray[np.uint8]] | None) -> list[Hit]:
        selector = filter[0] if filter else None
        if self._graph:
            parameters = _LIBRARY.SearchParametersHNSW(efSearch=self._effort, sel=selector)
        else:
            parameters = _LIBRARY.SearchParameters(sel=selector)
        _, rows = self._index.search(query[np.newaxis], TOP_K, params=parameters)
        return [Hit(str(row)) for row in rows[0].tolist() if row >= 0]

    def close(self) -> None:
        self._index = None


def hnsw() -> Faiss:
    return Faiss(
        Facts(
            library="faiss-cpu",
            imports="import faiss",
            batch=10_000,
            acknowledged="in memory, linked",
            searchable="`write_index`: nothing is left to build, the index is saved",
            settings="IndexHNSWFlat, m=16, efConstruction=100; ids only",
            effort="efSearch",
            efforts=(16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512),
            ids_only=True,
        ),
        graph=True,
    )


def flat() -> Faiss:
    return Faiss(
        Facts(
            library="faiss-cpu",
            imports="import faiss",
            batch=10_000,
            acknowledged="in memory",
            searchable="`write_index`: nothing is to build, the index is saved",
            settings="IndexFlatIP, exact; ids only",
            ids_only=True,
        ),
        graph=False,
    )
