"""`eval`."""

from __future__ import annotations

import re
from argparse import Namespace
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from onevec.cli import Command
from onevec.cli.arguments import Parser, positive
from onevec.cli.failures import UsageError
from onevec.cli.output import print_json, print_text, progress
from onevec.cli.text import lines

if TYPE_CHECKING:
    from onevec.cli.corpora import Searchable
    from onevec.evaluation import Evaluation, Search

_METRICS = ("nDCG@10", "recall@100", "MAP", "MRR")
_UNSAFE = re.compile(r"[^\w.+-]+")
_NAMED = 3


def _arguments(parser: Parser) -> None:
    add = parser.add_argument
    add("--judgements", metavar="FILE", required=True, help="which documents answer which query: BEIR's or TREC's form")
    add("--queries", metavar="FILE", help="JSON lines with _id or id, and text")
    add("--corpus", metavar="FILE", help="JSON lines with _id or id, title, text: indexed for this, and removed after")
    add("-c", "--collection", metavar="NAME", help="search this collection instead; nothing is written")
    add("--namespace", metavar="NAME", default="", help='the namespace of that collection (default: "")')
    add("--runs", metavar="FILE", nargs="+", action="extend", default=[], help="TREC run files to measure beside")
    what = parser.add_argument_group("what is compared, each with each")
    what.add_argument(
        "--mode",
        choices=("vector", "text", "hybrid"),
        nargs="+",
        help="how to search (default: all that the engine can)",
    )
    what.add_argument(
        "--embedder", metavar="NAME", nargs="+", help="with --corpus: of the vectors (default: wordllama)"
    )
    what.add_argument(
        "--store",
        metavar="URL",
        nargs="+",
        help="with --corpus: where it is indexed (default: memory://); else where the collection is",
    )
    what.add_argument("--fusion", choices=("rrf", "weighted"), nargs="+", default=["rrf"], help="of hybrid searches")
    what.add_argument("--rerank", metavar="NAME", nargs="+", default=[], help="rerankers, beside each search without")
    how = parser.add_argument_group("how it is measured")
    how.add_argument(
        "--metric",
        metavar="M",
        nargs="+",
        default=_METRICS,
        help=f"nDCG@k, recall@k, precision@k, MAP, MAP@k, MRR, MRR@k (default: {' '.join(_METRICS)})",
    )
    how.add_argument("-k", "--top-k", metavar="N", type=positive, default=100, help="hits a query (default: 100)")
    how.add_argument("--id-field", metavar="NAME", help="the metadata field with the judged id, as path for chunks")
    how.add_argument("--strict", action="store_true", help="refuse judgements of unknown queries or documents")
    how.add_argument("--baseline", metavar="NAME", help="the system to compare with (default: the first)")
    how.add_argument("--embedding-cache", metavar="FILE", help="keep vectors in this file for the next time")
    out = parser.add_argument_group("what is written, beside the table")
    out.add_argument("--run-out", metavar="FOLDER", help="each system's rankings as a TREC run file in this folder")
    out.add_argument("--chart", metavar="FILE", help="the means and their errors as .svg, .png or .pdf")
    parser.epilog = (
        "Example: onevec eval --corpus corpus.jsonl --queries queries.jsonl --judgements qrels.tsv --mode text hybrid"
    )


def _eval(arguments: Namespace) -> int:
    from onevec.evaluation import evaluate, read_corpus, read_judgements, read_queries
    from onevec.evaluation.runs import check_writable

    _check(arguments)
    # All that can be wrong with the files is told before anything is embedded, which takes long and may cost money.
    judgements = read_judgements(arguments.judgements)
    queries = None if arguments.queries is None else read_queries(arguments.queries)
    corpus = [] if arguments.corpus is None else read_corpus(arguments.corpus)
    documents = [document for document in corpus if (document.text or "").strip()]
    if arguments.run_out is not None:
        check_writable(*(queries or ()), *(document.id for document in documents))
    with ExitStack() as stack:
        systems: dict[str, Search | str] = {}
        if queries is not None:
            from onevec.cli.corpora import indexed, opened

            found = opened(stack, arguments) if arguments.corpus is None else indexed(stack, arguments, documents)
            for name, place in found.items():
                systems |= _searches(name, place, arguments)
        systems |= _runs(arguments.runs, taken=set(systems))
        if arguments.baseline not in (None, *systems):
            names = ", ".join(map(repr, systems))
            raise UsageError(f"--baseline names a system; there is no {arguments.baseline!r}, but {names}")
        with progress("evaluating", unit="queries", quiet=arguments.json) as tell:
            evaluation = evaluate(
                systems,
                queries,
                judgements,
                metrics=arguments.metric,
                top_k=arguments.top_k,
                id_field=arguments.id_field,
                strict=arguments.strict,
                on_progress=tell,
            )
    _write(evaluation, arguments)
    empty = [document.id for document in corpus if not (document.text or "").strip()]
    if arguments.json:
        print_json(evaluation.to_json() | {"documents": len(documents) if corpus else None, "empty_documents": empty})
    else:
        _show(evaluation, arguments.baseline, empty)
    return 0


def _check(arguments: Namespace) -> None:
    """Refuse what can't work before anything is read or made."""
    from onevec.evaluation.chart import check_chart
    from onevec.evaluation.measures import measures, require_library
    from onevec.registry import load_reranker

    if arguments.queries is None and not arguments.runs:
        raise UsageError("eval needs --queries, for --corpus or a collection; or --runs (see `onevec eval --help`)")
    if arguments.queries is None and arguments.corpus is not None:
        raise UsageError("--corpus needs --queries")
    if arguments.corpus is not None and arguments.collection is not None:
        raise UsageError("--corpus is indexed in a collection of its own: leave out --corpus or --collection")
    if arguments.corpus is None and arguments.embedder:
        raise UsageError("--embedder goes with --corpus; a collection has the one it was made with")
    require_library()
    measures(arguments.metric, arguments.top_k)
    for name in arguments.rerank:
        load_reranker(name)
    if arguments.chart is not None:
        check_chart(arguments.chart)
    for folder in (arguments.run_out, arguments.chart and Path(arguments.chart).parent):
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)


def _searches(name: str, place: Searchable, arguments: Namespace) -> dict[str, Search]:
    """Return the ways to search a collection that are asked for, by name."""
    from onevec.evaluation import Search

    found: dict[str, Search] = {}
    for mode in arguments.mode or place.modes:
        fusions = arguments.fusion if mode == "hybrid" else [None]
        for fusion in fusions:
            options = {"mode": mode} | ({} if fusion is None else {"fusion": fusion})
            full = " ".join(filter(None, (name, mode, fusion if len(fusions) > 1 else None)))
            found[full] = Search(place.collection, options)
            for reranker in arguments.rerank:
                found[f"{full} + {reranker}"] = Search(place.collection, options | {"rerank": reranker})
    return found


def _runs(paths: list[str], *, taken: set[str]) -> dict[str, str]:
    """Return run files by name: the file's without its suffix; where that is taken, the path."""
    found: dict[str, str] = {}
    for path in paths:
        stem = Path(path).stem
        found[path if stem in taken else stem] = path
        taken.add(stem)
    return found


def _write(evaluation: Evaluation, arguments: Namespace) -> None:
    if arguments.run_out is not None:
        for system in evaluation.systems:
            system.write_run(Path(arguments.run_out) / f"{_UNSAFE.sub('-', system.name)}.run")
    if arguments.chart is not None:
        evaluation.write_chart(arguments.chart)


def _show(evaluation: Evaluation, baseline: str | None, empty: list[str]) -> None:
    from onevec.evaluation.tables import differences_table, means_table

    parts = [means_table(evaluation).text()]
    if len(evaluation.systems) > 1:
        parts.append(differences_table(evaluation, evaluation.metrics[0], baseline).text())
    notes = [str(evaluation.unmatched)] if evaluation.unmatched else []
    if empty:
        named = ", ".join(empty[:_NAMED]) + (", ..." if len(empty) > _NAMED else "")
        notes.insert(0, f"{len(empty):,} of the corpus without text, not indexed: {named}")
    if notes:
        parts.append("; ".join(notes))
    print_text(lines("\n\n".join(parts)))


COMMANDS = MappingProxyType({"eval": Command(_arguments, _eval)})
