"""A sentence embedder exported to ONNX, run by ONNX Runtime: a folder with the graph and its tokenizer, no torch."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from onevec.embedders.model_folder import ModelFolder, Spec, digest, opened_by_name
from onevec.embedders.onnx_graph import POOLED, inputs_of, opened, output_of
from onevec.embedders.texts import Matrix, TextEmbedder
from onevec.errors import ConfigError, EngineNotInstalled, UnknownEmbedder
from onevec.validate import checked_count

Pooling = Literal["mean", "cls", "max", "last"]

_FILES = ("model.onnx", "onnx/model.onnx")
_MAX_LENGTH = 512
_TEXTS_SORTED = 1024
_TOKENS_AT_ONCE = 1 << 13  # of a batch with its padding; more is no faster on a CPU, and attention's memory grows
_CHARACTERS_A_TOKEN = 64
_OPTIONS = {"pooling": str, "normalize": bool, "max_length": int, "file": str}


class OnnxEmbedder(TextEmbedder):
    """Vectors from a graph in a folder. Safe to share between threads.

    A text counts up to `max_length` tokens, and of a very long one no more than 64 characters for each of those are
    read. Texts of one call are sorted by length, so that there is little padding; a vector can differ in its last bits
    with the company of its text. A text of no token has the zero vector.

    The name recorded is `onnx:`, the folder, what differs from the folder's own settings, and a digest of graph,
    tokenizer and settings: `onnx:/models/minilm#58f1c02d9a3e`. It opens the same model again in another process, and
    refuses the folder if its model has changed. A copy of the folder elsewhere is the same embedder.

    Args:
        folder: Has `model.onnx` or `onnx/model.onnx`, `tokenizer.json`, and the configs of sentence-transformers.
        pooling: How the vectors of tokens become one. Default: what the folder says, else `mean`. A graph that gives
            `sentence_embedding` has done it.
        normalize: Whether each vector is divided by its L2 norm.
        max_length: The most tokens of a text. Default: what the folder says, else 512.
        file: The graph, in the folder, if it has another name, such as `onnx/model_quantized.onnx`.
        batch_size: The most texts in a run of the graph.
        providers: What ONNX Runtime computes with, such as `["CUDAExecutionProvider"]`. Default: the CPU.
        threads: How many threads a run has. Default: one for each core.

    Raises:
        UnknownEmbedder: There is no such folder, or no graph or tokenizer in it.
        ConfigError: Graph or tokenizer can't be read, or aren't those of a text embedder, or an argument doesn't fit.
        EngineNotInstalled: A library is missing.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        pooling: Pooling | None = None,
        normalize: bool = True,
        max_length: int | None = None,
        file: str | None = None,
        batch_size: int = 32,
        providers: Sequence[str] | None = None,
        threads: int | None = None,
    ) -> None:
        _require_libraries()
        model = ModelFolder(folder)
        graph = _graph(model, file)
        self._session = opened(graph, providers, threads)
        self._inputs = inputs_of(self._session, graph)
        output = output_of(self._session, graph)
        self._output = output.name
        self._pooling = _pooling(model, pooling, output, graph)
        self._length = _length(model, max_length)
        self._tokenizer, self._padding = _tokenizer(model, self._length)
        self._rows = checked_count(batch_size, "batch_size")
        options = {
            **({"pooling": str(pooling)} if pooling not in (None, model.pooling or "mean") else {}),
            **({} if normalize else {"normalize": "false"}),
            **({"max_length": str(max_length)} if max_length not in (None, _length(model, None)) else {}),
            **({"file": file} if file is not None else {}),
        }
        data = sorted(path for path in graph.parent.glob(f"{graph.name}[._]*") if path.is_file())  # large weights
        files = [graph, *data, model.path / "tokenizer.json"]
        self._spec = Spec(str(model.path), options, digest(files, self._pooling, normalize, self._length))
        size = output.shape[-1]
        super().__init__(
            f"onnx:{self._spec}",
            dimension=size if isinstance(size, int) else None,
            batch_size=_TEXTS_SORTED,
            normalize=normalize,
        )

    @property
    def max_length(self) -> int:
        """The most tokens of a text that count."""
        return self._length

    def embed_batch(self, texts: list[str]) -> Matrix:
        read = self._length * _CHARACTERS_A_TOKEN
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch_fast([text[:read] for text in texts])]
        order = sorted(range(len(texts)), key=lambda row: -len(tokens[row]))
        parts: list[Matrix] = []
        start = 0
        while start < len(order):
            longest = max(len(tokens[order[start]]), 1)
            end = start + max(1, min(self._rows, _TOKENS_AT_ONCE // longest))
            parts.append(self._run([tokens[row] for row in order[start:end]], longest))
            start = end
        vectors = np.concatenate(parts)
        return vectors[np.argsort(order)]

    def _run(self, tokens: list[list[int]], longest: int) -> Matrix:
        ids = np.full((len(tokens), longest), self._padding)
        lengths = np.array([len(one) for one in tokens])
        mask = np.arange(longest) < lengths[:, None]
        for row, one in enumerate(tokens):
            ids[row, : len(one)] = one
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        feed = {name: given[name].astype(kind) for name, kind in self._inputs.items()}
        out = np.asarray(self._session.run([self._output], feed)[0], np.float32)
        vectors = out if self._pooling is None else _pooled(out, mask, lengths, self._pooling)
        return np.where(lengths[:, None] > 0, vectors, np.float32(0))


def load(spec: str | None = None) -> OnnxEmbedder:
    """Return the embedder of a folder: `"onnx:FOLDER"`, `"onnx:FOLDER?max_length=128"`, or a name that was recorded.

    Raises:
        UnknownEmbedder: No folder was named, or there is no model in it.
        EmbedderMismatch: Its model isn't the one that was recorded.
        ConfigError: See `OnnxEmbedder`.
        EngineNotInstalled: A library is missing.
    """
    _require_libraries()
    return opened_by_name(OnnxEmbedder, spec, _OPTIONS, "onnx:models/minilm")


def _pooled(hidden: Matrix, mask: npt.NDArray[np.bool_], lengths: npt.NDArray[np.intp], pooling: str) -> Matrix:
    """One vector a text, of shape (texts, dimension), from those of its tokens, (texts, tokens, dimension)."""
    match pooling:
        case "cls":
            return hidden[:, 0]
        case "last":
            return hidden[np.arange(len(hidden)), np.maximum(lengths - 1, 0)]
        case "max":
            return np.asarray(np.where(mask[..., None], hidden, -np.inf).max(axis=1), np.float32)
        case _:
            total = np.einsum("tnd,tn->td", hidden, mask.astype(np.float32), optimize=True)
            return np.asarray(total / np.maximum(lengths, 1)[:, None], np.float32)


def _require_libraries() -> None:
    missing = [name for name in ("onnxruntime", "tokenizers") if find_spec(name) is None]
    if missing:
        raise EngineNotInstalled(f'the embedder onnx needs {", ".join(missing)}: pip install "onevec[onnx]"')


def _graph(model: ModelFolder, file: str | None) -> Path:
    names = _FILES if file is None else (file,)
    graph = next((path for name in names if (path := model.path / name).is_file()), None)
    if graph is None:
        raise UnknownEmbedder(f"there is no {' and no '.join(names)} in {str(model.path)!r}; name the graph with file=")
    return graph


def _pooling(model: ModelFolder, asked: str | None, output: Any, graph: Path) -> str | None:  # Any: as above
    if len(output.shape) == 2:  # noqa: PLR2004 (texts, dimension)
        if asked is not None:
            raise ConfigError(f"{str(graph)!r} pools by itself ({output.name}); leave out pooling")
        return None
    if model.layers and asked is None:
        raise ConfigError(
            f"after pooling it has {', '.join(model.layers)}, which {str(graph)!r} hasn't; export "
            f"it with the output {POOLED}, or choose a pooling to do without"
        )
    pooling = asked or model.pooling or "mean"
    if pooling not in get_args(Pooling):
        raise ConfigError(f"pooling is one of {', '.join(get_args(Pooling))}, got {pooling!r}; see {str(model.path)!r}")
    return pooling


def _length(model: ModelFolder, asked: int | None) -> int:
    length = model.max_length or _MAX_LENGTH if asked is None else checked_count(asked, "max_length")
    if model.positions is not None and length > model.positions:
        raise ConfigError(f"the model has places for {model.positions} tokens, got max_length={length}")
    return length


def _tokenizer(model: ModelFolder, length: int) -> tuple[Any, int]:  # Any: the library's types say less
    """The tokenizer, and the token that fills up short texts."""
    from tokenizers import Tokenizer

    path = model.path / "tokenizer.json"
    if not path.is_file():
        raise UnknownEmbedder(f"there is no tokenizer.json in {str(model.path)!r}")
    try:
        tokenizer = Tokenizer.from_file(str(path))
        padding = tokenizer.padding["pad_id"] if tokenizer.padding else model.padding
        tokenizer.no_padding()
        tokenizer.enable_truncation(length)
    except Exception as error:
        raise ConfigError(f"{str(path)!r} can't be read as a tokenizer: {error}") from error
    return tokenizer, padding
