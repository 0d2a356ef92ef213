"""What is the milvus engine's own: entities as other tools see them, long parts, errors, folders, indexes."""

from __future__ import annotations

import asyncio
import base64
import gc
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from blockbuster import blockbuster_ctx
from tests.servers.milvus import Answer, MilvusServer

import onevec
from onevec import Document, field
from onevec.errors import (
    AuthenticationFailed,
    CollectionExists,
    ConfigError,
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    InvalidQuery,
    OnevecError,
    PartialWrite,
    RateLimited,
    StorageFull,
    StoreNotFound,
    Unsupported,
)

AT = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def server(milvus: MilvusServer) -> Iterator[MilvusServer]:
    """The server, as it was before when the test ends."""
    yield milvus
    milvus.token = None
    milvus.answers.clear()


@pytest.fixture
def native(server: MilvusServer, tmp_path: Path) -> Iterator[Any]:
    """Milvus's client at the store of the test's folder, as other software has it."""
    client = server.native(tmp_path)
    yield client
    client.close()


@pytest.fixture
def lite(tmp_path: Path) -> str:
    """The URL of the test's own folder."""
    return f"milvus:///{tmp_path}/store.db"


def test_other_tools_see_natural_fields(server: MilvusServer, native: Any, tmp_path: Path) -> None:
    """An entity has the document's id, text and metadata in plain sight, and can be found by Milvus's own filters."""
    with onevec.connect(server.url(tmp_path)) as store:
        papers = store.create_collection("papers", dimension=2, metric="euclidean")
        papers.namespace("acme").upsert(
            Document("a", text="wing", vector=[3, 4], metadata={"year": 1958, "o": {"tags": ["x"]}, "at": AT})
        )
        fields = ["id", "namespace", "text", "metadata", "vector", "whole"]
        (found,) = native.query("papers", filter='metadata["year"] > 1950', output_fields=fields)
    assert {name: found[name] for name in fields[:4]} == {
        "id": "a",
        "namespace": "acme",
        "text": "wing",
        "metadata": {"year": 1958, "o": {"tags": ["x"]}, "at": {"$datetime": "2020-01-02T03:04:05.000000Z"}},
    }
    assert list(found["vector"]) == [3.0, 4.0]
    assert list(found["whole"]) == []


def test_a_collection_of_other_software_is_left_alone(server: MilvusServer, native: Any, tmp_path: Path) -> None:
    """It isn't listed, opened, replaced or deleted; its name is taken."""
    native.create_collection("theirs", dimension=2)
    with onevec.connect(server.url(tmp_path)) as store:
        assert store.collections() == []
        assert not store.has_collection("theirs")
        assert not store.delete_collection("theirs")
        choices: list[Literal["error", "open", "replace"]] = ["error", "open", "replace"]
        for if_exists in choices:
            with pytest.raises(CollectionExists, match="another name"):
                store.create_collection("theirs", dimension=2, if_exists=if_exists)
    assert native.list_collections() == ["theirs"]


def test_what_is_longer_than_milvus_holds_comes_back(lite: str) -> None:
    """Texts and metadata beyond 65,535 bytes, and vectors whose squares are no float32, are kept in pieces."""
    text = "\N{GOTHIC LETTER AHSA}" * 40_000 + "\\\n'\""
    documents = [
        Document("text", text=text, vector=[1, 2, 3]),
        Document("metadata", text="x", vector=[1, 2, 3], metadata={"n": 1, "long": text, "at": AT}),
        Document("vector", vector=[1e-30, 2e-30, 3e-30], metadata={"n": 2}),
        Document("all", text=text, vector=[3e30, 1, -1e-30], metadata={"long": [text, None]}),
    ]
    with onevec.connect(lite) as store:
        papers = store.create_collection("papers", dimension=3)
        papers.upsert(documents)
        for given in documents:
            found = papers.get(given.id)
            assert found is not None
            assert (found.text, found.metadata) == (given.text, given.metadata)
            np.testing.assert_array_equal(np.asarray(found.vector), np.asarray(given.vector, np.float32))
        assert papers.count(field("long") == text) == 1
        assert papers.search([1e-30, 2e-30, 3e-30], top_k=1, ids=["vector"]).scores == pytest.approx([1.0])


def test_what_has_too_many_facets_is_refused_alone(lite: str) -> None:
    """The document is named with the limit, and the others of its call are written."""
    many = Document("many", vector=[1, 2], metadata={"tags": list(map(str, range(5_000)))})
    with onevec.connect(lite) as store:
        papers = store.create_collection("papers", dimension=2)
        with pytest.raises(PartialWrite, match="'many' has 5004 facets") as partly:
            papers.upsert([Document("a", vector=[1, 2]), many])
        assert partly.value.report.written == 1
        assert [document.id for document in papers.scan()] == ["a"]


def test_one_number_is_a_vector(lite: str) -> None:
    """Milvus's vectors have two numbers or more; one comes back as one."""
    with onevec.connect(lite) as store:
        numbers = store.create_collection("numbers", dimension=1, metric="euclidean")
        numbers.upsert(ids=["a", "b"], vectors=[[1.5], [4.0]])
        hits = numbers.search([1.0], include_vectors=True)
        assert [(hit.id, hit.distance, np.asarray(hit.vector).tolist()) for hit in hits] == [
            ("a", 0.5, [1.5]),
            ("b", 3.0, [4.0]),
        ]


@pytest.mark.parametrize("mode", ["server", "lite"])
def test_no_call_blocks_the_loop(server: MilvusServer, tmp_path: Path, lite: str, mode: str) -> None:
    """The libraries load and the folder is read in other threads, and a server is awaited."""
    where = server.url(tmp_path) if mode == "server" else lite

    async def verbs() -> None:
        async with onevec.connect_async(where) as store:
            papers = await store.create_collection("papers", dimension=2)
            await papers.upsert(ids=["a", "b"], vectors=[[1, 0], [0, 1]], metadata=[{"n": 1}, {"n": 2}])
            await papers.update("a", text="x")
            assert (await papers.search([1, 0], filter={"n": {"$lt": 2}})).ids == ["a"]
            assert len([document async for document in papers.scan()]) == 2
            await papers.create_index("hnsw")
            assert (await store.health()).status == "healthy"
            assert await papers.delete("a") == 1
            assert await store.delete_collection("papers")

    async def verbs_and_garbage() -> None:
        await verbs()
        gc.collect()  # whoever collects the last connection must not wait for gRPC's thread

    with blockbuster_ctx("onevec"):
        asyncio.run(verbs_and_garbage())


FAILURES: list[tuple[Answer, type[OnevecError], bool]] = [
    (Answer(6, "cannot parse the expression"), EngineError, False),
    (Answer("PERMISSION_DENIED", "permission deny"), AuthenticationFailed, False),
    (Answer(8, "request rate exceeds the limit"), RateLimited, True),
    (Answer(1, "force deny writing: disk quota exhausted"), StorageFull, False),
    (Answer("DEADLINE_EXCEEDED", "Deadline Exceeded"), EngineTimeout, True),
    (Answer(1, "service not ready"), EngineUnavailable, True),
]


@pytest.mark.parametrize(("answer", "kind", "retryable"), FAILURES, ids=lambda value: str(getattr(value, "code", "")))
def test_a_refusal_is_an_error_of_the_tree(
    server: MilvusServer, tmp_path: Path, answer: Answer, kind: type[OnevecError], retryable: bool
) -> None:
    """It says whether a retry can help, where the server is, and what it said; the adapter asks once."""
    with onevec.connect(server.url(tmp_path), max_retries=0) as store:
        papers = store.create_collection("papers", dimension=2)
        server.reads = 0
        server.answers.append(answer)
        with pytest.raises(kind) as refused:
            papers.count()
    assert type(refused.value) is kind
    assert refused.value.retryable is retryable
    assert refused.value.__cause__ is not None
    assert str(server.port) in str(refused.value)
    assert server.reads == 1


def test_the_core_tries_again(server: MilvusServer, tmp_path: Path) -> None:
    """A server that asks for fewer requests is asked again, and the call succeeds."""
    with onevec.connect(server.url(tmp_path)) as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert({"id": "a", "vector": [1, 2]})
        server.answers.append(Answer(8, "request rate exceeds the limit"))
        assert papers.count() == 1


def test_an_answer_that_does_not_come_is_a_timeout(server: MilvusServer, tmp_path: Path) -> None:
    """`request_timeout` is how long an answer may take."""
    with onevec.connect(server.url(tmp_path), request_timeout=0.5, max_retries=0) as store:
        papers = store.create_collection("papers", dimension=2)
        server.answers.append(Answer(1, delay=2.0))
        with pytest.raises(EngineTimeout, match="request_timeout") as late:
            papers.count()
    assert late.value.retryable


def test_a_server_that_is_not_there_is_named() -> None:
    """Connecting says where nothing answers within `connect_timeout`, and that trying later can help."""
    with pytest.raises(EngineUnavailable, match=r"127\.0\.0\.1:9") as away:
        onevec.connect("milvus://127.0.0.1:9", connect_timeout=0.5, max_retries=0)
    assert away.value.retryable
    assert away.value.operation == "connect"


def test_a_key_is_sent_and_never_shown(server: MilvusServer, tmp_path: Path) -> None:
    """User and password open the server; without them, or with others, the message says what to check and no key."""
    url = server.url(tmp_path)
    server.token = base64.b64encode(b"someone:the-key-itself").decode()
    options: dict[str, Any] = {"tls": False, "max_retries": 0, "connect_timeout": 2.0}
    wrong: list[dict[str, Any]] = [{}, {"token": "another-key"}]
    for keys in wrong:
        with pytest.raises(AuthenticationFailed, match="check the user") as refused:
            onevec.connect(url, **options, **keys)
        assert "another-key" not in f"{refused.value!r} {refused.value.__cause__!r}"
    with onevec.connect(url, **options, username="someone", password="the-key-itself") as store:
        assert store.collections() == []
        assert "the-key-itself" not in repr(store)


def test_an_index_is_set_up_in_milvus(server: MilvusServer, native: Any, tmp_path: Path) -> None:
    """`create_index` makes the kind that was asked for, in place of the one before; what Milvus lacks is refused."""
    vectors = np.random.default_rng(2).standard_normal((200, 16), np.float32)
    kinds: dict[str, Callable[[Any], None]] = {
        "HNSW": lambda papers: papers.create_index("hnsw", m=8, ef_construction=50),
        "HNSW_SQ": lambda papers: papers.create_index("hnsw", quantization="int8"),
        "IVF_FLAT": lambda papers: papers.create_index("ivf_flat", lists=4),
        "IVF_SQ8": lambda papers: papers.create_index("ivf_flat", lists=4, quantization="int8"),
        "FLAT": lambda papers: papers.create_index("flat"),
    }
    with onevec.connect(server.url(tmp_path)) as store:
        papers = store.create_collection("papers", dimension=16, metric="euclidean")
        papers.upsert(ids=[f"{number:03}" for number in range(200)], vectors=vectors)
        exact = papers.search(vectors[3], top_k=10, exact=True)
        for kind, make in kinds.items():
            make(papers)
            assert native.describe_index("papers", "vector")["index_type"] == kind
            hits = papers.search(vectors[3], top_k=10, ef_search=100, nprobe=4)
            assert hits.ids == exact.ids
            assert hits.scores == pytest.approx(exact.scores)
        with pytest.raises(Unsupported, match="float16"):
            papers.create_index("hnsw", quantization="float16")
        with pytest.raises(InvalidQuery, match="subvectors"):
            papers.create_index("ivf_pq", subvectors=5)


def test_a_killed_process_loses_nothing(lite: str) -> None:
    """What was written to a folder is there after the process ended without a word."""
    code = f"""
import os, onevec
papers = onevec.connect({lite!r}).create_collection("papers", dimension=2)
for number in range(20):
    papers.upsert({{"id": str(number), "vector": [1, number], "metadata": {{"n": number}}}})
os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=100, check=False).returncode == 9
    with onevec.connect(lite) as store:
        papers = store.collection("papers")
        assert papers.count({"n": {"$gte": 0}}) == 20
        assert len(papers.search([1, 3], top_k=20)) == 20


def test_a_folder_is_open_once(lite: str) -> None:
    """A second store on an open folder is refused, and told that it can be tried later."""
    with onevec.connect(lite):
        with pytest.raises(EngineBusy, match="open already") as busy:
            onevec.connect(lite)
        assert busy.value.retryable
    onevec.connect(lite).close()


def test_nothing_is_printed(lite: str) -> None:
    """An error that is raised isn't also logged by the libraries, with a traceback on standard error."""
    code = f"""
import onevec
with onevec.connect({lite!r}) as store:
    assert not store.has_collection("papers")
    papers = store.create_collection("papers", dimension=2)
    papers.create_index("hnsw")
    assert not store.delete_collection("none")
"""
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=True)
    assert child.stdout + child.stderr == ""


def test_where_a_folder_can_be(tmp_path: Path) -> None:
    """A missing folder is made, in a folder that exists, unless `create` is off; a file is refused."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="is a file"):
        onevec.connect(f"milvus:///{tmp_path}/file")
    with pytest.raises(ConfigError, match="mkdir"):
        onevec.connect(f"milvus:///{tmp_path}/none/store.db")
    with pytest.raises(StoreNotFound):
        onevec.connect(f"milvus:///{tmp_path}/store.db", create=False)
    with pytest.raises(ConfigError, match="localhost:19530"):
        onevec.connect("milvus://")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_the_library_is_loaded_when_a_store_is_opened() -> None:
    """Neither the engine's name nor its capabilities need it."""
    code = (
        "import sys, onevec; from onevec.registry import adapter_class;"
        "adapter_class('milvus').capabilities; onevec.engines();"
        "print([name for name in sys.modules if name.split('.')[0] in ('pymilvus', 'milvus_lite', 'grpc')])"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert child.stdout.strip() == "[]"
