"""Memory stays flat, whatever the size of a file; and a whole corpus gives the known answers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import onevec
from onevec.ingest import ingest

# Ingests one file into a collection that keeps nothing, and prints by how many MB the process grew.
PROGRAM = """
import sys
from datetime import UTC, datetime
from onevec.documents import CollectionInfo, Page, WriteReport
from onevec.ingest import ingest
from onevec.metrics import Metric

class Sink:
    def __init__(self):
        self.documents = 0
    def info(self):
        return CollectionInfo("sink", 2, Metric.COSINE, "some", datetime.now(UTC))
    def embed(self, texts):
        return [[1.0, 2.0] for _ in texts]
    def upsert(self, documents, **_):
        self.documents += len(documents)
        return WriteReport(len(documents))
    def update(self, documents):
        return WriteReport(len(documents))
    def get_many(self, ids, **_):
        return []
    def delete(self, **_):
        return 0
    def count(self, filter):
        return self.documents
    def page(self, **_):
        return Page((), None)

def peak():  # not getrusage, whose peak begins with that of the parent process
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) // 1024

ingest(Sink(), sys.argv[1])
before = peak()
sink = Sink()
report = ingest(sink, sys.argv[2])
assert not report.failed and not report.rows_skipped, str(report)
print(peak() - before, sink.documents)
"""

LINE = "an experimental study of a wing in a propeller slipstream was made at several angles of attack\n"
KINDS = {
    "txt": ("", (LINE * 8 + "\n")),
    "md": ("# Heading\n\n", "## Part\n\n" + LINE * 8 + "\n"),
    "html": ("<html>\n", "<p>" + LINE * 8 + "</p>\n"),
    "jsonl": ("", '{"text": "' + LINE.strip() * 8 + '"}\n'),
    "json": ('[{"text": "first"}\n', ',{"text": "' + LINE.strip() * 8 + '"}\n'),
    "csv": ("text,n\n", '"' + LINE * 8 + '",1\n'),
    "log": ("", LINE.strip() * 8),
}


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize("kind", KINDS)
def test_a_large_file_takes_no_more_memory_than_a_small_one(tmp_path: Path, kind: str) -> None:
    """16 MB in, less than 8 MB of growth, after a file of the same kind of half a megabyte has warmed up."""
    head, body = KINDS[kind]
    for name, size in (("small", 500_000), ("large", 16_000_000)):
        with (tmp_path / f"{name}.{kind}").open("w") as file:
            file.write(head)
            file.writelines(body for _ in range(size // len(body)))
            file.write("]" if kind == "json" else "")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / f"small.{kind}"), str(tmp_path / f"large.{kind}")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    grown, documents = map(int, done.stdout.split())
    assert documents > 15_000
    assert grown < 8


@pytest.mark.parametrize("engine", ["memory", "sqlite"])
def test_cranfield(cranfield: Path, tmp_path: Path, engine: str) -> None:
    """1,400 rows, of which 471 and 995 have no text and are reported.

    Both lack author and year and have no word, so that 1,398 documents give the corpus' known counts (743, 200, 302,
    53, 352) less two where a missing field or a small `n_words` is asked for.
    """
    url = "memory://" if engine == "memory" else f"sqlite:///{tmp_path}/cranfield.db"
    with onevec.connect(url) as store:
        collection = store.create_collection("cranfield", embedder="wordllama")
        report = ingest(collection, cranfield / "corpus.jsonl")
        assert (report.chunks_written, report.rows_skipped) == (1398, 2)
        assert [(row.line, row.reason) for row in report.skipped] == [
            (471, "its text is empty, and it has no vector"),
            (995, "its text is empty, and it has no vector"),
        ]
        counts = {
            "year >= 1958": 743,
            "year is null": 200 - 2,
            'source == "j. ae. scs"': 302,
            "author is null": 53 - 2,
            "n_words < 100": 352 - 2,
        }
        assert {filter: collection.count(filter) for filter in counts} == counts
        document = collection.get("1")
        assert document is not None
        assert (document.metadata["start_line"], document.metadata["year"]) == (1, 1958)
        title = "experimental investigation of the aerodynamics of a wing in a slipstream ."
        assert "1" in collection.search(title, top_k=3).ids
        assert ingest(collection, cranfield / "corpus.jsonl").unchanged == 1
