"""Documents as Chroma's records, and filters as its conditions.

A record's id and document are the document's id and text, its embedding is the vector, and its metadata has

    the document's own fields    by dotted name, as `onevec.facets.flattened` has them
    number:year                  what ranges compare, see `onevec.facets.numbers_of`: with an integer, Chroma would
                                 compare only the whole part of 0.5
    year=                        the facet of the field's value, as in `year=n:1958`, without what stands before
    onevec:facets                the other facets, see `onevec.facets`
    onevec:metadata              the metadata as `onevec.codec` writes it, which comes back equal
    onevec:created, :updated     microseconds since 1970
    onevec:vector                the vector's bytes, under cosine and where it isn't of length 1
    onevec:textless              True, where there is no text and Chroma's document is empty

No field that a filter can name has a `:` or a `=`, so these are nobody's own. Facets of values have keys of their own,
as Chroma can ask for several of a key's values at once, but only for one element of a list.

Under cosine the embeddings have length 1 and the distance is that of `ip`, which is then the same: under Chroma's own
`cosine`, vectors come back from its index changed by rounding errors.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from onevec.adapter import Found
from onevec.codec import encode
from onevec.compile.dicts import Dict, DictCompiler
from onevec.documents import Document, Metadata
from onevec.facets import Flat, facets_of, flattened, numbers_of
from onevec.metrics import Metric
from onevec.remote import Row, document_of, units

if TYPE_CHECKING:
    import numpy.typing as npt

# Chroma's names for how it measures: https://docs.trychroma.com/docs/collections/configure
SPACES: Mapping[Metric, str] = {Metric.COSINE: "ip", Metric.DOT: "ip", Metric.EUCLIDEAN: "l2"}

TEXTS = ["metadatas", "documents"]
VECTORS = ["embeddings"]
_NUMBER = "number:"
_GROUP = 100  # conditions side by side: SQLite, under Chroma, takes 1,000 in each other


class ChromaCompiler(DictCompiler):
    """Conditions on Chroma's metadata; a long list of them becomes a tree."""

    some = "$contains"
    none = "$not_contains"
    singly = True

    def __init__(self) -> None:
        super().__init__(facets="onevec:facets", numbers=_NUMBER)

    def has(self, some: Sequence[str]) -> Dict:
        values, others = _split(some)
        parts = [{key: {"$in": wanted}} for key, wanted in values.items()]
        return self.any_of([*parts, super().has(others)] if others else parts)

    def lacks(self, all: Sequence[str]) -> Dict:
        values, others = _split(all)
        parts = [{key: {"$nin": wanted}} for key, wanted in values.items()]
        return self.all_of([*parts, super().lacks(others)] if others else parts)

    def all_of(self, parts: Sequence[Dict]) -> Dict:
        return super().all_of(_grouped(parts, super().all_of))

    def any_of(self, parts: Sequence[Dict]) -> Dict:
        return super().any_of(_grouped(parts, super().any_of))


def records_of(
    rows: Sequence[Row], metric: Metric, old: Mapping[str, Metadata]
) -> dict[str, Any]:  # Any: the arguments of Chroma's `upsert`
    """Return the rows as records.

    Args:
        rows: What is to be written.
        metric: What the vectors are measured by.
        old: The metadata of the records that are there already: Chroma merges, so what isn't new is set to None.
    """
    vectors, changed = measured(metric, np.stack([row.vector for row in rows]))
    return {
        "ids": [row.id for row in rows],
        "embeddings": list(vectors),
        "metadatas": [
            {**dict.fromkeys(old.get(row.id) or ()), **_metadata(row, keeps_vector=kept)}
            for row, kept in zip(rows, changed, strict=True)
        ],
        "documents": [row.text or "" for row in rows],
    }


def measured(metric: Metric, vectors: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Return the vectors as Chroma measures them, and which are not what they were."""
    return units(vectors) if metric is Metric.COSINE else (vectors, np.zeros(len(vectors), np.bool_))


def documents_of(answer: Mapping[str, Any]) -> list[Document]:  # Any: what Chroma's `get` returns
    """Return the documents of an answer with `TEXTS`, and with their vectors if it has `VECTORS`."""
    columns = (answer["ids"], answer["documents"], answer["metadatas"], answer["embeddings"])
    count = len(answer["ids"])
    filled = [[None] * count if column is None else column for column in columns]
    return [_document(*record) for record in zip(*filled, strict=True)]


def found_in(answer: Mapping[str, Any], metric: Metric) -> list[Found]:  # Any: what Chroma's `query` returns
    """Return what the one query of an answer found, with its distances."""
    first = {name: None if column is None else column[0] for name, column in answer.items() if name != "included"}
    distances = [_distance(metric, distance) for distance in first["distances"] or ()]
    return list(zip(documents_of(first), distances, strict=True))


def _split(facets: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
    """The facets of values, by the keys that they have in Chroma, and the others."""
    values: dict[str, list[str]] = {}
    others: list[str] = []
    for facet in facets:
        name, equals, value = facet.partition("=")
        if equals and not name.endswith("[]"):
            values.setdefault(name + equals, []).append(value)
        else:
            others.append(facet)
    return values, others


def _grouped(parts: Sequence[Dict], join: Callable[[Sequence[Dict]], Dict]) -> Sequence[Dict]:
    while len(parts) > _GROUP:
        parts = [join(parts[start : start + _GROUP]) for start in range(0, len(parts), _GROUP)]
    return parts


def _distance(metric: Metric, distance: float) -> float:
    match metric:
        case Metric.COSINE:
            return min(max(distance, 0.0), 2.0)
        case Metric.DOT:
            return distance - 1.0
        case _:
            return float(np.sqrt(max(distance, 0.0)))  # Chroma's is squared


def _metadata(row: Row, *, keeps_vector: bool) -> dict[str, Flat]:
    fields = flattened(row.metadata)
    fields |= {_NUMBER + key: number for key, number in numbers_of(row.metadata).items()}
    values, others = _split(facets_of(row.metadata))
    fields |= {key: value for key, (value,) in values.items()}
    fields |= {
        "onevec:facets": others,
        "onevec:metadata": encode(row.metadata),
        "onevec:created": row.created,
        "onevec:updated": row.updated,
    }
    if keeps_vector:
        fields["onevec:vector"] = base64.b64encode(row.vector.astype("<f4").tobytes()).decode()
    if row.text is None:
        fields["onevec:textless"] = True
    return fields


def _document(id: str, text: str | None, fields: Mapping[str, Any] | None, embedding: Any) -> Document:  # Any: Chroma's
    assert fields is not None  # noqa: S101 (onevec writes no record without)
    vector = None
    if embedding is not None:
        kept = fields.get("onevec:vector")
        vector = np.array(embedding if kept is None else np.frombuffer(base64.b64decode(kept), "<f4"), np.float32)
    return document_of(
        id,
        text=None if "onevec:textless" in fields else text,
        metadata=fields["onevec:metadata"],
        created=fields["onevec:created"],
        updated=fields["onevec:updated"],
        vector=vector,
    )
