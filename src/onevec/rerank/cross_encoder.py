"""Cross-encoders on this machine, through sentence-transformers.

A cross-encoder reads the query and a text as one input (Nogueira, Cho, "Passage Re-ranking with BERT", 2019), which
costs a pass of the model for each text of each query, and orders a few dozen candidates better than vectors do.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any

from onevec.errors import ConfigError, EngineNotInstalled
from onevec.registry import install_command
from onevec.rerank.texts import valid

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MODEL = "cross-encoder/ms-marco-MiniLM-L6-v2"


class CrossEncoderReranker:
    """A cross-encoder of sentence-transformers. Safe to share between threads; the model is loaded with the first text.

    Args:
        model: A folder, or a name on the Hugging Face hub, which is downloaded once.
        device: Where it runs, such as `"cpu"` or `"cuda:1"`. Default: the library's choice.
        batch_size: How many texts it reads at once.
        max_length: Tokens of query and text together; the rest of a text is cut off. Default: the model's own.
    """

    def __init__(
        self, model: str = MODEL, *, device: str | None = None, batch_size: int = 32, max_length: int | None = None
    ) -> None:
        self._path = model
        self._device = device
        self._batch_size = batch_size
        self._max_length = max_length
        self._lock = Lock()
        self._model: Any = None  # Any: a torch module

    @property
    def name(self) -> str:
        return f"cross-encoder:{self._path}"

    def score(self, query: str, texts: Sequence[str]) -> npt.NDArray[np.floating]:
        """Return the model's score of each text, through its own activation function: shape (texts,).

        Raises:
            EngineNotInstalled: The library is missing.
            ConfigError: There is no such model, or it can't be loaded.
        """
        pairs = [(valid(query), valid(text)) for text in texts]
        with self._lock:  # its tokenizer can't be used by two threads at once
            if self._model is None:
                self._model = self._loaded()
            scores: npt.NDArray[np.floating] = self._model.predict(
                pairs, batch_size=self._batch_size, show_progress_bar=False, convert_to_numpy=True
            )
        return scores

    def _loaded(self) -> Any:  # Any: as above
        check_installed()
        from sentence_transformers import CrossEncoder

        try:
            return CrossEncoder(self._path, device=self._device, max_length=self._max_length)
        except (OSError, ValueError) as error:  # what the hub's client and the loader of a folder raise
            raise ConfigError(f"the cross-encoder {self._path!r} can't be loaded: {error}") from error

    def __repr__(self) -> str:
        return f"<CrossEncoderReranker {self.name}>"


def load(model: str = MODEL) -> CrossEncoderReranker:
    """Return the reranker `"cross-encoder:MODEL"`.

    Raises:
        EngineNotInstalled: The library is missing.
    """
    check_installed()
    return CrossEncoderReranker(model or MODEL)


def check_installed() -> None:
    """Refuse where the library is missing, with the command that installs it."""
    if find_spec("sentence_transformers") is None:
        raise EngineNotInstalled(
            f"a cross-encoder needs sentence-transformers: {install_command('huggingface')}", engine="cross-encoder"
        )
