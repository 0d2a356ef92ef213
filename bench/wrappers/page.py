"""docs/overhead.md, written from the results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from bench.embedded.contender import TOP_K
from bench.embedded.data import DIMENSION
from bench.embedded.table import Table
from bench.wrappers.contender import AGAIN, ONEVEC, ONEVEC_ASYNC, WRAPPERS
from bench.wrappers.measure import RECALL, Figures
from bench.wrappers.results import Entry, Results
from bench.wrappers.roster import ROSTER

# What onevec sets itself: microseconds that it adds to a search, and the share of the bare client's rate of ingest.
MOST_ADDED = {ONEVEC: 50.0, ONEVEC_ASYNC: 150.0}
LEAST_SHARE = 0.95

_HEAD = """# Overhead

What onevec adds to a search and to bulk loading, beside the engine's own client and the vector stores of LangChain and
LlamaIndex, on the same engine with the same data in one run. `make bench-overhead` measures, prints these tables and
writes this page; `python -m bench.wrappers --from bench/results/wrappers.json` writes it again from the figures that
are kept.

```sh
make bench-overhead                                   # everything
make bench-overhead ARGS="--engines qdrant,pgvector"  # these again; the others keep their figures
```
"""
_MEANING = """## What is measured

**Documents** are those of [the other benchmark](benchmarks.md): clustered vectors of {dimension} dimensions, a text of
some hundred characters, six fields of metadata. The seed is fixed. Every contender has a collection of its own in the
same engine, with the same settings of the index.

**A search** asks for {top_k} hits by cosine, from one thread, and ends when id, text, metadata and score of each are
Python values. All contenders are in one process, all async ones on one event loop, with their connections open. Each
query is put to one contender after the other, in an order drawn anew for every query.

| figure | meaning |
|---|---|
| search, us | the median over the queries |
| added, us | the median over the queries of the time above that of the bare client *for the same query* |
| least, most | of *added*, over the rounds |
| computed, us | as *added*, of the processors' time that this process took, with all its threads |
| ingest, docs/s | documents written a second into a new collection, until they are acknowledged and found |
| of the bare client's | this rate, as a share of the bare client's in the same round |
| recall | the share of the exact answer; below {recall} the contender searched something else, and is marked |

The async contenders' searches are compared with those of the bare async client, where there is one. Every figure is the
median of the rounds. *{again}* is a second instance of the same code: what it differs by is noise.
Making the libraries' own objects counts as ingest; vectors begin as a matrix of float32, texts and metadata as lists.

onevec does more in these calls than the bare clients: documents come back with their times, metadata equal to what was
written, whatever its nesting and types; a page cut through equally near documents is completed; a write replaces what
was there and keeps its creation time; and a collection that was deleted, or deleted and made again, is refused.
"""
_CAVEATS = """## Read with care

- The servers are on the same machine: what onevec adds is then the largest share of the whole, and it is the same where
  the network takes longer.
- One thread. With many, what a client computes counts for more where Python holds its lock.
- LangChain's and LlamaIndex's stores have settings that this benchmark doesn't try; batches are as large as the bare
  client's where they can be set.
- LlamaIndex's Elasticsearch store calls `nest_asyncio`, which replaces asyncio's tasks by slower ones in the whole
  process. It is kept from that here, as the others would pay for it.
"""


def page(results: Results) -> str:
    """Return the page as Markdown."""
    meaning = _MEANING.format(dimension=DIMENSION, top_k=TOP_K, recall=RECALL, again=AGAIN)
    days = sorted({entry.measured for entry in results.entries})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    head = (
        f"Measured {when} on {results.machine}: {results.count:,} documents, {results.queries} queries, "
        f"{results.rounds} rounds.\n"
    )
    parts = [_HEAD, head, "## Targets\n", f"{targets(results).markdown()}\n"]
    for entry in _ordered(results):
        versions = ", ".join(f"{name} {version}" for name, version in sorted(entry.versions.items()))
        parts.append(f"## {entry.title}\n\n{entry.about}\n\nThe bare client: {entry.bare}. Versions: {versions}.\n")
        parts.append(f"{table(entry).markdown()}\n")
    return "\n".join([*parts, meaning, _CAVEATS])


def table(entry: Entry) -> Table:
    """Return the figures of one engine."""
    headings = ["", "search, us", "added, us", "least", "most", "computed, us"]
    headings += ["ingest, docs/s", "of the bare client's", "recall"]
    rows = [
        [
            one.name,
            f"{median(one.searches):,.0f}",
            *(["-"] * 4 if one.base is None else map(_signed, _added(one))),
            f"{median(one.rates):,.0f}",
            "-" if one.base is None else f"{median(one.shares):.2f}",
            f"{one.recall:.3f}{'' if one.recall >= RECALL else ' (!)'}",
        ]
        for one in entry.figures
    ]
    return Table(entry.title, headings, rows)


def targets(results: Results) -> Table:
    """Return for each engine which of onevec's targets are met."""
    headings = [
        "",
        f"search, sync: {MOST_ADDED[ONEVEC]:.0f} us at most",
        f"search, async: {MOST_ADDED[ONEVEC_ASYNC]:.0f} us at most",
        f"ingest: {LEAST_SHARE} of the bare client's",
        "adds less to a search than both wrappers",
        "ingests faster than both wrappers",
    ]
    return Table("Targets", headings, [[entry.title, *_judged(entry)] for entry in _ordered(results)], aligned="left")


def write(results: Results, path: Path) -> None:
    """Write the page."""
    path.write_text(page(results), "utf-8")


def _judged(entry: Entry) -> Iterator[str]:
    figures = {one.name: one for one in entry.figures}
    for name, most in MOST_ADDED.items():
        added = median(figures[name].added)
        yield _said(f"{added:+,.0f} us", met=added <= most)
    share = median(figures[ONEVEC].shares)
    yield _said(f"{share:.2f}", met=share >= LEAST_SHARE)
    yield _beside(figures, lambda one: median(one.added), "us", less=True)
    yield _beside(figures, lambda one: median(one.rates), "docs/s", less=False)


def _beside(figures: dict[str, Figures], figure: Callable[[Figures], float], unit: str, *, less: bool) -> str:
    ours, *theirs = (figure(figures[name]) for name in (ONEVEC, *WRAPPERS))
    met = all(ours < other if less else ours > other for other in theirs)
    return _said(f"{ours:,.0f} beside {' and '.join(f'{other:,.0f}' for other in theirs)} {unit}", met=met)


def _added(one: Figures) -> tuple[float, ...]:
    return median(one.added), min(one.added), max(one.added), median(one.computed)


def _signed(figure: float) -> str:
    return f"{figure:+,.0f}"


def _said(figure: str, *, met: bool) -> str:
    return f"{figure}: {'met' if met else '**missed**'}"


def _ordered(results: Results) -> list[Entry]:
    order = list(ROSTER)
    return sorted(results.entries, key=lambda entry: order.index(entry.engine))
