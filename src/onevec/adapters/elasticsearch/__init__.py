"""`elasticsearch`: an Elasticsearch server or cluster, an index for each collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import orjson

from onevec.adapter import Adapter, Batch, Change, Found, Place, Request
from onevec.adapters.elasticsearch.health import health
from onevec.adapters.elasticsearch.indices import Indices
from onevec.adapters.elasticsearch.link import Link
from onevec.adapters.elasticsearch.opening import ElasticsearchOptions, client_of
from onevec.adapters.elasticsearch.queries import (
    MOST,
    ElasticsearchCompiler,
    counting,
    matching,
    measure,
    nearest_query,
    query_vector,
    reading,
)
from onevec.adapters.elasticsearch.sources import Json, are_apart, cosine_distance, document_from, measured, writes_of
from onevec.capabilities import Capabilities
from onevec.documents import CollectionInfo, Document, Health, IndexSettings, Stats
from onevec.errors import OnevecError
from onevec.filters import Filter
from onevec.metrics import Metric
from onevec.remote import (
    Missing,
    Row,
    about,
    check_measurable,
    deleted,
    nearest,
    patched,
    point_id,
    rows_of,
    undated,
)
from onevec.runtime import Runtime
from onevec.values import moment_at

__all__ = ["ElasticsearchAdapter", "ElasticsearchOptions"]

_DELETED, _CHANGED = 200, 409  # as HTTP has it


class ElasticsearchAdapter(Adapter[ElasticsearchOptions]):
    """A server, by its REST API. A namespace is a field of the documents."""

    name = "elasticsearch"
    requires = ("elasticsearch", "aiohttp")
    options = ElasticsearchOptions
    capabilities: ClassVar[Capabilities] = Capabilities(
        metrics=frozenset(Metric),
        operators=ElasticsearchCompiler.operators,
        text_search=False,
        native_async=True,
        persistent=True,
        shared=True,
        atomic_batches=False,
        ordered_scan=True,
        max_batch=1000,
        max_batch_bytes=5_000_000,  # a server takes 100 MB of JSON, where a number has three times the bytes
        max_top_k=MOST,
        max_dimension=4096,
        index_kinds=frozenset({"flat", "hnsw"}),
        index_settings=frozenset({"m", "ef_construction", "quantization"}),
        search_settings=frozenset({"ef_search"}),
        native_filter="a query dict",
        durability="Every copy of the shard has the write in its log, synced to the disk, before the call returns.",
        consistency="The next read sees every write that has returned.",
    )

    def __init__(self, link: Link, indices: Indices) -> None:
        self.link = link
        self.indices = indices
        self.turns = None

    @classmethod
    async def open(cls, io: Runtime, options: ElasticsearchOptions) -> Self:
        link = Link(io, await client_of(io, options), f"{options.host}:{options.port}")
        shape = {"number_of_shards": options.shards, "number_of_replicas": options.replicas}
        settings = {name: number for name, number in shape.items() if number is not None}
        try:
            await link.call(link.client.info)
        except BaseException:
            await io.finish(link.call(link.client.close))
            raise
        return cls(link, Indices(link, options.prefix, settings))

    async def close(self) -> None:
        await self.link.call(self.link.client.close)

    @property
    def client(self) -> object:
        """The library's own `Elasticsearch`, or `AsyncElasticsearch`."""
        return self.link.client

    async def collections(self) -> list[CollectionInfo]:
        return await self.indices.all()

    async def collection(self, name: str) -> CollectionInfo | None:
        return await self.indices.one(name)

    async def create_collection(self, info: CollectionInfo) -> bool:
        return await self.indices.create(info)

    async def delete_collection(self, name: str) -> bool:
        return await self.indices.drop(name)

    async def namespaces(self, collection: CollectionInfo) -> list[str]:
        try:
            return await self._namespaces(collection)
        except Missing:
            raise deleted(collection) from None

    @about
    async def clear(self, place: Place) -> int:
        return await self._delete_matching(place, None)

    @about
    async def upsert(self, place: Place, batch: Batch) -> list[tuple[str, OnevecError]]:
        check_measurable(batch.vectors, batch.ids, measure(place.collection))
        ids = undated(batch)
        created = await self._created(place, ids) if ids else {}
        return await self._write(place, rows_of(batch, created), wait=batch.wait)

    @about
    async def update(self, place: Place, changes: Sequence[Change], now: int) -> list[tuple[str, OnevecError]]:
        for change in changes:
            if change.vector is not None:
                check_measurable(change.vector[None], [change.id], measure(place.collection))
        ids = list(dict.fromkeys(change.id for change in changes))
        found = await self._find(place, ids, reading(include_vectors=True))
        rows, missing = patched(changes, map(document_from, found), now)
        return missing + await self._write(place, rows, wait=True)

    @about
    async def get(self, place: Place, ids: Sequence[str], *, include_vectors: bool) -> list[Document]:
        return [document_from(hit) for hit in await self._find(place, ids, reading(include_vectors=include_vectors))]

    @about
    async def delete(self, place: Place, *, ids: Sequence[str] | None, filter: Filter | None) -> int:
        if ids is None:
            return await self._delete_matching(place, filter)
        return await self._delete(place, [{"_id": point_id(id, place.namespace)} for id in ids])

    @about
    async def count(self, place: Place, filter: Filter | None) -> int:
        found = await self._search(place, counting(matching(place, filter)))
        return int(found["hits"]["total"]["value"])

    @about
    async def page(
        self, place: Place, *, filter: Filter | None, after: str | None, limit: int, include_vectors: bool
    ) -> tuple[list[Document], str | None]:
        limit = min(limit, MOST - 1)
        hits = await self._page(place, filter, after, limit + 1, reading(include_vectors=include_vectors))
        documents = [document_from(hit) for hit in hits[:limit]]
        return documents, documents[-1].id if len(hits) > limit else None

    @about
    async def search(self, place: Place, request: Request) -> list[Found]:
        metric, query = place.collection.metric, query_vector(place.collection, request)
        by_score = metric is Metric.COSINE and not request.include_vectors

        async def find(limit: int, *, exact: bool) -> list[Found]:
            body = nearest_query(place, request, query, limit, exact=exact, vectors=not by_score)
            hits = await self._hits(place, body)
            if by_score:
                return [(document_from(hit), cosine_distance(hit["_score"], exact=exact)) for hit in hits]
            return [(document_from(hit), -hit["_score"]) for hit in hits]

        top_k = request.top_k if request.ids is None else min(request.top_k, len(request.ids))
        found = await nearest(find, top_k, exact=request.exact, most=MOST)
        if by_score:
            if are_apart(found):
                return found
            by_score = False
            found = await nearest(find, top_k, exact=request.exact, most=MOST)
        vector: Any = request.vector  # a vector search: no other is declared
        return measured(metric, vector, [document for document, _ in found], keep_vectors=request.include_vectors)

    def explain(self, place: Place, request: Request) -> Mapping[str, Any]:  # Any: JSON values
        limit, metric = min(request.top_k + 1, MOST), place.collection.metric
        query = query_vector(place.collection, request).tolist()
        vectors = request.include_vectors or metric is not Metric.COSINE
        return nearest_query(place, request, query, limit, exact=request.exact, vectors=vectors)

    @about
    async def stats(self, place: Place) -> Stats:
        newest = {"updated": {"max": {"field": "onevec.updated"}}}
        found = await self._search(place, {**counting(matching(place)), "aggs": newest})
        updated = found["aggregations"]["updated"]["value"]
        return Stats(
            documents=found["hits"]["total"]["value"],
            dimension=place.collection.dimension,
            updated_at=None if updated is None else moment_at(int(updated)),
        )

    async def health(self) -> Health:
        return await health(self.link, self.name)

    async def create_index(self, collection: CollectionInfo, settings: IndexSettings) -> None:
        try:
            await self.indices.index(collection, settings)
        except Missing:
            raise deleted(collection) from None

    @about
    async def optimize(self, place: Place) -> None:
        await self.indices.merge(place.collection)

    @about
    async def flush(self, place: Place) -> None:
        await self.indices.refresh(place.collection)

    async def check(self, collection: CollectionInfo) -> None:
        """Refuse a handle of a collection that was deleted, and perhaps made again."""
        if await self.indices.one(collection.name) != collection:
            raise deleted(collection)

    async def _created(self, place: Place, ids: Sequence[str]) -> dict[str, int]:
        """When those of the documents that are there were made, also those that no search sees yet."""
        answer = await self.link.call(
            self.link.client.mget,
            index=self.indices.alias(place.collection),
            ids=[point_id(id, place.namespace) for id in ids],
            source_includes=["id", "onevec.created"],
        )
        sources = [one["_source"] for one in answer["docs"] if one.get("found")]
        return {source["id"]: source["onevec"]["created"] for source in sources}

    async def _namespaces(self, collection: CollectionInfo) -> list[str]:
        names: list[str] = []
        pages: Json = {"size": MOST, "sources": [{"name": {"terms": {"field": "namespace"}}}]}
        while True:
            body = {"size": 0, "aggs": {"names": {"composite": pages}}}
            found = (await self._search(Place(collection, ""), body))["aggregations"]["names"]
            names += [bucket["key"]["name"] for bucket in found["buckets"]]
            if "after_key" not in found:
                return sorted(names)
            pages["after"] = found["after_key"]

    async def _search(self, place: Place, body: Json) -> Json:
        return await self.link.search(self.indices.alias(place.collection), body)

    async def _hits(self, place: Place, body: Json) -> list[Json]:
        found = await self._search(place, {"track_total_hits": False, **body})  # so that what can't be a hit is skipped
        hits: list[Json] = found["hits"]["hits"]
        return hits

    async def _find(self, place: Place, ids: Sequence[str], parts: Json) -> list[Json]:
        return await self._hits(place, {"query": matching(place, None, ids), "size": len(ids), **parts})

    async def _page(self, place: Place, filter: Filter | None, after: str | None, size: int, parts: Json) -> list[Json]:
        body = {"query": matching(place, filter), "size": size, "sort": [{"id": "asc"}], **parts}
        return await self._hits(place, body if after is None else {**body, "search_after": [after]})

    async def _write(self, place: Place, rows: Sequence[Row], *, wait: bool) -> list[tuple[str, OnevecError]]:
        if not rows:
            return []
        lines = await self.link.io.offload(writes_of, place, rows)
        outcomes = await self.link.bulk(self.indices.alias(place.collection), lines, refresh=wait)
        failed = [(row.id, one.error) for row, one in zip(rows, outcomes, strict=True) if one.error is not None]
        for _, error in failed:
            if error.retryable:  # the whole call can be made again: what it writes, it replaces
                raise error
        return failed

    async def _delete_matching(self, place: Place, filter: Filter | None) -> int:
        count, after = 0, None
        while True:
            parts = {"_source": False, "seq_no_primary_term": True}
            hits = await self._page(place, filter, after, MOST, parts)
            # What was changed meanwhile may match no more, and stays.
            seen = [
                {"_id": hit["_id"], "if_seq_no": hit["_seq_no"], "if_primary_term": hit["_primary_term"]}
                for hit in hits
            ]
            count += await self._delete(place, seen)
            if len(hits) < MOST:
                return count
            after = hits[-1]["sort"][0]

    async def _delete(self, place: Place, which: Sequence[Json]) -> int:
        """Delete documents, and return how many there were."""
        if not which:
            return 0
        lines = [orjson.dumps({"delete": one}) for one in which]
        outcomes = await self.link.bulk(self.indices.alias(place.collection), lines, refresh=True)
        for outcome in outcomes:
            if outcome.error is not None and outcome.status != _CHANGED:
                raise outcome.error
        return sum(outcome.status == _DELETED for outcome in outcomes)
