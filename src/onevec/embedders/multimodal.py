"""Texts and images in one space, so that a text finds an image."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from onevec.embedders.texts import Matrix, TextEmbedder
from onevec.errors import EmbeddingFailed, InvalidInput
from onevec.validate import checked_count
from onevec.vectors.scaling import scaled

Image: TypeAlias = "str | Path | bytes | Any"  # Any: an image of Pillow's, or whatever the user's function takes
Fusion = Literal["average", "concatenate"]


class MultimodalEmbedder(TextEmbedder):
    """A pair of functions, one for texts and one for images, whose vectors can be compared.

    As an embedder it is one of texts: a collection made with it takes image documents with their vectors, and finds
    them by text.

    Example:
        >>> pictures = store.create_collection("pictures", embedder=embedder)
        >>> pictures.upsert(ids=["wing.png"], vectors=embedder.embed_images(["wing.png"]))
        >>> pictures.search("the wing of an aeroplane")

    Args:
        texts: Takes a list of texts, returns a matrix of shape (texts, dimension).
        images: Takes a list of images, as they were given: paths, bytes or objects. Returns (images, dimension).
        name: What a collection records; the same name always gives the same vectors.
        dimension: How many numbers each vector has. Default: found by embedding one text.
        batch_size: The most texts or images in one call of a function.
        normalize: Whether each vector is divided by its L2 norm.
    """

    def __init__(
        self,
        texts: Callable[[list[str]], npt.ArrayLike],
        images: Callable[[list[Any]], npt.ArrayLike],  # Any: Image
        *,
        name: str,
        dimension: int | None = None,
        batch_size: int = 32,
        normalize: bool = True,
    ) -> None:
        super().__init__(name, dimension=dimension, batch_size=batch_size, normalize=normalize)
        self._texts = texts
        self._images = images
        self._at_once = checked_count(batch_size, "batch_size")
        self._is_normalized = normalize

    def embed_batch(self, texts: list[str]) -> npt.ArrayLike:
        return self._texts(texts)

    def embed_images(self, images: Sequence[Image]) -> Matrix:
        """Return one vector an image: float32 of shape (images, dimension).

        Raises:
            InvalidInput: It isn't a list of images.
            EmbeddingFailed: An image isn't there or can't be read, and `position` says which; or the function failed,
                or gave vectors that aren't usable.
        """
        if isinstance(images, str | bytes | Path):
            raise InvalidInput(f"embed_images takes a list of images, got {type(images).__name__}; put it in a list")
        for position, image in enumerate(images):
            if image is None or (isinstance(image, str | bytes) and not image):
                raise InvalidInput(f"image {position} of {len(images)} is a path, bytes or an image, got {image!r}")
            if isinstance(image, str | Path) and not Path(image).is_file():
                raise EmbeddingFailed(f"image {position} of {len(images)}: no file {str(image)!r}", position=position)
        parts = [np.empty((0, self.dimension), np.float32)]
        for start in range(0, len(images), self._at_once):
            some = list(images[start : start + self._at_once])
            parts.append(self._of_images(some, start, len(images)))
        return np.concatenate(parts)

    async def embed_images_async(self, images: Sequence[Image]) -> Matrix:
        """Do what `embed_images` does in a worker thread."""
        return await asyncio.to_thread(self.embed_images, images)

    def embed_pairs(
        self, texts: Sequence[str | None], images: Sequence[Image | None], *, fusion: Fusion = "average"
    ) -> Matrix:
        """Return one vector for each text with its image.

        `average` is the mean of both at norm 1, of the embedder's dimension; where one of the two is None, it is the
        other. `concatenate` is one after the other, of twice the dimension, and refuses what lacks one: with zeros in
        its place, a document without an image would be nearer to a query by text, by the square root of 2 under
        cosine, than the same one with an image. Queries of such a collection are pairs, too; for a text alone,
        `numpy.hstack([query, query])` asks both halves.

        Raises:
            InvalidInput: There isn't an image, or None, for each text.
            EmbeddingFailed: A pair lacks what it needs, and `position` says which; or see `embed` and `embed_images`.
        """
        if fusion not in get_args(Fusion):
            raise InvalidInput(f"fusion is one of {', '.join(get_args(Fusion))}, got {fusion!r}")
        if len(texts) != len(images):
            raise InvalidInput(f"each text has an image, or None; got {len(texts)} texts and {len(images)} images")
        with_text = [position for position, text in enumerate(texts) if text is not None]
        with_image = [position for position, image in enumerate(images) if image is not None]
        needed = {*with_text} | {*with_image} if fusion == "average" else {*with_text} & {*with_image}
        lacking = next((position for position in range(len(texts)) if position not in needed), None)
        if lacking is not None:
            what = "neither text nor image" if fusion == "average" else "not both, as fusion='concatenate' needs"
            raise EmbeddingFailed(f"pair {lacking} of {len(texts)} has {what}", position=lacking)
        by_text, by_image = np.zeros((2, len(texts), self.dimension))
        by_text[with_text] = _placed(self.embed, [texts[at] for at in with_text], with_text, len(texts))
        by_image[with_image] = _placed(self.embed_images, [images[at] for at in with_image], with_image, len(texts))
        halves = scaled(by_text), scaled(by_image)
        if fusion == "average":
            there = np.bincount([*with_text, *with_image], minlength=len(texts))
            fused = (halves[0] + halves[1]) / there[:, None]
        else:
            fused = np.hstack(halves)
        return np.asarray(scaled(fused) if self._is_normalized else fused, np.float32)

    async def embed_pairs_async(
        self, texts: Sequence[str | None], images: Sequence[Image | None], *, fusion: Fusion = "average"
    ) -> Matrix:
        """Do what `embed_pairs` does in a worker thread."""
        return await asyncio.to_thread(self.embed_pairs, texts, images, fusion=fusion)

    def _of_images(self, images: list[Any], start: int, total: int) -> Matrix:  # Any: Image
        """The vectors of one batch, checked."""
        where = f"images {start} to {start + len(images) - 1} of {total}"
        try:
            vectors = np.asarray(self._images(images))
        except EmbeddingFailed as error:
            if error.position is None:
                raise
            at = start + error.position
            raise EmbeddingFailed(f"image {at} of {total}: {error}", position=at) from error.__cause__
        except Exception as error:
            raise EmbeddingFailed(f"embedder {self.name!r} failed: {type(error).__name__}: {error}") from error
        if vectors.shape != (len(images), self.dimension) or vectors.dtype.kind not in "fiu":
            raise EmbeddingFailed(
                f"embedder {self.name!r} gave {vectors.dtype} of shape {vectors.shape} for {where}, "
                f"not numbers of shape ({len(images)}, {self.dimension})"
            )
        matrix = vectors.astype(np.float32)
        bad = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
        if bad.size:
            at = start + int(bad[0])
            raise EmbeddingFailed(
                f"image {at} of {total}: embedder {self.name!r} gave a number that is not finite", position=at
            )
        return np.asarray(scaled(matrix.astype(np.float64)), np.float32) if self._is_normalized else matrix


def _placed(embed: Callable[[list[Any]], Matrix], given: list[Any], positions: list[int], total: int) -> Matrix:
    """The vectors of those pairs that have a text, or an image; what fails is named by the pair's position."""
    try:
        return embed(given)
    except EmbeddingFailed as error:
        if error.position is None:
            raise
        at = positions[error.position]
        raise EmbeddingFailed(f"pair {at} of {total}: {error}", position=at) from error.__cause__
