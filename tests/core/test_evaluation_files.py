"""The files of a test collection, and what is said of those that are wrong."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from onevec.errors import InvalidFile, InvalidInput
from onevec.evaluation import Ranked, read_corpus, read_judgements, read_queries, read_run, write_run
from onevec.evaluation.runs import as_run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


def test_a_corpus(file: Path) -> None:
    """The text is title and text; ids are `_id` or `id`, metadata are kept."""
    file.write_text(
        '\ufeff{"_id": "a", "title": "Wings", "text": "In a slipstream.", "metadata": {"year": 1958}}\r\n'
        "\n"
        '{"id": 2, "title": "", "text": "Slabs.", "metadata": null}\n'
        '{"id": "3", "title": "Plates"}\n'
        '{"id": "4", "text": ""}',
        "utf-8",
    )
    assert [(one.id, one.text, one.metadata) for one in read_corpus(file)] == [
        ("a", "Wings\nIn a slipstream.", {"year": 1958, "title": "Wings"}),
        ("2", "Slabs.", {}),
        ("3", "Plates", {"title": "Plates"}),
        ("4", "", {}),
    ]


def test_queries(file: Path) -> None:
    """Texts by id; other fields are passed by."""
    file.write_text('{"_id": "q1", "text": "wings", "metadata": {}}\n{"id": 7, "text": "slabs"}\n')
    assert read_queries(file) == {"q1": "wings", "7": "slabs"}


@pytest.mark.parametrize(
    "text",
    [
        "query-id\tcorpus-id\tscore\nq 1\td 1\t2\nq 1\td2\t-1\n",
        "query_id\tdoc_id\trelevance\toriginal_code\nq 1\td 1\t2\t4\nq 1\td2\t-1\t-1\n",
        "Corpus-Id\tScore\tQuery-Id\nd 1\t2\tq 1\nd2\t-1\tq 1\n",
        "q 1\t0\td 1\t2\nq 1\tQ0\td2\t-1\n",
        "q 1\td 1\t2\nq 1\td2\t-1\n",
        "\ufeffq 1\td 1\t2\r\n\r\nq 1\td2\t-1\r\nq 1\td2\t-1",
    ],
    ids=["BEIR", "four-columns", "other-order", "TREC", "three", "windows"],
)
def test_forms_of_judgements(file: Path, text: str) -> None:
    """With a header or without one, told apart by the first line."""
    file.write_text(text, "utf-8")
    assert read_judgements(file) == {"q 1": {"d 1": 2, "d2": -1}}


def test_judgements_between_spaces(file: Path) -> None:
    """As TREC's are: any white space, where there is no tab."""
    file.write_text("1 0 d1 1\n1  0   d2 0 \n")
    assert read_judgements(file) == {"1": {"d1": 1, "d2": 0}}


def test_every_malformed_line_is_named(file: Path) -> None:
    """With its number and the reason, all in one error, which has them as values too."""
    file.write_bytes(
        b"query-id\tcorpus-id\tscore\n"
        b"q1\td1\t1\n"
        b"q1\td2\n"
        b"q1\td3\t1.5\n"
        b"q1\td1\t2\n"
        b"q1\t\t2\n"
        b"q1\td\xff\t2\n"
        b"q1\td7\t99999999999\n"
    )
    with pytest.raises(InvalidFile) as caught:
        read_judgements(file)
    assert [number for number, _ in caught.value.lines] == [3, 4, 5, 6, 7, 8]
    for reason in (
        "has 6 lines",
        "line 3: it has 2 columns instead of 3",
        "line 4: relevance is a whole number up to 1000, got '1.5'",
        "line 5: document 'd1' has another relevance for query 'q1' in an earlier line",
        "line 6: the id of its query or document is empty",
        "line 7: it isn't UTF-8",
        "line 8: relevance is",
    ):
        assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "it isn't JSON"),
        ("[1]", "it is no JSON object but list"),
        ('{"text": "a"}', "it has no id"),
        ('{"id": "", "text": "a"}', "it has no id"),
        ('{"id": true, "text": "a"}', "it has no id"),
        ('{"id": "b", "text": 5}', "its text is no text but int"),
        ('{"id": "a", "text": "again"}', "the id 'a' was in an earlier line"),
    ],
)
def test_malformed_rows(file: Path, line: str, reason: str) -> None:
    """Of a corpus and of queries."""
    file.write_text(f'{{"id": "a", "text": "wings"}}\n{line}\n')
    for read in (read_corpus, read_queries):
        with pytest.raises(InvalidFile, match=re.escape(f"has 1 line that can't be understood: line 2: {reason}")):
            read(file)


def test_more_malformed_rows(file: Path) -> None:
    """A query needs a text, metadata are an object, and a long list of mistakes is cut."""
    file.write_text('{"id": "a", "text": " "}\n')
    with pytest.raises(InvalidFile, match="line 1: query 'a' has no text"):
        read_queries(file)
    file.write_text('{"id": "a", "text": "x", "metadata": []}\n' * 30)
    with pytest.raises(InvalidFile, match=r"has 30 lines .* line 20: .*; and 10 more") as caught:
        read_corpus(file)
    assert len(caught.value.lines) == 30


def test_files_that_are_not_there(tmp_path: Path) -> None:
    """Named; a folder is none."""
    for path in (tmp_path / "nothing", tmp_path):
        for read in (read_corpus, read_queries, read_judgements, read_run):
            with pytest.raises(InvalidInput, match=f"can't read '{path}'"):
                read(path)


def test_runs_go_out_and_in(file: Path) -> None:
    """The order stays, also for a reader that keeps scores in single precision and orders equal ones by id."""
    run = as_run({"q1": {"a": 0.5, "b": 0.5, "c": 0.5 + 1e-12, "d": -3.0}, "q2": ["z", "y"]})
    write_run(file, run, "two words")
    lines = [line.split() for line in file.read_text().splitlines()]
    assert [line[:4] for line in lines] == [
        ["q1", "Q0", "c", "1"],
        ["q1", "Q0", "a", "2"],
        ["q1", "Q0", "b", "3"],
        ["q1", "Q0", "d", "4"],
        ["q2", "Q0", "z", "1"],
        ["q2", "Q0", "y", "2"],
    ]
    single = [struct.unpack("f", struct.pack("f", float(line[4])))[0] for line in lines[:4]]
    assert single == sorted(set(single), reverse=True)
    assert {line[5] for line in lines} == {"two-words"}
    back = read_run(file)
    assert {query: [one.id for one in ranking] for query, ranking in back.items()} == {
        "q1": ["c", "a", "b", "d"],
        "q2": ["z", "y"],
    }
    assert back["q1"][0].score == pytest.approx(0.5)


def test_a_run_is_ordered_by_score(file: Path) -> None:
    """As trec_eval has it; the rank decides among equal scores."""
    file.write_text("1 Q0 a 1 0.5 x\n1 Q0 b 2 0.9 x\n1\tQ0\tc\t4\t0.5\tx\n1 Q0 d 3 0.5 x\n")
    assert read_run(file)["1"] == (Ranked("b", 0.9), Ranked("a", 0.5), Ranked("d", 0.5), Ranked("c", 0.5))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1 Q0 a 1 0.5", "it has 5 columns instead of 6"),
        ("1 Q0 b one 0.5 x", "rank and score are numbers"),
        ("1 Q0 b 1 nan x", "a score is a finite number"),
        ("1 Q0 a 2 0.4 x", "document 'a' was found for query '1' in an earlier line"),
    ],
)
def test_malformed_runs(file: Path, line: str, reason: str) -> None:
    """Each line is named."""
    file.write_text(f"1 Q0 a 1 0.5 x\n{line}\n")
    with pytest.raises(InvalidFile, match=f"line 2: {reason}"):
        read_run(file)


def test_ids_with_white_space_are_not_written(file: Path) -> None:
    """The format has no way to; what was there stays."""
    file.write_text("before")
    with pytest.raises(InvalidInput, match="white space: 'a b'"):
        write_run(file, as_run({"q": ["a b"]}), "x")
    assert file.read_text() == "before"


def test_runs_in_memory() -> None:
    """Ids best first, or scores by id: the highest first, ties by id. A document stands once."""
    assert [one.id for one in as_run({"q": {"b": 1, "a": 1, "c": 2}})["q"]] == ["c", "a", "b"]
    assert [one.id for one in as_run({"q": ["b", "a"]})["q"]] == ["b", "a"]
    for wrong in ({"q": ["a", "a"]}, {"q": {"a": float("nan")}}, {"q": "ab"}, ["a"]):
        with pytest.raises(InvalidInput):
            as_run(wrong)  # type: ignore[arg-type]
