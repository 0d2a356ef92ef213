"""Models of the Hugging Face Hub, or in a folder, through sentence-transformers and torch."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from functools import partial
from pathlib import Path
from threading import Lock
from typing import NamedTuple, Self

import numpy as np

from onevec.embedders.hub import CHARACTERS_A_TOKEN, check_installed, identified, limit, loaded
from onevec.embedders.model_folder import opened_by_name
from onevec.embedders.texts import Matrix, TextEmbedder
from onevec.validate import checked_count

_TEXTS_SORTED = 1024  # a call of the library, which sorts them by length
_OPTIONS = {
    "revision": str,
    "normalize": bool,
    "max_length": int,
    "query_prompt": str,
    "document_prompt": str,
    "device": str,
}


class _Prompts(NamedTuple):
    query: str
    document: str


class HuggingFaceEmbedder(TextEmbedder):
    """Vectors from a model of sentence-transformers, or of transformers with mean pooling.

    Safe to share between threads: one batch is under way at a time. A text counts up to `max_length` tokens, and of a
    very long one no more than 64 characters for each of those are read.

    Many models are told what a text is by a prompt before it. `embed` is for documents; `for_queries` is the embedder
    of queries, which a collection uses for its searches. Both take the prompts that the model names in its config,
    unless others are given.

    The name recorded is `huggingface:`, the folder, or the model's name and revision on the hub, what differs from the
    model's own settings, and a digest of its files and these settings. It opens the same model again in another process
    and refuses a folder whose model has changed. A copy elsewhere is the same embedder.

    Args:
        model: A folder, or a name on the hub, which is downloaded once, such as `BAAI/bge-small-en-v1.5`.
        device: Where it runs, such as `cpu`, `cuda:1` or `mps`; `auto` for a GPU if there is one.
        normalize: Whether each vector is divided by its L2 norm.
        max_length: The most tokens of a text. Default: the model's own.
        query_prompt: What is put before a query.
        document_prompt: What is put before a document.
        revision: A branch, a tag or a commit on the hub. Default: the newest.
        batch_size: The most texts in a run of the model.
        trust_remote_code: Whether Python code that comes with the model may run. A name that was recorded never says
            so: open such a collection with the embedder itself.

    Raises:
        UnknownEmbedder: There is no such folder, no model in it, or the hub doesn't give it.
        ConfigError: The model can't be loaded, or an argument doesn't fit it.
        EngineNotInstalled: The library is missing.
    """

    def __init__(
        self,
        model: str | Path,
        *,
        device: str = "auto",
        normalize: bool = True,
        max_length: int | None = None,
        query_prompt: str | None = None,
        document_prompt: str | None = None,
        revision: str | None = None,
        batch_size: int = 32,
        trust_remote_code: bool = False,
    ) -> None:
        check_installed("huggingface")
        self._rows = checked_count(batch_size, "batch_size")
        self._model = loaded(model, device, revision, trust_remote_code=trust_remote_code)
        self._prompts = _prompts(self._model.prompts, query_prompt, document_prompt)
        limited = limit(self._model, max_length)
        options = {
            **({} if normalize else {"normalize": "false"}),
            **({"max_length": str(max_length)} if limited else {}),
            **({} if query_prompt is None else {"query_prompt": query_prompt}),
            **({} if document_prompt is None else {"document_prompt": document_prompt}),
        }
        super().__init__(
            f"huggingface:{identified(model, revision, options)}",
            dimension=self._model.get_embedding_dimension(),
            batch_size=_TEXTS_SORTED,
            normalize=normalize,
        )
        self._lock = Lock()
        self._encode = partial(self._model.encode_document, prompt=self._prompts.document)

    @property
    def max_length(self) -> int | None:
        """The most tokens of a text that count; None where the model has no limit."""
        length: int | None = self._model.max_seq_length
        return length

    @property
    def for_queries(self) -> Self:
        """The same model with the prompt of queries."""
        queries = copy(self)
        queries._encode = partial(self._model.encode_query, prompt=self._prompts.query)  # noqa: SLF001 (this class's)
        return queries

    def embed_batch(self, texts: list[str]) -> Matrix:
        read = None if self.max_length is None else self.max_length * CHARACTERS_A_TOKEN
        with self._lock:  # its tokenizer can't be used by two threads at once
            vectors = self._encode(
                [text[:read] for text in texts], batch_size=self._rows, show_progress_bar=False, convert_to_numpy=True
            )
        return np.asarray(vectors, np.float32)


def load(spec: str | None = None) -> HuggingFaceEmbedder:
    """Return the embedder of a model: `"huggingface:MODEL"`, or a name that was recorded.

    Raises:
        UnknownEmbedder: No model was named, or see `HuggingFaceEmbedder`.
        EmbedderMismatch: The model isn't the one that was recorded.
        ConfigError: See `HuggingFaceEmbedder`.
        EngineNotInstalled: The library is missing.
    """
    check_installed("huggingface")
    return opened_by_name(HuggingFaceEmbedder, spec, _OPTIONS, "huggingface:BAAI/bge-small-en-v1.5")


def _prompts(own: Mapping[str, str], query: str | None, document: str | None) -> _Prompts:
    """The prompts given, or else the model's own.

    The library's own choice for documents is that named `document`, which it makes up as an empty one for models that
    have theirs under another name, such as those of the E5 family.
    """
    names = ("document", "passage", "corpus")
    named = next((prompt for name in names if (prompt := own.get(name))), "")
    return _Prompts(own.get("query", "") if query is None else query, named if document is None else document)
