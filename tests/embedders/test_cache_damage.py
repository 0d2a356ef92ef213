"""A cache whose file is damaged, somebody else's or out of reach: never a wrong vector, and never in the way."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import apsw
import pytest
from tests.embedders.counting import TEXTS, Model, asked_of, is_right

import onevec
from onevec import FunctionEmbedder
from onevec.embedders.cache import CachedEmbedder, EmbeddingCache
from onevec.errors import ConfigError, EmbeddingFailed, OnevecError


@pytest.mark.parametrize("sql", ["UPDATE vectors SET data = ?", "UPDATE vectors SET data = zeroblob(24)"])
def test_a_vector_that_was_changed_is_made_again(path: Path, cached: CachedEmbedder, sql: str) -> None:
    """One flipped bit, or all zeros, is found by its checksum; the vector of another text is, too."""
    cached.embed(TEXTS)
    with apsw.Connection(str(path)) as other:
        data = other.execute("SELECT data FROM vectors LIMIT 1").get
        flipped = data[:-1] + bytes([data[-1] ^ 1])
        other.execute(sql, (flipped,) if "?" in sql else ())
    other.close()
    assert is_right(cached)
    assert asked_of(cached) == TEXTS * 2
    with apsw.Connection(str(path)) as other:
        other.execute("UPDATE vectors SET data = (SELECT data FROM vectors WHERE id = 1)")
    other.close()
    assert is_right(cached)


@pytest.mark.parametrize("where", [100, 4096, 9000])
def test_a_damaged_file_is_begun_anew(path: Path, where: int, caplog: pytest.LogCaptureFixture) -> None:
    """Wherever it is damaged: the vectors are right, the log says what happened, and the cache works again."""
    first = CachedEmbedder(Model(), path)
    first.embed([f"text {number}" for number in range(500)])
    first.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:where] + os.urandom(20_000) + whole[where + 20_000 :])
    second = CachedEmbedder(Model(), path)
    for _ in range(2):
        assert is_right(second, [f"text {number}" for number in range(500)])
    assert "is damaged and begun anew" in caplog.text
    assert second.stats().entries == 500
    second.close()


def test_a_file_that_was_cut_off_is_begun_anew(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The same."""
    first = CachedEmbedder(Model(), path)
    first.embed([f"text {number}" for number in range(500)])
    first.close()
    path.write_bytes(path.read_bytes()[:5000])
    second = CachedEmbedder(Model(), path)
    assert is_right(second)
    assert is_right(second)
    assert "is damaged and begun anew" in caplog.text
    second.close()


def test_a_file_of_another_program_is_left_alone(path: Path) -> None:
    """A store, any other database, a text: refused, and not a byte of it changed."""
    with onevec.connect(f"sqlite:///{path}") as store:
        store.create_collection("papers", dimension=2)
    other = path.with_name("notes.txt")
    other.write_text("not a database")
    for file in (path, other):
        before = file.read_bytes()
        with pytest.raises(ConfigError, match="is no embedding cache of onevec"):
            EmbeddingCache(file)
        assert file.read_bytes() == before
    for nowhere in (path.parent, path / "deeper.db", path.parent / "no" / "where.db"):
        with pytest.raises(ConfigError, match="in a folder that is there"):
            EmbeddingCache(nowhere)


def test_a_file_that_cannot_be_written_stops_nothing(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nor one whose lock another program holds: texts are embedded, without the cache."""
    cache = EmbeddingCache(path)
    embedder = CachedEmbedder(Model(), cache)
    cache._connection.set_busy_timeout(10)  # type: ignore[union-attr]
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    assert is_right(embedder)
    assert "wasn't used: " in caplog.text
    other.execute("ROLLBACK")
    assert is_right(embedder)
    assert embedder.stats().entries == 3
    embedder.embed(["another"])
    asked_of(embedder).clear()
    other.execute("BEGIN IMMEDIATE")
    assert is_right(embedder)  # what is there can still be read
    assert asked_of(embedder) == []
    other.close()
    embedder.close()


def test_a_model_that_gives_nonsense_is_not_kept(path: Path) -> None:
    """Only vectors of the right shape with finite numbers get into the file."""
    rows: list[Any] = [[1.0, float("nan")], [1.0, 2.0, 3.0], [1.0, 2.0]]
    embedder = CachedEmbedder(FunctionEmbedder(lambda texts: [rows[0]] * len(texts), dimension=2), path)
    for _ in range(2):
        with pytest.raises(OnevecError):
            embedder.embed(TEXTS)
        assert embedder.stats().entries == 0
        del rows[0]
    fresh = CachedEmbedder(FunctionEmbedder(lambda texts: [rows[0]] * len(texts), dimension=2), embedder._cache)
    assert fresh.embed(TEXTS).tolist() == [[1.0, 2.0]] * 3
    embedder.close()


def test_a_model_of_another_size_than_it_says_is_not_kept(path: Path) -> None:
    """The size it says is part of what its vectors are found by."""
    embedder = CachedEmbedder(FunctionEmbedder(lambda texts: [[1.0, 2.0, 3.0]] * len(texts), dimension=2), path)
    with pytest.raises(EmbeddingFailed, match="vectors of 3 numbers for texts 0 to 2 of 3, its dimension is 2"):
        embedder.embed(TEXTS)
    assert embedder.stats().entries == 0
    embedder.close()
