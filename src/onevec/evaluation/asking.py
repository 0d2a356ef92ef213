"""Asking collections and functions all queries, for their rankings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from inspect import isawaitable, iscoroutine
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, TypeVar

from onevec.documents import Document, Hit, SearchQuery, SearchResult
from onevec.errors import InvalidInput
from onevec.evaluation.runs import Ranked, Ranking, as_run
from onevec.runtime import BlockingRuntime, Runtime

if TYPE_CHECKING:
    from onevec.collection import Collection

Options: TypeAlias = Mapping[str, Any]  # Any: keywords of a search
Retriever: TypeAlias = "Callable[[str], Iterable[Hit | str] | Awaitable[Iterable[Hit | str]]]"
Queries: TypeAlias = "Mapping[str, str | SearchQuery]"

T = TypeVar("T")

_AT_ONCE = 32
_IDS_AT_ONCE = 500


class Asked(Protocol):
    """What an evaluation awaits of a collection."""

    async def search_batch(
        self, queries: Iterable[str | SearchQuery], /, *, top_k: int, **options: Any
    ) -> list[SearchResult]: ...

    async def get_many(self, ids: Iterable[str], /, *, include_vectors: bool) -> list[Document]: ...


class InPlace:
    """A sync collection under these calls; none of them suspends."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def search_batch(
        self, queries: Iterable[str | SearchQuery], /, *, top_k: int, **options: Any
    ) -> list[SearchResult]:
        return self._collection.search_batch(queries, top_k=top_k, **options)

    async def get_many(self, ids: Iterable[str], /, *, include_vectors: bool) -> list[Document]:
        return self._collection.get_many(ids, include_vectors=include_vectors)


class Search(NamedTuple):
    """A collection, and how it is searched, as a system to evaluate.

    Attributes:
        collection: A collection, of the API that the evaluation is called in.
        options: Keywords of its `search`, such as `{"mode": "hybrid", "fusion": "weighted"}`.
    """

    collection: Any  # Any: a collection of either API, or what wraps it
    options: Options


class Question(NamedTuple):
    """How systems are asked.

    Attributes:
        queries: By id.
        top_k: How many hits are asked for.
        id_field: The metadata field that has the judged document's id; None where that is the document's own.
        tell: Called with how many queries were answered.
    """

    queries: Queries
    top_k: int
    id_field: str | None
    tell: Callable[[int], None]


async def searched(search: Search, question: Question) -> dict[str, Ranking]:
    """Return what a collection finds for each query."""
    found: dict[str, Ranking] = {}
    for some in _parts(list(question.queries.items()), _AT_ONCE):
        results = await search.collection.search_batch(
            [query for _, query in some], top_k=question.top_k, **search.options
        )
        for (id, _), result in zip(some, results, strict=True):
            found[id] = _ranking(result, question.id_field)
        question.tell(len(some))
    return found


async def answered(io: Runtime, function: Retriever, question: Question) -> dict[str, Ranking]:
    """Return what a function finds for each query's text.

    Raises:
        InvalidInput: A query has no text, or the function is a coroutine function of a program without a loop.
    """
    found: dict[str, Ranking] = {}
    for id, query in question.queries.items():
        text = query.text if isinstance(query, SearchQuery) else query
        if text is None:
            raise InvalidInput(f"query {id!r} has no text to call a function with")
        found[id] = _ranking(islice(await _called(io, function, text), question.top_k), question.id_field)
        question.tell(1)
    return as_run(found)


async def missing(collection: Asked, ids: Iterable[str]) -> list[str]:
    """Return those of the documents that a collection doesn't have."""
    gone: list[str] = []
    for some in _parts(list(ids), _IDS_AT_ONCE):
        there = {document.id for document in await collection.get_many(some, include_vectors=False)}
        gone += [id for id in some if id not in there]
    return gone


async def _called(io: Runtime, function: Retriever, text: str) -> Iterable[Hit | str]:
    result = await io.offload(function, text)
    if not isawaitable(result):
        return result
    if isinstance(io, BlockingRuntime):
        if iscoroutine(result):
            result.close()  # else Python complains that nobody awaited it
        raise InvalidInput("a function that has to be awaited goes to evaluate_async")
    return await result


def _ranking(hits: Iterable[Hit | str], id_field: str | None) -> Ranking:
    """The hits' documents, each where its best hit stands."""
    places: dict[str, float] = {}
    for rank, hit in enumerate(hits, 1):
        if isinstance(hit, Hit):
            places.setdefault(_judged_id(hit, id_field), _score(hit))
        else:
            places.setdefault(hit, -float(rank))
    return tuple(Ranked(id, score) for id, score in places.items())


def _judged_id(hit: Hit, id_field: str | None) -> str:
    if id_field is None:
        return hit.id
    value = hit.metadata.get(id_field)
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise InvalidInput(f"document {hit.id!r} has no text or whole number in {id_field!r} to be judged by")
    return str(value)


def _score(hit: Hit) -> float:
    """What ordered the hit."""
    if hit.reranked is not None and hit.reranked.score is not None:
        return hit.reranked.score
    return hit.score


def _parts(items: list[T], size: int) -> Iterator[list[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
