"""The jsonl engine's files when they are damaged: told of, and never taken for something else."""

from __future__ import annotations

import random
import sys
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pytest

import onevec
from onevec import Document, Store
from onevec.adapters.jsonl import TornLineWarning
from onevec.errors import CollectionNotFound, Corrupted, OnevecError, UnsupportedVersion

from .jsonl_disks import QUERY, State, documents, everything, opened

DOCUMENT = (
    b'{"id":"1","text":null,"metadata":{},"created":"2020-01-01T00:00:00Z","updated":"2020-01-01T00:00:00Z",'
)
FILE = "papers.jsonl"


class Original(NamedTuple):
    """A file, and what the store held after each of its lines."""

    lines: tuple[bytes, ...]
    states: tuple[State, ...]

    @property
    def content(self) -> bytes:
        return b"".join(self.lines)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Original:
    """A file of ten lines, of every kind of write, that was compacted once."""
    folder = tmp_path_factory.mktemp("original")
    with opened(folder) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(documents(range(2)))
        papers.optimize()
        states = [everything(store)]
        acme = papers.namespace("acme")
        writes: tuple[Callable[[], object], ...] = (
            lambda: papers.upsert([Document("é", text="one\ntwo\u2028three", vector=QUERY, metadata={"a": ["\n"]})]),
            lambda: acme.upsert(documents([7])),
            lambda: papers.update("000", text="flap"),
            lambda: papers.delete("001"),
            acme.clear,
            lambda: papers.upsert(documents(range(2, 5))),
            lambda: papers.update("003", metadata={"n": 33}),
        )
        for write in writes:
            write()
            states.append(everything(store))
    lines = tuple((folder / FILE).read_bytes().splitlines(keepends=True))
    assert len(lines) == 3 + len(writes)
    with opened(folder) as store:
        store.collection("papers").optimize()
    first = (folder / FILE).read_bytes().splitlines(keepends=True)[0]
    for count in (1, 2):  # what a file is that has only its first lines
        (folder / FILE).write_bytes(b"".join(lines[:count]))
        with opened(folder) as store:
            states.insert(count - 1, everything(store))
    assert first != lines[0]
    return Original(lines, tuple(states))


@pytest.mark.parametrize("options", [{}, {"read_only": True}], ids=["writable", "read-only"])
def test_a_newer_format_is_refused(written: Path, options: dict[str, Any]) -> None:
    """A file that a later version made is refused, says to upgrade, and stays as it is."""
    path = written / "papers.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"version":1', b'"version":2'))
    before = path.read_bytes()
    with onevec.connect(f"jsonl:///{written}", **options) as store:
        for call in (store.collections, lambda: store.collection("papers")):
            with pytest.raises(UnsupportedVersion, match="upgrade"):
                call()
        assert "upgrade" in store.health().issues[0]
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"\0" * 999, b"[]\n", b'{"id": 1}\n', b"not JSON", b"\x80PNG\r\n", b'{"onevec":"jsonl"}\n']
)
def test_a_file_of_something_else_is_refused(written: Path, content: bytes) -> None:
    """A `.jsonl` that is no collection's is `Corrupted`, with its name; it stays, and the others can be opened."""
    (written / "other.jsonl").write_bytes(content)
    with onevec.connect(f"jsonl:///{written}") as store:
        for call in (store.collections, lambda: store.collection("other")):
            with pytest.raises(Corrupted, match=r"other\.jsonl.*move it") as refused:
                call()
            assert refused.value.engine == "jsonl"
        assert store.collection("papers").count() == 10
        assert store.health().status == "unhealthy"
    assert (written / "other.jsonl").read_bytes() == content


def test_a_file_under_another_name_is_refused(written: Path) -> None:
    """A copy of a collection's file beside it is not taken for another collection."""
    (written / "copy.jsonl").write_bytes((written / "papers.jsonl").read_bytes())
    with onevec.connect(f"jsonl:///{written}") as store:
        with pytest.raises(Corrupted, match=r"copy\.jsonl is the file of a collection 'papers'"):
            store.collections()
        assert store.collection("papers").count() == 10


@pytest.mark.parametrize(
    "body",
    [
        b'{"op":"shrink","namespace":""',
        b'{"op":"upsert","namespace":"","documents":[{"id":"1"}]',
        b'{"op":"delete","namespace":""',
        b'["upsert"',
        b'{"op":"upsert","namespace":"","documents":[%b"vector":[1.0,2.0,3.0]}]' % DOCUMENT,
        b'{"op":"upsert","namespace":"","documents":[%b"vector":[1.0,2e39]}]' % DOCUMENT,
    ],
)
def test_a_line_of_another_form_is_refused(written: Path, body: bytes) -> None:
    """A line that has its checksum but isn't a write of this collection is `Corrupted`, with its number."""
    path = written / "papers.jsonl"
    before = path.read_bytes().splitlines()[-1][:-18]
    line = body + b',"crc":"%08x"}\n' % zlib.crc32(before + body)
    with onevec.connect(f"jsonl:///{written}") as store:
        papers = store.collection("papers")
        assert papers.count() == 10
        with path.open("ab") as file:
            file.write(line)
        with pytest.raises(Corrupted, match="line 3"):
            papers.count()
        with pytest.raises(Corrupted, match="line 3"):
            papers.delete("001")
