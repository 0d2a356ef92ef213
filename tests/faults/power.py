"""What is in a folder after a loss of power: what was synced, and of the rest all, nothing, or any part."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from .disk import Call

Kept: TypeAlias = Literal["nothing", "everything", "some calls", "some sectors"]

# What a disk writes whole or not at all.
SECTOR = 512


@dataclass(slots=True)
class _File:
    safe: bytearray | None = None  # None: there is no such file
    unsafe: list[Call] = field(default_factory=list)


def left_by(calls: Iterable[Call], kept: Kept, chance: random.Random) -> dict[str, bytes]:
    """Return what each file holds when the power goes after these calls.

    A sync makes safe what its file is at that time. A new file's first sync, and a delete that asks for it, also make
    safe which files are in the folder. The rest is kept or lost call by call or sector by sector, in any order; only
    a file's creation and deletion are not lost while something that came after them in it is kept.
    """
    files: dict[str, _File] = {}
    for call in calls:
        file = files.setdefault(call.file, _File())
        if call.kind != "sync":
            file.unsafe.append(call)
        if call.kind == "sync" or call.folder_too:
            names_too = call.folder_too or any(one.kind == "create" for one in file.unsafe)
            file.safe, file.unsafe = _after(file.safe, file.unsafe), []
            if names_too:
                for other in files.values():
                    _keep_name(other)
    content = {
        name: _after(file.safe, [part for call in _some_of(file.unsafe, kept, chance) for part in call])
        for name, file in files.items()
    }
    return {name: bytes(held) for name, held in content.items() if held is not None}


def _keep_name(file: _File) -> None:
    changes = [number for number, call in enumerate(file.unsafe) if call.kind in {"create", "delete"}]
    if changes:
        file.safe = bytearray() if file.unsafe[changes[-1]].kind == "create" else None
        file.unsafe = file.unsafe[changes[-1] + 1 :]


def _some_of(calls: list[Call], kept: Kept, chance: random.Random) -> Iterable[list[Call]]:
    """What is kept of each call."""
    if kept == "nothing":
        return
    for call in calls:
        if kept == "everything":
            yield [call]
        elif call.kind in {"create", "delete"}:
            if chance.random() < 0.5:
                return
            yield [call]
        elif kept == "some sectors" and call.kind == "write":
            yield [part for part in _sectors(call) if chance.random() < 0.5]
        elif chance.random() < 0.5:
            yield [call]


def _sectors(call: Call) -> Iterable[Call]:
    begin, end = call.offset, call.offset + len(call.data)
    while begin < end:
        until = min(end, begin - begin % SECTOR + SECTOR)
        yield Call("write", call.file, begin, call.data[begin - call.offset : until - call.offset])
        begin = until


def _after(held: bytearray | None, calls: Iterable[Call]) -> bytearray | None:
    """What a file holds after these calls. Those on a file that isn't there went with it."""
    held = None if held is None else bytearray(held)
    for call in calls:
        if call.kind == "create":
            held = bytearray() if held is None else held
        elif call.kind == "delete":
            held = None
        elif held is not None:
            if call.kind == "truncate":
                del held[call.offset :]
                held.extend(bytes(call.offset - len(held)))
            elif call.kind == "write":
                held.extend(bytes(max(0, call.offset - len(held))))
                held[call.offset : call.offset + len(call.data)] = call.data
    return held
