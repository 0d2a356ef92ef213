"""Cross-encoders through sentence-transformers, with a tiny model that is made here and means nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import onevec
from onevec import Reranker
from onevec.errors import ConfigError
from onevec.registry import load_reranker
from onevec.rerank.cross_encoder import CrossEncoderReranker

WORDS = ["the", "wing", "of", "a", "plane", "heat", "in", "slabs", "propeller"]
TEXTS = ["the wing of a plane", "heat in slabs", "a propeller", "", "a \ud800 wing"]

pytestmark = [
    pytest.mark.skipif(
        find_spec("sentence_transformers") is None or find_spec("torch") is None,
        reason='needs torch: pip install "onevec[huggingface]"',
    ),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of the libraries' own
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of 9 words and one layer with a head of one number, as its library saves it."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder = tmp_path_factory.mktemp("cross-encoder")
    vocabulary = {word: index for index, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS])}
    BertTokenizerFast(vocab=vocabulary, model_max_length=32).save_pretrained(folder)
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
        num_labels=1,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def reranker(folder: Path) -> CrossEncoderReranker:
    return CrossEncoderReranker(str(folder), device="cpu", batch_size=2)


def test_the_scores_are_the_librarys_own(reranker: CrossEncoderReranker, folder: Path) -> None:
    """One a text, in their order, with any string for a text; none for no texts."""
    from sentence_transformers import CrossEncoder

    assert isinstance(reranker, Reranker)
    scores = reranker.score("the wing", TEXTS)
    assert np.shape(scores) == (5,)
    library = CrossEncoder(str(folder), device="cpu")
    expected = library.predict([("the wing", text.replace("\ud800", "?")) for text in TEXTS])
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    assert len(set(np.round(scores, 6))) > 2
    assert len(reranker.score("the wing", [])) == 0


def test_a_search_is_reranked_by_its_model(folder: Path) -> None:
    """Found by name, with the folder after the colon."""
    reranker = load_reranker(f"cross-encoder:{folder}")
    assert reranker.name == f"cross-encoder:{folder}"
    with onevec.connect("memory://") as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(ids=["a", "b", "c"], texts=TEXTS[:3], vectors=[[1, 0], [1, 1], [0, 1]])
        hits = papers.search(onevec.SearchQuery("the wing", vector=[1, 0]), rerank=f"cross-encoder:{folder}")
    expected = dict(zip("abc", np.asarray(reranker.score("the wing", TEXTS[:3])).tolist(), strict=True))
    assert {hit.id: hit.rerank_score for hit in hits} == pytest.approx(expected, abs=1e-6)
    assert hits.ids == sorted(expected, key=expected.__getitem__, reverse=True)


def test_threads_share_one_model(reranker: CrossEncoderReranker) -> None:
    """And get what one thread gets."""
    alone = reranker.score("plane", TEXTS)
    with ThreadPoolExecutor(4) as threads:
        for scores in threads.map(lambda _: reranker.score("plane", TEXTS), range(8)):
            np.testing.assert_allclose(scores, alone, atol=1e-6)


def test_a_model_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without a model is a mistake in the settings."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ConfigError, match="can't be loaded"):
        CrossEncoderReranker(str(tmp_path)).score("wing", ["a wing"])
