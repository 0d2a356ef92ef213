"""What all tests share: how many examples Hypothesis draws, and where the large test data is.

ONEVEC_HYPOTHESIS=long   draws many more examples, for a run overnight; `brief` draws few
ONEVEC_KIT=all           runs all of the kit on every engine, and every variant of the engines' and the fault tests;
                         without it a part on most, on each a different one
ONEVEC_TEST_DATA=DIR     a folder with `cranfield/`; without it, `shared/data` beside the checkout
"""

from __future__ import annotations

import os
import random
import re
import zlib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tests.servers.chroma import chroma
from tests.servers.elasticsearch import elasticsearch
from tests.servers.milvus import milvus
from tests.servers.pinecone import pinecone
from tests.servers.postgres import postgres
from tests.servers.qdrant import qdrant
from tests.servers.weaviate import weaviate

# One server of each engine for all tests of a worker, and one worker for all tests of a server.
__all__ = ["chroma", "elasticsearch", "milvus", "pinecone", "postgres", "qdrant", "weaviate"]

# No deadline: how long one example takes says more about what else the machine is doing.
settings.register_profile("short", max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("brief", settings.get_profile("short"), max_examples=8)
settings.register_profile("long", settings.get_profile("short"), max_examples=2000)
settings.load_profile(os.environ.get("ONEVEC_HYPOTHESIS", "short"))


def pytest_configure() -> None:
    """Let the workers of one run agree on the order of sets, which the names of some tests show."""
    os.environ.setdefault("PYTHONHASHSEED", str(random.randrange(2**32)))


# Of the kit, a short run takes all on the engines that others are built from, a third on those that share their code,
# and one in twenty-five on other people's; of another test of an engine or a fault that has many variants, a third.
_PARTS = {
    "test_memory.py": 1,
    "test_sqlite.py": 1,
    "test_jsonl.py": 3,
    "test_faiss.py": 3,
    "test_third_party_engine.py": 3,
}
_PART = 25
_VARIANTS = 10
_MANY = 2000  # whoever asks for one file gets all of it


def _test_of(item: pytest.Item) -> str:
    """The name that all variants of a test have in common."""
    return item.nodeid.partition("[")[0]


def _is_left_out(item: pytest.Item, variants: int) -> bool:
    """Whether a short run does without one of so many variants of a test."""
    part, folder = 1, item.path.parent.name
    if folder in ("engines", "plugin") and "site" in getattr(item, "fixturenames", ()):  # a test of the kit
        part = _PARTS.get(item.path.name, _PART)
    elif folder in ("engines", "faults") and variants >= _VARIANTS:
        part = 3
    return zlib.crc32(item.nodeid.encode()) % part != 0


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what a short run does without, and let a server be started by one worker only.

    Names that differ from run to run are refused: workers can't share such tests out, and nobody can run one again.
    """
    if os.environ.get("ONEVEC_KIT") != "all" and len(items) > _MANY:
        variants = Counter(map(_test_of, items))
        kept: list[pytest.Item] = []
        left_out: list[pytest.Item] = []
        for item in items:
            (left_out if _is_left_out(item, variants[_test_of(item)]) else kept).append(item)
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept
    for item in items:
        servers = set(__all__).intersection(getattr(item, "fixturenames", ()))
        if len(servers) == 1 and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(servers.pop()))
    odd = [item.nodeid for item in items if re.search(" at 0x[0-9a-f]", item.nodeid)]
    if odd and "PYTEST_XDIST_WORKER" not in os.environ:  # the workers' own complaint shows all of them
        raise pytest.UsageError(f"{odd[0]} has an address in its name; give its parameters ids=")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many points of failure and random filters were tried: here, where the reports of all workers meet."""
    points: Counter[str] = Counter()
    filters = 0
    for report in terminalreporter.stats.get("passed", ()):
        for name, number in report.user_properties if report.when == "call" else ():
            if name == "random filters":
                filters += int(number)
            elif name.startswith("fault points: "):
                points[name.removeprefix("fault points: ")] += int(number)
    if points:
        long = os.environ.get("ONEVEC_FAULTS") == "long"
        terminalreporter.section(f"fault points, {'all' if long else 'sampled; all with ONEVEC_FAULTS=long'}")
        for kind, number in sorted(points.items()):
            terminalreporter.write_line(f"{number:6} {kind}")
    if filters:
        terminalreporter.section("random filters that agree with their meaning")
        long = os.environ.get("ONEVEC_HYPOTHESIS") == "long"
        terminalreporter.write_line(f"{filters:6}{'' if long else '; ten times as many with ONEVEC_HYPOTHESIS=long'}")


@pytest.fixture(scope="session")
def cranfield(pytestconfig: pytest.Config) -> Path:
    """The folder of the Cranfield collection: `corpus.jsonl`, `queries.jsonl`, `qrels.tsv`."""
    beside = pytestconfig.rootpath.parent / "shared" / "data"
    folder = Path(os.environ.get("ONEVEC_TEST_DATA", beside)) / "cranfield"
    if not (folder / "corpus.jsonl").is_file():
        pytest.skip(f"no Cranfield collection in {folder}; set ONEVEC_TEST_DATA to the folder that has cranfield/")
    return folder
