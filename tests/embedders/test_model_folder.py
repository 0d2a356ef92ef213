"""What a folder with a model says of itself, and names that hold a digest of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from onevec.embedders.model_folder import ModelFolder, Spec, digest
from onevec.errors import ConfigError, UnknownEmbedder
from onevec.registry import is_same_embedder

A, B = "#0123456789ab", "#ba9876543210"


def folder_with(folder: Path, **files: Any) -> ModelFolder:
    """A folder with JSON files, named without their suffix."""
    (folder / "1_Pooling").mkdir(exist_ok=True)
    for name, content in files.items():
        path = folder / ("1_Pooling/config.json" if name == "pooling" else f"{name}.json")
        path.write_text(json.dumps(content))
    return ModelFolder(folder)


@pytest.mark.parametrize(
    ("config", "pooling"),
    [
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, "mean"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_lasttoken": True}, "last"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, "cls+mean"),
        ({"pooling_mode": "mean", "embedding_dimension": 16}, "mean"),
        ({"pooling_mode": "lasttoken"}, "last"),
        ({}, None),
    ],
)
def test_the_way_of_pooling_is_read_as_any_version_writes_it(tmp_path: Path, config: Any, pooling: str | None) -> None:
    """Flags up to version 5 of sentence-transformers, the name from version 6 on."""
    assert folder_with(tmp_path, pooling=config).pooling == pooling


@pytest.mark.parametrize(
    ("files", "length"),
    [
        ({"sentence_bert_config": {"max_seq_length": 256}, "config": {"max_position_embeddings": 512}}, 256),
        ({"tokenizer_config": {"model_max_length": 512}, "config": {"max_position_embeddings": 514}}, 512),
        ({"tokenizer_config": {"model_max_length": 10**30}, "config": {"max_position_embeddings": 512}}, 512),
        ({"tokenizer_config": {"model_max_length": 8192}, "config": {"max_position_embeddings": 512}}, 512),
        ({"sentence_bert_config": {"max_seq_length": None}}, None),
        ({}, None),
    ],
)
def test_the_length_of_texts_is_the_first_that_is_said(tmp_path: Path, files: Any, length: int | None) -> None:
    """And no more than the model has places for; a tokenizer's 10**30 means that it doesn't know."""
    assert folder_with(tmp_path, **files).max_length == length


def test_layers_after_pooling_are_known(tmp_path: Path) -> None:
    """By the last part of their class, which has moved between versions."""
    kinds = [
        "sentence_transformers.models.Transformer",
        "a.b.Pooling",
        "sentence_transformers.models.Dense",
        "Normalize",
    ]
    assert folder_with(tmp_path, modules=[{"type": kind} for kind in kinds]).layers == ["Dense"]


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """With its path."""
    with pytest.raises(UnknownEmbedder, match="there is no folder"):
        ModelFolder(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"modules\.json can't be read"):
        _ = folder_with(tmp_path, modules=[{"kind": "Transformer"}]).layers
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ConfigError, match=r"config\.json isn't JSON"):
        ModelFolder(tmp_path)


@pytest.mark.parametrize(
    "spec",
    [
        Spec("/models/minilm"),
        Spec("/models/minilm", {"pooling": "cls", "max_length": "8"}, "0123456789ab"),
        Spec("BAAI/bge", {"query_prompt": "Find: a & b? 50 % #1 = "}),
        Spec("C:\\models\\mini lm", {}, "0123456789ab"),
        Spec("/models/#1/what?", {}, "0123456789ab"),
    ],
)
def test_a_name_is_read_as_it_was_written(spec: Spec) -> None:
    """Whatever stands in its parts."""
    assert Spec.parsed(str(spec)) == spec


def test_a_digest_is_of_bytes_and_settings_and_not_of_names(tmp_path: Path) -> None:
    """A byte that moves from one file to the next changes it; another name or place doesn't."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"ab")
    second.write_bytes(b"c")
    one = digest([first, second], "cls")
    assert one == digest([first.rename(tmp_path / "renamed"), second], "cls")
    assert len(one) == 12
    first.write_bytes(b"a")
    second.write_bytes(b"bc")
    assert len({one, digest([first, second], "cls"), digest([tmp_path / "renamed", second], "mean")}) == 3


@pytest.mark.parametrize(
    ("name", "other", "same"),
    [
        ("wordllama", "wordllama", True),
        ("wordllama", None, False),
        ("wordllama", "openai:x", False),
        (f"onnx:/models/minilm{A}", f"onnx:minilm{A}", True),
        (f"onnx:/models/minilm?pooling=cls{A}", f"onnx:/opt/m?pooling=cls{A}", True),
        (f"onnx:/models/minilm{A}", f"onnx:/models/minilm{B}", False),
        (f"onnx:/models/minilm{A}", f"huggingface:/models/minilm{A}", False),
        ("onnx:/models/minilm", "onnx:/opt/minilm", False),
        (f"ensemble:max(onnx:/a{A}*0.5,x:/b{B}*0.5)", f"ensemble:max(onnx:/c{A}*0.5,x:/d{B}*0.5)", True),
        (f"ensemble:max(onnx:/a{A}*0.5,x:/b{B}*0.5)", f"ensemble:max(onnx:/a{A}*0.4,x:/b{B}*0.6)", False),
        (f"ensemble:max(onnx:/a{A}*0.5,x:/b{B}*0.5)", f"ensemble:max(onnx:/a{B}*0.5,x:/b{A}*0.5)", False),
        (f"ensemble:max(wordllama*0.5,x:/b{A}*0.5)", f"ensemble:max(openai*0.5,x:/b{A}*0.5)", False),
    ],
)
def test_an_embedder_is_the_same_wherever_its_model_lies(name: str, other: str | None, *, same: bool) -> None:
    """Of names with a digest only the place may differ; of others nothing may."""
    assert is_same_embedder(name, other) is same
