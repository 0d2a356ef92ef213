"""`collections`, `info`, `engines` and `doctor`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

import onevec
from onevec.cli.doctor import has_wal_bug
from onevec.documents import Health
from onevec.errors import EngineNotInstalled
from onevec.registry import EngineInfo

from .runs import PAPERS, Cli


def test_collections(cli: Cli, papers: Path) -> None:
    """A line for each: name, dimension, metric, embedder, documents in all namespaces, date."""
    with onevec.connect("sqlite:///onevec.db") as store:
        store.create_collection("notes", embedder="wordllama", metric="dot")
        store.collection("papers").namespace("acme").upsert(PAPERS[:1])
    lines = [line.split()[:5] for line in cli("collections").out.splitlines()]
    assert lines == [
        ["name", "dimension", "metric", "embedder", "documents"],
        ["notes", "256", "dot", "wordllama", "0"],
        ["papers", "3", "cosine", "-", "4"],
    ]


def test_collections_as_json(cli: Cli, papers: Path) -> None:
    """The same with stable keys."""
    (info,) = cli("collections", "--json").json["collections"]
    assert info.pop("created_at").endswith("Z")
    assert info == {"name": "papers", "dimension": 3, "metric": "cosine", "embedder": None, "documents": 3}


def test_no_collections(cli: Cli) -> None:
    """A store without any says how to make one."""
    onevec.connect("sqlite:///onevec.db").close()
    assert cli("collections").out == "no collections; `onevec ingest PATH` makes one\n"
    assert cli("collections", "--json").json == {"collections": []}


def test_a_collection_of_an_unknown_embedder_can_be_looked_at(cli: Cli) -> None:
    """Counting, reading and listing need no embedder, so one that isn't there is in nobody's way."""

    def lengths(texts: Sequence[str]) -> list[list[float]]:
        return [[len(text), 1.0] for text in texts]

    with onevec.connect("sqlite:///onevec.db") as store:
        store.create_collection("notes", embedder=lengths).upsert({"id": "a", "text": "cat"})
    assert cli("collections", "--json").json["collections"][0]["embedder"] == "function:lengths"
    assert cli("info").code == cli("count").code == cli("get", "a").code == 0
    cli("search", "dog").fails(1, "function:lengths")
    assert cli("search", "cat", "--mode", "text", "--json").json["hits"][0]["id"] == "a"


def test_info(cli: Cli, papers: Path) -> None:
    """What the collection is, and how much is in the namespace."""
    out = cli("info").out
    facts = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert facts["collection"] == "papers"
    assert facts["engine"] == "sqlite"
    assert facts["dimension"] == "3"
    assert facts["documents"] == "3"
    assert facts["namespaces"] == "the default one"
    assert "all collections together" in out


def test_info_as_json(cli: Cli, papers: Path) -> None:
    """The same with stable keys; sizes in bytes, times in UTC."""
    with onevec.connect("sqlite:///onevec.db") as store:
        store.collection("papers").namespace("acme").upsert(PAPERS[:1])
    info = cli("info", "--json").json
    assert set(info) == {
        *("name", "dimension", "metric", "embedder", "created_at", "engine"),
        *("namespace", "namespaces", "documents", "updated_at", "storage_bytes", "index_bytes", "memory_bytes"),
    }
    assert (info["name"], info["namespace"], info["documents"]) == ("papers", "", 3)
    assert info["namespaces"] == ["", "acme"]
    assert info["storage_bytes"] > 4096
    acme = cli("info", "--namespace", "acme", "--json").json
    assert (acme["namespace"], acme["documents"]) == ("acme", 1)


def test_engines(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each engine with what it can do; one that isn't installed with the command that installs it."""
    (memory,) = (engine for engine in onevec.engines() if engine.name == "memory")
    missing = EngineInfo(
        "nosuch", installed=False, install='pip install "onevec[nosuch]"', capabilities=memory.capabilities
    )
    monkeypatch.setattr(onevec, "engines", lambda: [memory, missing])
    monkeypatch.setenv("COLUMNS", "200")
    shown = " ".join(cli("engines").out.split())
    assert "memory yes all metrics; all filters; text search;" in shown
    assert 'nosuch no: pip install "onevec[nosuch]" all metrics' in shown
    engines = cli("engines", "--json").json["engines"]
    assert [(engine["name"], engine["installed"], engine["install"]) for engine in engines] == [
        ("memory", True, "pip install onevec"),
        ("nosuch", False, 'pip install "onevec[nosuch]"'),
    ]
    assert engines[0]["capabilities"]["metrics"] == ["cosine", "dot", "euclidean", "manhattan"]
    assert engines[0]["capabilities"]["text_search"] is True


def test_the_engines_of_this_installation(cli: Cli) -> None:
    """The built-in engines are listed as installed."""
    engines = {engine["name"]: engine["installed"] for engine in cli("engines", "--json").json["engines"]}
    assert engines["memory"]
    assert engines["sqlite"]


@pytest.mark.parametrize(
    ("version", "bug"),
    [
        ("3.6.23", False),
        ("3.7.0", True),
        ("3.40.1", True),
        ("3.51.2", True),
        ("3.51.3", False),
        ("3.51.10", False),
        ("3.54.1", False),
        ("4.0.0", False),
    ],
)
def test_which_sqlite_has_the_wal_bug(version: str, bug: bool) -> None:
    """Versions 3.7.0 to 3.51.2 have it."""
    assert has_wal_bug(version) is bug


def doctor(cli: Cli, *words: str, code: int = 0) -> Mapping[str, Any]:  # Any: JSON values
    """Return what the doctor finds, after checking that the exit code says the same."""
    run = cli("doctor", *words, "--json")
    assert run.code == code
    found: dict[str, Any] = run.json
    assert found["healthy"] is (code == 0)
    assert cli("doctor", *words).code == code
    return found


def test_the_doctor_without_a_store(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh installation is healthy: no store and no key yet are no fault, and no store is made."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    found = doctor(cli)
    assert set(found) == {"onevec", "python", "platform", "sqlite", "engines", "embedders", "store", "healthy"}
    assert found["onevec"] == onevec.__version__
    assert found["sqlite"]["apsw"]["wal_bug"] is False
    assert found["sqlite"]["python"]["wal_bug"] is has_wal_bug(found["sqlite"]["python"]["version"])
    assert {"name": "sqlite", "installed": True, "install": "pip install onevec"} in found["engines"]
    embedders = {embedder["name"]: embedder for embedder in found["embedders"]}
    assert (embedders["wordllama"]["installed"], embedders["wordllama"]["error"]) == (True, None)
    if embedders["openai"]["installed"]:
        assert "OPENAI_API_KEY" in embedders["openai"]["error"]
    assert found["store"] is None
    assert list(folder.iterdir()) == []
    assert "none at sqlite:///onevec.db" in cli("doctor").out


def test_the_doctor_and_a_store(cli: Cli, papers: Path) -> None:
    """A store that is found, or named, is asked how it is."""
    for words in ([], ["--store", "sqlite:///onevec.db"]):
        store = doctor(cli, *words)["store"]
        assert (store["engine"], store["status"], store["issues"]) == ("sqlite", "healthy", [])
        assert store["target"] == "sqlite:///onevec.db"
    assert "sqlite:///onevec.db: healthy" in cli("doctor").out


@pytest.mark.parametrize("how", ["option", "variable"])
def test_a_named_store_that_is_not_there_is_a_fault(cli: Cli, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Named by --store or $ONEVEC_URL it should be there: unhealthy, exit code 1."""
    words = ["--store", "sqlite:///no.db"] if how == "option" else []
    if how == "variable":
        monkeypatch.setenv("ONEVEC_URL", "sqlite:///no.db")
    store = doctor(cli, *words, code=1)["store"]
    assert store["status"] == "unhealthy"
    assert "there is no store at sqlite:///no.db" in store["issues"][0]


@pytest.mark.parametrize("target", ["sqlite:///letter.db", "sqlite:///folder", "nosuch://x", "what"])
def test_a_store_that_cannot_be_opened_is_a_finding(cli: Cli, folder: Path, target: str) -> None:
    """The report is printed whole, with the reason, and the exit code is 1."""
    (folder / "folder").mkdir()
    (folder / "letter.db").write_text("Dear friend, this is no database. " * 100)
    store = doctor(cli, "--store", target, code=1)["store"]
    assert (store["status"], len(store["issues"])) == ("unhealthy", 1)
    run = cli("doctor", "--store", target)
    assert run.err == ""
    assert "unhealthy" in run.out
    assert "something is wrong" in run.out


@pytest.mark.parametrize(("status", "code"), [("degraded", 0), ("unhealthy", 1)])
def test_what_a_store_says_of_itself_is_told(
    cli: Cli, papers: Path, monkeypatch: pytest.MonkeyPatch, status: Literal["degraded", "unhealthy"], code: int
) -> None:
    """Issues and warnings are printed, a line each; only an unhealthy store makes the exit code 1."""
    health = Health(status, "sqlite", "3.54.1", 0.01, issues=("page 7 is damaged",), warnings=("upgrade it",))
    monkeypatch.setattr("onevec.store.Store.health", lambda _store: health)
    store = doctor(cli, code=code)["store"]
    assert (store["status"], store["issues"], store["warnings"]) == (status, ["page 7 is damaged"], ["upgrade it"])
    lines = [line.strip() for line in cli("doctor").out.splitlines()]
    assert "page 7 is damaged" in lines
    assert "upgrade it" in lines


def test_a_broken_or_missing_embedder_is_told(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is listed as not installed with the reason; a store doesn't need it, so all else is well."""

    def broken(_name: str) -> None:
        raise EngineNotInstalled("the library is missing")

    monkeypatch.setattr("onevec.registry.load_embedder", broken)
    for embedder in doctor(cli)["embedders"]:
        assert (embedder["installed"], embedder["error"]) == (False, "the library is missing")
    assert 'not installed: pip install "onevec[wordllama]"' in cli("doctor").out


def test_an_unsafe_sqlite_is_a_fault(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the SQLite that onevec uses has the WAL bug, the doctor says so and fails."""
    monkeypatch.setattr("apsw.sqlite_lib_version", lambda: "3.45.0")
    assert doctor(cli, code=1)["sqlite"]["apsw"] == {"version": "3.45.0", "wal_bug": True}
    assert "3.45.0, which can corrupt a WAL database" in cli("doctor").out
