"""Metadata as JSON text and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onevec.codec import decode, encode, iso
from onevec.documents import Metadata
from onevec.testing import strategies
from onevec.testing.payloads import PAYLOADS

NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)

# Keys that look like the tag, and values that look like what is under it.
keys = st.sampled_from(["a", "$datetime", "$$datetime", "$$$datetime", "$date", "datetime", "$datetime$"])
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "x", "2020-01-01T12:00:00.000000Z", "$datetime"]),
    st.text(),
    st.datetimes(timezones=st.just(UTC)),
)
tagged = st.dictionaries(
    keys,
    st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)),
    max_size=4,
)


def same(one: Any, other: Any) -> bool:
    """Equal, and of equal types: True is not 1 and 1 is not 1.0 here."""
    if type(one) is not type(other) or one != other:
        return False
    if isinstance(one, dict):
        return all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return all(map(same, one, other))
    return not isinstance(one, datetime) or one.tzinfo is other.tzinfo


@given(strategies.stored_metadata() | tagged)
def test_what_goes_in_comes_out(metadata: Metadata) -> None:
    """Equal in value and in type, whatever the keys look like; the text is JSON."""
    text = encode(metadata)
    assert isinstance(orjson.loads(text), dict)
    assert same(decode(text), metadata)


def test_payloads_come_out() -> None:
    """Any string, as a key and as a value."""
    metadata: Metadata = {text: {"value": text, text: [text]} for text in PAYLOADS}
    assert decode(encode(metadata)) == metadata


@given(strategies.stored_metadata())
def test_encoding_changes_nothing(metadata: Metadata) -> None:
    """The caller's object is as it was, and encoding it again gives the same text."""
    before = repr(metadata)
    assert encode(metadata) == encode(metadata)
    assert repr(metadata) == before


def test_plain_metadata_is_plain_json() -> None:
    """Another program reads it as it is: natural names, numbers and lists, and one readable form of a datetime."""
    assert encode({"year": 1958, "tags": ["wing", None], "x": {"y": 0.5}, "ok": True, "title": '\u00fc"'}) == (
        '{"year":1958,"tags":["wing",null],"x":{"y":0.5},"ok":true,"title":"\u00fc\\""}'
    )
    assert encode({"at": NOON}) == '{"at":{"$datetime":"2020-01-01T12:00:00.000000Z"}}'
    assert encode({}) == "{}"
    assert decode("{}") == {}


def test_a_users_own_tag_is_kept_apart() -> None:
    """An object with the key `$datetime` is an object, not a datetime; how it looks stored is fixed."""
    metadata: Metadata = {"at": {"$datetime": "2020-01-01T12:00:00.000000Z"}, "$datetime": NOON, "$$datetime": [NOON]}
    assert decode(encode(metadata)) == metadata
    assert encode({"a": {"$datetime": "x"}}) == '{"a":{"$$datetime":"x"}}'


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 2**53 + 1, 5e-324, 1.7976931348623157e308, -0.0, 0.1, 1e16])
def test_numbers_keep_every_digit(number: float) -> None:
    """The same number of the same type; the sign of a zero included."""
    read = decode(encode({"n": number}))["n"]
    assert repr(read) == repr(number)


@given(st.lists(st.datetimes(timezones=st.just(UTC)), min_size=2, max_size=2))
def test_the_order_of_texts_is_the_order_of_times(moments: list[datetime]) -> None:
    """Also where years have fewer than four digits, and where microseconds are zero."""
    one, other = moments
    assert (iso(one) < iso(other)) == (one < other)
    assert datetime.fromisoformat(iso(one)) == one


def test_the_ends_of_time() -> None:
    """The first and the last moment there is."""
    for moment in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        assert decode(encode({"at": moment})) == {"at": moment}
    assert iso(datetime.min.replace(tzinfo=UTC)) == "0001-01-01T00:00:00.000000Z"


def test_read_datetimes_are_in_utc() -> None:
    """Whatever the zone's object was that was written."""
    zero = timezone(timedelta(0), "Elsewhere")
    read = decode(encode({"at": NOON.astimezone(zero)}))["at"]
    assert (read, read.tzinfo) == (NOON, UTC)
