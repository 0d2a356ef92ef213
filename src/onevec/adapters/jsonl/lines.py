"""What a line of a collection's file says, and how it is known to be whole.

The first line says what the collection is; every other one is a write:

    {"onevec":"jsonl","version":1,"generation":1,"name":"papers","dimension":2,...,"crc":"2a4f0a3b"}
    {"op":"upsert","namespace":"","documents":[{"id":"1","text":"...","metadata":{},...}],"crc":"9d1c7e55"}
    {"op":"delete","namespace":"","ids":["1"],"crc":"07b2d5aa"}
    {"op":"clear","namespace":"acme","crc":"f00e1c42"}

`crc` is the CRC-32 of the line before it and the line itself, both without their own `,"crc":"..."}`. So a line that is
changed, missing, or in another place is found, and a change in one place of the file leaves the lines elsewhere alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import orjson

from onevec import codec
from onevec.adapters.jsonl.entries import Cleared, Deleted, Entry, Upserted
from onevec.documents import CollectionInfo, Metadata
from onevec.errors import Corrupted, UnsupportedVersion
from onevec.local.records import Record
from onevec.local.vectors import Matrix
from onevec.metrics import Metric

VERSION = 1

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z
_WAY_OUT = "move it out of the folder, or restore it from a backup"
_SEAL = len(b',"crc":"00000000"}\n')

# A float32's shortest decimal form, read as a double and rounded, is the same float32 again, but for this one and its
# negative (all of them were tried); their doubles are written instead.
_ODD = np.uint32(0x15AE43FD).view(np.float32)


@dataclass(frozen=True, slots=True)
class Header:
    """The first line.

    Attributes:
        info: What the collection is.
        generation: How many times the file was written anew. Only lines at the end differ within one generation.
    """

    info: CollectionInfo
    generation: int


def seal(body: bytes, link: int) -> bytes:
    """Return a line: what it says, and its checksum. `link` is that of the line before it, 0 for the first one."""
    return b'%b,"crc":"%08x"}\n' % (body, zlib.crc32(body, link))


def is_sealed(line: bytes, link: int) -> bool:
    """Return whether a line is whole, and stands after the line it was written after."""
    return line == seal(line[:-_SEAL], link)


def link_of(line: bytes) -> int:
    """Return what the next line's checksum starts from."""
    return zlib.crc32(line[:-_SEAL])


def header_body(header: Header) -> bytes:
    """Return the first line without its checksum."""
    info = header.info
    fields = {
        "onevec": "jsonl",
        "version": VERSION,
        "generation": header.generation,
        "name": info.name,
        "dimension": info.dimension,
        "metric": info.metric.value,
        "embedder": info.embedder,
        "created": info.created_at,
    }
    return orjson.dumps(fields, option=_OPTIONS)[:-1]


def read_header(line: bytes) -> Header:
    """Return what a first line says.

    Raises:
        Corrupted: It is damaged, or isn't one.
        UnsupportedVersion: A newer onevec wrote it.
    """
    try:
        fields = orjson.loads(line)
        if fields["onevec"] != "jsonl":
            raise Corrupted(f"is no collection of onevec; {_WAY_OUT}")
        if fields["version"] != VERSION:
            raise UnsupportedVersion(
                f"has format {fields['version']}, this onevec knows {VERSION}; upgrade: pip install --upgrade onevec"
            )
        if not is_sealed(line, 0):
            raise Corrupted(f"is damaged in line 1; {_WAY_OUT}")
        created = datetime.fromisoformat(fields["created"])
        metric = Metric(fields["metric"])
        info = CollectionInfo(fields["name"], fields["dimension"], metric, fields["embedder"], created)
        return Header(info, fields["generation"])
    except (KeyError, TypeError, ValueError) as error:
        raise Corrupted(f"is no collection of onevec, or is damaged in line 1; {_WAY_OUT}") from error


def entry_body(entry: Entry) -> bytes:
    """Return the line of a write, without its checksum."""
    fields: dict[str, Any]  # Any: what orjson takes
    match entry:
        case Upserted(namespace, records, vectors):
            documents = list(map(_document, records, _exact(vectors)))
            fields = {"op": "upsert", "namespace": namespace, "documents": documents}
        case Deleted(namespace, ids):
            fields = {"op": "delete", "namespace": namespace, "ids": ids}
        case Cleared(namespace):
            fields = {"op": "clear", "namespace": namespace}
    return orjson.dumps(fields, option=_OPTIONS)[:-1]


def read_entry(line: bytes, dimension: int) -> Entry:
    """Return the write that a line is, which must be whole.

    Raises:
        ValueError: It has another form than such a line; KeyError and TypeError the same.
    """
    fields = orjson.loads(line)
    match fields["op"]:
        case "upsert":
            documents = fields["documents"]
            tagged = codec.DATETIME.encode() in line
            records = [_record(document, tagged=tagged) for document in documents]
            with np.errstate(over="ignore"):
                vectors = np.array([document["vector"] for document in documents], np.float32)
            if vectors.shape != (len(records), dimension) or not np.isfinite(vectors).all():
                raise ValueError(f"its vectors are not all of {dimension} finite numbers")
            return Upserted(fields["namespace"], records, vectors)
        case "delete":
            return Deleted(fields["namespace"], fields["ids"])
        case "clear":
            return Cleared(fields["namespace"])
        case op:
            raise ValueError(f"there is no op {op!r}")


def _exact(vectors: Matrix) -> Iterable[object]:
    return vectors.astype(np.float64) if (np.abs(vectors) == _ODD).any() else np.ascontiguousarray(vectors)


def _document(record: Record, vector: object) -> Mapping[str, object]:
    return {
        "id": record.id,
        "text": record.text,
        "metadata": orjson.Fragment(codec.encode(record.metadata)),
        "created": record.created,
        "updated": record.updated,
        "vector": vector,
    }


def _record(document: Mapping[str, Any], *, tagged: bool) -> Record:  # Any: JSON values
    metadata: Metadata = document["metadata"]
    if tagged:
        metadata = codec.decode(orjson.dumps(metadata).decode())
    created, updated = datetime.fromisoformat(document["created"]), datetime.fromisoformat(document["updated"])
    return Record(document["id"], document["text"], metadata, created, updated)
