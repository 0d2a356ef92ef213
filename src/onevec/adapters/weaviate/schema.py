"""Collections as Weaviate's classes, and namespaces as their tenants: names, and what a class is made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import orjson

from onevec.adapters.weaviate import objects
from onevec.adapters.weaviate.filters import FACETS, NUMBERS, Json
from onevec.documents import CollectionInfo, IndexSettings
from onevec.errors import Unsupported
from onevec.remote import engine_name, info_from, info_to_keep

# With a filter that no more objects match, Weaviate measures all of them; its own default.
EXACT_UP_TO = 40_000

# Weaviate takes names for the same that differ in capitals, and wants one at the beginning. A tenant is a folder there,
# and a file system can do likewise.
_PLAIN = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_PLAIN_TENANT = re.compile(r"[a-z0-9_-]{1,64}", re.ASCII)
_DEFAULT_TENANT = "onevec-default"
_HASHED_TENANT = "onevec-"
_UNINDEXED = {"indexFilterable": False, "indexSearchable": False}
_TERMS = {"indexFilterable": True, "indexSearchable": False, "tokenization": "field"}


def class_name(name: str, prefix: str) -> str:
    """Return the name of a collection's class, another one for every name: `papers` is `Papers`."""
    plain = engine_name(name, _PLAIN)
    plain = f"{prefix}_{plain}" if prefix else plain
    return plain[0].upper() + plain[1:]


def tenant_name(namespace: str) -> str:
    """Return the name of a namespace's tenant, another one for every namespace: its own, where Weaviate can have it."""
    if not namespace:
        return _DEFAULT_TENANT
    if _PLAIN_TENANT.fullmatch(namespace) and not namespace.startswith(_HASHED_TENANT):
        return namespace
    return _HASHED_TENANT + blake2b(namespace.encode(), digest_size=16).hexdigest()


def class_of(info: CollectionInfo, prefix: str, *, m: int, ef_construction: int) -> Json:
    """Return the body of the request that makes a collection's class."""
    unindexed = (objects.ID, objects.NAMESPACE, objects.TEXT, objects.METADATA)
    own = (objects.CREATED, objects.UPDATED, objects.VECTOR)
    return {
        "class": class_name(info.name, prefix),
        "description": orjson.dumps({"onevec": {**info_to_keep(info), "prefix": prefix}}).decode(),
        "vectorizer": "none",
        "vectorIndexType": "hnsw",
        "vectorIndexConfig": {
            "distance": objects.DISTANCES[info.metric],
            "maxConnections": m,
            "efConstruction": ef_construction,
            "flatSearchCutoff": EXACT_UP_TO,
            "skipDefaultQuantization": True,
        },
        "multiTenancyConfig": {"enabled": True, "autoTenantCreation": True, "autoTenantActivation": True},
        "invertedIndexConfig": {"stopwords": {"preset": "none"}},
        "properties": [
            *({"name": name, "dataType": ["text"], **_UNINDEXED} for name in (*unindexed, *own)),
            *({"name": name, "dataType": ["text[]"], **_TERMS} for name in (FACETS, NUMBERS)),
        ],
    }


def info_of(made: Mapping[str, Any], prefix: str) -> CollectionInfo | None:  # Any: JSON values
    """Return what a class is, None for one that a store of this prefix didn't make."""
    try:
        kept = orjson.loads(made.get("description") or "null")["onevec"]
    except (ValueError, TypeError, KeyError):
        return None
    if not isinstance(kept, dict) or kept.get("prefix") != prefix:
        return None
    return info_from(kept)


def quantization_of(settings: IndexSettings) -> Json:
    """Return what an index's settings change in the configuration of a class's vectors.

    Raises:
        Unsupported: Weaviate has no such codes.
    """
    match settings.quantization:
        case None:
            return {}
        case "none":
            return {"rq": {"enabled": False}}
        case "int8":
            return {"rq": {"enabled": True, "bits": 8}}
        case other:
            raise Unsupported(f"weaviate keeps codes of int8 or none, not {other}")
