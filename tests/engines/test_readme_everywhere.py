"""The README's first example on each of the twelve engines: the same hits, with the same scores."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from tests.servers.elasticsearch import MARKS as ELASTICSEARCH
from tests.servers.postgres import schema_of
from tests.servers.weaviate import MARKS as WEAVIATE

README = Path(__file__).parents[2] / "README.md"
WRITTEN = "sqlite:///papers.db"

# Where each engine's store is: in a folder, or on a server by the fixture of that name.
FOLDERS: dict[str, str] = {
    "memory": "memory://",
    "sqlite": "sqlite:///{folder}/papers.db",
    "jsonl": "jsonl:///{folder}/papers",
    "faiss": "faiss:///{folder}/papers",
    "chroma": "chroma:///{folder}/papers",
    "qdrant": "qdrant:///{folder}/papers",
    "lancedb": "lancedb:///{folder}/papers",
    "milvus": "milvus:///{folder}/papers.db",
}
SERVERS: dict[str, tuple[str, Callable[[Any, Path], str]]] = {
    "chroma server": ("chroma", lambda server, folder: server.url(folder)),
    "qdrant server": ("qdrant", lambda server, folder: server.url(folder)),
    "milvus server": ("milvus", lambda server, folder: server.url(folder)),
    "postgresql": ("postgres", lambda server, folder: server.url(schema=schema_of(folder))),
    "elasticsearch": ("elasticsearch", lambda server, folder: server.url(folder)),
    "weaviate": ("weaviate", lambda server, folder: server.url(folder)),
    "pinecone": ("pinecone", lambda server, folder: server.url(folder)),
}
NAMES = [
    *FOLDERS,
    *(
        pytest.param(name, marks={"elasticsearch": ELASTICSEARCH, "weaviate": WEAVIATE}.get(name, []))
        for name in SERVERS
    ),
]
EXAMPLE = re.search(r"^```python\n(.*?)^```\n```text\n(.*?)^```", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param in FOLDERS:
        return FOLDERS[request.param].format(folder=tmp_path)
    fixture, url_of = SERVERS[request.param]
    return url_of(request.getfixturevalue(fixture), tmp_path)


@pytest.mark.parametrize("url", NAMES, indirect=True)
def test_the_example_runs_unchanged(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """But for the URL: it prints what the README says, and every hit has the score that the memory engine gives it."""
    assert EXAMPLE is not None
    code, printed = EXAMPLE.groups()
    assert WRITTEN in code
    more = "    everything = papers.search('aeroplanes')\n"
    ours: dict[str, Any] = {}
    exec(code.replace(WRITTEN, url) + more, ours)
    assert capsys.readouterr().out == printed
    reference: dict[str, Any] = {}
    exec(code.replace(WRITTEN, "memory://") + more, reference)
    hits, expected = ours["everything"], reference["everything"]
    assert len(hits) == 3
    assert hits.ids == expected.ids
    assert hits.scores == pytest.approx(expected.scores, abs=1e-6)
    assert [hit.metadata for hit in hits] == [hit.metadata for hit in expected]


def test_every_engine_is_among_them() -> None:
    """None that onevec comes with is left out."""
    tried = {name.split()[0] for name in (*FOLDERS, *SERVERS)}
    entries = distribution("onevec").entry_points.select(group="onevec.engines")
    assert {"pgvector" if name == "postgresql" else name for name in tried} == entries.names
