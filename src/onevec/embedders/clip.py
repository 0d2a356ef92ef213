"""Models of sentence-transformers that take texts and images."""

from __future__ import annotations

import io
from pathlib import Path
from threading import Lock
from typing import Any

import numpy.typing as npt

from onevec.embedders.hub import CHARACTERS_A_TOKEN, check_installed, identified, loaded
from onevec.embedders.model_folder import opened_by_name
from onevec.embedders.multimodal import Image, MultimodalEmbedder
from onevec.errors import ConfigError, EmbeddingFailed

_OPTIONS = {"revision": str, "normalize": bool, "device": str}


class ClipEmbedder(MultimodalEmbedder):
    """A model of sentence-transformers that takes texts and images, such as `clip-ViT-B-32`.

    Safe to share between threads: one batch is under way at a time. Images are opened by Pillow.

    Args:
        model: A folder, or a name on the hub, which is downloaded once.
        device: Where it runs, such as `cpu`, `cuda:1` or `mps`; `auto` for a GPU if there is one.
        normalize: Whether each vector is divided by its L2 norm.
        revision: A branch, a tag or a commit on the hub. Default: the newest.
        batch_size: The most texts or images in a run of the model.
        trust_remote_code: Whether Python code that comes with the model may run.

    Raises:
        UnknownEmbedder: There is no such folder, no model in it, or the hub doesn't give it.
        ConfigError: The model can't be loaded, or takes no images.
        EngineNotInstalled: The library is missing.
    """

    def __init__(
        self,
        model: str | Path,
        *,
        device: str = "auto",
        normalize: bool = True,
        revision: str | None = None,
        batch_size: int = 32,
        trust_remote_code: bool = False,
    ) -> None:
        check_installed("multimodal")
        self._model = loaded(model, device, revision, trust_remote_code=trust_remote_code)
        if not {"text", "image"} <= {*self._model.modalities}:
            takes = ", ".join(map(str, self._model.modalities))
            raise ConfigError(f"the model {str(model)!r} takes {takes}, and not texts and images")
        self._lock = Lock()
        options = {} if normalize else {"normalize": "false"}
        super().__init__(
            self._of_texts,
            self._of_opened,
            name=f"multimodal:{identified(model, revision, options)}",
            dimension=self._model.get_embedding_dimension(),
            batch_size=batch_size,
            normalize=normalize,
        )

    def _of_texts(self, texts: list[str]) -> npt.ArrayLike:
        length = self._model.max_seq_length
        read = None if length is None else length * CHARACTERS_A_TOKEN
        return self._encoded([text[:read] for text in texts])

    def _of_opened(self, images: list[Any]) -> npt.ArrayLike:  # Any: Image
        return self._encoded([_opened(image, position) for position, image in enumerate(images)])

    def _encoded(self, inputs: list[Any]) -> npt.ArrayLike:  # Any: texts or Pillow's images
        with self._lock:  # its tokenizer can't be used by two threads at once
            vectors: npt.ArrayLike = self._model.encode(
                inputs, batch_size=self._at_once, show_progress_bar=False, convert_to_numpy=True
            )
        return vectors


def load(spec: str | None = None) -> ClipEmbedder:
    """Return the embedder of a model: `"multimodal:MODEL"`, or a name that was recorded.

    Raises:
        UnknownEmbedder: No model was named, or see `ClipEmbedder`.
        EmbedderMismatch: The model isn't the one that was recorded.
        ConfigError: See `ClipEmbedder`.
        EngineNotInstalled: The library is missing.
    """
    check_installed("multimodal")
    return opened_by_name(ClipEmbedder, spec, _OPTIONS, "multimodal:clip-ViT-B-32")


def _opened(image: Image, position: int) -> Any:  # Any: Pillow's
    from PIL import Image as Pillow

    if not isinstance(image, str | Path | bytes):
        return image.convert("RGB")
    try:
        with Pillow.open(io.BytesIO(image) if isinstance(image, bytes) else image) as opened:
            return opened.convert("RGB")
    except (OSError, ValueError, Pillow.DecompressionBombError) as error:
        raise EmbeddingFailed(f"it can't be read as an image: {error}", position=position) from error
