"""The graph of a text embedder in ONNX Runtime: what it takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from onevec.errors import ConfigError
from onevec.validate import checked_count

POOLED = "sentence_embedding"
_BY_TOKEN = ("last_hidden_state", "token_embeddings")
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def opened(graph: Path, providers: Sequence[str] | None, threads: int | None) -> Any:  # Any: carries no types
    """Return ONNX Runtime's session of a graph.

    Raises:
        ConfigError: It can't be read, or there is no such provider.
    """
    import onnxruntime

    wanted = ["CPUExecutionProvider"] if providers is None else list(providers)
    there = onnxruntime.get_available_providers()
    if not wanted or set(wanted) - set(there):  # the library would warn, and compute with another
        raise ConfigError(f"ONNX Runtime has the providers {', '.join(there)} here, not {', '.join(wanted) or 'none'}")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads is not None:
        options.intra_op_num_threads = checked_count(threads, "threads")
    try:
        return onnxruntime.InferenceSession(str(graph), options, providers=wanted)
    except Exception as error:
        raise ConfigError(f"{str(graph)!r} can't be loaded as an ONNX graph: {error}") from error


def inputs_of(session: Any, graph: Path) -> dict[str, str]:  # Any: as above
    """Return the inputs that a graph takes, and the types of their numbers.

    Raises:
        ConfigError: They aren't those of a text embedder.
    """
    kinds = {one.name: one.type.removeprefix("tensor(").removesuffix(")") for one in session.get_inputs()}
    if not {*_INPUTS[:2]} <= kinds.keys() <= {*_INPUTS} or not {*kinds.values()} <= {"int64", "int32"}:
        has = ", ".join(f"{name} ({kind})" for name, kind in kinds.items()) or "none"
        raise ConfigError(
            f"{str(graph)!r} isn't the graph of a text embedder: its inputs are to be input_ids, attention_mask and "
            f"perhaps token_type_ids, of integers, and are {has}"
        )
    return kinds


def output_of(session: Any, graph: Path) -> Any:  # Any: as above
    """Return the output to take: the vectors of texts, or those of tokens, which are to be pooled.

    Raises:
        ConfigError: There is neither.
    """
    outputs = {one.name: one for one in session.get_outputs()}
    name = next((name for name in (POOLED, *_BY_TOKEN) if name in outputs), None)
    output = outputs[name] if name else next(iter(outputs.values())) if len(outputs) == 1 else None
    if output is None or len(output.shape) not in (2, 3) or "float" not in output.type:
        has = ", ".join(f"{one.name} {one.type} {one.shape}" for one in outputs.values())
        raise ConfigError(
            f"{str(graph)!r} isn't the graph of a text embedder: it is to have an output {POOLED} of shape (texts, "
            f"dimension), or {_BY_TOKEN[0]} of shape (texts, tokens, dimension), and has {has}"
        )
    return output
