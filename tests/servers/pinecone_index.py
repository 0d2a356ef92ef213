"""What one index of the tests' Pinecone holds, and its limits: https://docs.pinecone.io/reference/api/database-limits."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from tests.servers.pinecone_filters import Refused, check, compiled

Json = dict[str, Any]

MOST_VECTORS, LARGEST_UPSERT = 1000, 2 * 2**20
LARGEST_METADATA = 40 * 2**10
MOST_FOUND, LARGEST_ANSWER = 10_000, 4 * 2**20
DEFAULT = "__default__"
_NAMESPACE = re.compile(r"[\x01-\x7f]{1,512}")


class Record:
    """A vector, as Pinecone has it: in float32."""

    __slots__ = ("id", "metadata", "values")

    def __init__(self, id: str, values: npt.NDArray[np.float32], metadata: Json) -> None:
        self.id = id
        self.values = values
        self.metadata = metadata


class Namespace:
    """Records, and writes that reads don't see yet.

    Attributes:
        records: What reads see.
        applied: Up to where in the log that is.
    """

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.applied = 0
        self._at = 0
        self._waiting: list[tuple[int, int, Callable[[dict[str, Record]], None]]] = []
        self._reads = 0

    def write(self, change: Callable[[dict[str, Record]], None], lag: int) -> int:
        """Do this after so many reads; return where in the log it is."""
        self._at += 1
        self._waiting.append((self._at, self._reads + lag, change))
        self._catch_up()
        return self._at

    def read(self) -> dict[str, Record]:
        self._reads += 1
        self._catch_up()
        return self.records

    def _catch_up(self) -> None:
        while self._waiting and self._waiting[0][1] <= self._reads:
            self.applied, _, change = self._waiting.pop(0)
            change(self.records)


class Index:
    """The requests of the data plane; each returns a JSON object, and where in the log it is."""

    def __init__(self, description: Json) -> None:
        vectors = description["schema"]["fields"]["_values"]
        self.description = description
        self._dimension: int = vectors["dimension"]
        self._metric: str = vectors["metric"]
        self._namespaces: dict[str, Namespace] = {}

    def upsert(self, body: Json, size: int, lag: int) -> tuple[Json, int]:
        if size > LARGEST_UPSERT:
            raise Refused(
                400, f"Error, message length too large: found {size} bytes, the limit is: {LARGEST_UPSERT} bytes"
            )
        vectors = body["vectors"]
        if not 0 < len(vectors) <= MOST_VECTORS:
            raise Refused(400, f"An upsert takes 1 to {MOST_VECTORS} vectors, got {len(vectors)}")
        records = [self._record(vector) for vector in vectors]
        new = {record.id: record for record in records}
        return {"upsertedCount": len(new)}, self._made(body).write(lambda old: old.update(new), lag)

    def query(self, body: Json) -> tuple[Json, int]:
        top_k, condition = body["topK"], body.get("filter")
        if not 1 <= top_k <= MOST_FOUND:
            raise Refused(400, f"topK must be 1 to {MOST_FOUND}, got {top_k}")
        query = self._vector(body["vector"], "the query")
        namespace, found = self._found(body, condition)
        matches: list[Json] = []
        if found:
            scores = self._scores(query, np.stack([record.values for record in found]))
            order = np.argsort(scores if self._metric == "euclidean" else -scores, kind="stable")[:top_k]
            matches = [{"id": found[at].id, "score": float(np.float32(scores[at]))} for at in order]
            for match, at in zip(matches, order, strict=True):
                if body.get("includeValues"):
                    match["values"] = found[at].values
                if body.get("includeMetadata"):
                    match["metadata"] = found[at].metadata
        answer = {"matches": matches, "namespace": body.get("namespace", ""), "usage": {"readUnits": 1}}
        if (size := len(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY))) > LARGEST_ANSWER:
            raise Refused(400, f"The answer has {size} bytes, which is more than {LARGEST_ANSWER}; lower topK")
        return answer, namespace.applied

    def fetch(self, body: Json) -> tuple[Json, int]:
        namespace = self._named(body)
        records = namespace.read()
        found = {id: _shown(records[id]) for id in body["ids"] if id in records}
        return {"vectors": found, "namespace": body.get("namespace", ""), "usage": {"readUnits": 1}}, namespace.applied

    def fetch_by_metadata(self, body: Json) -> tuple[Json, int]:
        limit = body.get("limit", 100)
        if not 1 <= limit <= MOST_FOUND:
            raise Refused(400, f"limit must be 1 to {MOST_FOUND}, got {limit}")
        namespace, found = self._found(body, body["filter"])
        after = body.get("paginationToken", "")
        rest = sorted((record for record in found if record.id > after), key=lambda record: record.id)
        answer: Json = {
            "vectors": {record.id: _shown(record) for record in rest[:limit]},
            "namespace": body.get("namespace", ""),
            "usage": {"readUnits": 1},
        }
        if len(rest) > limit:
            answer["pagination"] = {"next": rest[limit - 1].id}
        return answer, namespace.applied

    def delete(self, body: Json, lag: int) -> tuple[Json, int]:
        namespace = self._namespaces.get(_namespace(body))
        if namespace is None:
            raise Refused(404, "Namespace not found", "NOT_FOUND")
        if body.get("deleteAll"):
            return {}, namespace.write(dict.clear, 0)
        ids = body["ids"]
        if len(ids) > MOST_VECTORS:
            raise Refused(400, f"A delete takes up to {MOST_VECTORS} ids, got {len(ids)}")

        def remove(records: dict[str, Record]) -> None:
            for id in ids:
                records.pop(id, None)

        return {}, namespace.write(remove, lag)

    def delete_namespace(self, name: str) -> tuple[Json, int]:
        if self._namespaces.pop(name, None) is None:
            raise Refused(404, f"Namespace {name} not found", "NOT_FOUND")
        return {}, 0

    def stats(self) -> tuple[Json, int]:
        counts = {name: len(namespace.read()) for name, namespace in self._namespaces.items()}
        return {
            "namespaces": {name: {"vectorCount": count} for name, count in counts.items()},
            "dimension": self._dimension,
            "totalVectorCount": sum(counts.values()),
            "metric": self._metric,
            "vectorType": "dense",
        }, 0

    def _found(self, body: Json, condition: Json | None) -> tuple[Namespace, list[Record]]:
        namespace = self._named(body)
        records = namespace.read().values()
        if condition is None:
            return namespace, list(records)
        check(condition)
        matches = compiled(condition)
        return namespace, [one for one in records if matches(one.metadata)]

    def _scores(self, query: npt.NDArray[np.float64], vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        many = vectors.astype(np.float64)
        if self._metric == "euclidean":
            apart = many - query
            return np.asarray(np.einsum("ij,ij->i", apart, apart))
        products = np.einsum("ij,j->i", many, query)
        if self._metric == "cosine":
            products = products / np.sqrt(np.einsum("ij,ij->i", many, many)) / np.linalg.norm(query)
        return np.asarray(products)

    def _record(self, vector: Json) -> Record:
        id, metadata = vector["id"], vector.get("metadata") or {}
        if not id or not id.isascii() or "\0" in id or len(id) > 512:
            raise Refused(400, f"Vector ID must be 1 to 512 ASCII characters, but got {id!r:.60}")
        for name, value in metadata.items():
            is_list = isinstance(value, list) and all(isinstance(one, str) for one in value)
            if name.startswith("$") or not (is_list or isinstance(value, str | bool | int | float)):
                raise Refused(
                    400,
                    "Metadata value must be a string, number, boolean or list of strings, "
                    f"got {value!r:.60} for field {name!r:.60}",
                )
        size = len(orjson.dumps(metadata))
        if size > LARGEST_METADATA:
            raise Refused(
                400, f"Metadata size is {size} bytes, which exceeds the limit of {LARGEST_METADATA} bytes per vector"
            )
        kept = {name: float(value) if type(value) is int else value for name, value in metadata.items()}
        return Record(id, self._vector(vector["values"], id).astype(np.float32), kept)

    def _vector(self, values: list[float], whose: str) -> npt.NDArray[np.float64]:
        if len(values) != self._dimension:
            raise Refused(
                400, f"Vector dimension {len(values)} does not match the dimension of the index {self._dimension}"
            )
        if not any(values):
            raise Refused(400, f"Dense vectors must contain at least one non-zero value: {whose}")
        return np.array(values, np.float64)

    def _named(self, body: Json) -> Namespace:
        return self._namespaces.get(_namespace(body)) or Namespace()

    def _made(self, body: Json) -> Namespace:
        return self._namespaces.setdefault(_namespace(body), Namespace())


def _namespace(body: Json) -> str:
    name = body.get("namespace") or DEFAULT
    if not _NAMESPACE.fullmatch(name):
        raise Refused(400, f"A namespace must be 1 to 512 ASCII characters, got {name!r:.60}")
    return str(name)


def _shown(record: Record) -> Json:
    return {"id": record.id, "values": record.values, "metadata": record.metadata}
