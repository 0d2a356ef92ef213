"""The default embedder: WordLlama, 256 numbers a text, its weights inside the package, no network and no GPU.

Model: configuration `l2_supercat`, dimension 256, mean of the token vectors, not normalised
(https://github.com/dleemiller/WordLlama). The vectors are those of the library's own `embed`, made without its padding
to the longest text of a batch: four times as fast, and a text of megabytes takes no more memory than its tokens do.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from onevec.errors import EngineNotInstalled, UnknownEmbedder

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_CONFIG = "l2_supercat"
_DIMENSION = 256
_TEXTS_AT_ONCE = 256
_TOKENS_AT_ONCE = 1 << 16


class WordLlamaEmbedder:
    """Mean of WordLlama's token vectors. Safe to share between threads; the model is loaded with the first text.

    A text without a token, such as the empty one, has the zero vector.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._model: Any = None  # Any: the library carries no types

    @property
    def name(self) -> str:
        return "wordllama"

    @property
    def dimension(self) -> int:
        return _DIMENSION

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return one float32 vector a text: shape (texts, 256). A lone surrogate counts as `?`.

        Raises:
            EngineNotInstalled: The library is missing, or lacks its weights.
        """
        import numpy as np

        with self._lock:
            if self._model is None:
                self._model = _loaded()
        vectors = np.zeros((len(texts), _DIMENSION), np.float32)
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            encodings = _encoded(self._model.tokenizer, list(texts[start : start + _TEXTS_AT_ONCE]))
            for row, encoding in enumerate(encodings, start):
                tokens = np.asarray(encoding.ids, np.intp)
                for at in range(0, len(tokens), _TOKENS_AT_ONCE):
                    vectors[row] += self._model.embedding[tokens[at : at + _TOKENS_AT_ONCE]].sum(axis=0)
                vectors[row] /= max(len(tokens), 1)
        return vectors

    def __repr__(self) -> str:
        return "<WordLlamaEmbedder wordllama>"


def load(model: str | None = None) -> WordLlamaEmbedder:
    """Return the embedder.

    Raises:
        UnknownEmbedder: Another model was asked for, as `"wordllama:MODEL"`; the package carries one.
        EngineNotInstalled: The library is missing.
    """
    if model is not None:
        raise UnknownEmbedder(f"the embedder wordllama has one model, got 'wordllama:{model}'; name it \"wordllama\"")
    if find_spec("wordllama") is None:
        raise EngineNotInstalled('the embedder wordllama needs its library: pip install "onevec[wordllama]"')
    return WordLlamaEmbedder()


def _loaded() -> Any:  # Any: the library carries no types
    # On import the library calls logging.basicConfig, which would turn on every library's INFO lines on stderr. It does
    # nothing where the root logger has a handler.
    root, silent = logging.getLogger(), logging.NullHandler()
    root.addHandler(silent)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import wordllama

            model = wordllama.WordLlama.load(
                _CONFIG, cache_dir=Path(wordllama.__file__).parent, dim=_DIMENSION, disable_download=True
            )
    except (ImportError, OSError) as error:
        raise EngineNotInstalled(
            f"the embedder wordllama can't load its model ({error}); install it again: "
            'pip install --force-reinstall "onevec[wordllama]"'
        ) from error
    finally:
        root.removeHandler(silent)
    model.tokenizer.no_padding()
    return model


def _encoded(tokenizer: Any, texts: list[str]) -> Any:  # Any: the library carries no types
    try:
        return tokenizer.encode_batch_fast(texts, add_special_tokens=False)
    except TypeError:  # the tokenizer takes valid Unicode only
        valid = [text.encode(errors="replace").decode() for text in texts]
        return tokenizer.encode_batch_fast(valid, add_special_tokens=False)
