"""The documents and the questions, made once and kept in files, so that no process under measurement carries them.

A dataset's folder has `vectors.npy`, `documents.jsonl` (a text and its metadata on each line), `queries.npz` with a
matrix for each column, and `truth.json` with the exact answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from bench.embedded.contender import Batch, Condition, Metadata, Vectors
from bench.embedded.texts import Corpus
from bench.embedded.truth import nearest

COLUMNS: MappingProxyType[str, Condition | None] = MappingProxyType(
    {
        "no filter": None,
        "50 %": Condition("bucket", "<", 500),
        "10 %": Condition("bucket", "<", 100),
        "1 %": Condition("bucket", "<", 10),
        "0.1 %": Condition("bucket", "<", 1),
        "far 10 %": Condition("region", "==", 0),
    }
)
FAR = "far 10 %"
QUERIES = 300
TUNING = 40
DIMENSION = 384
_CLUSTER = 50
_LATENT = 32
_REGIONS = 10
_LANGUAGES = ("en", "de", "fr", "es", "zh")
_TAGS = (
    *("wing", "lift", "drag", "shock", "heat", "slab", "layer", "flow", "plate", "jet"),
    *("nozzle", "cone", "wake", "stall", "gust", "flap", "rotor", "hull", "keel", "sail"),
)


@dataclass(frozen=True, slots=True)
class Column:
    """The questions of one column.

    Attributes:
        condition: The filter.
        queries: Shape (queries, dimension).
        answers: For each query, the rows that count as found.
        matching: How many documents match.
    """

    condition: Condition | None
    queries: Vectors
    answers: list[frozenset[str]]
    matching: int


@dataclass(frozen=True, slots=True)
class Dataset:
    """A folder of files, as above."""

    folder: Path
    size: int
    dimension: int

    @classmethod
    def open(cls, folder: Path) -> Dataset:
        size, dimension = np.load(folder / "vectors.npy", mmap_mode="r").shape
        return cls(folder, size, dimension)

    def batches(self, size: int) -> Iterator[Batch]:
        """Yield the documents in batches, read from the files a batch at a time."""
        with (self.folder / "vectors.npy").open("rb") as vectors, (self.folder / "documents.jsonl").open("rb") as lines:
            np.lib.format.read_magic(vectors)
            np.lib.format.read_array_header_1_0(vectors)
            for start in range(0, self.size, size):
                rows = range(start, min(start + size, self.size))
                flat = np.fromfile(vectors, np.float32, len(rows) * self.dimension)
                documents = [json.loads(line) for line in islice(lines, len(rows))]
                yield Batch(
                    rows,
                    flat.reshape(len(rows), self.dimension),
                    [document["text"] for document in documents],
                    [document["metadata"] for document in documents],
                )

    def columns(self, *, tuning: bool = False) -> dict[str, Column]:
        """Return the columns with the queries to measure, or those to tune by."""
        queries = np.load(self.folder / "queries.npz")
        truth = json.loads((self.folder / "truth.json").read_bytes())
        columns = {}
        for name, condition in COLUMNS.items():
            held = min(TUNING, len(queries[name]) // 5)
            part = slice(held) if tuning else slice(held, held + QUERIES)
            answers = [frozenset(map(str, rows)) for rows in truth[name]["answers"][part]]
            columns[name] = Column(condition, queries[name][part], answers, truth[name]["matching"])
        return columns


def make_clusters(folder: Path, size: int) -> Dataset:
    """Make `size` documents in overlapping clusters of about 50, and write them to the folder.

    The clusters vary in 32 directions of the 384, as embeddings of text do, plus a little noise in all.
    """
    random = np.random.default_rng(7)
    count = size + QUERIES + TUNING
    centres = random.standard_normal((max(size // _CLUSTER, 1), _LATENT), np.float32)
    mixing = random.standard_normal((_LATENT, DIMENSION), np.float32) / np.float32(_LATENT**0.5)
    vectors = np.empty((count, DIMENSION), np.float32)
    for start in range(0, count, 50_000):
        part = vectors[start : start + 50_000]
        latent = centres[random.integers(len(centres), size=len(part))]
        latent += 0.8 * random.standard_normal(latent.shape, np.float32)
        part[:] = latent @ mixing + 0.2 * random.standard_normal(part.shape, np.float32)
    phrases = [" ".join(random.choice(_TAGS, 10)) for _ in range(1024)]
    picks = random.integers(len(phrases), size=(size, 5)).tolist()
    texts = (" ".join(phrases[pick] for pick in five) for five in picks)
    return _write(folder, vectors[:size], vectors[size:], texts)


def make_texts(folder: Path, corpus: Corpus) -> Dataset:
    """Embed the texts with onevec's default embedder, and write them to the folder."""
    from onevec.embedders.wordllama import load

    embedder = load()
    return _write(folder, embedder.embed(corpus.texts), embedder.embed(corpus.queries), iter(corpus.texts))


def _write(folder: Path, vectors: Vectors, queries: Vectors, texts: Iterator[str]) -> Dataset:
    folder.mkdir(parents=True)
    random = np.random.default_rng(11)
    vectors, queries = _of_length_one(vectors), _of_length_one(queries)
    buckets = random.permutation(len(vectors)) % 1000
    regions = _regions(vectors)
    np.save(folder / "vectors.npy", vectors)
    with (folder / "documents.jsonl").open("w", encoding="utf-8") as lines:
        for text, bucket, region in zip(texts, buckets.tolist(), regions.tolist(), strict=True):
            lines.write(f"{json.dumps({'text': text, 'metadata': _metadata(random, bucket, region)})}\n")
    far = random.permutation((regions == _REGIONS - 1).nonzero()[0])[: QUERIES + TUNING]
    asked = {name: vectors[far] if name == FAR else queries[: QUERIES + TUNING] for name in COLUMNS}
    np.savez(folder / "queries.npz", **asked)  # type: ignore[arg-type]  # its keywords are the arrays' names
    fields = {"bucket": buckets, "region": regions}
    truth = {}
    for name, condition in COLUMNS.items():
        rows = _matching(fields, condition, len(vectors))
        truth[name] = {"matching": len(rows), "answers": nearest(asked[name], vectors, rows)}
    (folder / "truth.json").write_text(json.dumps(truth))
    return Dataset(folder, *vectors.shape)


def matches(values: npt.NDArray[np.int64], condition: Condition) -> npt.NDArray[np.bool_]:
    """Return which values of the condition's field match."""
    return values < condition.value if condition.op == "<" else values == condition.value


def _matching(
    fields: dict[str, npt.NDArray[np.int64]], condition: Condition | None, size: int
) -> npt.NDArray[np.int64]:
    if condition is None:
        return np.arange(size)
    return matches(fields[condition.field], condition).nonzero()[0]


def _metadata(random: np.random.Generator, bucket: int, region: int) -> dict[str, Any]:  # Any: JSON values
    draws = random.random(7).tolist()
    tags = [_TAGS[int(draw * len(_TAGS))] for draw in draws[: 1 + int(draws[3] * 3)]]
    return Metadata(
        year=1950 + int(draws[4] * 76),
        lang=_LANGUAGES[int(draws[5] ** 2 * len(_LANGUAGES))],
        tags=sorted(set(tags)),
        reviewed=draws[6] < 0.4,
        bucket=bucket,
        region=region,
    ).asdict()


def _regions(vectors: Vectors) -> npt.NDArray[np.int64]:
    """Ten equal parts along the first principal component of a sample."""
    sample = vectors[:: max(len(vectors) // 5000, 1)].astype(np.float64)
    _, directions = np.linalg.eigh(np.cov(sample, rowvar=False))
    places = (vectors @ directions[:, -1].astype(np.float32)).argsort().argsort()
    return places * _REGIONS // len(vectors)


def _of_length_one(vectors: Vectors) -> Vectors:
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    vectors /= np.maximum(lengths, np.finfo(np.float32).tiny)[:, np.newaxis]
    return vectors
