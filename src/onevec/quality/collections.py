"""The quality of a collection's vectors, on a sample that depends on ids and seed alone."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from heapq import heappush, heappushpop
from typing import TYPE_CHECKING, Any

import numpy as np

from onevec.errors import InvalidQuery
from onevec.filters import FilterLike, field
from onevec.matching import MISSING, lookup
from onevec.quality.labels import numbered
from onevec.quality.libraries import check_libraries
from onevec.quality.measuring import measured
from onevec.quality.result import EmbeddingQuality
from onevec.quality.settings import NEAR_DUPLICATE, SAMPLE, Settings
from onevec.runtime import AsyncRuntime

if TYPE_CHECKING:
    from onevec.aio import AsyncCollection
    from onevec.collection import Collection
    from onevec.documents import CollectionInfo, Document, Progress

_TOLD_EVERY = 1000


def collection_quality(
    collection: Collection,
    *,
    label: str | None = None,
    filter: FilterLike | None = None,
    sample: int | None = SAMPLE,
    seed: int = 0,
    clusters: int | None = None,
    near_duplicate: float = NEAR_DUPLICATE,
    on_progress: Progress | None = None,
) -> EmbeddingQuality:
    """Measure how good the vectors of a collection's namespace are; see `embedding_quality`.

    The sample is a random one that depends on ids and seed only: the same documents have the same sample on every
    engine. All ids are read, and the vectors of the sample.

    Args:
        collection: The handle; its namespace is measured.
        label: The (dotted) metadata field with each document's label: a string, number, boolean or datetime.
        filter: Only documents that match.
        sample: How many documents to measure at most; None for all.
        seed: What random choices are made with.
        clusters: How many clusters to look for. Default: as many as give the highest silhouette.
        near_duplicate: The cosine from which on two vectors are near-duplicates.
        on_progress: Called as `on_progress(done, total)` with how many ids have been read; total is None.

    Raises:
        InvalidInput: A setting is outside its range, or no document has a label.
        EngineNotInstalled: scikit-learn is missing.
    """
    info = collection.info()
    settings = Settings(metric=info.metric, sample=sample, seed=seed, clusters=clusters, near_duplicate=near_duplicate)
    work = _Work(info, settings, label, on_progress)
    for document in collection.scan(filter=filter, include_vectors=False):
        work.see(document)
    return work.result(collection.get_many(work.sample.ids()))


async def collection_quality_async(
    collection: AsyncCollection,
    *,
    label: str | None = None,
    filter: FilterLike | None = None,
    sample: int | None = SAMPLE,
    seed: int = 0,
    clusters: int | None = None,
    near_duplicate: float = NEAR_DUPLICATE,
    on_progress: Progress | None = None,
) -> EmbeddingQuality:
    """Do what `collection_quality` does, without holding up the event loop: a worker thread measures."""
    info = await collection.info()
    settings = Settings(metric=info.metric, sample=sample, seed=seed, clusters=clusters, near_duplicate=near_duplicate)
    work = _Work(info, settings, label, on_progress)
    async for document in collection.scan(filter=filter, include_vectors=False):
        work.see(document)
    documents = await collection.get_many(work.sample.ids())
    io = AsyncRuntime(workers=1)
    try:
        return await io.offload(work.result, documents)
    finally:
        await io.close()


class Sample:
    """A random sample of the ids seen: those with the least keyed hashes, whatever the order they come in.

    Source: bottom-k sampling, Cohen and Kaplan, Summarizing data using bottom-k sketches (2007).
    """

    def __init__(self, size: int | None, seed: int) -> None:
        self.seen = 0
        self._size = size
        self._key = seed.to_bytes(8, "big")
        self._kept: list[tuple[int, str]] = []  # a heap, with the largest hash at its top

    def see(self, id: str) -> None:
        self.seen += 1
        place = -int.from_bytes(blake2b(id.encode(), key=self._key, digest_size=16).digest())
        if self._size is None or len(self._kept) < self._size:
            heappush(self._kept, (place, id))
        else:
            heappushpop(self._kept, (place, id))

    def ids(self) -> list[str]:
        """Return those chosen, in order."""
        return sorted(id for _, id in self._kept)


class _Work:
    """What both surfaces do with the documents that they read."""

    def __init__(
        self, info: CollectionInfo, settings: Settings, label: str | None, on_progress: Progress | None
    ) -> None:
        check_libraries()
        self._dimension = info.dimension
        self._settings = settings
        self._label = label
        self._path = () if label is None else field(label).exists().path
        self._on_progress = on_progress
        self.sample = Sample(settings.sample, settings.seed)

    def see(self, document: Document) -> None:
        self.sample.see(document.id)
        if self._on_progress is not None and self.sample.seen % _TOLD_EVERY == 0:
            self._on_progress(self.sample.seen, None)

    def result(self, documents: Sequence[Document]) -> EmbeddingQuality:
        matrix = np.array([document.vector for document in documents], np.float64).reshape(-1, self._dimension)
        labels = numbered([self._label_of(document) for document in documents])
        if self._label is not None and documents and not labels.names:
            raise InvalidQuery(
                f"none of the {len(documents)} documents has a string, number, boolean or datetime in the field "
                f"{self._label!r}, which is to be its label"
            )
        ids = [document.id for document in documents]
        return measured(matrix, ids, labels, self._settings, total=self.sample.seen)

    def _label_of(self, document: Document) -> Any:  # Any: a metadata value
        if self._label is None:
            return None
        value = lookup(document.metadata, self._path)
        return None if value is MISSING or isinstance(value, list | dict) else value
