"""Where the weaviate engine finds its server, and what its collections and namespaces are called there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.servers.weaviate import MARKS, WeaviateServer

import onevec
from onevec.adapters.weaviate.options import Address, WeaviateOptions, address_of
from onevec.adapters.weaviate.schema import class_name, tenant_name
from onevec.errors import CollectionExists, ConfigError, EngineUnavailable
from onevec.secret import Secret

pytestmark = MARKS


@pytest.fixture
def server(weaviate: WeaviateServer) -> Iterator[WeaviateServer]:
    """The server, empty again when the test ends."""
    yield weaviate
    weaviate.clear()


def test_a_class_of_other_software_is_left_alone(server: WeaviateServer, tmp_path: Path) -> None:
    """It isn't listed, opened, replaced or deleted; its name is taken, in capitals or not."""
    with server.rest() as rest, onevec.connect(server.url(tmp_path), prefix="") as store:
        for name in ("Theirs", "NOTES"):
            rest.post("/schema", json={"class": name, "vectorizer": "none"}).raise_for_status()
        assert store.collections() == []
        choices: list[Literal["error", "open", "replace"]] = ["error", "open", "replace"]
        for name in ("theirs", "notes"):
            assert not store.has_collection(name)
            assert not store.delete_collection(name)
            for if_exists in choices:
                with pytest.raises(CollectionExists, match="another name"):
                    store.create_collection(name, dimension=2, if_exists=if_exists)
        assert {one["class"] for one in rest.get("/schema").json()["classes"]} == {"Theirs", "NOTES"}


def test_stores_of_two_prefixes_are_two_stores(server: WeaviateServer, tmp_path: Path) -> None:
    """One doesn't see the other's collections, and can have its own of the same name."""
    url = server.url(tmp_path)
    with onevec.connect(url, prefix="one") as one, onevec.connect(url, prefix="two") as two:
        one.create_collection("papers", dimension=2).upsert({"id": "a", "vector": [1, 0]})
        assert two.collections() == []
        two.create_collection("papers", dimension=3)
        assert one.collection("papers").count() == 1
        assert two.delete_collection("papers")
        with onevec.connect(url, prefix="") as store:
            assert store.collections() == []
            with pytest.raises(CollectionExists):
                store.create_collection("one_papers", dimension=2)
        assert one.collection("papers").count() == 1


@given(names=st.lists(st.from_regex(r"[A-Za-z0-9._-]{1,128}", fullmatch=True), min_size=2, max_size=4, unique=True))
def test_names_of_classes_differ_in_more_than_capitals(names: list[str]) -> None:
    """Every collection has a class of its own, whose name Weaviate can have, also one that looks like another's."""
    names += [class_name(name, "") for name in names]
    made = [class_name(name, "").lower() for name in dict.fromkeys(names)]
    assert len(set(made)) == len(made)
    assert all(class_name(name, "")[0].isupper() and class_name(name, "").isidentifier() for name in names)


@given(names=st.lists(st.text(max_size=128), min_size=2, max_size=4, unique=True))
def test_names_of_tenants_differ_in_more_than_capitals(names: list[str]) -> None:
    """Every namespace has a tenant of its own, whose name Weaviate can have, also one that looks like another's."""
    names += ["", "onevec-default", "Acme", "acme", *map(tenant_name, names)]
    made = [tenant_name(name).lower() for name in dict.fromkeys(names)]
    assert len(set(made)) == len(made)
    assert all(name.replace("-", "_").isascii() and 0 < len(name) <= 64 for name in made)


def test_where_a_server_can_be() -> None:
    """Ports and hosts that aren't said are those of a server of one's own, or of Weaviate Cloud."""
    cloud = WeaviateOptions(host="c1.europe-west3.gcp.weaviate.cloud", api_key=Secret("k"))
    assert address_of(WeaviateOptions(host="here")) == Address("here", 8080, "here", 50051, tls=False)
    assert address_of(cloud) == Address(cloud.host, 443, f"grpc-{cloud.host}", 443, tls=True)
    old = WeaviateOptions(host="c1.weaviate.network", api_key=Secret("k"))
    assert address_of(old).grpc_host == "c1.grpc.weaviate.network"
    with pytest.raises(ConfigError, match="localhost:8080"):
        onevec.connect("weaviate://")
    with pytest.raises(ConfigError, match="prefix="):
        onevec.connect("weaviate://localhost?prefix=A-b")


def test_a_wrong_port_is_named(server: WeaviateServer, tmp_path: Path) -> None:
    """Nobody at one of the two ports is told at `connect`, with the port."""
    for url in ("weaviate://127.0.0.1:1", f"weaviate://127.0.0.1:{server.port}?grpc_port=1"):
        with pytest.raises(EngineUnavailable, match=r"127\.0\.0\.1:1\b"):
            onevec.connect(url, connect_timeout=1)
