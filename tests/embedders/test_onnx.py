"""The embedder of graphs in folders: its vectors, its settings, its name, and folders that are no model."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tests.embedders.small_models import DIMENSION, TABLE, WORDS, make_folder, make_graph, make_tokenizer, pooled

import onevec
from onevec.embedders import onnx as module
from onevec.embedders.onnx import OnnxEmbedder, load
from onevec.errors import ConfigError, EmbedderMismatch, EmbeddingFailed, EngineNotInstalled, UnknownEmbedder

POOLING = "1_Pooling/config.json"
TEXTS = ["wing lift", "flow", "heat slab heat layer wing", "bread bread"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "small")


class Watched:
    """Another object, whose calls of one method are kept."""

    def __init__(self, inner: Any, method: str) -> None:
        self._inner, self._method = inner, method
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        if name != self._method:
            return getattr(self._inner, name)

        def call(*args: Any) -> Any:
            self.calls.append(args)
            return getattr(self._inner, name)(*args)

        return call


@pytest.mark.parametrize("pooling", ["mean", "cls", "max", "last"])
def test_the_vectors_are_the_graphs(folder: Path, pooling: Any) -> None:
    """Each way of pooling gives what its definition gives in NumPy, for texts of several lengths in one batch."""
    embedder = OnnxEmbedder(folder, pooling=pooling)
    assert embedder.dimension == DIMENSION
    np.testing.assert_allclose(embedder.embed(TEXTS), [pooled(text, pooling) for text in TEXTS], atol=1e-6)


def test_vectors_have_norm_1_unless_told_otherwise(folder: Path) -> None:
    """`normalize=False` leaves them as the graph made them."""
    plain = OnnxEmbedder(folder, normalize=False).embed(TEXTS)
    assert not np.allclose(np.linalg.norm(plain, axis=1), 1)
    unit = plain / np.linalg.norm(plain, axis=1, keepdims=True)
    np.testing.assert_allclose(OnnxEmbedder(folder).embed(TEXTS), unit, atol=1e-6)


def test_a_graph_that_pools_is_left_to_it(tmp_path: Path) -> None:
    """`sentence_embedding` is taken as it is, and another way of pooling is refused."""
    folder = make_folder(tmp_path / "m", graph=make_graph(output="sentence_embedding"))
    np.testing.assert_allclose(OnnxEmbedder(folder).embed(TEXTS), [pooled(text) for text in TEXTS], atol=1e-6)
    with pytest.raises(ConfigError, match="pools by itself"):
        OnnxEmbedder(folder, pooling="cls")


@pytest.mark.parametrize("options", [{"types": False}, {"integers": TensorProto.INT32}, {"output": "token_embeddings"}])
def test_inputs_and_outputs_are_found_by_name(tmp_path: Path, options: Any) -> None:
    """Graphs without token types, with 32-bit integers, or with another name for the vectors of tokens do as well."""
    folder = make_folder(tmp_path / "m", graph=make_graph(**options))
    np.testing.assert_allclose(OnnxEmbedder(folder).embed(TEXTS), [pooled(text) for text in TEXTS], atol=1e-6)


def test_the_folder_says_how_it_is_to_be_used(tmp_path: Path) -> None:
    """Pooling and length come from its configs, and an argument goes before them."""
    configs = {
        "sentence_bert_config.json": {"max_seq_length": 4},
        POOLING: {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False},
    }
    folder = make_folder(tmp_path / "m", at="onnx/model.onnx", configs=configs)
    long = "wing lift flow heat"
    embedder = OnnxEmbedder(folder)
    assert embedder.max_length == 4
    np.testing.assert_allclose(embedder.embed([long])[0], pooled(long, "cls", 4), atol=1e-6)
    asked = OnnxEmbedder(folder, pooling="mean", max_length=5)
    np.testing.assert_allclose(asked.embed([long])[0], pooled(long, "mean", 5), atol=1e-6)


def test_another_graph_of_the_folder_can_be_named(folder: Path) -> None:
    """Such as a quantised one, and the name recorded opens that one again."""
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model_quantized.onnx").write_bytes(make_graph(TABLE.round()).SerializeToString())
    other = OnnxEmbedder(folder, file="onnx/model_quantized.onnx")
    assert not np.allclose(other.embed(TEXTS), OnnxEmbedder(folder).embed(TEXTS))
    again = load(other.name.removeprefix("onnx:"))
    assert np.array_equal(again.embed(TEXTS), other.embed(TEXTS))


def test_a_vector_does_not_depend_on_its_company(folder: Path) -> None:
    """In a call of many texts each has the vector that it has alone, at its own place."""
    random = np.random.default_rng(1)
    texts = [" ".join(random.choice(WORDS[3:], size=size)) for size in random.integers(1, 60, size=300)]
    embedder = OnnxEmbedder(folder)
    np.testing.assert_allclose(
        embedder.embed(texts), np.concatenate([embedder.embed([text]) for text in texts]), atol=1e-6
    )


def test_runs_are_within_the_batch_and_have_little_padding(folder: Path) -> None:
    """Texts are sorted by length first; a run has up to `batch_size` texts, and fewer where they are long."""
    embedder = OnnxEmbedder(folder, batch_size=4, max_length=10_000)
    embedder._session = runs = Watched(embedder._session, "run")
    embedder.embed(["wing", "lift " * 20] * 8)
    shapes = [feed["input_ids"].shape for _, feed in runs.calls]
    assert shapes == [(4, 22), (4, 22), (4, 3), (4, 3)]
    runs.calls.clear()
    embedder.embed(["flow " * 6000] * 3)
    assert [feed["input_ids"].shape for _, feed in runs.calls] == [(1, 6002)] * 3


def test_a_very_long_text_is_cut_before_it_is_read(folder: Path) -> None:
    """Of a megabyte the tokenizer sees 64 characters for each token that counts, and the vector is the beginning's."""
    embedder = OnnxEmbedder(folder, max_length=16)
    embedder._tokenizer = seen = Watched(embedder._tokenizer, "encode_batch_fast")
    long = "wing lift " * 100_000
    vectors = embedder.embed([long, "wing lift " * 7])
    assert max(len(text) for text in seen.calls[0][0]) == 16 * 64
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


def test_a_text_of_no_token_has_the_zero_vector(folder: Path) -> None:
    """Never a vector of padding; what a collection makes of it under cosine is an error that names the document."""
    make_tokenizer(special=False).save(str(folder / "tokenizer.json"))
    embedder = OnnxEmbedder(folder)
    vectors = embedder.embed(["12 34", "wing"])
    assert not vectors[0].any()
    assert vectors[1].any()
    assert not embedder.embed(["1"]).any()
    with onevec.connect("memory://") as store:
        papers = store.create_collection("papers", embedder=embedder)
        with pytest.raises(EmbeddingFailed, match="document 'b'"):
            papers.upsert([{"id": "a", "text": "wing"}, {"id": "b", "text": "1"}])
        assert papers.count() == 0


def test_a_number_that_is_not_finite_is_an_error(tmp_path: Path) -> None:
    """It names the text, and the embedder goes on working."""
    table = TABLE.copy()
    table[WORDS.index("heat")] = np.nan
    embedder = OnnxEmbedder(make_folder(tmp_path / "m", graph=make_graph(table)))
    with pytest.raises(EmbeddingFailed, match="text 2 of 4, 'heat slab") as raised:
        embedder.embed(TEXTS)
    assert raised.value.position == 2
    assert embedder.embed(TEXTS[:2]).any()


def test_threads_get_the_vectors_of_their_own_texts(folder: Path) -> None:
    """Many threads on one embedder get what one thread gets."""
    embedder = OnnxEmbedder(folder, threads=1)
    texts = [[f"{word} {other}" for other in WORDS[3:]] for word in WORDS[3:]]
    with ThreadPoolExecutor(7) as threads:
        matrices = list(threads.map(embedder.embed, texts))
    assert all(np.array_equal(matrix, embedder.embed(own)) for matrix, own in zip(matrices, texts, strict=True))


def test_the_name_tells_models_and_settings_apart(folder: Path, tmp_path: Path) -> None:
    """Other weights, another tokenizer or another setting has another name; the settings that the folder has anyway
    don't."""
    name = OnnxEmbedder(folder).name
    assert name.startswith(f"onnx:{folder}#")
    assert OnnxEmbedder(folder, pooling="mean", max_length=512, batch_size=3).name == name
    others = [
        OnnxEmbedder(folder, pooling="cls").name,
        OnnxEmbedder(folder, normalize=False).name,
        OnnxEmbedder(folder, max_length=9).name,
        OnnxEmbedder(make_folder(tmp_path / "weights", graph=make_graph(TABLE * 2))).name,
    ]
    make_tokenizer(special=False).save(str(folder / "tokenizer.json"))
    others.append(OnnxEmbedder(folder).name)
    assert len({name[-12:] for name in [name, *others]}) == 6


def test_the_name_counts_weights_that_lie_beside_the_graph(tmp_path: Path) -> None:
    """Large graphs keep them in a second file."""
    folder = make_folder(tmp_path / "m")
    onnx.save_model(
        make_graph(), folder / "model.onnx", save_as_external_data=True, location="model.onnx_data", size_threshold=100
    )
    first = OnnxEmbedder(folder)
    np.testing.assert_allclose(first.embed(TEXTS), [pooled(text) for text in TEXTS], atol=1e-6)
    data = bytearray((folder / "model.onnx_data").read_bytes())
    data[0] ^= 1
    (folder / "model.onnx_data").write_bytes(data)
    assert OnnxEmbedder(folder).name != first.name


def test_another_process_opens_the_collection_by_what_it_recorded(folder: Path, tmp_path: Path) -> None:
    """Nobody has to say the embedder again: the name holds folder and settings."""
    with onevec.connect(
        f"sqlite:///{tmp_path / 'store.db'}", embedder=f"onnx:{folder}?pooling=cls&max_length=8"
    ) as store:
        papers = store.create_collection("papers")
        papers.upsert([{"id": text, "text": text} for text in TEXTS])
    opened = f"onevec.connect('sqlite:///{tmp_path / 'store.db'}').collection('papers')"
    program = f"import onevec\nprint({opened}.search('flow')[0].id)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd="/", timeout=60
    )
    assert done.stdout == "flow\n"
    assert done.stderr == ""


def test_a_copy_elsewhere_is_the_same_embedder_and_another_model_is_not(folder: Path, tmp_path: Path) -> None:
    """What counts is the digest: where the folder lies doesn't, and a folder whose model has changed is refused."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with onevec.connect(url, embedder=f"onnx:{folder}") as store:
        store.create_collection("papers").upsert({"id": "1", "text": "wing lift"})
    copied = shutil.copytree(folder, tmp_path / "elsewhere" / "copied")
    shutil.rmtree(folder)
    with onevec.connect(url) as store, pytest.raises(EmbedderMismatch, match="can't be found by its name"):
        store.collection("papers").search("wing")
    with onevec.connect(url, embedder=f"onnx:{copied}") as store:
        assert store.collection("papers").search("wing")[0].id == "1"
        assert store.collection("papers", embedder=f"onnx:{copied}").search("wing")[0].id == "1"
    make_folder(tmp_path / "other", graph=make_graph(TABLE * 2))
    with onevec.connect(url) as store, pytest.raises(EmbedderMismatch, match="two models"):
        store.collection("papers", embedder=f"onnx:{tmp_path / 'other'}")


def test_a_folder_that_has_changed_is_refused_by_the_old_name(folder: Path) -> None:
    """The vectors recorded under the name were another model's."""
    name = OnnxEmbedder(folder).name.removeprefix("onnx:")
    assert load(name).name == f"onnx:{name}"
    make_folder(folder, graph=make_graph(TABLE * 2))
    with pytest.raises(EmbedderMismatch, match="has changed"):
        load(name)


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (shutil.rmtree, UnknownEmbedder, "there is no folder"),
        (lambda at: (at / "model.onnx").unlink(), UnknownEmbedder, "no model.onnx and no onnx/model.onnx"),
        (lambda at: (at / "tokenizer.json").unlink(), UnknownEmbedder, "no tokenizer.json"),
        (lambda at: (at / "model.onnx").write_bytes(b"not a graph"), ConfigError, "can't be loaded as an ONNX graph"),
        (lambda at: (at / "tokenizer.json").write_text("{}"), ConfigError, "can't be read as a tokenizer"),
        (lambda at: (at / "config.json").write_text("{"), ConfigError, "config.json'? isn't JSON"),
        (lambda at: make_folder(at, configs={"modules.json": [{"type": "a.Dense"}]}), ConfigError, "it has Dense"),
        (lambda at: make_folder(at, configs={POOLING: {"pooling_mode": "weightedmean"}}), ConfigError, "weightedmean"),
        (lambda at: make_folder(at, graph=image_graph()), ConfigError, r"its inputs are .* are pixels \(float\)"),
        (lambda at: make_folder(at, graph=flat_graph()), ConfigError, "an output sentence_embedding of shape"),
    ],
)  # fmt: skip
def test_a_folder_that_is_no_model_is_an_error_that_says_why(folder: Path, change: Any, error: Any, match: str) -> None:
    """It is found when the embedder is made, and not with the first text."""
    change(folder)
    with pytest.raises(error, match=match):
        OnnxEmbedder(folder)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"pooling": "median"}, "pooling is one of mean, cls, max, last"),
        ({"max_length": 17}, "places for 16 tokens, got max_length=17"),
        ({"max_length": 0}, "max_length"),
        ({"batch_size": 0}, "batch_size"),
        ({"threads": 0}, "threads"),
        ({"providers": ["AbacusExecutionProvider"]}, "not AbacusExecutionProvider"),
        ({"providers": []}, "not none"),
        ({"file": "other.onnx"}, "no other.onnx"),
    ],
)
def test_an_argument_that_does_not_fit_is_refused(tmp_path: Path, options: Any, match: str) -> None:
    """With what there is instead."""
    folder = make_folder(tmp_path / "m", configs={"config.json": {"max_position_embeddings": 16}})
    assert OnnxEmbedder(folder).max_length == 16
    with pytest.raises(onevec.OnevecError, match=match):
        OnnxEmbedder(folder, **options)


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        (None, "needs a model"),
        ("", "needs a model"),
        ("{}?poling=cls", "no option 'poling'; options are pooling"),
        ("{}?max_length=many", "max_length is a whole number, got 'many'"),
        ("{}?normalize=yes", "normalize is true or false"),
    ],
)
def test_a_name_that_is_not_understood_is_refused(folder: Path, spec: str | None, match: str) -> None:
    """As `"onnx:FOLDER?option=value"`."""
    with pytest.raises(ConfigError, match=match):
        load(spec and spec.format(folder))


def test_a_missing_library_is_named_with_the_command_that_installs_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither library comes with the base."""
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "tokenizers" else object())
    with pytest.raises(EngineNotInstalled, match=r'needs tokenizers: pip install "onevec\[onnx\]"'):
        OnnxEmbedder(folder)


def test_the_length_of_the_tokenizers_file_is_not_heeded(folder: Path) -> None:
    """Files of tokenizers carry the truncation and padding of their training; the model's configs are what counts."""
    assert json.loads((folder / "tokenizer.json").read_text())["truncation"]["max_length"] == 3
    long = "wing lift flow heat bread slab"
    np.testing.assert_allclose(OnnxEmbedder(folder).embed([long])[0], pooled(long), atol=1e-6)


def image_graph() -> onnx.ModelProto:
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["images", 3])
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["images", 3])
    graph = helper.make_graph([helper.make_node("Identity", ["pixels"], ["logits"])], "g", [pixels], [output])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def flat_graph() -> onnx.ModelProto:
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info("ids", TensorProto.INT64, ["texts", "tokens"])
    graph = helper.make_graph([helper.make_node("Identity", ["input_ids"], ["ids"])], "g", inputs, [output])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
