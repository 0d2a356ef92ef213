"""The jsonl engine's files when they are damaged: told of, and never taken for something else."""

from __future__ import annotations

import os
import random
import sys
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import onevec
from onevec import Document, Store
from onevec.adapters.jsonl import TornLineWarning
from onevec.errors import CollectionNotFound, Corrupted, UnsupportedVersion

from .jsonl_disks import QUERY, QuickFiles, State, documents, everything, on, opened

DOCUMENT = b'{"id":"1","text":null,"metadata":{},"created":"2020-01-01T00:00:00Z","updated":"2020-01-01T00:00:00Z",'
FILE = "papers.jsonl"


class Original(NamedTuple):
    """A file; what the store held after each of its lines; and the file as it was before it was compacted."""

    lines: tuple[bytes, ...]
    states: tuple[State, ...]
    older: tuple[bytes, ...]

    @property
    def content(self) -> bytes:
        return b"".join(self.lines)


class Damaged(NamedTuple):
    """What a file may come to. A state of None is an error."""

    state: State | None
    torn: bool


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Original:
    """A file of ten lines, of every kind of write."""
    folder = tmp_path_factory.mktemp("original")
    with opened(folder) as store:
        papers = store.create_collection("papers", dimension=2)
        acme = papers.namespace("acme")
        papers.upsert(documents(range(2)))
        older = read_lines(folder)
        papers.optimize()
        both = everything(store)
        states: list[State] = [{("papers", ""): both["papers", ""][:count]} for count in range(3)]
        writes: tuple[Callable[[], object], ...] = (
            lambda: papers.upsert(Document("é", text="one\ntwo\u2028three", vector=QUERY, metadata={"a": ["\n"]})),
            lambda: acme.upsert(documents([7])),
            lambda: papers.update("000", text="flap"),
            lambda: papers.delete("001"),
            acme.clear,
            lambda: papers.upsert(documents(range(2, 4))),
            lambda: papers.update("003", metadata={"n": 33}),
        )
        for write in writes:
            write()
            states.append(everything(store))
    lines = read_lines(folder)
    assert len(lines) == len(states) == 10
    assert lines[0] != older[0]
    return Original(lines, tuple(states), older)


def read_lines(folder: Path) -> tuple[bytes, ...]:
    return tuple(line + b"\n" for line in (folder / FILE).read_bytes().split(b"\n")[:-1])


def allowed(original: Original, content: bytes) -> Damaged:
    """Say what this content may be read as: the lines that are whole; an error if more than one line isn't."""
    whole = start = 0
    while whole < 10 and content.startswith(original.lines[whole], start):
        start += len(original.lines[whole])
        whole += 1
    rest = content[start:]
    if whole == 0 or b"\n" in rest[:-1]:
        return Damaged(None, torn=False)
    return Damaged(original.states[whole - 1], torn=bool(rest))


def cuts(original: Original) -> Iterator[bytes]:
    """The file cut off at every byte of its last three lines."""
    content = original.content
    for size in range(len(content) - sum(map(len, original.lines[-3:])), len(content)):
        yield content[:size]


def mutants(original: Original) -> Iterator[bytes]:
    """The file with a bit turned, a part zeroed, lines that are missing, doubled, swapped or of another file."""
    content, lines, older = original.content, original.lines, original.older
    numbers = random.Random(11)
    for position in range(0, len(content), 9):
        yield content[:position] + bytes([content[position] ^ 1 << numbers.randrange(8)]) + content[position + 1 :]
    for position in range(0, len(content), 61):
        size = numbers.choice([1, 20, 300])
        yield content[:position] + bytes(len(content[position : position + size])) + content[position + size :]
        yield content[:position] + content[position + size :]
        yield content[:position] + numbers.randbytes(size) + content[position:]
        yield content[:position]
    for at in range(10):
        yield b"".join(lines[:at] + lines[at + 1 :])
        yield b"".join(lines[:at] + lines[at : at + 1] * 2 + lines[at + 1 :])
        yield b"".join(lines[:at] + lines[at + 1 : at + 2] + lines[at : at + 1] + lines[at + 2 :])
        yield b"".join(lines[:at] + older[1:] + lines[at:])
    yield from (content + tail for tail in (b"\n", b"{}\n", b"\0" * 4096, lines[-1], b"".join(lines), b"\n\n"))
    yield from (b"", b"\n", content.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + content, content[::-1])
    yield b"".join(older[:1] + lines[1:])


def read(folder: Path, **options: Any) -> Damaged:
    """Open a store and read all of it; a writable one is written to, too."""
    before = (folder / FILE).read_bytes()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with onevec.connect(on(QuickFiles()), path=folder, **options) as store:
            state, issues = read_state(store)
            torn = tuple(str(warning.message) for warning in told)
            health = store.health()
            assert (health.issues, health.warnings) == (issues, torn)
            assert (folder / FILE).read_bytes() == before
            if state is not None and not options:
                papers = store.collection("papers")
                papers.upsert(documents([99]))
                assert papers.delete("099") == 1
                assert everything(store) == state
    return Damaged(state, torn=bool(torn))


def read_state(store: Store) -> tuple[State | None, tuple[str, ...]]:
    """Return what the store holds, or what its error says."""
    try:
        return everything(store), ()
    except (Corrupted, UnsupportedVersion) as error:
        return None, (str(error),)


def test_a_file_cut_anywhere_has_what_was_acknowledged_before(tmp_path: Path, original: Original) -> None:
    """Cut off at any byte of its last three lines, a file has all lines before that; the rest is told of, then cut."""
    counted = 0
    for counted, content in enumerate(cuts(original), 1):
        (tmp_path / FILE).write_bytes(content)
        if counted % 10 == 0:
            assert read(tmp_path, read_only=True) == allowed(original, content)
        found = read(tmp_path)
        assert found == allowed(original, content)
        with opened(tmp_path) as again:  # warnings are errors here: nothing is left to tell
            assert everything(again) == found.state
    sys.stdout.write(f"{counted} cuts\n")
    assert counted > 500


def test_damage_is_an_error_or_the_state_before_it(tmp_path: Path, original: Original) -> None:
    """Whatever becomes of a file: what was written before is there and the end is told of, or the error is typed."""
    counted = errors = 0
    for counted, content in enumerate(mutants(original), 1):
        (tmp_path / FILE).write_bytes(content)
        found = read(tmp_path, **({"read_only": True} if counted % 4 == 0 else {}))
        assert found == allowed(original, content), content
        errors += found.state is None
    sys.stdout.write(f"{counted} damaged files, {errors} of them errors\n")
    assert counted > 300
    assert errors > 200


def test_damage_under_an_open_store_is_seen(tmp_path: Path, original: Original) -> None:
    """A file that is damaged, cut, put back or replaced while a store has it open is read as it is by the next call."""
    path = tmp_path / FILE
    path.write_bytes(original.content)
    counted = 0
    with opened(tmp_path) as store:
        papers = store.collection("papers")
        for number, content in enumerate(mutants(original)):
            expected = allowed(original, content)
            put(path, original.content, number=2 * number)
            assert papers.count() == 4
            put(path, content, number=2 * number + 1)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", TornLineWarning)
                if expected.state is None:
                    with pytest.raises((Corrupted, UnsupportedVersion)):
                        papers.count()
                    with pytest.raises((Corrupted, UnsupportedVersion)):
                        papers.delete("000")
                    assert path.read_bytes() == content
                else:
                    assert papers.count() == len(expected.state["papers", ""])
                    assert papers.namespaces() == [name for _, name in expected.state if expected.state["papers", name]]
            counted += 1
        path.unlink()
        with pytest.raises(CollectionNotFound):
            papers.count()
    assert counted > 300


def put(path: Path, content: bytes, *, number: int) -> None:
    """Put this into the file, in place or by another file, at a time of its own."""
    if number % 3:
        path.write_bytes(content)
    else:
        path.with_name("new").write_bytes(content)
        path.with_name("new").replace(path)
    os.utime(path, (number, number))


def test_a_line_torn_off_elsewhere_is_cut_by_the_next_write(tmp_path: Path, original: Original) -> None:
    """A part of a line that an open store took for a write under way, and that never became one, does no harm."""
    path = tmp_path / FILE
    path.write_bytes(b"".join(original.lines[:9]))
    with opened(tmp_path) as store:
        papers = store.collection("papers")
        assert papers.count() == 4
        with path.open("ab") as file:
            file.write(original.lines[9][:50])
        assert papers.count() == 4
        with pytest.warns(TornLineWarning, match="the last 50 bytes"):
            papers.upsert(documents([9]))
    with opened(tmp_path) as store:
        assert store.collection("papers").count() == 5


def test_the_message_of_damage_says_how_to_go_on(tmp_path: Path, original: Original) -> None:
    """What the message of a damaged line proposes works: the lines above it are the store as it was then."""
    path = tmp_path / FILE
    path.write_bytes(original.content.replace(b"flap", b"flip"))
    with opened(tmp_path) as store, pytest.raises(Corrupted, match=r"line 6.*head -n 5") as damaged:
        store.collection("papers").count()
    assert damaged.value.operation == "count"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:5]))
    with opened(tmp_path) as store:
        assert everything(store) == original.states[4]


def test_a_torn_line_can_be_made_an_error(tmp_path: Path, original: Original) -> None:
    """Where warnings are errors, the first call tells of the torn line, and the next ones work."""
    (tmp_path / FILE).write_bytes(original.content[:-1])
    with opened(tmp_path) as store:
        papers = store.collection("papers")
        with pytest.raises(TornLineWarning, match=r"the last \d+ bytes of .*papers\.jsonl"):
            papers.upsert(documents([8]))
        assert papers.upsert(documents([9])).written == 1
        assert store.health().status == "degraded"
        assert [document.id for document in papers.scan()] == ["000", "002", "003", "009", "é"]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A closed store with a collection `papers` of ten documents."""
    with opened(tmp_path / "store") as store:
        store.create_collection("papers", dimension=2).upsert(documents(range(10)))
    return tmp_path / "store"


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
