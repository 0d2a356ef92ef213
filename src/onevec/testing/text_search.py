"""Text search: by words, not by syntax."""

from __future__ import annotations

from typing import Any

import pytest

from onevec.aio import AsyncCollection
from onevec.documents import SearchQuery
from onevec.errors import Unsupported
from onevec.filters import FilterLike
from onevec.testing.samples import doc
from onevec.testing.site import Site, contract

TEXTS = {
    "wing": "The wing of an aircraft in a slipstream",
    "wings": "Wings bend; a wing's lift varies along the span of wings",
    "layer": "Heat transfer in the laminar boundary layer",
    "plate": "Flow past a flat plate, with a boundary layer and heat",
    "german": "Über die Grenzschicht an Tragflügeln",
    "french": "La couche limite à l'écoulement laminaire",
    "numbers": "NACA 0012 at Mach 3.5, model X-15, 1958",
    "code": "def lift(alpha): return 2 * pi * alpha  # thin airfoil",
    "keywords": "this and that or not near all",
    "empty": "",
    "symbols": "!!! ??? ***",
}


async def _fill(papers: AsyncCollection) -> None:
    await papers.upsert([doc(id, text=text, n=number) for number, (id, text) in enumerate(TEXTS.items())])
    await papers.upsert(doc("none", n=99))


async def _found(papers: AsyncCollection, query: str, **arguments: Any) -> list[str]:
    return (await papers.search(query, mode="text", **arguments)).ids


FOUND: tuple[tuple[str, set[str]], ...] = (
    ("slipstream", {"wing"}),
    ("wing", {"wing", "wings"}),
    ("wings", {"wing", "wings"}),
    ("WING", {"wing", "wings"}),
    ("bending", {"wings"}),
    ("boundary layer", {"layer", "plate"}),
    ("slipstream grenzschicht", {"wing", "german"}),
    ("Grenzschicht", {"german"}),
    ("ÜBER", {"german"}),
    ("écoulement", {"french"}),
    ("0012", {"numbers"}),
    ("X-15", {"numbers"}),
    ("alpha", {"code"}),
    ("wi", set()),
    ("helicopter", set()),
    ("wing helicopter", {"wing", "wings"}),
)


@contract(needs="text_search")
async def test_words_find_texts(papers: AsyncCollection) -> None:
    """A text with any of the query's words is found, in any case and inflection; parts of words find nothing."""
    await _fill(papers)
    for query, expected in FOUND:
        assert set(await _found(papers, query)) == expected, query


@contract(needs="text_search")
async def test_more_words_rank_higher(papers: AsyncCollection) -> None:
    """Of texts of one length, one with more of the words, or a rarer one, is first; scores fall, ties go by id."""
    await papers.upsert(
        [
            doc(id, text=text)
            for id, text in {
                "both": "wing lift x y",
                "wing": "wing a b c",
                "lift": "lift a b c",
                "lift too": "lift a b d",
                "neither": "a b c d",
            }.items()
        ]
    )
    result = await papers.search("wing lift", mode="text")
    assert result.ids == ["both", "wing", "lift", "lift too"]
    assert result.scores == sorted(result.scores, reverse=True)
    assert result.scores[2] == result.scores[3]
    assert all(hit.distance is None for hit in result)
    assert [hit.rank for hit in result] == [1, 2, 3, 4]
    for top_k in (1, 2, 3):
        assert (await papers.search("wing lift", mode="text", top_k=top_k)).ids == result.ids[:top_k]


@contract(needs="text_search")
async def test_ties_in_text_scores_go_by_id(papers: AsyncCollection) -> None:
    """Of equal texts the lower id comes first, also where `top_k` cuts, whatever the order of writing."""
    ids = [f"{number * 7 % 50:02}" for number in range(50)]
    await papers.upsert([doc(id, text="the wing") for id in ids])
    assert await _found(papers, "wing", top_k=50) == sorted(ids)
    assert await _found(papers, "wing", top_k=7) == sorted(ids)[:7]
    assert await _found(papers, "wing", top_k=3, ids=["40", "30", "20", "10"]) == ["10", "20", "30"]


@contract(needs="text_search")
async def test_arguments_work_with_words(papers: AsyncCollection) -> None:
    """`filter`, `ids`, `min_score`, `top_k` and a `SearchQuery` do with words what they do with vectors."""
    await _fill(papers)
    assert await _found(papers, "wing layer", filter={"n": {"$gte": 2}}) == await _found(papers, "layer")
    assert await _found(papers, "wing", filter={"n": 0}) == ["wing"]
    assert await _found(papers, "wing", ids=["wings", "layer", "missing"]) == ["wings"]
    assert await _found(papers, "wing", ids=[]) == []
    everything = await papers.search("wing layer heat", mode="text")
    cut = everything[1].score
    kept = await papers.search("wing layer heat", mode="text", min_score=cut)
    assert kept.ids == [hit.id for hit in everything if hit.score >= cut]
    assert await papers.search(SearchQuery("wing layer heat", mode="text")) == everything
    batch = await papers.search_batch(["wing", "layer"], mode="text")
    assert [result.ids for result in batch] == [await _found(papers, "wing"), await _found(papers, "layer")]
    (hit,) = await papers.search("slipstream", mode="text", include_vectors=True)
    stored = await papers.get("wing")
    assert hit.document == stored
    assert await papers.explain("wing", mode="text")


FILTERS: tuple[FilterLike, ...] = ({"n": {"$gte": 290}}, {"n": {"$in": [5, 150]}}, {"rare": True})


@contract(needs="text_search")
async def test_a_filtered_text_search_is_full(papers: AsyncCollection) -> None:
    """With a filter there are `top_k` hits whenever so many texts match, however rare they are."""
    await papers.upsert(
        [
            doc(
                f"{number:03}",
                text="wing " * (1 + number % 3),
                n=number,
                rare=number % 100 == 7,
            )
            for number in range(300)
        ]
    )
    for filter in FILTERS:
        matching = await papers.count(filter)
        assert len(await _found(papers, "wing", top_k=300, filter=filter)) == matching
        assert len(await _found(papers, "wing", top_k=2, filter=filter)) == 2


SYNTAX = (
    *(
        '"',
        "'",
        "''",
        '"wing',
        'wing"',
        '"wing" "lift',
        "wing*",
        "*",
        "wing AND",
        "AND",
        "OR",
        "NOT",
        "NEAR",
        "NOT wing",
    ),
    *(
        "wing NOT slipstream",
        "NEAR(wing slipstream)",
        "NEAR(",
        "text:wing",
        "text : wing",
        "{text}:wing",
        "^wing",
        "-wing",
    ),
    *("+wing", "wing+slipstream", "(wing", "wing)", "()", "wing:wing", "rowid:1", "wing\0slipstream", "\0", "wing;--"),
    *(
        "%wing%",
        "wing\\",
        "\\",
        "[wing]",
        "wing~2",
        "wing^5",
        "wing/2",
        "@wing",
        "#wing",
        "$wing",
        "wing|lift",
        "a" * 5000,
    ),
    *(
        "wing & lift",
        "wing <-> lift",
        "wing:*",
        "!wing",
        "<script>",
        "wing\u2028lift",
        "🔑",
        "\u0301",
        "\ufeff",
        "_",
        "ⅷ",
    ),
)


@contract(needs="text_search")
async def test_a_query_has_no_syntax(papers: AsyncCollection) -> None:
    """Whatever a search engine's own syntax is made of is text here: it never fails, and hides no match."""
    await _fill(papers)
    for query in SYNTAX:
        found = set(await _found(papers, query, top_k=50))
        words = query.lower().replace("\0", " ")
        if "wing" in words.replace("|", " ").split() or words in {
            "wing*",
            "-wing",
            "not wing",
            '"wing',
            "(wing",
            "wing:*",
        }:
            assert {"wing", "wings"} <= found, query
        assert "none" not in found
        assert "empty" not in found
    assert set(await _found(papers, "NOT")) == set(await _found(papers, "not")) == {"keywords"}
    assert await papers.count() == len(TEXTS) + 1


@contract(needs="text_search")
async def test_a_query_without_words_finds_nothing(papers: AsyncCollection) -> None:
    """A text search for no word has no hits."""
    await _fill(papers)
    for query in ("", " ", "\n\t", "!!!", "***", '"', "\u2028"):
        assert await _found(papers, query) == [], query


@contract(needs="text_search")
async def test_words_follow_the_documents(papers: AsyncCollection) -> None:
    """Replaced, updated, deleted and cleared texts are found by their words of now."""
    await _fill(papers)
    assert await _found(papers, "slipstream") == ["wing"]
    await papers.upsert(doc("wing", text="a propeller"))
    assert await _found(papers, "slipstream") == []
    await papers.update("layer", text="a slipstream")
    assert await _found(papers, "slipstream") == ["layer"]
    assert set(await _found(papers, "boundary")) == {"plate"}
    await papers.update("layer", metadata={"n": 1})
    assert await _found(papers, "slipstream") == ["layer"]
    await papers.upsert([doc("new", text="slipstream"), doc("plate")])
    assert set(await _found(papers, "slipstream")) == {"layer", "new"}
    assert await _found(papers, "boundary") == []
    await papers.delete("new")
    assert await _found(papers, "slipstream") == ["layer"]
    await papers.optimize()
    assert await _found(papers, "slipstream") == ["layer"]
    await papers.clear()
    assert await _found(papers, "slipstream wing propeller") == []
    await papers.upsert(doc("again", text="wing"))
    assert await _found(papers, "slipstream wing propeller") == ["again"]


@contract(needs="text_search")
async def test_words_stay_in_their_namespace(papers: AsyncCollection) -> None:
    """A text search sees one namespace, and its scores don't depend on another."""
    await papers.upsert([doc("a", text="wing lift"), doc("b", text="lift")])
    alone = await papers.search("wing lift", mode="text")
    await papers.namespace("acme").upsert([doc(str(number), text="wing wing wing") for number in range(50)])
    assert await papers.search("wing lift", mode="text") == alone
    assert await _found(papers.namespace("acme"), "lift") == []
    assert len(await _found(papers.namespace("acme"), "wing", top_k=100)) == 50


@contract
async def test_text_search_is_refused_where_there_is_none(site: Site, papers: AsyncCollection) -> None:
    """An engine that doesn't declare text search refuses the mode."""
    if site.capabilities.text_search:
        pytest.skip(f"{site.store.engine} has text search")
    with pytest.raises(Unsupported, match="text"):
        await papers.search("wing", mode="text")
