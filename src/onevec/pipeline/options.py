"""The keywords of a search, as one value on their way through the pipeline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from onevec.documents import Mode
from onevec.filters import FilterLike
from onevec.fusion import Method


class FusionOptions(NamedTuple):
    """What `Collection.search` takes for a hybrid search only; None where the caller leaves the choice."""

    fusion: Method | None = None
    vector_weight: float | None = None
    depth: int | None = None


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
