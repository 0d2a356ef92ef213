"""What is the chroma engine's own: records as other tools see them, namespaces, filters, folders."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import chromadb
import numpy as np
import pytest
from blockbuster import blockbuster_ctx
from chromadb.api import ClientAPI
from tests.servers.chroma import ChromaServer

import onevec
from onevec import Document, field
from onevec.errors import CollectionExists, ConfigError, EngineBusy, StoreNotFound
from onevec.filters import Filter, all_of, any_of

AT = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """The URL of a folder."""
    return f"chroma:///{tmp_path}/store"


@pytest.fixture
def store(folder: str) -> Iterator[onevec.Store]:
    """A store in that folder, empty."""
    with onevec.connect(folder) as opened:
        yield opened


def native(store: onevec.Store) -> ClientAPI:
    """Chroma's own client of the store, as other software has it."""
    client = store.client
    assert isinstance(client, ClientAPI)
    return client


def test_other_tools_see_natural_records(store: onevec.Store) -> None:
    """A record has the document's id, text, vector and fields in plain sight, and is found by Chroma's own filters."""
    papers = store.create_collection("papers", dimension=2, metric="euclidean")
    metadata = {"year": 1958, "score": 0.5, "seen": True, "author": {"name": "Zoë"}, "tags": ["a", "b"], "at": AT}
    papers.upsert(Document("a", text="wing", vector=[3, 4], metadata=metadata))
    theirs: Any = native(store).get_collection("papers", embedding_function=None)
    record = theirs.get(include=["metadatas", "documents", "embeddings", "uris"])
    assert (record["ids"], record["documents"]) == (["a"], ["wing"])
    np.testing.assert_array_equal(np.asarray(record["embeddings"]), [[3, 4]])
    shown = {name: value for name, value in record["metadatas"][0].items() if not {":", "="} & set(name)}
    assert shown == {
        "year": 1958,
        "score": 0.5,
        "seen": True,
        "author.name": "Zoë",
        "tags": ["a", "b"],
        "at": "2020-01-02T03:04:05.000000Z",
    }
    hidden = {name for name in record["metadatas"][0] if name not in shown}
    assert hidden == {"onevec:shape", "score=", "tags=", "at=", "number:at:time"}
    assert '"author":{"name":"Zoë"}' in record["uris"][0]
    assert theirs.get(where={"year": 1958})["ids"] == theirs.get(where={"tags": {"$contains": "b"}})["ids"] == ["a"]
    assert theirs.query(query_embeddings=[[3.0, 5.0]])["distances"] == [[1.0]]


def test_a_collection_of_other_software_is_left_alone(store: onevec.Store) -> None:
    """It isn't listed, opened, replaced or deleted; its name is taken."""
    native(store).create_collection("theirs", embedding_function=None, metadata={"of": "them"})
    assert store.collections() == []
    assert not store.has_collection("theirs")
    assert not store.delete_collection("theirs")
    choices: list[Literal["error", "open", "replace"]] = ["error", "open", "replace"]
    for if_exists in choices:
        with pytest.raises(CollectionExists, match="another name"):
            store.create_collection("theirs", dimension=2, if_exists=if_exists)
    assert [one.name for one in native(store).list_collections()] == ["theirs"]


def test_vectors_come_back_to_the_bit_under_cosine(folder: str) -> None:
    """Whatever their length, and also when Chroma has them from its index, which it saves after 1,000 writes."""
    vectors = np.random.default_rng(1).standard_normal((1500, 9), np.float32)
    vectors[::2] /= np.linalg.norm(vectors[::2], axis=1, keepdims=True)
    ids = [f"{number:04}" for number in range(1500)]
    with onevec.connect(folder) as store:
        store.create_collection("papers", dimension=9).upsert(ids=ids, vectors=vectors)
    with onevec.connect(folder) as store:
        papers = store.collection("papers")
        found = papers.get_many(ids)
        np.testing.assert_array_equal(np.stack([np.asarray(one.vector) for one in found]), vectors)
        hits = papers.search(vectors[7] * 1000, top_k=1, include_vectors=True)
        assert hits.scores == pytest.approx([1.0], abs=1e-6)
        np.testing.assert_array_equal(np.asarray(hits[0].vector), vectors[7])


def test_nothing_is_left_of_a_replaced_record(store: onevec.Store) -> None:
    """Chroma merges the metadata of an upsert and keeps the text; a document is replaced whole all the same."""
    papers = store.create_collection("papers", dimension=2)
    papers.upsert(Document("a", text="wing", vector=[3, 4], metadata={"x": 1, "y": ["s"], "z": "s", "at": AT}))
    papers.upsert(Document("a", vector=[0, 1], metadata={"x": "1"}))
    record = native(store).get_collection("papers", embedding_function=None).get("a")
    assert record["metadatas"] is not None
    assert record["documents"] == [""]
    assert set(record["metadatas"][0]) == {"x", "onevec:shape"}


@pytest.mark.parametrize("how", ["the collection is deleted", "the namespace is cleared", "the document is replaced"])
def test_no_list_is_inherited(store: onevec.Store, how: str) -> None:
    """Chroma gives the numbers of records that are gone to new ones, and leaves lists of deleted collections behind."""
    papers = store.create_collection("papers", dimension=2)
    space = papers.namespace("acme")
    space.upsert(ids=["a"], vectors=[[1, 0]], metadata=[{"tags": ["x"]}])
    match how:
        case "the collection is deleted":
            store.delete_collection("papers")
            space = store.create_collection("papers", dimension=2).namespace("acme")
        case "the namespace is cleared":
            assert space.clear() == 1
    space.upsert(ids=["a"], vectors=[[1, 0]], metadata=[{"year": 1958}])
    assert space.count(field("tags").contains("x")) == 0
    assert space.count(~field("tags").contains("x")) == 1


def test_a_namespace_is_a_chroma_collection(store: onevec.Store) -> None:
    """It is made by the first document, gone when it is cleared, and gone with its collection."""
    papers = store.create_collection("papers", dimension=2)
    acme = papers.namespace("acme")

    def count() -> int:
        return len(native(store).list_collections())

    assert acme.count() == 0
    assert acme.search([1, 0]).ids == []
    assert count() == 1
    acme.upsert({"id": "a", "vector": [1, 0]})
    assert count() == 2
    assert [info.name for info in store.collections()] == ["papers"]
    assert acme.clear() == 1
    assert count() == 1
    assert acme.upsert({"id": "b", "vector": [1, 0]}).written == 1
    assert papers.namespaces() == ["acme"]
    store.delete_collection("papers")
    assert count() == 0


def test_a_namespace_emptied_by_another_store_is_made_anew(chroma: ChromaServer, tmp_path: Path) -> None:
    """A handle that remembers a namespace's Chroma collection notices that it has another one by now, or none."""
    with onevec.connect(chroma.url(tmp_path)) as one, onevec.connect(chroma.url(tmp_path)) as other:
        here = one.create_collection("papers", dimension=2).namespace("acme")
        there = other.collection("papers").namespace("acme")
        here.upsert({"id": "a", "vector": [1, 0]})
        assert there.clear() == 1
        assert here.get("a") is None
        there.upsert({"id": "b", "vector": [1, 0]})
        assert here.search([1, 0]).ids == ["b"]
        assert there.clear() == 1
        assert here.upsert({"id": "c", "vector": [1, 0]}).written == 1
        assert there.search([1, 0]).ids == ["c"]


def test_integers_are_compared_with_fractions(store: onevec.Store) -> None:
    """Chroma compares an integer with the whole part of a bound; the adapter asks for floats."""
    papers = store.create_collection("papers", dimension=1)
    papers.upsert([{"id": str(number), "vector": [1], "metadata": {"n": number}} for number in (-1, 0, 1)])
    found = {
        str(filter): sorted(document.id for document in papers.scan(filter=filter))
        for filter in (field("n") < 0.5, field("n") <= -0.5, field("n") > -0.5, field("n") >= 0.5)
    }
    assert list(found.values()) == [["-1", "0"], ["-1"], ["0", "1"], ["1"]]


def test_a_fraction_is_not_read_as_a_whole_number(store: onevec.Store) -> None:
    """Chroma would read 0.9999999999999999 as 1."""
    papers = store.create_collection("papers", dimension=1)
    papers.upsert({"id": "a", "vector": [1], "metadata": {"n": 1 - 2**-53, "m": 1}})
    n, m = field("n"), field("m")
    assert papers.count((n == 1 - 2**-53) & (n != 1) & (n < 1) & ~(n >= 1)) == 1
    assert papers.count((m == 1) & (m != 1 - 2**-53) & (m > 1 - 2**-53)) == 1


def test_fields_are_there_whatever_else_documents_have(store: onevec.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Filters that ask which fields there are, where documents differ in more ways than are read, or kept, at once."""
    papers = store.create_collection("papers", dimension=1)

    def found(filter: Filter) -> list[str]:
        return sorted(document.id for document in papers.scan(filter=filter))

    def write(numbers: range) -> None:
        fields = [{f"f{number}": number, "odd": bool(number % 2), "tags": []} for number in numbers]
        papers.upsert(ids=[f"{number:02}" for number in numbers], vectors=[[1.0]] * len(numbers), metadata=fields)

    write(range(70))
    assert papers.explain([1.0], filter=field("f1").exists())["native"]["where"]
    monkeypatch.setattr("onevec.adapters.chroma.shapes.MOST", 72)
    write(range(70, 80))
    shapes = native(store).get_collection("papers", embedding_function=None).get()["metadatas"] or []
    assert sum(fields["onevec:shape"] == "-" for fields in shapes) == 8
    for number in (5, 75):
        assert found(field(f"f{number}").exists()) == [f"{number:02}"]
        assert len(found(field(f"f{number}").is_null())) == 79
        assert len(found(~(field(f"f{number}") > 0))) == 79
    assert len(found(field("odd") == True)) == len(found(field("odd") != True)) == 40  # noqa: E712 (a filter)
    assert len(found(field("tags").contains_all([]))) == 80


def test_fields_that_another_process_brought_are_seen(chroma: ChromaServer, tmp_path: Path) -> None:
    """A store that knows some shapes of documents asks for those that there are by now."""
    with onevec.connect(chroma.url(tmp_path)) as one, onevec.connect(chroma.url(tmp_path)) as other:
        here, there = one.create_collection("papers", dimension=1), other.collection("papers")
        here.upsert({"id": "a", "vector": [1], "metadata": {"x": 1}})
        assert here.count(field("y").is_null()) == 1
        there.upsert({"id": "b", "vector": [1], "metadata": {"y": 1}})
        there.upsert({"id": "c", "vector": [1], "metadata": {"x": True}})
        assert here.search([1.0], filter=field("y").is_null()).ids == ["a", "c"]
        assert here.search([1.0], filter=field("y").exists()).ids == ["b"]
        assert here.search([1.0], filter=~(field("x") > 5)).ids == ["a", "b", "c"]
        assert here.search([1.0], filter=field("x") == True).ids == ["c"]  # noqa: E712 (a filter)


def test_records_of_other_software_have_no_shape(folder: str) -> None:
    """Those that it wrote into a collection of onevec's don't keep filters from being answered."""
    with onevec.connect(folder) as store:
        papers = store.create_collection("papers", dimension=1)
        papers.upsert({"id": "a", "vector": [1], "metadata": {"x": 1}})
        theirs = native(store).get_collection("papers", embedding_function=None)
        theirs.add(ids=[f"t{number}" for number in range(100)], embeddings=np.ones((100, 1), np.float32))
    with onevec.connect(folder) as store:
        papers = store.collection("papers")
        assert papers.count(field("x").exists()) == 1
        assert papers.count(field("y").is_null()) == 1


def test_hundreds_of_elements_are_asked_for(store: onevec.Store) -> None:
    """What Chroma asks for one by one, an element of a list, can be more than SQLite takes conditions in each other."""
    papers = store.create_collection("papers", dimension=1)
    papers.upsert([{"id": str(number), "vector": [1], "metadata": {"tags": [f"t{number}"]}} for number in range(3)])
    tags = field("tags")
    assert papers.count(tags.contains_any([f"t{number}" for number in range(1, 2000)])) == 2
    assert papers.count(~tags.contains_any([f"t{number}" for number in range(1, 2000)])) == 1
    assert papers.count(any_of(*[tags.contains(f"t{number}") for number in range(1, 1500)])) == 2
    assert papers.count(all_of(*[~tags.contains(f"t{number}") for number in range(1, 1500)])) == 1


def test_a_scan_goes_on_while_documents_go(store: onevec.Store) -> None:
    """Two scans at once, one of which deletes what it has seen, each show every document that is still there."""
    papers = store.create_collection("papers", dimension=1)
    ids = [f"{number:02}" for number in range(40)]
    papers.upsert(ids=ids, vectors=[[1.0]] * 40)
    seen: list[str] = []
    first, cursor = papers.page(limit=15), None
    while True:
        page = papers.page(limit=7, cursor=cursor)
        seen += [document.id for document in page]
        papers.delete(seen)
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == ids
    assert len(papers.page(limit=50, cursor=first.cursor)) == 0


def test_a_short_answer_of_the_index_is_made_whole(store: onevec.Store) -> None:
    """Where a filter leaves few documents, far from the query, they are found: by reading them, if need be."""
    vectors = np.random.default_rng(3).standard_normal((600, 8), np.float32)
    papers = store.create_collection("papers", dimension=8, metric="euclidean")
    papers.upsert(
        ids=[f"{n:03}" for n in range(600)], vectors=vectors, metadata=[{"rare": n % 60 == 7} for n in range(600)]
    )
    hits = papers.search(vectors[0] + 50, top_k=10, filter={"rare": True})
    far = np.linalg.norm(vectors[7::60].astype(float) - (vectors[0] + 50), axis=1)
    assert [hit.distance for hit in hits] == pytest.approx(sorted(far), rel=1e-5)
    exact = papers.search(vectors[0] + 50, top_k=10, filter={"rare": True}, exact=True)
    assert exact.ids == hits.ids


@pytest.mark.parametrize("where", ["folder", "server"])
def test_no_call_blocks_the_loop(chroma: ChromaServer, folder: str, tmp_path: Path, where: str) -> None:
    """The library loads and the engine runs in other threads, or the client awaits its server."""

    async def verbs() -> None:
        async with onevec.connect_async(folder if where == "folder" else chroma.url(tmp_path)) as store:
            papers = await store.create_collection("papers", dimension=2)
            await papers.upsert(ids=["a", "b"], vectors=[[1, 0], [0, 1]], metadata=[{"n": 1}, {"n": 2}])
            await papers.update("a", text="x")
            assert (await papers.search([1, 0], filter={"n": {"$lt": 2}})).ids == ["a"]
            assert len([document async for document in papers.scan()]) == 2
            assert (await store.health()).status == "healthy"
            assert await papers.delete("a") == 1
            assert await store.delete_collection("papers")

    with blockbuster_ctx("onevec"):
        asyncio.run(verbs())


def test_a_killed_process_loses_nothing(folder: str) -> None:
    """What was written is there after the process ended without a word, and the folder opens again."""
    code = f"""
import os, onevec
store = onevec.connect("{folder}")
papers = store.create_collection("papers", dimension=2)
for number in range(20):
    papers.upsert({{"id": str(number), "vector": [1, number], "metadata": {{"n": number}}}})
os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 9
    with onevec.connect(folder) as store:
        papers = store.collection("papers")
        assert papers.count({"n": {"$gte": 0}}) == 20
        assert len(papers.search([1, 3], top_k=20)) == 20


def test_a_folder_is_open_once(folder: str) -> None:
    """A second store on an open folder is refused: Chroma's index would not see the other's writes."""
    with onevec.connect(folder):
        with pytest.raises(EngineBusy, match="open already") as busy:
            onevec.connect(folder)
        assert busy.value.retryable
    onevec.connect(folder).close()


def test_where_a_folder_can_be(tmp_path: Path) -> None:
    """A missing folder is made, in a folder that exists, unless `create` is off; a file is refused."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="is a file"):
        onevec.connect(f"chroma:///{tmp_path}/file")
    with pytest.raises(ConfigError, match="mkdir"):
        onevec.connect(f"chroma:///{tmp_path}/none/store")
    with pytest.raises(StoreNotFound):
        onevec.connect(f"chroma:///{tmp_path}/store", create=False)
    with pytest.raises(ConfigError, match="localhost:8000"):
        onevec.connect("chroma://")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_nothing_is_told_to_anybody(store: onevec.Store) -> None:
    """Chroma's telemetry is off, and no model is loaded to embed texts."""
    loaded = "onnxruntime" in sys.modules  # by another test
    papers = store.create_collection("papers", dimension=2)
    papers.upsert(Document("a", text="a text", vector=[1, 0]))
    client: Any = native(store)
    assert client.get_settings().anonymized_telemetry is False
    assert ("onnxruntime" in sys.modules) is loaded
    assert chromadb.__version__ == store.health().version


def test_the_library_is_loaded_when_a_store_is_opened() -> None:
    """Neither the engine's name nor its capabilities need it."""
    code = (
        "import sys, onevec; from onevec.registry import adapter_class;"
        "adapter_class('chroma').capabilities; onevec.engines();"
        "print([name for name in sys.modules if name.split('.')[0] in ('chromadb', 'httpx')])"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert child.stdout.strip() == "[]"


def test_graphs_are_built_as_the_store_is_told(tmp_path: Path) -> None:
    """Those of new collections, and of their namespaces; others stay as they are."""
    url = f"chroma:///{tmp_path}/store"
    with onevec.connect(url) as store:
        store.create_collection("earlier", dimension=2)
    with onevec.connect(url, m=24, ef_construction=150) as store:
        store.create_collection("papers", dimension=2).namespace("acme").upsert(Document("a", vector=[1, 2]))
        client: Any = store.client
        graphs = {one.name: one.configuration_json["hnsw"] for one in client.list_collections()}
    built = sorted((graph["max_neighbors"], graph["ef_construction"]) for graph in graphs.values())
    assert built == [(16, 100), (24, 150), (24, 150)]
    assert graphs["papers"]["max_neighbors"] == 24
