"""Run by `python -m tests.servers start`, not by the tests: it keeps the servers until it is told to end."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

STATE = Path(__file__).parents[2] / ".servers"
SERVERS = ("chroma", "elasticsearch", "milvus", "pgvector", "pinecone", "qdrant", "weaviate")
FIXTURES = {"pgvector": "postgres"}


@pytest.mark.timeout(0)
def test_servers_are_kept(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Start what can be had, tell where, and wait."""
    urls: dict[str, str] = {}
    for engine in SERVERS:
        try:
            server = request.getfixturevalue(FIXTURES.get(engine, engine))
        except (pytest.skip.Exception, pytest.fail.Exception) as absent:
            urls[engine] = str(absent)
        else:
            urls[engine] = server.tcp_url() if engine == "pgvector" else server.url(tmp_path)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    (STATE / "new").write_text(json.dumps(urls), "utf-8")
    (STATE / "new").rename(STATE / "urls.json")
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
