"""Real texts to search: what is on every machine that has Python, and a collection of abstracts where there is one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HELD_OUT = 400


@dataclass(frozen=True, slots=True)
class Corpus:
    """Texts and questions.

    Attributes:
        texts: The documents'.
        queries: The questions'.
    """

    texts: list[str]
    queries: list[str]


def standard_library() -> Corpus:
    """Return the docstrings of Python's standard library; some of them, drawn by chance, are the queries."""
    from onevec.cli.stdlib_docs import documents  # here, so that the peers' processes don't load onevec

    texts = [text for document in documents() if (text := document.text)]
    order = np.random.default_rng(7).permutation(len(texts)).tolist()
    return Corpus([texts[row] for row in order[HELD_OUT:]], [texts[row] for row in order[:HELD_OUT]])


def cranfield(folder: Path) -> Corpus:
    """Return Cranfield's abstracts and questions, from the `text` on each line of its two files."""
    return Corpus(_texts(folder / "corpus.jsonl"), _texts(folder / "queries.jsonl"))


def _texts(path: Path) -> list[str]:
    with path.open(encoding="utf-8") as lines:
        return [text for line in lines if (text := json.loads(line)["text"])]
