"""Small models in folders, as the Hub has them: a graph of ONNX with a table of vectors, and a tokenizer of words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Replace
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

WORDS = ["[PAD]", "[CLS]", "[SEP]", "wing", "lift", "flow", "heat", "bread", "slab", "layer"]
DIMENSION = 4
TABLE = np.random.default_rng(7).normal(size=(len(WORDS), DIMENSION)).astype(np.float32)


def make_folder(
    folder: Path,
    *,
    graph: onnx.ModelProto | None = None,
    at: str = "model.onnx",
    configs: Mapping[str, Any] | None = None,
) -> Path:
    """Write a model to a folder; `configs` are contents of JSON files."""
    (folder / at).parent.mkdir(parents=True, exist_ok=True)
    (folder / at).write_bytes((graph or make_graph()).SerializeToString(deterministic=True))
    make_tokenizer().save(str(folder / "tokenizer.json"))
    for name, config in (configs or {}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(config))
    return folder


def make_tokenizer(*, special: bool = True) -> Tokenizer:
    """Words at white space; digits are nothing to it."""
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}))
    tokenizer.normalizer = Replace(Regex(r"\d"), "")
    tokenizer.pre_tokenizer = Whitespace()
    if special:
        tokenizer.post_processor = TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
        )
    tokenizer.enable_truncation(3)  # as files of tokenizers say, and embedders don't heed
    tokenizer.enable_padding(length=8)
    return tokenizer


def make_graph(
    table: npt.NDArray[np.float32] = TABLE,
    *,
    output: str = "last_hidden_state",
    types: bool = True,
    integers: int = TensorProto.INT64,
) -> onnx.ModelProto:
    """Return a graph in which each token's vector is its row of the table and the mean of the text's rows.

    So padding that is not masked is seen in every vector. Token types add a thousand each, so they are to be 0.
    """
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["rows"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["column"]),
        helper.make_node("Mul", ["rows", "column"], ["seen"]),
        helper.make_node("ReduceSum", ["seen", "tokens"], ["sum"], keepdims=1),
        helper.make_node("ReduceSum", ["column", "tokens"], ["count"], keepdims=1),
        helper.make_node("Div", ["sum", "count"], ["mean"]),
        helper.make_node("Add", ["rows", "mean"], ["mixed"]),
    ]
    inputs = ["input_ids", "attention_mask"]
    if types:
        inputs.append("token_type_ids")
        nodes += [
            helper.make_node("Cast", ["token_type_ids"], ["types"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["types", "last"], ["type"]),
            helper.make_node("Mul", ["type", "thousand"], ["thousands"]),
            helper.make_node("Add", ["mixed", "thousands"], ["hidden"]),
        ]
    hidden, shape = "hidden" if types else "mixed", ["texts", "tokens", table.shape[1]]
    if output == "sentence_embedding":
        nodes.append(helper.make_node("Squeeze", ["mean", "tokens"], [output]))
        shape = ["texts", table.shape[1]]
    else:
        nodes.append(helper.make_node("Identity", [hidden], [output]))
    constants = {
        "table": table,
        "last": np.array([2]),
        "tokens": np.array([1]),
        "thousand": np.array(1000, np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(name, integers, ["texts", "tokens"]) for name in inputs],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model)
    return model


def pooled(text: str, pooling: str = "mean", length: int = 512) -> npt.NDArray[np.float32]:
    """The vector of a text as the graph defines it, at norm 1."""
    words = [WORDS.index(word) for word in text.split()][: length - 2]
    rows = TABLE[[1, *words, 2]]
    hidden = rows + rows.mean(axis=0)
    vector = {"mean": hidden.mean(axis=0), "cls": hidden[0], "max": hidden.max(axis=0), "last": hidden[-1]}[pooling]
    unit: npt.NDArray[np.float32] = vector / np.linalg.norm(vector)
    return unit
