"""What adapters of other people's engines share."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from uuid import UUID, uuid5

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onevec.adapter import Batch, Change, Found
from onevec.documents import CollectionInfo, Document
from onevec.errors import (
    AuthenticationFailed,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    InvalidDocument,
    InvalidQuery,
    OnevecError,
    RateLimited,
    StorageFull,
    UnsupportedVersion,
)
from onevec.metrics import Metric
from onevec.remote import (
    check_measurable,
    document_of,
    engine_name,
    failure_of_status,
    info_from,
    info_to_keep,
    nearest,
    patched,
    point_id,
    rows_of,
    seconds_of,
    undated,
    unit,
    units,
)
from onevec.runtime import run
from onevec.testing import strategies

NAMES = st.from_regex(r"[A-Za-z0-9._-]{1,128}", fullmatch=True)
PLAIN = re.compile("[a-z][a-z0-9_]*")
INFO = CollectionInfo("papers", 4, Metric.COSINE, "wordllama", datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=UTC))


@given(one=NAMES, other=NAMES)
def test_every_collection_has_a_name_of_its_own(one: str, other: str) -> None:
    """Names differ as collections do, and are such as every engine can have."""
    mapped = engine_name(one, PLAIN)
    assert (mapped == engine_name(other, PLAIN)) is (one == other)
    assert re.fullmatch("[a-z][a-z0-9_]{0,127}", mapped)
    assert mapped == one or len(mapped) <= 60


@pytest.mark.parametrize(
    ("name", "mapped"),
    [
        ("papers", "papers"),
        ("Papers", "onevec_papers_"),
        ("my.old-papers", "onevec_my_old_papers_"),
        ("..", "onevec__"),
        ("1958", "onevec_1958_"),
    ],
)
def test_a_name_that_an_engine_cannot_have_stays_readable(name: str, mapped: str) -> None:
    """What can be read of the name is kept, and its hash tells it apart."""
    assert re.fullmatch(f"{mapped}([0-9a-f]{{32}})?", engine_name(name, PLAIN))
    assert engine_name(name, PLAIN, prefix="C").startswith(("papers", "C"))


def test_a_name_that_looks_mapped_is_mapped() -> None:
    """A user's name can't be the one that another collection was given."""
    taken = engine_name("Papers", PLAIN)
    assert engine_name(taken, PLAIN) != taken


@pytest.mark.parametrize("embedder", [None, "wordllama"])
def test_an_engine_remembers_what_a_collection_is(embedder: str | None) -> None:
    """What is kept is flat, of strings and integers, and gives the same information back, to the microsecond."""
    info = CollectionInfo("papers", 4, Metric.DOT, embedder, INFO.created_at)
    kept = info_to_keep(info)
    assert {type(value) for value in kept.values()} <= {str, int}
    assert info_from(kept) == info
    assert info_from({name: str(value) for name, value in kept.items()}) == info


def test_a_collection_of_other_software_is_none_of_ours() -> None:
    """What onevec didn't write isn't read; what a newer one wrote is refused."""
    assert info_from(None) is info_from({}) is info_from({"owner": "me"}) is None
    with pytest.raises(UnsupportedVersion, match="upgrade"):
        info_from({**info_to_keep(INFO), "format": 2})


STATUSES: list[tuple[int, type[OnevecError], bool]] = [
    (400, EngineError, False),
    (401, AuthenticationFailed, False),
    (403, AuthenticationFailed, False),
    (404, EngineError, False),
    (408, EngineTimeout, True),
    (409, EngineError, False),
    (413, EngineError, False),
    (429, RateLimited, True),
    (500, EngineError, True),
    (502, EngineUnavailable, True),
    (503, EngineUnavailable, True),
    (504, EngineTimeout, True),
    (507, StorageFull, False),
]


@pytest.mark.parametrize(("status", "kind", "retryable"), STATUSES, ids=str)
def test_a_status_is_an_error_of_the_tree(status: int, kind: type[OnevecError], retryable: bool) -> None:
    """Each has its class, says who refused and why, and whether a retry can help."""
    error = failure_of_status(status, "Engine at host: no such thing", retry_after="7")
    assert type(error) is kind
    assert error.retryable is retryable
    assert error.retry_after == (7.0 if status in (429, 502, 503) else None)
    assert str(error).startswith(f"Engine at host: no such thing (HTTP {status})")


def test_retry_after_is_seconds_or_a_date() -> None:
    """Both forms of the header are read, and anything else is none."""
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 50 < (seconds_of(soon) or 0) <= 60
    assert seconds_of("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert seconds_of("120") == 120.0
    assert [seconds_of(value) for value in (None, "", "soon", "-1")] == [None] * 4


class Index:
    """An engine whose index finds some documents only if it is asked exactly."""

    def __init__(self, distances: list[float], *, hidden: int = 0) -> None:
        self._distances = sorted(distances)
        self._hidden = hidden
        self.asked: list[tuple[int, bool]] = []

    async def find(self, limit: int, *, exact: bool) -> list[Found]:
        self.asked.append((limit, exact))
        seen = self._distances if exact else self._distances[self._hidden :]
        return [(Document(f"{number}"), distance) for number, distance in enumerate(seen[:limit])]


FAR = [float(number) for number in range(100)]


@pytest.mark.parametrize(
    ("index", "top_k", "asked", "found"),
    [
        (Index(FAR), 10, [(11, False)], 11),
        (Index(FAR[:10]), 10, [(11, False)], 10),
        (Index(FAR[:3]), 10, [(11, False), (11, True)], 3),
        (Index(FAR[:12], hidden=5), 10, [(11, False), (11, True)], 11),
        (Index([0.0] * 300), 10, [(11, False), (44, False), (176, False), (704, False)], 300),
        (Index([0.0, *[1.0] * 20, 2.0]), 5, [(6, False), (24, False)], 22),
    ],
    ids=["full", "just_full", "there_are_no_more", "missed", "tied", "tie_ends"],
)
def test_a_page_is_full_and_a_tie_is_whole(index: Index, top_k: int, asked: list[object], found: int) -> None:
    """The engine is asked again, exactly where its page was short, and for more where the page cuts through a tie."""
    assert len(run(nearest(index.find, top_k, exact=False))) == found
    assert index.asked == asked


def test_a_tie_is_followed_so_far() -> None:
    """Of a collection of copies, not all are asked for; nor more than the engine gives."""
    assert len(run(nearest(Index([0.0] * 10_000).find, 10, exact=True))) == 4106
    assert len(run(nearest(Index([0.0] * 10_000).find, 10, exact=True, most=100))) == 100
    assert len(run(nearest(Index(FAR).find, 10, exact=True, most=10))) == 10


def _batch() -> Batch:
    return Batch(["a", "b", "c"], np.eye(3, dtype=np.float32), ["x", None, ""], [{}, {"n": 1}, {}], [None, 5, None], 9)


def test_rows_keep_when_a_document_was_made() -> None:
    """What the caller says holds, then what is stored, then now."""
    batch = _batch()
    assert undated(batch) == ["a", "c"]
    rows = rows_of(batch, {"a": 3, "b": 4})
    assert [(row.id, row.text, row.metadata, row.created, row.updated) for row in rows] == [
        ("a", "x", {}, 3, 9),
        ("b", None, {"n": 1}, 5, 9),
        ("c", "", {}, 9, 9),
    ]
    assert [row.vector.tolist() for row in rows] == np.eye(3).tolist()


def test_changes_are_applied_one_after_another() -> None:
    """Several changes of one document add up to one row, and what isn't there is named."""
    at = datetime(1970, 1, 1, 0, 0, 0, 7, tzinfo=UTC)
    old = Document("a", text="x", vector=[1, 2], metadata={"n": 1, "o": {"p": 1}}, created_at=at, updated_at=at)
    new = np.array([3, 4], np.float32)
    changes = [
        Change("a", None, None, {"n": None, "o": {"q": 2}}),
        Change("b", "y", None, {}),
        Change("a", "y", new, {"m": 3}),
    ]
    rows, missing = patched(changes, [old, Document("other", vector=[0, 0])], 9)
    assert [id for id, _ in missing] == ["b"]
    (row,) = rows
    assert (row.id, row.text, row.metadata, row.created, row.updated) == (
        "a",
        "y",
        {"o": {"p": 1, "q": 2}, "m": 3},
        7,
        9,
    )
    assert row.vector.tolist() == [3, 4]
    assert old.metadata == {"n": 1, "o": {"p": 1}}


def test_a_document_comes_back_from_what_was_stored() -> None:
    """The metadata is read from its own JSON, the times from microseconds."""
    document = document_of(
        "a", text=None, metadata='{"at":{"$datetime":"2020-01-01"}}', created=1, updated=2, vector=None
    )
    assert document.metadata == {"at": datetime(2020, 1, 1)}  # noqa: DTZ001 (as it was written)
    assert document.updated_at == document.created_at + timedelta(microseconds=1)  # type: ignore[operator]


@given(one=st.tuples(strategies.ids(), st.text(max_size=3)), other=st.tuples(strategies.ids(), st.text(max_size=3)))
def test_every_document_has_a_uuid_of_its_own(one: tuple[str, str], other: tuple[str, str]) -> None:
    """Ids and namespaces together decide it, whatever is in them, and always the same one."""
    assert (point_id(*one) == point_id(*other)) is (one == other)
    assert UUID(point_id(*one)).version == 5
    made = uuid5(UUID("6c1c3c5a-7f0b-5d0e-9a54-2b1c8b1f6b1d"), "\0".join(one))
    assert point_id(*one) == str(made)
    assert point_id("a", "\0b") != point_id("a", "b")
    assert point_id("1", "") == "729df7c6-d394-5f62-a3e8-79a588dd864d"


def test_vectors_of_length_one_stay_as_they_are() -> None:
    """Others come to length 1, as short and as long as float32 holds them."""
    given_ = np.array([[0.6, 0.8], [0.6, 0.80000049], [3, 4], [1e-38, 0], [3e38, -3e38], [-1e-40, 1e-40]], np.float32)
    made, changed = units(given_)
    assert changed.tolist() == [False, False, True, True, True, True]
    np.testing.assert_array_equal(made[:2], given_[:2])
    np.testing.assert_allclose(np.linalg.norm(made.astype(float), axis=1), 1, atol=1e-6)
    assert made[2:4].tolist() == [[np.float32(0.6), np.float32(0.8)], [1, 0]]
    assert made.dtype == np.float32
    for vector, its in zip(given_, made, strict=True):
        assert unit(vector).tobytes() == its.tobytes()


@pytest.mark.parametrize(
    ("metric", "number", "refused"),
    [
        (Metric.COSINE, 3e38, False),
        (Metric.DOT, 6e18, False),
        (Metric.DOT, 7e18, True),
        (Metric.EUCLIDEAN, 7e18, True),
        (Metric.MANHATTAN, 7e18, False),
        (Metric.MANHATTAN, 1e38, True),
    ],
    ids=str,
)
def test_what_float32_cannot_measure_is_refused(metric: Metric, number: float, refused: bool) -> None:
    """A vector whose distances would be infinite is refused by name, and a query as a query."""
    vectors = np.array([[1, 1], [number, -number]], np.float32)
    check_measurable(np.empty((0, 2), np.float32), [], metric)
    if not refused:
        check_measurable(vectors, ["a", "b"], metric)
        check_measurable(vectors, None, metric)
        return
    with pytest.raises(InvalidDocument, match=r"document 'b'.*scale"):
        check_measurable(vectors, ["a", "b"], metric)
    with pytest.raises(InvalidQuery, match="the query"):
        check_measurable(vectors[1:], None, metric)
