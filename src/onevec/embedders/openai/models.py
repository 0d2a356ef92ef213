"""OpenAI's embedding models: their sizes, limits and prices."""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

from onevec.errors import ConfigError, UnknownEmbedder


class Model(NamedTuple):
    """A model of OpenAI's.

    Attributes:
        dimension: How many numbers a whole vector has.
        text_tokens: The most tokens in a text.
        is_shortenable: Whether it gives vectors of fewer numbers, too.
        price: US dollars for a million tokens.
    """

    dimension: int
    text_tokens: int
    is_shortenable: bool
    price: float


# The models' pages, https://developers.openai.com/api/docs/models/text-embedding-3-small and so on; prices of May 2026.
MODELS = MappingProxyType(
    {
        "text-embedding-3-small": Model(1536, 8192, is_shortenable=True, price=0.02),
        "text-embedding-3-large": Model(3072, 8192, is_shortenable=True, price=0.13),
        "text-embedding-ada-002": Model(1536, 8192, is_shortenable=False, price=0.10),
    }
)


def recorded_name(model: str, dimensions: int | None) -> str:
    """Return what a collection records: the model, and the size its vectors are shortened to."""
    whole = MODELS[model].dimension if model in MODELS else None
    return f"openai:{model}" if dimensions in (None, whole) else f"openai:{model}:{dimensions}"


def checked_model(
    model: str, dimensions: int | None, dimension: int | None, *, is_openai: bool
) -> tuple[int | None, int | None]:
    """Return how many numbers the vectors have and how many tokens a text may have; None where that isn't known.

    Args:
        model: Its name.
        dimensions: The size to shorten to, if it is to be shortened.
        dimension: Its size, as the caller knows it.
        is_openai: Whether OpenAI itself is asked.

    Raises:
        UnknownEmbedder: OpenAI has no such model, and no size is given.
        ConfigError: The model can't give vectors of that size.
    """
    if not model.strip():
        raise UnknownEmbedder(f"a model is a name such as 'text-embedding-3-small', got {model!r}")
    for name, size in (("dimensions", dimensions), ("dimension", dimension)):
        if size is not None and (type(size) is not int or size < 1):
            raise ConfigError(f"{name} is a whole number of 1 or more, got {size!r}")
    known = MODELS.get(model)
    if known is None:
        if is_openai and dimension is None and dimensions is None:
            raise UnknownEmbedder(
                f"OpenAI's embedding models are {', '.join(MODELS)}, got {model!r}; for one that is newer than this "
                f"list say its size: OpenAIEmbedder({model!r}, dimension=...)"
            )
        return dimensions or dimension, None
    if dimension not in (None, dimensions or known.dimension):
        raise ConfigError(f"{model} gives vectors of {known.dimension} numbers, dimension= says {dimension}")
    if dimensions is not None and dimensions != known.dimension:
        if not known.is_shortenable:
            raise ConfigError(f"{model} gives vectors of {known.dimension} numbers and no shorter ones")
        if dimensions > known.dimension:
            raise ConfigError(f"{model} gives vectors of up to {known.dimension} numbers, got dimensions={dimensions}")
    return dimensions or known.dimension, known.text_tokens
