"""Payloads: text that means something in some language is text, in every place that takes one."""

from __future__ import annotations

from typing import Any

import pytest

from onevec.aio import AsyncCollection, AsyncStore
from onevec.documents import Document
from onevec.errors import InvalidInput, Unsupported
from onevec.filters import Op, field
from onevec.testing.payloads import PAYLOADS
from onevec.testing.samples import contents, doc, ids_of
from onevec.testing.site import Site, contract

QUERY = [1.0, 2.0, 3.0, 4.0]
CANARY = "canary"


class _Guarded:
    """Two collections and two namespaces that nobody touches; checked when the block ends."""

    def __init__(self, store: AsyncStore) -> None:
        self._store = store

    async def __aenter__(self) -> AsyncCollection:
        self._canary = await self._store.create_collection(CANARY, dimension=4)
        self._places = [self._canary, self._canary.namespace("acme")]
        for place in self._places:
            await place.upsert([doc(CANARY, text=CANARY, secret=CANARY), doc("other", n=1)])
        self._before = [await contents(place) for place in self._places]
        return await self._store.create_collection("target", dimension=4)

    async def __aexit__(self, *error: object) -> None:
        assert [await contents(place) for place in self._places] == self._before
        assert await self._canary.namespaces() == ["", "acme"]
        assert (await self._canary.search(QUERY, filter={"secret": CANARY})).ids == [CANARY]
        names = {info.name for info in await self._store.collections()}
        assert {CANARY, "target"} <= names


@contract
async def test_payloads_as_ids(site: Site, store: AsyncStore) -> None:
    """A payload is an id like any other, in every verb that takes one, or is refused as no id."""
    async with _Guarded(store) as target:
        ids = [payload for payload in site.some(PAYLOADS) if _is_text(payload) and "\0" not in payload and payload]
        ids = [id for id in ids if len(id.encode()) <= 512]
        await target.upsert([doc(id, n=number) for number, id in enumerate(ids)])
        assert await ids_of(target) == set(ids)
        for number, id in enumerate(ids):
            found = await target.get(id)
            assert found is not None
            assert (found.id, found.metadata) == (id, {"n": number})
            assert (await target.search(QUERY, ids=[id])).ids == [id]
            await target.update(id, metadata={"n": -number})
            assert await target.delete(id) == 1
            assert await target.get(id) is None
        assert await target.count() == 0
        for payload in set(site.some(PAYLOADS)) - set(ids):
            with pytest.raises(InvalidInput):
                await target.upsert(doc(payload))


@contract
async def test_payloads_as_names(site: Site, store: AsyncStore) -> None:
    """A payload is no collection's name, unless it is made of the characters of one."""
    async with _Guarded(store):
        for payload in site.some(PAYLOADS):
            try:
                made = await store.create_collection(payload, dimension=4)
            except InvalidInput:
                with pytest.raises(InvalidInput):
                    await store.delete_collection(payload)
            else:
                assert made.name == payload
                assert await store.delete_collection(payload)


@contract
async def test_payloads_as_namespaces(site: Site, store: AsyncStore) -> None:
    """A payload is a namespace like any other, and reaches no other one."""
    async with _Guarded(store) as target:
        await target.upsert(doc("default"))
        names = sorted({payload for payload in site.some(PAYLOADS) if _is_text(payload) and 0 < len(payload) <= 128})
        for name in names:
            assert await target.namespace(name).count() == 0
            await target.namespace(name).upsert(doc("a", name=name))
        assert await target.namespaces() == ["", *names]
        for name in names:
            assert [document.metadata async for document in target.namespace(name).scan()] == [{"name": name}]
            assert await target.delete_namespace(name) == 1
        assert await ids_of(target) == {"default"}


@contract
async def test_payloads_as_metadata(site: Site, store: AsyncStore) -> None:
    """Payloads as keys and as values, flat and nested, come back to the character."""
    async with _Guarded(store) as target:
        given = {str(number): _metadata(payload) for number, payload in enumerate(_texts(site))}
        await target.upsert([Document(id, vector=QUERY, metadata=metadata) for id, metadata in given.items()])
        await target.update([{"id": id, "metadata": {"patch": metadata}} for id, metadata in given.items()])
        found = await contents(target)
        assert {id: document.metadata for id, document in found.items()} == {
            id: {**metadata, "patch": metadata} for id, metadata in given.items()
        }


def _metadata(payload: str) -> dict[str, Any]:  # Any: JSON values
    """Metadata with the payload in every place; a key has no NUL."""
    if "\0" in payload:
        return {"text": payload, "list": [payload]}
    return {payload: payload, "list": [payload, {payload: [payload]}], "object": {payload: {payload: payload}}}


@contract
async def test_payloads_as_texts(site: Site, store: AsyncStore) -> None:
    """Payloads as texts come back to the character, and as queries find what has their words, and never fail."""
    async with _Guarded(store) as target:
        texts = dict(enumerate(_texts(site)))
        await target.upsert([doc(str(number), text=text) for number, text in texts.items()])
        found = await contents(target)
        assert {int(id): document.text for id, document in found.items()} == texts
        if not store.capabilities.text_search:
            return
        for text in texts.values():
            hits = await target.search(text, mode="text", top_k=len(texts))
            assert set(hits.ids) <= found.keys()


@contract
async def test_payloads_in_filters(site: Site, store: AsyncStore) -> None:
    """A payload as a filter's value matches that text only, under every operator that takes a text."""
    async with _Guarded(store) as target:
        texts = _texts(site)
        await target.upsert([doc(str(n), v=text, tags=[text], nested={"v": text}) for n, text in enumerate(texts)])
        operators = store.capabilities.operators
        for number, text in enumerate(texts):
            this = {str(number)}
            assert await _matching(target, field("v") == text) == this
            assert await _matching(target, {"nested.v": {"$in": [text, 5]}}) == this
            assert await target.count(field("v") != text) == len(texts) - 1
            if Op.CONTAINS in operators:
                assert await _matching(target, field("tags").contains(text)) == this
            if Op.STARTS_WITH in operators:
                assert await target.count(field("v").starts_with(text)) == sum(one.startswith(text) for one in texts)
            if Op.HAS_TEXT in operators:
                assert await target.count(field("v").has_text(text)) == sum(text in one for one in texts)


@contract
async def test_payloads_as_filters(site: Site, store: AsyncStore) -> None:
    """A payload as a field's name, an operator or a whole filter is refused, or is a filter that reaches no further."""
    async with _Guarded(store) as target:
        await target.upsert([doc("a", n=1), doc("b", text="wing")])
        for payload in site.some(PAYLOADS):
            for filter in ({payload: CANARY}, {"n": {payload: CANARY}}, (payload, "eq", CANARY), payload):
                try:
                    matching = await _matching(target, filter)
                except (InvalidInput, Unsupported):
                    continue
                assert matching <= {"a", "b"}
        assert await target.count() == 2


async def _matching(target: AsyncCollection, filter: Any) -> set[str]:  # Any: a filter in any form, or none
    return {document.id async for document in target.scan(filter=filter, include_vectors=False)}


def _texts(site: Site) -> list[str]:
    return sorted({payload for payload in site.some(PAYLOADS) if _is_text(payload)})


def _is_text(payload: str) -> bool:
    try:
        payload.encode()
    except UnicodeEncodeError:
        return False
    return True
