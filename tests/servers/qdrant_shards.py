"""The bodies of Qdrant's REST API, executed on shards of qdrant-edge."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

Json = dict[str, Any]

# What a new collection says of itself, beside what it was told: Qdrant's defaults.
_HNSW = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10_000, "max_indexing_threads": 0}
_OPTIMIZER = {
    "deleted_threshold": 0.2,
    "vacuum_min_vector_number": 1000,
    "default_segment_number": 0,
    "flush_interval_sec": 5,
}


class Refused(Exception):
    """The request is answered with this status."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class _Collection(NamedTuple):
    shard: Any
    config: Json


class Shards:
    """The collections of one store, each in a subfolder."""

    def __init__(self, folder: Path) -> None:
        import qdrant_edge

        self._edge: Any = qdrant_edge
        self._folder = folder
        self._made = 0
        self._collections: dict[str, _Collection] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        for collection in self._collections.values():
            collection.shard.close()

    def run(self, method: str, path: list[str], body: Json) -> object:
        """Return the `result` of a request."""
        match method, path:
            case "GET", ["collections"]:
                return {"collections": [{"name": name} for name in list(self._collections)]}
            case "PUT", ["collections", name]:
                return self._create(name, body)
            case "DELETE", ["collections", name]:
                return self._drop(name)
            case "GET", ["collections", name, "exists"]:
                return {"exists": name in self._collections}
            case _, ["collections", name, *rest]:
                collection = self._collections.get(name)
                if collection is None:
                    raise Refused(404, f"Not found: Collection `{name}` doesn't exist!")
                try:
                    return self._in(collection, f"{method} {'/'.join(rest)}".strip(), body)
                except Refused:
                    raise
                except Exception as error:
                    raise Refused(400, f"Wrong input: {error}") from error
            case _:
                raise Refused(501, f"{method} /{'/'.join(path)} isn't served")

    def _create(self, name: str, body: Json) -> bool:
        edge, vectors = self._edge, body["vectors"]
        with self._lock:
            if name in self._collections:
                raise Refused(409, f"Wrong input: Collection `{name}` already exists!")
            self._made += 1  # a subfolder is never used twice
            shard = edge.EdgeShard.create(
                str(self._folder / str(self._made)),
                edge.EdgeConfig(
                    vectors=edge.EdgeVectorParams(
                        size=vectors["size"], distance=getattr(edge.Distance, vectors["distance"])
                    ),
                    wal_enabled=False,
                ),
            )
            config = {"params": {"vectors": vectors}, "hnsw_config": _HNSW, "optimizer_config": _OPTIMIZER}
            self._collections[name] = _Collection(shard, {**config, "metadata": body.get("metadata")})
        return True

    def _drop(self, name: str) -> bool:
        with self._lock:
            collection = self._collections.pop(name, None)
        if collection is not None:
            collection.shard.close()
        return collection is not None

    def _in(self, collection: _Collection, request: str, body: Json) -> object:
        edge, shard = self._edge, collection.shard
        match request:
            case "GET":
                return self._about(collection)
            case "PATCH":
                return self._configure(collection, body)
            case "PUT index":
                return _update(shard, edge.UpdateOperation.create_field_index(body["field_name"], self._index(body)))
            case "PUT points":
                points = [edge.Point(point["id"], point["vector"], point["payload"]) for point in body["points"]]
                return _update(shard, edge.UpdateOperation.upsert_points(points))
            case "POST points":
                return [_shown(one) for one in shard.retrieve(body["ids"], body["with_payload"], body["with_vector"])]
            case "POST points/delete" if "points" in body:
                return _update(shard, edge.UpdateOperation.delete_points(body["points"]))
            case "POST points/delete":
                return _update(shard, edge.UpdateOperation.delete_points_by_filter(self._filter(body["filter"])))
            case "POST points/scroll":
                found, after = shard.scroll(
                    edge.ScrollRequest(
                        offset=body.get("offset"),
                        limit=body["limit"],
                        filter=self._filter(body.get("filter")),
                        with_payload=body["with_payload"],
                        with_vector=body["with_vector"],
                    )
                )
                return {"points": list(map(_shown, found)), "next_page_offset": after and str(after)}
            case "POST points/count":
                count = edge.CountRequest(filter=self._filter(body.get("filter")), exact=body["exact"])
                return {"count": shard.count(count)}
            case "POST points/query":
                return {"points": [{**_shown(one), "score": one.score} for one in shard.query(self._query(body))]}
            case "POST facet":
                facets = edge.FacetRequest(key=body["key"], limit=min(body["limit"], 100_000), exact=body["exact"])
                return {"hits": [{"value": hit.value, "count": hit.count} for hit in shard.facet(facets)]}
            case _:
                raise Refused(501, f"{request} isn't served")

    def _index(self, body: Json) -> Any:
        schema = body["field_schema"]
        options = {"type": schema} if isinstance(schema, str) else dict(schema)
        return getattr(self._edge, f"{options.pop('type').capitalize()}IndexParams")(**options)

    def _about(self, collection: _Collection) -> Json:
        info = collection.shard.info()
        return {
            "status": "green",
            "optimizer_status": "ok",
            "points_count": info.points_count,
            "indexed_vectors_count": info.indexed_vectors_count,
            "segments_count": info.segments_count,
            "config": collection.config,
            "payload_schema": {
                path: {"data_type": str(index.data_type).rpartition(".")[2].lower(), "points": index.points}
                for path, index in info.payload_schema.items()
            },
        }

    def _configure(self, collection: _Collection, body: Json) -> bool:
        """Remember the settings, and refuse what Qdrant would; the shard stays unindexed, as a small one does."""
        unknown = body.keys() - {"hnsw_config", "quantization_config"}
        if unknown:
            raise Refused(501, f"{unknown} can't be changed here")
        collection.config["hnsw_config"] = {**collection.config["hnsw_config"], **body.get("hnsw_config", {})}
        quantization = body.get("quantization_config")
        collection.config["quantization_config"] = None if quantization == "Disabled" else quantization
        return True

    def _query(self, body: Json) -> Any:
        edge, params = self._edge, body.get("params") or {}
        return edge.QueryRequest(
            limit=body["limit"],
            query=edge.Query.Nearest(body["query"]["nearest"]),
            filter=self._filter(body.get("filter")),
            params=edge.SearchParams(exact=params.get("exact", False), hnsw_ef=params.get("hnsw_ef")),
            with_payload=body["with_payload"],
            with_vector=body["with_vector"],
        )

    def _filter(self, filter: Json | None) -> Any:
        if filter is None:
            return None
        words = {word: parts if isinstance(parts, list) else [parts] for word, parts in filter.items()}
        return self._edge.Filter(**{word: list(map(self._condition, parts)) for word, parts in words.items()})

    def _condition(self, condition: Json) -> Any:
        edge = self._edge
        if "has_id" in condition:
            return edge.HasIdCondition(set(condition["has_id"]))
        if "key" not in condition:
            return self._filter(condition)
        if "range" in condition:
            return edge.FieldCondition(condition["key"], range=edge.RangeFloat(**condition["range"]))
        ((kind, value),) = condition["match"].items()
        matches: Mapping[str, Any] = {
            "value": edge.MatchValue,
            "any": edge.MatchAny,
            "prefix": edge.MatchPrefix,
            "substring": edge.MatchSubstring,
        }
        return edge.FieldCondition(condition["key"], match=matches[kind](value))


def _update(shard: Any, operation: Any) -> Json:
    shard.update(operation)
    return {"operation_id": 0, "status": "completed"}


def _shown(point: Any) -> Json:
    return {"id": str(point.id), "version": 0, "payload": point.payload, "vector": point.vector}
