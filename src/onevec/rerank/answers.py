"""What services answer to a request for reranking, read with care: it is other people's."""

from __future__ import annotations

import json
import math
from typing import Any

from onevec.errors import RerankingFailed

_SHOWN = 200


def scores_of(body: bytes, count: int, who: str) -> list[float]:
    """Return the scores of an answer, in the order of the texts that were sent.

    Args:
        body: The JSON that came.
        count: How many texts were sent.
        who: Whose answer it is, for messages.

    Raises:
        RerankingFailed: It isn't one finite score for each text.
    """
    rows = _rows(_parsed(body))
    if rows is None:
        raise RerankingFailed(f"{who} answered with something else than a list of results: {_shown(body)}")
    scores: dict[int, float] = {}
    for row in rows:
        index, score = _pair(row)
        if index is None or not 0 <= index < count:
            raise RerankingFailed(f"{who} scored a text that wasn't sent (of {count}): {_row_shown(row)}")
        if index in scores:
            raise RerankingFailed(f"{who} scored text {index} twice")
        if score is None or not math.isfinite(score):
            raise RerankingFailed(f"{who} gave text {index} no number as its score: {_row_shown(row)}")
        scores[index] = score
    if len(scores) < count:
        missing = next(index for index in range(count) if index not in scores)
        raise RerankingFailed(f"{who} scored {len(scores)} of {count} texts; text {missing} is missing")
    return [scores[index] for index in range(count)]


def message_of(body: bytes) -> str:
    """Return what the body of a refusal says: Cohere's `message`, Jina's and Voyage's `detail`, others' `error`."""
    answer = _parsed(body)
    for name in ("message", "detail", "error"):
        said = answer.get(name) if isinstance(answer, dict) else None
        if isinstance(said, dict):
            said = said.get("message")
        if isinstance(said, str) and said.strip():
            return said.strip()[:_SHOWN]
    return _shown(body)


def _parsed(body: bytes) -> Any:  # Any: JSON
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _rows(answer: Any) -> list[Any] | None:  # Any: JSON
    match answer:
        case {"results": list(rows)} | {"data": list(rows)}:
            return rows
        case list(rows):
            return rows
        case _:
            return None


def _pair(row: Any) -> tuple[int | None, float | None]:  # Any: JSON
    if not isinstance(row, dict):
        return None, None
    index = row.get("index")
    score = row.get("relevance_score", row.get("score"))
    # An integer of any length is JSON, and too large for a float.
    number = float(score) if isinstance(score, float) or (type(score) is int and score.bit_length() < 64) else None  # noqa: PLR2004
    return index if type(index) is int else None, number


def _row_shown(row: Any) -> str:  # Any: JSON
    return _shown(json.dumps(row).encode())


def _shown(body: bytes) -> str:
    text = " ".join(body.decode(errors="replace").split())
    return f"{text[:_SHOWN]}..." if len(text) > _SHOWN else text or "an empty body"
