"""Collections in an engine: under which name, and how it remembers what they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from onevec.documents import CollectionInfo
from onevec.errors import UnsupportedVersion
from onevec.metrics import Metric
from onevec.values import microseconds, moment_at

FORMAT = 1  # of what adapters store; documents of format 1 have the facets of `onevec.facets`

_HASHED = re.compile(r".*_[0-9a-f]{32}", re.ASCII)


def engine_name(name: str, plain: re.Pattern[str], *, prefix: str = "onevec_") -> str:
    """Return the name of a collection in the engine, another one for every name.

    It is the name itself where the engine can have that. Else it is the prefix, what can be read of the name, and 128
    bits of its hash: up to 60 of a-z, 0-9 and `_`, with the prefix as it is.

    Args:
        name: The collection's name: 1 to 128 of A-Z, a-z, 0-9, `.`, `_`, `-`.
        plain: What names can be taken as they are. Where an engine ignores case, this has no capitals.
        prefix: What other names begin with, for an engine that wants them to begin in some way.
    """
    if plain.fullmatch(name) and not _HASHED.fullmatch(name):
        return name
    readable = re.sub("[^a-z0-9]+", "_", name.lower()).strip("_")[:20]
    return f"{prefix}{readable}_{blake2b(name.encode(), digest_size=16).hexdigest()}"


def info_to_keep(info: CollectionInfo) -> dict[str, str | int]:
    """Return what the engine is to remember of a collection, as strings and integers.

    It is kept where the engine keeps such things: in the collection's own metadata, in a comment, as a JSON text.
    """
    kept: dict[str, str | int] = {
        "format": FORMAT,
        "name": info.name,
        "dimension": info.dimension,
        "metric": info.metric.value,
        "created_at": microseconds(info.created_at),
    }
    return kept if info.embedder is None else {**kept, "embedder": info.embedder}


def info_from(kept: Mapping[str, Any] | None) -> CollectionInfo | None:  # Any: whatever the engine had there
    """Return what `info_to_keep` was given, None for a collection that onevec didn't make.

    Raises:
        UnsupportedVersion: It was made by a newer onevec.
    """
    if not kept or "format" not in kept:
        return None
    if int(kept["format"]) != FORMAT:
        raise UnsupportedVersion(
            f"collection {kept.get('name')!r} is of format {kept['format']}, this onevec knows {FORMAT}; "
            "upgrade: pip install --upgrade onevec"
        )
    return CollectionInfo(
        name=kept["name"],
        dimension=int(kept["dimension"]),
        metric=Metric(kept["metric"]),
        embedder=kept.get("embedder"),
        created_at=moment_at(int(kept["created_at"])),
    )
