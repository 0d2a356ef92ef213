"""Models of sentence-transformers: real ones, tiny, made here with random weights, and never from the network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import onevec
from onevec.errors import ConfigError, EmbedderMismatch, EmbeddingFailed, UnknownEmbedder

pytest.importorskip("sentence_transformers", reason="needs onevec[huggingface], of which torch is gigabytes")

from onevec.embedders.huggingface import HuggingFaceEmbedder, load

WORDS = ["wing", "lift", "flow", "heat", "bread", "slab", "layer", "query", "passage", "of", "a", ":"]
TEXTS = ["wing lift", "flow", "heat of a slab of bread", "layer"]
PROMPTS = {"query": "query: ", "passage": "passage: "}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of one layer with a WordPiece vocabulary and prompts, as sentence-transformers saves it."""
    return make_model(tmp_path_factory.mktemp("made") / "tiny", seed=0)


def make_model(folder: Path, *, seed: int) -> Path:
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    torch.manual_seed(seed)
    plain = folder.parent / f"plain-{seed}"
    plain.mkdir()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (plain / "vocab.txt").write_text("\n".join(vocabulary))
    BertTokenizerFast(vocab=str(plain / "vocab.txt")).save_pretrained(plain)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(plain)
    SentenceTransformer(str(plain), device="cpu", prompts=PROMPTS, local_files_only=True).save(str(folder))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "tiny")


def library(folder: Path) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu", local_files_only=True)


def test_the_vectors_are_the_librarys(folder: Path) -> None:
    """Those of `encode_document`, with the model's prompt, at norm 1."""
    embedder = HuggingFaceEmbedder(folder, batch_size=2)
    assert embedder.dimension == 16
    expected = library(folder).encode([f"passage: {text}" for text in TEXTS], normalize_embeddings=True)
    np.testing.assert_allclose(embedder.embed(TEXTS), expected, atol=1e-6)
    plain = HuggingFaceEmbedder(folder, normalize=False).embed(TEXTS)
    np.testing.assert_allclose(plain / np.linalg.norm(plain, axis=1, keepdims=True), expected, atol=1e-6)
    assert not np.allclose(np.linalg.norm(plain, axis=1), 1)


def test_queries_have_the_prompt_of_queries(folder: Path) -> None:
    """A collection embeds its documents with one prompt and its queries with the other."""
    embedder = HuggingFaceEmbedder(folder)
    query = library(folder).encode(["query: flow"], normalize_embeddings=True)
    np.testing.assert_allclose(embedder.for_queries.embed(["flow"]), query, atol=1e-6)
    with onevec.connect("memory://") as store:
        papers = store.create_collection("papers", embedder=embedder)
        papers.upsert([{"id": text, "text": text} for text in TEXTS])
        cosines = dict(zip(TEXTS, (embedder.embed(TEXTS) @ query[0]).tolist(), strict=True))
        for found in (papers.search("flow"), papers.search_batch(["flow"])[0]):
            assert {hit.id: hit.score for hit in found} == pytest.approx(cosines, abs=1e-5)


def test_prompts_can_be_given(folder: Path) -> None:
    """And taken away; the name says so."""
    embedder = HuggingFaceEmbedder(folder, query_prompt="a ", document_prompt="")
    model = library(folder)
    np.testing.assert_allclose(embedder.embed(TEXTS), model.encode(TEXTS, normalize_embeddings=True), atol=1e-6)
    query = model.encode(["a flow"], normalize_embeddings=True)
    np.testing.assert_allclose(embedder.for_queries.embed(["flow"]), query, atol=1e-6)
    again = load(embedder.name.removeprefix("huggingface:"))
    assert again.name == embedder.name
    np.testing.assert_allclose(again.for_queries.embed(["flow"]), query, atol=1e-6)


def test_a_text_counts_up_to_max_length(folder: Path) -> None:
    """Of a megabyte, too; and no more than the model has places for."""
    embedder = HuggingFaceEmbedder(folder, max_length=8, document_prompt="")
    vectors = embedder.embed(["wing lift " * 100_000, "wing lift " * 3])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)
    assert HuggingFaceEmbedder(folder, max_length=64).max_length == 64
    with pytest.raises(ConfigError, match="places for 64 tokens, got max_length=65"):
        HuggingFaceEmbedder(folder, max_length=65)


def test_the_name_tells_models_and_settings_apart(folder: Path, tmp_path: Path) -> None:
    """A copy elsewhere has the same digest; other weights or settings have another."""
    name = HuggingFaceEmbedder(folder).name
    assert name.startswith(f"huggingface:{folder}#")
    copied = shutil.copytree(folder, tmp_path / "copied")
    assert HuggingFaceEmbedder(copied).name[-12:] == name[-12:]
    others = [
        HuggingFaceEmbedder(folder, max_length=9).name,
        HuggingFaceEmbedder(folder, normalize=False).name,
        HuggingFaceEmbedder(folder, document_prompt="a ").name,
        HuggingFaceEmbedder(make_model(tmp_path / "other", seed=1)).name,
    ]
    assert len({one[-12:] for one in [name, *others]}) == 5
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "other", folder)
    with pytest.raises(EmbedderMismatch, match="has changed"):
        load(name.removeprefix("huggingface:"))


def test_another_process_opens_the_collection_by_what_it_recorded(folder: Path, tmp_path: Path) -> None:
    """By its folder; quietly, without progress bars."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with onevec.connect(url, embedder=f"huggingface:{folder}?max_length=16") as store:
        store.create_collection("papers").upsert([{"id": text, "text": text} for text in TEXTS])
        expected = [hit.id for hit in store.collection("papers").search("wing")]
    program = f"import onevec\nprint([hit.id for hit in onevec.connect({url!r}).collection('papers').search('wing')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=100)
    assert done.stdout == f"{expected}\n"
    assert done.stderr == ""


def test_a_model_of_the_hub_is_named_with_its_commit(folder: Path, tmp_path: Path) -> None:
    """The name pins what was loaded, and a copy of it in a folder is the same embedder."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    kept = tmp_path / "hub" / "models--someone--tiny"
    shutil.copytree(folder, kept / "snapshots" / commit)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(commit)
    program = """
import sys
from onevec.embedders.huggingface import HuggingFaceEmbedder, load
embedder = HuggingFaceEmbedder("someone/tiny")
print(embedder.name)
print(load(embedder.name.removeprefix("huggingface:")).name)
try:
    HuggingFaceEmbedder("someone/other")
except Exception as error:
    print(type(error).__name__, str(error)[:60])
"""
    environment = {**os.environ, "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    name, again, refused = done.stdout.splitlines()
    assert name == again == f"huggingface:someone/tiny?revision={commit}#{HuggingFaceEmbedder(folder).name[-12:]}"
    assert refused.startswith("UnknownEmbedder there is no folder 'someone/other', and the hub doesn't give")


def test_threads_get_the_vectors_of_their_own_texts(folder: Path) -> None:
    """Many threads on one embedder, for documents and queries at once."""
    embedder = HuggingFaceEmbedder(folder, batch_size=3)
    texts = [[f"{word} {other}" for other in WORDS[:5]] for word in WORDS[:7]]
    both = [(one, own) for own in texts for one in (embedder, embedder.for_queries)]
    with ThreadPoolExecutor(7) as threads:
        matrices = list(threads.map(lambda pair: pair[0].embed(pair[1]), both))
    for matrix, (one, own) in zip(matrices, both, strict=True):
        np.testing.assert_allclose(matrix, one.embed(own), atol=1e-6)


def test_a_number_that_is_not_finite_is_an_error(folder: Path) -> None:
    """It names the text, and the embedder goes on working."""
    import torch

    embedder = HuggingFaceEmbedder(folder)
    with torch.no_grad():
        embedder._model.transformers_model.embeddings.word_embeddings.weight[5 + WORDS.index("heat")] = torch.nan
    with pytest.raises(EmbeddingFailed, match="text 2 of 4, 'heat of a slab") as raised:
        embedder.embed(TEXTS)
    assert raised.value.position == 2
    assert embedder.embed(TEXTS[:2]).any()


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (shutil.rmtree, UnknownEmbedder, "there is no folder"),
        (
            lambda at: [path.unlink() for path in at.rglob("*.json")],
            UnknownEmbedder,
            "neither config.json nor modules.json",
        ),
        (lambda at: (at / "model.safetensors").write_bytes(b"no weights"), ConfigError, "can't be loaded"),
        (lambda at: (at / "config.json").write_text(json.dumps({"model_type": "abacus"})), ConfigError, "abacus"),
    ],
)
def test_a_folder_that_is_no_model_is_an_error_that_says_why(folder: Path, change: Any, error: Any, match: str) -> None:
    """The network is never asked for what is named as a folder."""
    change(folder)
    with pytest.raises(error, match=match):
        HuggingFaceEmbedder(folder)


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        (None, "needs a model"),
        ("{}?trust_remote_code=true", "no option 'trust_remote_code'"),
        ("{}?device=abacus", "can't be loaded"),
        ("{}?revision=main", "has no revisions"),
        ("./nowhere", "there is no folder"),
        ("a/b/c", "there is no folder"),
    ],
)
def test_a_name_that_is_not_understood_is_refused(folder: Path, spec: str | None, match: str) -> None:
    """A name never lets a model's own code run."""
    with pytest.raises(ConfigError, match=match):
        load(spec and spec.format(folder))
