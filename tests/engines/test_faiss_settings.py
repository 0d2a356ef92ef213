"""What an index is made of: how it is chosen, recorded and shared, and which descriptions are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import onevec
from onevec import Metric, Store
from onevec.adapters.faiss.index import FaissIndex
from onevec.adapters.faiss.recipes import Recipe
from onevec.documents import IndexSettings
from onevec.errors import ConfigError, EngineError, InvalidInput, InvalidQuery, ReadOnly, StoreNotFound, Unsupported

from .faiss_samples import DIMENSION, SIZE, columns, filled, index_of, queries, recall, space_of


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"faiss:///{tmp_path}/store"


def text_of(store: Store, name: str = "papers") -> str:
    """FAISS's description of a collection's index."""
    papers = store.collection(name)
    papers.search(queries()[0])
    return space_of(papers).recipe.text(SIZE)


@pytest.mark.parametrize(
    ("index", "metric", "message"),
    [
        ("nonsense", "cosine", "could not parse index string nonsense"),
        ("", "cosine", "could not parse index string"),
        ("IVF16", "cosine", "could not parse index string IVF16"),
        ("IVF16,PQ7", "cosine", "multiple of the number of subquantizers"),
        ("OPQ5,PQ8", "cosine", "24 numbers into 5 equal parts"),
        ("PCA25,Flat", "cosine", "makes 25 numbers of 24"),
        ("HNSW1", "cosine", "2 to 512 links a vector, 'HNSW1' has 1"),
        ("IVF16_HNSW1000,Flat", "cosine", "2 to 512 links a vector, 'IVF16_HNSW1000,Flat' has 1000"),
        ("NSG16", "cosine", "IndexNSGFlat"),
        ("HNSW16_2+PQ4", "cosine", "can't be added to"),
        ("LSH", "dot", "'LSH' for vectors of 24 numbers under dot"),
        ("IVF16,PQ8", "manhattan", "IndexIVFPQ .* has no manhattan"),
        ("HNSW16,SQ8", "manhattan", "IndexHNSWSQ .* has no manhattan"),
        ("RaBitQ", "manhattan", "IndexRaBitQ .* has no manhattan"),
        ("IVF16_HNSW8,Flat", "manhattan", "take 'IVF16,Flat'"),
    ],
)
def test_an_index_that_cannot_be_is_refused_before_anything_is_written(
    url: str, index: str, metric: str, message: str
) -> None:
    """FAISS's descriptions that it doesn't take, or that it would crash with, make no collection."""
    with onevec.connect(url, index=index) as store:
        with pytest.raises((ConfigError, Unsupported), match=message) as refused:
            store.create_collection("papers", dimension=DIMENSION, metric=metric)
        assert refused.value.engine == "faiss"
        assert store.collections() == []
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=DIMENSION, metric=metric)
        with pytest.raises((ConfigError, Unsupported), match=message):
            papers.create_index("factory", factory=index)
        papers.upsert(**columns(range(3)))
        assert text_of(store) == "HNSW32,Flat"


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("BFlat", "'BFlat' is an index of binary vectors"),
        ("BIVF64", "binary"),
        ("BHNSW32", "binary"),
        ("IDMap,Flat", "leave IDMap out"),
        ("IDMap2,HNSW32", "leave IDMap out"),
        ("HNSW0", "the numbers of an index are 1 to 1000000, 'HNSW0' has 0"),
        ("PQ4x0", "has 0"),
        ("IVF1000001,Flat", "has 1000001"),
        ("PQ4x24", "up to 16 bits, those of 'PQ4x24' have 24"),
        ("IMI2x11,Flat", r"2\*\*22"),
    ],
)
def test_an_index_that_no_collection_can_have_is_refused_by_connect(url: str, index: str, message: str) -> None:
    """What is wrong whatever the dimension is told when the store is opened, which is not made then."""
    with pytest.raises(ConfigError, match=message):
        onevec.connect(url, index=index)
    with pytest.raises(StoreNotFound):
        onevec.connect(url, create=False)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "flat", "m": 16}, "an index of kind 'flat' has no m; it has no settings"),
        ({"kind": "hnsw", "lists": 16}, "'hnsw' has no lists; it has ef_construction, m, quantization"),
        ({"kind": "ivf_flat", "subvectors": 8}, "has no subvectors"),
        ({"kind": "ivf_pq", "quantization": "int8"}, "has no quantization"),
        ({"kind": "factory", "factory": "HNSW16", "m": 8}, "has no m"),
        ({"kind": "ivf_pq", "subvectors": 7}, "24 is no multiple of 7"),
        ({"kind": "hnsw", "m": 513}, "at most 512"),
        ({"kind": "factory"}, "described by factory="),
    ],
)
def test_a_setting_that_a_kind_has_not_is_refused(url: str, settings: dict[str, Any], message: str) -> None:
    """`create_index` names the setting, and what the kind has; the collection stays as it was."""
    with onevec.connect(url) as store:
        papers = store.create_collection("papers", dimension=DIMENSION)
        with pytest.raises(InvalidInput, match=message):
            papers.create_index(**settings)
        papers.upsert(**columns(range(3)))
        assert text_of(store) == "HNSW32,Flat"


@pytest.mark.parametrize(
    ("settings", "vectors", "text", "needed"),
    [
        (IndexSettings(kind="flat"), 5000, "Flat", 0),
        (IndexSettings(kind="hnsw", m=8, quantization="float16"), 5000, "HNSW8,SQfp16", 1000),
        (IndexSettings(kind="hnsw", quantization="int8"), 5000, "HNSW32,SQ8", 1000),
        (IndexSettings(kind="ivf_flat"), 1000, "IVF25,Flat", 1000),
        (IndexSettings(kind="ivf_flat"), 1_000_000, "IVF4000,Flat", 1000),
        (IndexSettings(kind="ivf_flat", lists=64, quantization="int8"), 5000, "IVF64,SQ8", 64 * 39),
        (IndexSettings(kind="ivf_pq"), 10_000, "IVF256,PQ6x8", 256 * 39),
        (IndexSettings(kind="ivf_pq", lists=300, subvectors=3, bits=4), 9000, "IVF300,PQ3x4", 300 * 39),
        (IndexSettings(kind="factory", factory="IMI2x5,PQ4x6"), 9000, "IMI2x5,PQ4x6", 64 * 39),
        (IndexSettings(kind="factory", factory="RQ2x7"), 9000, "RQ2x7", 128 * 39),
        (IndexSettings(kind="factory", factory="IVF8,PQ4x4,Refine(PQ8x6)"), 9, "IVF8,PQ4x4,Refine(PQ8x6)", 64 * 39),
    ],
)
def test_what_a_kind_is_in_the_words_of_faiss(settings: IndexSettings, vectors: int, text: str, needed: int) -> None:
    """The kinds, with their settings and what is chosen without them, and how many vectors they need to begin with."""
    recipe = Recipe.checked(settings, DIMENSION, Metric.COSINE)
    assert recipe.text(vectors) == text
    assert recipe.needed == needed


def test_ef_construction_reaches_the_graph() -> None:
    """It is 100 for the kind `hnsw`, FAISS's own 40 for a description, and what the user says for both."""
    for settings, expected in (
        (IndexSettings(kind="hnsw"), 100),
        (IndexSettings(kind="hnsw", ef_construction=33), 33),
        (IndexSettings(kind="factory", factory="HNSW16"), 40),
        (IndexSettings(kind="factory", factory="HNSW16", ef_construction=50), 50),
    ):
        assert Recipe.checked(settings, DIMENSION, Metric.DOT).make(10).hnsw.efConstruction == expected


def test_the_index_of_a_collection_is_recorded(url: str) -> None:
    """`index` is for the collections that are made; another process, with another `index`, opens them as they are."""
    with onevec.connect(url, index="IVF16,Flat") as store:
        store.create_collection("papers", dimension=DIMENSION).upsert(**columns(range(3)))
    with onevec.connect(f"{url}?index=flat") as store:
        store.create_collection("papers", dimension=DIMENSION, if_exists="open")
        store.create_collection("notes", dimension=DIMENSION).upsert(**columns(range(3)))
        assert text_of(store) == "IVF16,Flat"
    with onevec.connect({"engine": "faiss", "path": url.removeprefix("faiss:///")}) as store:
        assert text_of(store, "notes") == "Flat"


def test_create_index_changes_every_namespace_and_every_open_store(tmp_path: Path) -> None:
    """The next search is by the new index, of this store and of another one that is open."""
    folder = tmp_path / "store"
    with filled(folder, "hnsw") as papers, onevec.connect(f"faiss:///{folder}") as other:
        theirs = other.collection("papers")
        papers.namespace("acme").upsert(**columns(range(1000)))
        assert recall(theirs) >= 0.95
        papers.create_index("ivf_flat", lists=20)
        for collection in (papers, theirs):
            built = index_of(collection)
            assert built is not None
            assert (built.index.lists, built.index.links) == (20, 0)
            assert recall(collection, nprobe=20) == 1
        acme = theirs.namespace("acme")
        acme.search(queries()[0], nprobe=3)
        papers.create_index("flat")
        with pytest.raises(InvalidQuery):
            papers.create_index("factory", factory=7)  # type: ignore[arg-type]
        assert recall(papers) == recall(theirs) == 1
        assert theirs._core.adapter._spaces._loaded[1].space.built is None  # type: ignore[attr-defined]


def test_explain_and_health_say_what_the_index_is(tmp_path: Path) -> None:
    """How a search would go, and what there is of the index."""
    with filled(tmp_path / "store", "IVF16,Flat") as papers:
        plan = papers.explain(queries()[0], nprobe=3, filter="half = 1")["native"]
        assert plan["index"] == {"kind": "factory", "factory": "IVF16,Flat"}
        assert (plan["nprobe"], plan["plan"]) == (3, "exact or by the index, whichever costs less")
        assert papers.explain(queries()[0], exact=True)["native"]["plan"] == "exact"
        assert papers.explain("wing", mode="text")["native"]["plan"] == "fts5"
        assert (papers.stats().memory_bytes or 0) > 2 * SIZE * DIMENSION * 4
    with onevec.connect(f"faiss:///{tmp_path}/store") as store:
        papers = store.collection("papers")
        papers.search(queries()[0])
        (index,) = store.health().details["indexes"]
        assert (index["collection"], index["namespace"]) == ("papers", "")
        assert (index["index"], index["vectors"]) == ("IVF16,Flat", SIZE)
        assert index["recall"] > 0.9
        assert index["nprobe"] >= 1


def test_health_warns_of_an_index_that_finds_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two bits a vector can't tell neighbours apart; the index that was asked for is used, and `health` says so."""
    monkeypatch.setattr("onevec.adapters.faiss.widths._CANDIDATES", (10,))
    with filled(tmp_path / "store", "PQ1x2") as papers, onevec.connect(f"faiss:///{tmp_path}/store") as store:
        assert index_of(papers) is not None
        store.collection("papers").search(queries()[0])
        health = store.health()
        assert health.status == "degraded"
        assert "collection 'papers', namespace '': the index finds" in health.warnings[0]


def test_an_index_that_cannot_be_trained_is_an_error_of_optimize(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`optimize` raises what FAISS said, `health` repeats it, searches are exact, and `optimize` tries again."""

    def failing(self: FaissIndex, vectors: object) -> None:
        raise RuntimeError("no training today")

    with onevec.connect(f"faiss:///{tmp_path}/store", index="IVF16,Flat") as store:
        papers = store.create_collection("papers", dimension=DIMENSION)
        papers.upsert(**columns(range(SIZE)))
        with monkeypatch.context() as patched:
            patched.setattr(FaissIndex, "learn", failing)
            with pytest.raises(EngineError, match="could not make the index: no training today"):
                papers.optimize()
            assert recall(papers) == 1
            assert "no training today" in store.health().warnings[0]
        papers.optimize()
        assert index_of(papers) is not None
        assert store.health().status == "healthy"


def test_a_store_of_sqlite_is_opened_with_an_index(tmp_path: Path) -> None:
    """The file is one of the sqlite engine: each opens what the other made, and `index` is for what has no settings."""
    folder = tmp_path / "store"
    folder.mkdir()
    with onevec.connect(f"sqlite:///{folder}/store.db") as store:
        store.create_collection("papers", dimension=DIMENSION).upsert(**columns(range(SIZE)))
    with onevec.connect(f"faiss:///{folder}", index="IVF16,Flat") as store:
        papers = store.collection("papers")
        papers.optimize()
        assert index_of(papers) is not None
        assert recall(papers) >= 0.95
    with onevec.connect(f"sqlite:///{folder}/store.db") as store:
        assert len(store.collection("papers").search(queries()[0])) == 10


def test_settings_that_faiss_has_not_make_searches_exact(tmp_path: Path) -> None:
    """A collection that another engine indexed as FAISS can't is searched exactly, and `health` says why."""
    folder = tmp_path / "store"
    folder.mkdir()
    with onevec.connect(f"sqlite:///{folder}/store.db") as store:
        papers = store.create_collection("papers", dimension=DIMENSION, metric="manhattan")
        papers.upsert(**columns(range(SIZE)))
        papers.create_index("hnsw", quantization="int8")
    with onevec.connect(f"faiss:///{folder}") as store:
        assert recall(store.collection("papers")) == 1
        health = store.health()
        assert health.status == "degraded"
        assert "'papers' is searched exactly: FAISS's IndexHNSWSQ" in health.warnings[0]


def test_a_folder_is_made_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is made if the one it is in exists; a file in its place, and a missing store, are refused."""
    monkeypatch.chdir(tmp_path)
    for option in ("create=false", "read_only=true"):
        with pytest.raises(StoreNotFound, match="store"):
            onevec.connect(f"faiss:///store?{option}")
    assert list(tmp_path.iterdir()) == []
    onevec.connect("faiss:///store").close()
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["store", "store/store.db"]
    with pytest.raises(ConfigError, match="mkdir -p"):
        onevec.connect("faiss:///missing/store")
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is a file"):
        onevec.connect("faiss:///file")
    with pytest.raises(ConfigError):
        onevec.connect("faiss://")


def test_a_read_only_store_reads_and_leaves_the_folder_alone(tmp_path: Path) -> None:
    """It makes an index in memory where none is saved, and writes nothing."""
    folder = tmp_path / "store"
    with onevec.connect(f"faiss:///{folder}", index="IVF16,Flat") as store:
        store.create_collection("papers", dimension=DIMENSION).upsert(**columns(range(SIZE)))
    with onevec.connect(f"faiss:///{folder}", read_only=True) as store:
        papers = store.collection("papers")
        papers.search(queries()[0])
        assert index_of(papers) is not None
        assert recall(papers) >= 0.95
        for refused in (lambda: papers.create_index("flat"), lambda: papers.delete("00001")):
            with pytest.raises(ReadOnly):
                refused()
    assert not list(folder.glob("index-*"))
