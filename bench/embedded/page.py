"""docs/benchmarks.md, written from the results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.embedded.data import FAR, QUERIES
from bench.embedded.measure import RECALL
from bench.embedded.results import Entry, Results
from bench.embedded.table import Table, completeness, growth, latencies, memory, ratios, summary

_TITLES = {
    "clusters": "Clusters",
    "stdlib": "Docstrings of Python's standard library",
    "cranfield": "Cranfield's abstracts",
}
_HEAD = """# Benchmarks

onevec's embedded engines beside other vector stores that run inside a Python program. `make bench-embedded` measures,
prints these tables and writes this page and its chart; `python -m bench.embedded --from bench/results/embedded.json`
writes them again from the figures that are kept.

```sh
make bench-embedded                                        # 10,000 and 50,000 clustered vectors, and real texts
make bench-embedded ARGS="--sizes 250k,1M --limit 7200"    # more
make bench-embedded ARGS="--only sqlite,zvec"              # these again; the others keep their figures
make bench-embedded ARGS="--cranfield FOLDER"              # Cranfield, too: FOLDER has corpus.jsonl and queries.jsonl
```

The peers live in an environment of their own, `.venv-bench`, pinned by `requirements/bench.txt`.
"""
_MEANING = f"""## What is measured

**Documents** have a vector, a text of some hundred characters and six fields of metadata: `year`, `lang`, `tags` (a
list), `reviewed`, `bucket` (0 to 999, independent of the vector) and `region` (0 to 9, the tenth in which the vector
lies along the direction in which the vectors vary most). *Clusters* are made: overlapping clusters of about 50 vectors
that vary in 32 of 384 dimensions, with a little noise in all. The real texts are embedded by onevec's default embedder,
`wordllama`; their queries are docstrings that were held out, or Cranfield's questions. The seed is fixed.

**A search** asks for ten hits by cosine, one after the other from one thread, and ends when the hits are Python values
with id, text and metadata. FAISS alone gives row numbers, for comparison: what the search itself costs. The filters
match 50 %, 10 %, 1 % and 0.1 % of the documents, whatever their vectors; `{FAR}` matches the tenth that is farthest
from the queries, which is hard for a graph that is walked from the query's surroundings. `q/s` is searches a second;
`@ 0.998` is the recall@10 they were reached with. Documents as near as the tenth count as found. A page is *short* if
it has fewer hits than it could have.

**Settings.** Where a contender has a setting that trades recall for speed, it is tuned for each column, with other
queries, to the lowest value with a recall of {RECALL}; where none reaches it, to the one that finds most. onevec's
engines run with their defaults. All graphs have 16 links a vector and a construction beam of 100.

**Order.** Every contender loads in a process of its own, with all cores. Then, in each round, every contender opens its
store in a new process, answers the queries of every column ({QUERIES} where the dataset has so many; a slow column ends
early, and the next round goes on where that would have been) and ends. The rounds alternate in order; every figure is
the median of the rounds. Searching processes are kept on one core, so that a search costs the same work whatever number
of threads a library uses.

| figure | meaning |
|---|---|
| ingest, docs/s | documents written a second, until the last call has returned (*acknowledged*, below) |
| to searchable, docs/s | the same, until the index is ready as well (*searchable*, below) |
| memory | resident memory of a process that has opened the store and answered all columns, above what it had before |
| disk | what the files take, after closing |
| import | the import of the library in a bare Python |
| reopen | in a new process, with the library imported: opening the store and the first answer without a filter |
| first filter, ms | the first search with a filter after that |

Making the library's own objects counts as ingest, reading the data from files does not. Memory was measured first
before the library's import; files that are mapped into memory count where they were touched. onevec's import is that of
numpy and of the engine, too, which a program loads when it uses them.

In the tables of ratios, more than 1x is better for onevec `sqlite`, and the last line is the peer it is least ahead of,
among those that give documents and have a recall of 0.95.
"""
_CAVEATS = """## Read with care

- One machine, one client, one thread. A store's throughput with many clients is another question.
- *Acknowledged* is not the same everywhere: onevec's files are synced to the disk by then, others hold the documents in
  memory only, or in files that are not synced.
- Each library has settings that this benchmark does not try. What it uses stands above.
- onevec searches small collections exactly; where its index begins, [its page](engines/sqlite.md) says.
- LangChain's FAISS store filters in Python after the search; `fetch_k` is how many documents it takes for that.
- The memory of a process includes what its allocator has kept of earlier work.
"""


def page(results: Results, chart: str) -> str:
    """Return the page as Markdown.

    Args:
        results: The figures.
        chart: The chart's path from the page.
    """
    days = sorted({entry.measured for entry in results.entries})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    versions = {entry.load["facts"]["library"]: entry.load["version"] for entry in results.entries if entry.load}
    measured = (
        f"Measured {when} on {results.machine}; {results.rounds} rounds. "
        f"Versions: {', '.join(f'{library} {version}' for library, version in sorted(versions.items()))}.\n"
    )
    parts = [
        _HEAD,
        measured,
        f"![Every figure of every contender]({chart})\n",
        *(f"## {title}\n\n{_tables(tables)}" for title, tables in sections(results)),
        _MEANING,
        f"## The contenders\n\n{contenders(results).markdown()}\n",
        _CAVEATS,
    ]
    return "\n".join(parts)


def sections(results: Results) -> Iterator[tuple[str, list[Table]]]:
    """Yield the titles and tables, in the order of the page."""
    for dataset, size, entries in results.groups():
        title = f"{_TITLES[dataset]}, {size:,} x {entries[0].dimension}"
        yield (
            title,
            [
                summary("Costs; searches a second @ recall", entries),
                ratios("How many times as good onevec sqlite is", entries),
                latencies("Latency", entries),
                completeness(f"{min(entry.queries for entry in entries)} queries a column", entries),
                memory("More", entries),
            ],
        )
    tables = growth(results)
    if tables:
        yield "How costs grow", tables


def contenders(results: Results) -> Table:
    """Return what was used, and what the words mean for each."""
    facts = {entry.name: entry.load["facts"] for entry in _loaded(results)}
    headings = ["", "settings", "a batch", "acknowledged", "searchable"]
    keys = ("settings", "batch", "acknowledged", "searchable")
    return Table(
        "The contenders",
        headings,
        [[name, *(str(fact[key]) for key in keys)] for name, fact in facts.items()],
        aligned="left",
    )


def write(results: Results, path: Path) -> None:
    """Write the page, and its chart beside it."""
    from bench.embedded.chart import draw

    chart = path.with_suffix(".svg")
    draw(results, chart)
    path.write_text(page(results, chart.name), "utf-8")


def _tables(tables: list[Table]) -> str:
    return "\n".join(f"{table.title}:\n\n{table.markdown()}\n" for table in tables)


def _loaded(results: Results) -> Iterator[Entry]:
    for _, _, entries in results.groups():
        yield from (entry for entry in entries if entry.load)
