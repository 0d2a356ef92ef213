"""Several embedders as one."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from functools import partial
from typing import Any, Literal, NamedTuple, Self, get_args

import numpy as np
import numpy.typing as npt

from onevec.embedders import Embedder, EmbedderLike
from onevec.embedders.texts import TextEmbedder
from onevec.errors import ConfigError, EmbeddingFailed, UnknownEmbedder
from onevec.registry import load_embedder
from onevec.runtime import AsyncRuntime
from onevec.vectors.scaling import scaled

Vectors = npt.NDArray[np.float64]
Combine = Literal["average", "concatenate", "max", "attention"]

_TEXTS_AT_ONCE = 1024
_EXAMPLE = "ensemble:average(wordllama*0.4,onnx:models/minilm*0.6)"
_TEMPERATURE = 0.1


class Member(NamedTuple):
    """An embedder of an ensemble, and its share of all weights."""

    embedder: Embedder
    weight: float


class EnsembleEmbedder(TextEmbedder):
    """Vectors made of those of several embedders, each of which is brought to norm 1 first. Safe to share if they are.

    | combine | the vector of a text, with v_i of member i, and w_i its share of all weights |
    |---|---|
    | `average` | the sum of w_i v_i |
    | `concatenate` | all sqrt(w_i) v_i, one after the other: cosines are the weighted mean of the members' cosines |
    | `max` | at each place the largest number; there are no weights |
    | `attention` | the sum of a_i v_i, where a_i is proportional to w_i exp(cos(v_i, m) / temperature), and m is the \
average: a member that agrees with the others about this text counts more |

    All but `concatenate` need members of one dimension; nothing is cut or filled up. They add up numbers that stand at
    the same place, so they are for models that were trained to have them mean the same, such as fine-tunings of one.

    The name recorded holds the way, the members' names and their weights. Where a name opens each member, it opens the
    ensemble: `ensemble:average(wordllama*0.4,onnx:/models/minilm#58f1c02d9a3e*0.6)`.

    Args:
        members: Embedders, or pairs of an embedder and a positive weight; without one it is 1.
        combine: How their vectors become one.
        temperature: For `attention`: near 0 the member that agrees most is alone, far above 1 it is the average.
        normalize: Whether the result is divided by its L2 norm.

    Raises:
        ConfigError: There are no members, their dimensions differ, or a weight or the way can't be understood.
    """

    def __init__(
        self,
        members: Sequence[EmbedderLike | tuple[EmbedderLike, float]],
        *,
        combine: Combine = "average",
        temperature: float = _TEMPERATURE,
        normalize: bool = True,
    ) -> None:
        if combine not in get_args(Combine):
            raise ConfigError(f"combine is one of {', '.join(get_args(Combine))}, got {combine!r}")
        if not 0 < temperature < math.inf:
            raise ConfigError(f"temperature is a number above 0, got {temperature!r}")
        self.members = _members(members)
        self._combine = combine
        self._temperature = temperature
        parts = [f"{embedder.name}*{weight:.6g}" for embedder, weight in self.members]
        if combine == "attention" and temperature != _TEMPERATURE:
            parts.append(f"temperature={temperature!r}")
        if not normalize:
            parts.append("normalize=false")
        super().__init__(
            f"ensemble:{combine}({','.join(parts)})",
            dimension=_dimension(self.members, combine),
            batch_size=_TEXTS_AT_ONCE,
            normalize=normalize,
        )

    @property
    def for_queries(self) -> Self:
        """The same ensemble of its members' embedders of queries."""
        queries = copy(self)
        queries.members = tuple(
            Member(getattr(embedder, "for_queries", embedder), weight) for embedder, weight in self.members
        )
        return queries

    def embed_batch(self, texts: list[str]) -> Vectors:
        return self._combined([np.asarray(member.embedder.embed(texts)) for member in self.members], len(texts))

    async def embed_batch_async(self, texts: list[str]) -> Vectors:
        """Do the same with all members at once."""
        calls = [partial(_awaited, member.embedder, texts) for member in self.members]
        return self._combined(await AsyncRuntime().gather(calls, len(calls)), len(texts))

    def _combined(self, given: Sequence[npt.NDArray[Any]], texts: int) -> Vectors:  # Any: not yet checked
        vectors = [_directions(one, member.embedder, texts) for one, member in zip(given, self.members, strict=True)]
        weights = np.array([member.weight for member in self.members])
        if self._combine == "concatenate":
            return np.hstack([one * math.sqrt(weight) for one, weight in zip(vectors, weights, strict=True)])
        stacked = np.stack(vectors)  # (members, texts, dimension)
        if self._combine == "max":
            return np.asarray(stacked.max(axis=0))
        mean: Vectors = np.einsum("m,mtd->td", weights, stacked)
        if self._combine == "average":
            return mean
        agreement = np.einsum("mtd,td->mt", stacked, scaled(mean)) / self._temperature
        shares = weights[:, None] * np.exp(agreement - agreement.max(axis=0))
        return np.asarray(np.einsum("mt,mtd->td", shares / shares.sum(axis=0), stacked))


def load(spec: str | None = None) -> EnsembleEmbedder:
    """Return the ensemble of a name, such as `"ensemble:average(wordllama*0.4,onnx:models/minilm*0.6)"`.

    Raises:
        UnknownEmbedder: It can't be understood, or a member can't be opened by its name.
    """
    combine, bracket, rest = (spec or "").partition("(")
    if not bracket or not rest.endswith(")"):
        raise UnknownEmbedder(f'the embedder ensemble is named with its members, as in "{_EXAMPLE}"')
    members: list[EmbedderLike | tuple[EmbedderLike, float]] = []
    settings: dict[str, Any] = {}  # Any: keywords
    for part in _parts(rest[:-1]):
        match part.partition("="):
            case ("temperature", "=", value):
                settings["temperature"] = _number(value, part)
            case ("normalize", "=", "false"):
                settings["normalize"] = False
            case _:
                name, star, weight = part.rpartition("*")
                members.append((name, _number(weight, part)) if star else part)
    return EnsembleEmbedder(members, combine=combine, **settings)  # type: ignore[arg-type] # checked there


def _members(given: Iterable[EmbedderLike | tuple[EmbedderLike, float]]) -> tuple[Member, ...]:
    pairs = [one if isinstance(one, tuple) else (one, 1.0) for one in given]
    if not pairs:
        raise ConfigError("an ensemble has members: EnsembleEmbedder([(embedder, weight), ...])")
    weights = [_weight(weight) for _, weight in pairs]
    total = math.fsum(weights)
    return tuple(Member(load_embedder(like), weight / total) for (like, _), weight in zip(pairs, weights, strict=True))


def _weight(given: object) -> float:
    if isinstance(given, int | float | np.integer | np.floating) and not isinstance(given, bool):
        weight = float(given)
        if 0 < weight < math.inf:
            return weight
    raise ConfigError(f"a member's weight is a number above 0, got {given!r}")


def _dimension(members: tuple[Member, ...], combine: str) -> int:
    sizes = [member.embedder.dimension for member in members]
    if combine == "concatenate":
        return sum(sizes)
    if len(set(sizes)) > 1:
        has = ", ".join(f"{member.embedder.name!r} {size}" for member, size in zip(members, sizes, strict=True))
        raise ConfigError(f"{combine} needs members of one dimension, and they have {has}; use combine='concatenate'")
    if combine == "max" and len({member.weight for member in members}) > 1:
        raise ConfigError("combine='max' has no weights; leave them out, or use 'average'")
    return sizes[0]


async def _awaited(embedder: Embedder, texts: list[str]) -> npt.NDArray[Any]:  # Any: not yet checked
    native = getattr(embedder, "embed_async", None)
    return np.asarray(await (asyncio.to_thread(embedder.embed, texts) if native is None else native(texts)))


def _directions(given: npt.NDArray[Any], embedder: Embedder, texts: int) -> Vectors:  # Any: as above
    """A member's vectors at norm 1; one of zeros stays."""
    if given.shape != (texts, embedder.dimension) or given.dtype.kind not in "fiu":
        raise EmbeddingFailed(
            f"member {embedder.name!r} gave {given.dtype} of shape {given.shape} for {texts} texts, "
            f"not numbers of shape ({texts}, {embedder.dimension})"
        )
    vectors = given.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if bad.size:
        raise EmbeddingFailed(
            f"member {embedder.name!r} gave a vector with a number that is not finite", position=int(bad[0])
        )
    return scaled(vectors)


def _parts(text: str) -> Iterator[str]:
    """What stands between commas that are in no brackets."""
    depth = start = 0
    for at, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            yield text[start:at]
            start = at + 1
    yield text[start:]


def _number(text: str, part: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UnknownEmbedder(f"{part!r} has no number where {_EXAMPLE!r} has one") from None
