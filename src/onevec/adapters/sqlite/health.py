"""How a store file is, and what there is to know about it."""

from __future__ import annotations

import platform

import apsw

from onevec.adapters.sqlite.checksums import CHECKED_BYTES
from onevec.adapters.sqlite.file import StoreFile
from onevec.documents import Health

# https://www.sqlite.org/wal.html#walresetbug: several connections that write and checkpoint at once can corrupt a WAL
# database in 3.7.0 to 3.51.2.
_WAL_SAFE_FROM = (3, 51, 3)


def of(file: StoreFile, engine: str) -> Health:
    """Return the health of an open file; its integrity is checked if that takes some tenths of a second at most."""
    version = apsw.sqlite_lib_version()
    warnings: list[str] = []
    if tuple(map(int, version.split("."))) < _WAL_SAFE_FROM:
        warnings.append(f"SQLite {version} can corrupt a database that several connections write; upgrade apsw")
    checked = "not checked" if file.bytes_on_disk() > CHECKED_BYTES else file.integrity()
    issues = () if checked in {"ok", "not checked"} else (f"the file is damaged: {checked}; restore it from a backup",)
    return Health(
        "unhealthy" if issues else "degraded" if warnings else "healthy",
        engine,
        version,
        0.0,
        issues,
        tuple(warnings),
        details={
            "integrity": checked,
            "path": str(file.path),
            "journal_mode": file.pragma("journal_mode"),
            "synchronous": ["off", "normal", "full", "extra"][int(str(file.pragma("synchronous")))],
            "python": platform.python_version(),
        },
    )
