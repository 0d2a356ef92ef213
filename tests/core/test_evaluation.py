"""`evaluate`: systems side by side, in both APIs, and what doesn't fit together."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import onevec
from onevec import Collection, Document, Evaluation, Hit, SearchQuery, evaluate, evaluate_async
from onevec.errors import InvalidInput, InvalidQuery
from onevec.evaluation import Search

TEXTS = {
    "wing": "The lift of a wing in the slipstream of a propeller",
    "tail": "Tail surfaces and the lift of a tail",
    "slab": "Heat conduction in slabs of several layers",
    "plate": "Shear flow past a flat plate",
}
WORDS = ("wing", "tail", "heat", "plate", "lift")
QUERIES = {"q1": "lift of a wing", "q2": "heat", "q3": "plate"}
JUDGEMENTS = {"q1": {"wing": 2, "tail": 1, "slab": 0}, "q2": {"slab": 1}, "q3": {"wing": 1}}


def counted(texts: list[str]) -> list[list[float]]:
    return [[text.lower().count(word) + 0.01 for word in WORDS] for text in texts]


def documents() -> list[Document]:
    return [Document(id, text=text, metadata={"path": f"{id}.txt"}) for id, text in TEXTS.items()]


@pytest.fixture
def papers() -> Iterator[Collection]:
    with onevec.connect("memory://", embedder=counted) as store:
        papers = store.create_collection("papers")
        papers.upsert(documents())
        yield papers


def values(evaluation: Evaluation, system: str, metric: str) -> dict[str, float]:
    return dict(zip(evaluation.queries, evaluation[system].values[metric], strict=True))


def test_modes_side_by_side(papers: Collection) -> None:
    """Each mode is a system, measured on each query; what a mode finds is what the collection's search finds."""
    evaluation = evaluate(papers, QUERIES, JUDGEMENTS, modes=["vector", "text", "hybrid"], metrics=["MRR", "recall@2"])
    assert [system.name for system in evaluation.systems] == ["vector", "text", "hybrid"]
    assert (evaluation.queries, evaluation.metrics, evaluation.top_k) == (("q1", "q2", "q3"), ("MRR", "recall@2"), 100)
    assert values(evaluation, "text", "MRR") == {"q1": 1.0, "q2": 1.0, "q3": 0.0}
    for mode in ("vector", "text", "hybrid"):
        for query, text in QUERIES.items():
            hits = papers.search(text, mode=mode, top_k=100)
            found = evaluation[mode].run.get(query, ())
            assert [one.id for one in found] == hits.ids
            assert [one.score for one in found] == hits.scores
    assert not evaluation.unmatched


def test_a_query_without_results_counts_as_zero(papers: Collection) -> None:
    """And is in the mean."""
    evaluation = evaluate(papers, {"q1": "lift", "q2": "nonsense"}, JUDGEMENTS, modes="text", metrics=["MRR"])
    assert values(evaluation, "text", "MRR") == {"q1": 1.0, "q2": 0.0}
    assert evaluation["text"].mean("MRR").value == 0.5


def test_systems_of_all_kinds(papers: Collection, tmp_path: Path) -> None:
    """Collections, searches with keywords of their own, functions that give hits or ids, runs and run files."""

    def backwards(query: str) -> list[Hit]:
        return list(papers.search(query))[::-1]

    evaluate(papers, QUERIES, JUDGEMENTS)["vector"].write_run(tmp_path / "kept.run")
    evaluation = evaluate(
        {
            "papers": papers,
            "weighted": Search(papers, {"mode": "hybrid", "fusion": "weighted"}),
            "backwards": backwards,
            "ids": lambda query: iter(["slab", "slab", "wing"]),
            "run": {"q1": ["tail"], "q2": {"slab": 0.5, "wing": 0.7}, "unasked": ["wing"]},
            "kept": tmp_path / "kept.run",
        },
        QUERIES,
        JUDGEMENTS,
        metrics=["MRR"],
    )
    assert [system.name for system in evaluation.systems] == ["papers", "weighted", "backwards", "ids", "run", "kept"]
    assert values(evaluation, "ids", "MRR") == {"q1": 0.5, "q2": 1.0, "q3": 0.5}
    assert values(evaluation, "run", "MRR") == {"q1": 1.0, "q2": 0.5, "q3": 0.0}
    assert evaluation["kept"].values == evaluation["papers"].values
    assert evaluation["backwards"].values != evaluation["papers"].values
    weighted = papers.search("lift of a wing", mode="hybrid", fusion="weighted", top_k=100)
    assert [one.id for one in evaluation["weighted"].run["q1"]] == weighted.ids


def test_several_collections_and_modes(papers: Collection) -> None:
    """Are named by both."""
    evaluation = evaluate({"a": papers, "b": papers}, QUERIES, JUDGEMENTS, modes=["vector", "text"])
    assert [system.name for system in evaluation.systems] == ["a vector", "a text", "b vector", "b text"]


def test_runs_alone_need_no_queries() -> None:
    """The judged ones are asked; a collection needs to be asked something."""
    evaluation = evaluate({"run": {"q1": ["wing"]}}, None, JUDGEMENTS, metrics=["MRR"])
    assert values(evaluation, "run", "MRR") == {"q1": 1.0, "q2": 0.0, "q3": 0.0}
    with pytest.raises(InvalidInput, match="queries are missing: 'f'"):
        evaluate({"run": {"q1": ["wing"]}, "f": lambda query: []}, None, JUDGEMENTS)


def test_only_the_first_top_k_count(papers: Collection) -> None:
    """Of searches as of runs, which can be longer."""
    run = {"q1": ["x", "y", "wing"], "q2": ["slab"], "q3": ["a", "wing"]}
    evaluation = evaluate(
        {"run": run, "text": Search(papers, {"mode": "text"})}, QUERIES, JUDGEMENTS, top_k=2, metrics=["MAP", "MRR"]
    )
    assert values(evaluation, "run", "MRR") == {"q1": 0.0, "q2": 1.0, "q3": 0.5}
    assert max(len(found) for system in evaluation.systems for found in system.run.values()) == 2


def test_chunks_count_for_what_they_are_of(papers: Collection) -> None:
    """With `id_field`, a document stands where its best chunk does, once."""
    chunks = [
        Document(f"{id}#{n}", text=text + " of papers" * n, metadata={"path": id})
        for id, text in TEXTS.items()
        for n in (0, 1)
    ]
    papers.clear()
    papers.upsert(chunks)
    evaluation = evaluate(papers, QUERIES, JUDGEMENTS, modes="text", id_field="path", metrics=["recall@5"])
    best: dict[str, float] = {}
    for hit in papers.search("lift of a wing", mode="text", top_k=100):
        best.setdefault(hit.metadata["path"], hit.score)
    assert [tuple(one) for one in evaluation["text"].run["q1"]] == list(best.items())
    assert set(best) == set(TEXTS)
    with pytest.raises(InvalidInput, match="no text or whole number in 'source'"):
        evaluate(papers, QUERIES, JUDGEMENTS, id_field="source")
    with pytest.raises(InvalidInput, match=r"a collection has none of the 3 relevant documents .* id_field"):
        evaluate(papers, QUERIES, JUDGEMENTS)


def test_vectors_of_queries() -> None:
    """A collection without an embedder is asked with vectors of the program's own."""
    with onevec.connect("memory://") as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert([{"id": "wing", "vector": [1, 0]}, {"id": "slab", "vector": [0, 1]}])
        queries = {"q1": SearchQuery(vector=[1, 0.1]), "q2": SearchQuery(vector=[0.1, 1])}
        evaluation = evaluate(papers, queries, {"q1": {"wing": 1}, "q2": {"slab": 1}}, metrics=["MRR"])
        assert evaluation["vector"].mean("MRR").value == 1


def test_what_does_not_fit_together(papers: Collection) -> None:
    """Is named: queries nobody judged, judged queries that weren't asked, judged documents that aren't there."""
    judgements = {"q1": {"wing": 1, "gone": 1, "unknown": 0}, "q2": {"slab": 0}, "q9": {"wing": 1}}
    evaluation = evaluate(papers, QUERIES, judgements, metrics=["recall@5"], modes="text")
    assert evaluation.queries == ("q1",)
    assert evaluation.unmatched.queries == ("q2", "q3")
    assert evaluation.unmatched.judged_queries == ("q9",)
    assert evaluation.unmatched.judged_documents == ("gone",)
    assert values(evaluation, "text", "recall@5") == {"q1": 0.5}  # what isn't there wasn't found
    assert "2 queries without a relevant document, left out: q2, q3" in str(evaluation)
    assert "1 document relevant but not in a collection, counted as not found: gone" in str(evaluation)


def test_strict(papers: Collection) -> None:
    """Refuses judgements of what isn't there; queries without judgements are no mistake."""
    for judgements in ({"q1": {"wing": 1, "gone": 1}}, {"q1": {"wing": 1}, "q9": {"wing": 1}}):
        evaluate(papers, QUERIES, judgements)
        with pytest.raises(InvalidInput, match=r"gone|q9"):
            evaluate(papers, QUERIES, judgements, strict=True)
    assert evaluate(papers, QUERIES, {"q1": {"wing": 1}}, strict=True).unmatched.queries == ("q2", "q3")


def test_other_numbering(papers: Collection) -> None:
    """Where no id at all fits, that is said, with some of both sides."""
    with pytest.raises(InvalidInput, match=r"number the queries alike\? Queries: 'q1', .*; judgements: '1'"):
        evaluate(papers, QUERIES, {"1": {"wing": 1}})
    with pytest.raises(InvalidInput, match="none of the 1 relevant documents"):
        evaluate(papers, QUERIES, {"q1": {"184": 1}})
    with pytest.raises(InvalidInput, match="run 'r' answers none of the queries"):
        evaluate({"r": {"1": ["wing"]}}, QUERIES, JUDGEMENTS)


def test_files(papers: Collection, tmp_path: Path) -> None:
    """Queries and judgements are read from files, too."""
    queries, judgements = tmp_path / "queries.jsonl", tmp_path / "qrels.tsv"
    queries.write_text("".join(json.dumps({"_id": id, "text": text}) + "\n" for id, text in QUERIES.items()))
    rows = [f"{query}\t{id}\t{grade}\n" for query, grades in JUDGEMENTS.items() for id, grade in grades.items()]
    judgements.write_text("query-id\tcorpus-id\tscore\n" + "".join(rows))
    assert evaluate(papers, queries, str(judgements)) == evaluate(papers, QUERIES, JUDGEMENTS)


def test_wrong_arguments(papers: Collection) -> None:
    """Are refused with what is right."""
    with pytest.raises(InvalidInput, match="modes are one or several of 'vector', 'text', 'hybrid'"):
        evaluate(papers, QUERIES, JUDGEMENTS, modes=["semantic"])  # type: ignore[list-item]
    with pytest.raises(InvalidInput, match="modes are"):
        evaluate(papers, QUERIES, JUDGEMENTS, modes=[])
    with pytest.raises(InvalidQuery, match="top_k"):
        evaluate(papers, QUERIES, JUDGEMENTS, top_k=0)
    with pytest.raises(InvalidInput, match=r"'x' is int .*evaluate_async"):
        evaluate({"x": 5}, QUERIES, JUDGEMENTS)  # type: ignore[dict-item]
    with pytest.raises(InvalidInput, match="no system"):
        evaluate({}, QUERIES, JUDGEMENTS)
    with pytest.raises(InvalidInput, match=r"relevance is a whole number up to 1000, got 0\.5"):
        evaluate(papers, QUERIES, {"q1": {"wing": 0.5}})  # type: ignore[dict-item]
    with pytest.raises(InvalidInput, match="two systems have the name 'a text'"):
        evaluate({"a": papers, "a text": {}}, QUERIES, JUDGEMENTS, modes=["vector", "text"])
    with pytest.raises(TypeError, match="nonsense"):
        evaluate({"a": Search(papers, {"nonsense": 1})}, QUERIES, JUDGEMENTS)


def test_a_collection_without_an_embedder() -> None:
    """Can be asked by words; by vector it says what is missing, as any search does."""
    with onevec.connect("memory://") as store:
        papers = store.create_collection("papers", dimension=5)
        papers.upsert(ids=list(TEXTS), vectors=counted(list(TEXTS.values())), texts=list(TEXTS.values()))
        assert evaluate(papers, QUERIES, JUDGEMENTS, modes="text")["text"].mean("MRR").value > 0
        with pytest.raises(InvalidInput, match="embedder"):
            evaluate(papers, QUERIES, JUDGEMENTS)


def test_progress(papers: Collection) -> None:
    """Counts queries over all systems that are asked."""
    told: list[tuple[int, int | None]] = []
    evaluate(
        {"a": papers, "f": lambda query: ["wing"], "run": {"q1": ["wing"]}},
        QUERIES,
        JUDGEMENTS,
        on_progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(3, 6), (4, 6), (5, 6), (6, 6)]


def test_the_async_api_finds_the_same(papers: Collection) -> None:
    """With async collections, and functions of both colours."""

    async def wings(query: str) -> list[str]:
        await asyncio.sleep(0)
        return ["wing"]

    async def main() -> Evaluation:
        async with onevec.connect_async("memory://", embedder=counted) as store:
            collection = await store.create_collection("papers")
            await collection.upsert(documents())
            with pytest.raises(InvalidInput, match="Collection"):
                await evaluate_async({"sync": papers}, QUERIES, JUDGEMENTS)  # type: ignore[dict-item]
            return await evaluate_async(
                {
                    "papers": collection,
                    "text": Search(collection, {"mode": "text"}),
                    "wings": wings,
                    "slabs": lambda query: ["slab"],
                },
                QUERIES,
                JUDGEMENTS,
            )

    evaluation = asyncio.run(main())
    assert evaluation == evaluate(
        {
            "papers": papers,
            "text": Search(papers, {"mode": "text"}),
            "wings": lambda query: ["wing"],
            "slabs": lambda query: ["slab"],
        },
        QUERIES,
        JUDGEMENTS,
    )


def test_a_coroutine_function_needs_a_loop() -> None:
    """In the sync API it is refused, in a sentence."""

    async def wings(query: str) -> list[str]:
        return ["wing"]

    with pytest.raises(InvalidInput, match="evaluate_async"):
        evaluate({"wings": wings}, QUERIES, JUDGEMENTS)
