"""What says how well texts answer a query: the `Reranker` protocol, and the adapter for a plain function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from onevec.rerank.cross_encoder import CrossEncoderReranker
    from onevec.rerank.hosted import HostedReranker

__all__ = ["CrossEncoderReranker", "FunctionReranker", "HostedReranker", "Reranked", "Reranker", "RerankerLike"]

# Loaded when first asked for, so that `import onevec` stays light.
_LATER = {"CrossEncoderReranker": "onevec.rerank.cross_encoder", "HostedReranker": "onevec.rerank.hosted"}


if not TYPE_CHECKING:  # a type checker is to see the imports above, and to refuse names that are not there

    def __getattr__(name: str) -> object:
        if name not in _LATER:
            raise AttributeError(f"module 'onevec.rerank' has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_LATER[name]), name)
        return value


@runtime_checkable
class Reranker(Protocol):
    """Reads a query together with each text, which a vector made beforehand can't, and says how well they fit.

    Attributes:
        name: What a hit's explanation calls it.
    """

    @property
    def name(self) -> str: ...

    def score(self, query: str, texts: Sequence[str]) -> npt.NDArray[np.floating] | Sequence[float]:
        """Return one finite number a text, higher for better: shape (texts,).

        May block, and be called by several threads at once: async stores call it in a worker thread. A reranker that
        also has `async def score_async(query, texts)` is awaited by them instead.
        """


RerankerLike: TypeAlias = "Reranker | str | Callable[[str, list[str]], Any]"  # Any: numbers in any array-like


class FunctionReranker:
    """A plain function as a reranker.

    Example:
        >>> def shared_words(query, texts):
        ...     return [len(set(query.split()) & set(text.split())) for text in texts]
        >>> FunctionReranker(shared_words).name
        'function:shared_words'

    Args:
        function: Takes a query and a list of texts, returns one number a text.
        name: What explanations call it. Default: `function:` and the function's name.
    """

    def __init__(
        self,
        function: Callable[[str, list[str]], Any],  # Any: numbers in any array-like
        *,
        name: str | None = None,
    ) -> None:
        self._function = function
        self._name = name or f"function:{getattr(function, '__name__', type(function).__name__)}"

    @property
    def name(self) -> str:
        return self._name

    def score(self, query: str, texts: Sequence[str]) -> Any:  # Any: checked by the pipeline
        return self._function(query, list(texts))

    def __repr__(self) -> str:
        return f"<FunctionReranker {self._name}>"


class Reranked(NamedTuple):
    """What a reranker said of a hit.

    Attributes:
        reranker: The reranker's name.
        score: Its score of the hit's text, higher for better; None for a hit without a text.
        rank: The rank that the search alone gave the hit.
    """

    reranker: str
    score: float | None
    rank: int

    def __str__(self) -> str:
        if self.score is None:
            return f"not reranked, as it has no text (rank {self.rank} of the search)"
        return f"{self.reranker} {self.score:.4f} (rank {self.rank} of the search)"
