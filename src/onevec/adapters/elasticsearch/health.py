"""How a cluster is, and what its nodes have of disk and memory."""

from __future__ import annotations

from contextlib import suppress

from onevec.adapters.elasticsearch.link import Link
from onevec.adapters.elasticsearch.sources import Json
from onevec.documents import Health
from onevec.errors import AuthenticationFailed, EngineError
from onevec.remote import Missing


async def health(link: Link, engine: str) -> Health:
    """Return how the cluster is."""
    client = link.client
    about = await link.call(client.info)
    cluster = await link.call(client.cluster.health)
    red = cluster["status"] == "red"
    details = {"cluster": cluster["cluster_name"], "status": cluster["status"]}
    with suppress(AuthenticationFailed, EngineError, Missing):  # a key may be for data only; a service has no nodes
        stats = await link.call(client.nodes.stats, metric=["fs", "jvm"])
        details |= _room(list(stats["nodes"].values()))
    return Health(
        "unhealthy" if red else "healthy",
        engine,
        about["version"]["number"],
        0.0,
        issues=("a primary shard is missing; see GET _cluster/allocation/explain",) if red else (),
        details=details,
    )


def _room(nodes: list[Json]) -> Json:
    """What the nodes have, together; nothing of what one of them doesn't tell."""
    paths = {
        "disk_total_bytes": ("fs", "total", "total_in_bytes"),
        "disk_free_bytes": ("fs", "total", "available_in_bytes"),
        "memory_total_bytes": ("jvm", "mem", "heap_max_in_bytes"),
        "memory_used_bytes": ("jvm", "mem", "heap_used_in_bytes"),
    }
    found: Json = {"nodes": len(nodes)}
    for name, (part, kind, number) in paths.items():
        told = [node.get(part, {}).get(kind, {}).get(number) for node in nodes]
        if told and None not in told:
            found[name] = sum(told)
    return found
