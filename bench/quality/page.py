"""docs/quality.md, written from the results."""

from __future__ import annotations

from pathlib import Path

from bench.quality.results import Results

from onevec.evaluation.tables import differences_table, means_table

_HEAD = """# Search quality

How good onevec's searches are on a public test collection. `make bench-quality` indexes it, measures, and writes this
page and its chart; [evaluation](evaluation.md) says how to do the same with your own documents.

```sh
make bench-quality ARGS="--cranfield FOLDER"    # FOLDER has corpus.jsonl, queries.jsonl and qrels.tsv
python -m bench.quality --from bench/results/quality.json    # writes the page again from the figures that are kept
```
"""
_SETTING = """## What is measured

Cranfield: {documents:,} abstracts on aerodynamics of the 1960s and {queries} questions that authors of such papers had.
A document's text is its title and its abstract, a line each. Two more have neither and are left out, as there is
nothing to embed; one of them is judged relevant and counts as not found. Relevance is binary: codes 1 to 4 of the
judgements count, -1 doesn't, as `relevance` in `qrels.tsv` has it; other conventions give other figures. Each search
gives {top_k} hits.

| system | what it is |
|---|---|
| text | `mode="text"`: BM25 with FTS5's constants (k1 = 1.2, b = 0.75) and the Porter stemmer |
| MiniLM | all-MiniLM-L6-v2 exported to ONNX, run by the [`onnx` embedder](embedders.md); 384 numbers a text |
| wordllama | onevec's [default embedder](embedders.md#wordllama), a table of word pieces; 256 numbers a text |
| vector | `mode="vector"`, by cosine |
| brute force | not onevec: the product of the matrices of the same vectors, sorted |
| hybrid | `mode="hybrid"`: reciprocal rank fusion, k = 60, of the best 100 of each side |
| hybrid, weighted | the same with `fusion="weighted"`: the mean of both scores, each scaled to 0 to 1 |

± is the standard error over the queries. It says how much a mean would vary with other questions of the kind, so it is
larger than that of a difference between two systems, which are asked the same questions.
"""
_ENGINES = """## By engine

nDCG@10 with MiniLM. An engine without a text search has neither `text` nor `hybrid`; [capabilities](capabilities.md)
lists them. `ARGS="--store URL ..."` adds servers, such as those that `make servers` starts.
"""


def page(results: Results, chart: str) -> str:
    """Return the page as Markdown.

    Args:
        results: The figures.
        chart: The chart's path from the page.
    """
    evaluation = results.evaluation
    versions = ", ".join(f"{library} {version}" for library, version in sorted(results.versions.items()))
    measured = f"Measured {results.measured} on {results.machine}. Versions: {versions}.\n"
    setting = _SETTING.format(documents=results.documents, queries=len(evaluation.queries), top_k=evaluation.top_k)
    differences = differences_table(evaluation, "nDCG@10", "text")
    parts = [
        _HEAD,
        measured,
        f"![Every figure of every system]({chart})\n",
        f"{means_table(evaluation).markdown()}\n",
        f"{differences.title}:\n\n{differences.markdown()}\n",
        setting,
    ]
    if results.engines:
        parts += [_ENGINES, engine_table(results)]
    return "\n".join(parts)


def engine_table(results: Results) -> str:
    """Return nDCG@10 by engine and mode, as Markdown."""
    modes = ("vector", "text", "hybrid")
    lines = ["| engine | " + " | ".join(modes) + " |", "|---|---:|---:|---:|"]
    for engine, found in results.engines.items():
        cells = (f"{found[mode]:.4f}" if mode in found else "-" for mode in modes)
        lines.append(f"| {engine} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def write(results: Results, path: Path) -> None:
    """Write the page, and its chart beside it."""
    chart = path.with_suffix(".svg")
    results.evaluation.write_chart(chart)
    path.write_text(page(results, chart.name), "utf-8")
