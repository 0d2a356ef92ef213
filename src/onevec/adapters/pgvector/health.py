"""How a server is, and what is known of the versions it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onevec.adapters.pgvector.schema import version_of
from onevec.documents import Health

if TYPE_CHECKING:
    from onevec.adapters.pgvector.link import Link

# What was found in versions older than the one named: https://github.com/pgvector/pgvector/blob/master/CHANGELOG.md.
_FLAWS = {
    (0, 8, 2): "a parallel build of an HNSW index overflows a buffer (CVE-2026-3172)",
    (0, 8, 3): "vacuum can damage an HNSW index",
    (0, 8, 7): "a build of an IVFFlat index overflows a buffer (pgvector issue 1036)",
}

_ASKED = """
SELECT current_setting('server_version'), extversion, pg_is_in_recovery(), current_setting('synchronous_commit'),
    current_setting('fsync'), current_setting('max_connections')::integer,
    CASE WHEN has_database_privilege(current_database(), 'CONNECT') THEN pg_database_size(current_database()) END
FROM pg_extension WHERE extname = 'vector'
"""


async def health(link: Link, engine: str, schema: str) -> Health:
    """Return how the server is."""
    rows = await link.fetch(_ASKED)
    if not rows:
        return Health("unhealthy", engine, None, 0.0, issues=("the extension 'vector' is gone, and its data with it",))
    server, extension, is_standby, commits, syncs, connections, size = rows[0]
    flaws = flaws_of(extension)
    warnings = [f"pgvector {extension}: {'; '.join(flaws)}; upgrade the extension"] if flaws else []
    if is_standby:
        warnings.append("this is a standby: it can be read but not written")
    if syncs != "on" or commits == "off":
        warnings.append("a power loss can take back writes: the server has fsync or synchronous_commit off")
    return Health(
        "degraded" if warnings else "healthy",
        engine,
        extension,
        0.0,
        warnings=tuple(warnings),
        details={
            "postgresql": server,
            "schema": schema,
            "synchronous_commit": commits,
            "fsync": syncs,
            "max_connections": connections,
            "database_bytes": size,
        },
    )


def flaws_of(version: str) -> list[str]:
    """Return what is known to be wrong with a version of pgvector."""
    return [flaw for fixed, flaw in _FLAWS.items() if version_of(version) < fixed]
