"""What turns texts into vectors: the `Embedder` protocol, and the adapter for a plain function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from onevec.embedders.cache import CachedEmbedder, EmbeddingCache
    from onevec.embedders.clip import ClipEmbedder
    from onevec.embedders.ensemble import EnsembleEmbedder
    from onevec.embedders.huggingface import HuggingFaceEmbedder
    from onevec.embedders.multimodal import MultimodalEmbedder
    from onevec.embedders.onnx import OnnxEmbedder
    from onevec.embedders.openai import OpenAIEmbedder
    from onevec.embedders.texts import TextEmbedder

__all__ = [
    "CachedEmbedder",
    "ClipEmbedder",
    "Embedder",
    "EmbedderLike",
    "EmbeddingCache",
    "EnsembleEmbedder",
    "FunctionEmbedder",
    "HuggingFaceEmbedder",
    "MultimodalEmbedder",
    "OnnxEmbedder",
    "OpenAIEmbedder",
    "TextEmbedder",
]

# Loaded when first asked for: they need NumPy.
_LATER = {
    "CachedEmbedder": "onevec.embedders.cache",
    "ClipEmbedder": "onevec.embedders.clip",
    "EmbeddingCache": "onevec.embedders.cache",
    "EnsembleEmbedder": "onevec.embedders.ensemble",
    "HuggingFaceEmbedder": "onevec.embedders.huggingface",
    "MultimodalEmbedder": "onevec.embedders.multimodal",
    "OnnxEmbedder": "onevec.embedders.onnx",
    "OpenAIEmbedder": "onevec.embedders.openai",
    "TextEmbedder": "onevec.embedders.texts",
}


if not TYPE_CHECKING:  # a type checker is to see the imports above, and to refuse names that are not there

    def __getattr__(name: str) -> object:
        if name not in _LATER:
            raise AttributeError(f"module 'onevec.embedders' has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_LATER[name]), name)
        return value


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into vectors.

    Attributes:
        name: What a collection records; the same name always gives the same vectors for the same text.
        dimension: How many numbers each vector has.
    """

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32] | Sequence[Sequence[float]]:
        """Return one vector a text: shape (texts, dimension). May block; async stores call it in a worker thread.

        An embedder that also has `async def embed_async(texts)` is awaited by them instead. One that has `for_queries`,
        another embedder, has queries embedded by that.
        """


EmbedderLike: TypeAlias = "Embedder | str | Callable[[list[str]], Any]"  # Any: a matrix of any array-like kind


class FunctionEmbedder:
    """A plain function as an embedder.

    Example:
        >>> def lengths(texts):
        ...     return [[len(text), 1.0] for text in texts]
        >>> FunctionEmbedder(lengths, dimension=2).name
        'function:lengths'

    Args:
        function: Takes a list of texts, returns a matrix of shape (texts, dimension).
        dimension: How many numbers each vector has. Default: found by embedding one text.
        name: What the collection records. Default: `function:` and the function's name.
    """

    def __init__(
        self,
        function: Callable[[list[str]], Any],  # Any: a matrix of any array-like kind
        *,
        dimension: int | None = None,
        name: str | None = None,
    ) -> None:
        self._function = function
        self._name = name or f"function:{getattr(function, '__name__', type(function).__name__)}"
        self._dimension = dimension

    @property
    def name(self) -> str:
        return self._name

    @property
    def dimension(self) -> int:
        if self._dimension is None:
            self._dimension = len(self._function(["dimension"])[0])
        return self._dimension

    def embed(self, texts: Sequence[str]) -> Any:  # Any: checked by the pipeline
        return self._function(list(texts))
