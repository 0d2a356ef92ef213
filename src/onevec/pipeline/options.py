"""The keywords of a search, as one value on their way through the pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from onevec.documents import Mode
from onevec.filters import FilterLike
from onevec.fusion import Method
from onevec.rerank import RerankerLike

# A condition in an engine's own language: a text, also with values; a dict; an object of its client's.
NativeFilter: TypeAlias = "str | tuple[str, Sequence[Any]] | Mapping[str, Any] | object"  # Any: the engine's values


class FusionOptions(NamedTuple):
    """What `Collection.search` takes for a hybrid search only; None where the caller leaves the choice."""

    fusion: Method | None = None
    vector_weight: float | None = None
    depth: int | None = None


class RerankOptions(NamedTuple):
    """What `Collection.search` takes to put its hits in another order; None where nothing is asked for."""

    rerank: RerankerLike | None = None
    rerank_depth: int | None = None
    min_rerank_score: float | None = None
    mmr: float | None = None


class SearchOptions(NamedTuple):
    """What `Collection.search` takes beside the query, as the caller gave it."""

    top_k: int
    filter: FilterLike | None
    ids: Iterable[str] | None
    min_score: float | None
    mode: Mode
    exact: bool
    include_vectors: bool
    on_unsupported: Literal["error", "scan"]
    ef_search: int | None = None
    nprobe: int | None = None
    fusing: FusionOptions = FusionOptions()
    reranking: RerankOptions = RerankOptions()
    native: NativeFilter | None = None
