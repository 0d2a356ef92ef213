"""Embedders: the default one, and a plain function as one."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onevec.embedders import Embedder, FunctionEmbedder
from onevec.embedders import wordllama as module
from onevec.embedders.wordllama import WordLlamaEmbedder, load
from onevec.errors import EngineNotInstalled, UnknownEmbedder

TEXTS = ["a wing in a slipstream", "boundary layer flow", "", "wing", "a" * 5000]


@pytest.fixture(scope="module")
def embedder() -> WordLlamaEmbedder:
    return load()


def cosine(a: Any, b: Any) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def test_is_an_embedder_with_a_name_that_stays(embedder: WordLlamaEmbedder) -> None:
    """The name is what collections record: a change would lock users out of theirs."""
    assert isinstance(embedder, Embedder)
    assert (embedder.name, embedder.dimension) == ("wordllama", 256)


def test_gives_a_float32_matrix(embedder: WordLlamaEmbedder) -> None:
    """One row a text, also for no text at all."""
    matrix = embedder.embed(TEXTS)
    assert matrix.shape == (5, 256)
    assert matrix.dtype == np.float32
    assert embedder.embed([]).shape == (0, 256)


def test_a_vector_does_not_depend_on_its_company(embedder: WordLlamaEmbedder) -> None:
    """The same text has the same bits alone, in a batch, again, and in a batch larger than those made inside."""
    many = [f"text number {n}" for n in range(600)]
    together = embedder.embed(TEXTS + many)
    assert np.array_equal(together, embedder.embed(TEXTS + many))
    assert np.array_equal(together[:5], np.concatenate([embedder.embed([text]) for text in TEXTS]))
    assert np.array_equal(together[-1], embedder.embed(many[-1:])[0])


def test_the_vectors_are_the_librarys_own(embedder: WordLlamaEmbedder) -> None:
    """A vector made here can be searched with one made by WordLlama itself."""
    import wordllama

    library = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
    assert np.array_equal(embedder.embed(TEXTS), library.embed(TEXTS))


def test_near_texts_have_near_vectors(embedder: WordLlamaEmbedder) -> None:
    """Texts about one thing are nearer to each other than to another thing."""
    flow, lift, bread = embedder.embed(["air flow over a wing", "the lift of an airfoil", "baking bread with yeast"])
    assert cosine(flow, lift) > 0.3 > cosine(flow, bread)


def test_a_text_without_tokens_has_the_zero_vector(embedder: WordLlamaEmbedder) -> None:
    """Never NaN: the pipeline can tell which text is unusable."""
    assert not embedder.embed([""]).any()


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\x00", "👩‍👩‍👧", "\u200b\ufeff", "机器学习", "שלום"])
def test_takes_any_string(embedder: WordLlamaEmbedder, text: str) -> None:
    """Lone surrogates too, which the tokenizer refuses; and their neighbours in the batch don't change."""
    matrix = embedder.embed(["wing", text])
    assert np.isfinite(matrix).all()
    assert np.array_equal(matrix[0], embedder.embed(["wing"])[0])


def test_a_long_text_is_the_mean_of_all_its_tokens(embedder: WordLlamaEmbedder) -> None:
    """No text is cut off: 80,000 tokens of one sentence have the direction of the sentence."""
    sentence = "an experimental study of a wing in a propeller slipstream. "
    short, long = embedder.embed([sentence * 10, sentence * 6_000])
    assert cosine(short, long) > 0.999
    assert cosine(*embedder.embed([sentence * 6_000, sentence * 6_000 + "bread " * 60_000])) < 0.99


def test_threads_get_the_vectors_of_their_own_texts() -> None:
    """Many threads on one embedder, from its first text on, get what one thread gets."""
    shared = load()
    texts = [[f"thread {n} says {m}" for m in range(20)] for n in range(16)]
    with ThreadPoolExecutor(8) as threads:
        matrices = list(threads.map(shared.embed, texts))
    assert all(np.array_equal(matrix, shared.embed(own)) for matrix, own in zip(matrices, texts, strict=True))


def test_is_silent_and_loads_nothing_before_the_first_text() -> None:
    """Nothing on stdout or stderr, logging left as it was, the library imported with the first text only."""
    program = """
import logging, sys
from onevec.embedders.wordllama import load
embedder = load()
assert not {"wordllama", "numpy", "tokenizers"} & set(sys.modules)
embedder.embed(["a"])
assert not logging.getLogger().handlers
assert logging.getLogger().level == logging.WARNING
logging.getLogger("other").info("not shown")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_missing_library_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says how to install it."""
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(EngineNotInstalled, match=r'pip install "onevec\[wordllama\]"'):
        load()


def test_a_broken_library_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that are gone are an installation to repair, not a download."""
    import wordllama

    monkeypatch.setattr(wordllama, "__file__", "/nowhere/__init__.py")
    with pytest.raises(EngineNotInstalled, match="install it again"):
        load().embed(["a"])


def test_another_model_is_refused() -> None:
    """`wordllama:x` is not silently the default model."""
    with pytest.raises(UnknownEmbedder, match="wordllama:x"):
        load("x")


def test_a_function_is_an_embedder() -> None:
    """Its name is recorded, its dimension found by one call."""

    def lengths(texts: Any) -> list[list[float]]:
        return [[float(len(text)), 1.0] for text in texts]

    embedder = FunctionEmbedder(lengths)
    assert (embedder.name, embedder.dimension) == ("function:lengths", 2)
    assert embedder.embed(["ab"]) == [[2.0, 1.0]]
