"""Damages to the files of a store: what disks, copying and careless hands do to them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .history import SHM, WAL, Files, History
from .soundness import FILE

PAGE = 4096
_FRAME = 24 + PAGE
_WAL_HEADER = 32


@dataclass(frozen=True, slots=True)
class Mutant:
    """Damaged files.

    Attributes:
        name: What was done.
        files: What the folder holds.
        allowed: The undamaged folders whose contents a store may show, all or nothing; others are wrong answers.
        indexes: Whether it is about the files of indexes.
    """

    name: str
    files: Files
    allowed: Sequence[Files]
    indexes: bool = False


def of_file(history: History, pages: Mapping[str, Sequence[int]], count: int) -> dict[str, list[Mutant]]:
    """Damage the one file of a closed store, about `count` times by kind; its contents are all there, or an error.

    Args:
        history: The store's.
        pages: The pages of the last closed file by what they are.
        count: How often each kind of damage is done.
    """
    now = history.closed[-1]
    whole = now[FILE]
    draw = random.Random(1)
    last = len(whole) // PAGE

    def damaged(name: str, content: bytes) -> Mutant:
        return Mutant(name, {**now, FILE: content}, [now])

    def flipped() -> Iterator[Mutant]:
        for kind in pages:
            for _ in range(max(1, count // len(pages))):
                page = draw.choice(pages[kind])
                place = draw.choice((draw.randrange(16), draw.randrange(64, 200), draw.randrange(PAGE)))
                offset = (page - 1) * PAGE + place
                change = draw.choice((1 << draw.randrange(8), draw.randrange(1, 256), 255))
                yield damaged(f"{kind} page {page}, byte {place} xor {change}", _xor(whole, offset, change))

    def header() -> Iterator[Mutant]:
        for offset in range(100):
            for change in (1, draw.randrange(2, 256)):
                yield damaged(f"header byte {offset} xor {change}", _xor(whole, offset, change))

    def replaced() -> Iterator[Mutant]:
        for kind, some in pages.items():
            for page in some:
                yield damaged(f"{kind} page {page} zeroed", _page(whole, page, bytes(PAGE)))
                yield damaged(f"{kind} page {page} is noise", _page(whole, page, draw.randbytes(PAGE)))
                other = draw.randrange(1, last + 1)
                if _at(whole, other) != _at(whole, page):
                    yield damaged(f"{kind} page {page} is a copy of {other}", _page(whole, page, _at(whole, other)))
                    swapped = _page(_page(whole, page, _at(whole, other)), other, _at(whole, page))
                    yield damaged(f"{kind} page {page} swapped with {other}", swapped)

    def older() -> Iterator[Mutant]:
        for age, then in enumerate([*history.closed[:-1], *history.killed[:1]]):
            for page in range(1, min(last, len(then[FILE]) // PAGE) + 1):
                if _at(then[FILE], page) != _at(whole, page):
                    yield damaged(f"page {page} as of {age}", _page(whole, page, _at(then[FILE], page)))
            for start, stop in _stretches(draw, last, 8):
                mixed = whole[: start * PAGE] + then[FILE][start * PAGE : stop * PAGE] + whole[stop * PAGE :]
                if mixed not in {whole, then[FILE]}:
                    yield damaged(f"pages {start} to {stop} as of {age}", mixed)

    def cut() -> Iterator[Mutant]:
        sizes = {0, 1, 99, 100, 511, 512, *range(PAGE, len(whole), PAGE), len(whole) - 1}
        sizes |= {draw.randrange(len(whole)) for _ in range(count // 4)}
        for size in sorted(sizes):
            yield damaged(f"cut at {size}", whole[:size])
        yield damaged("longer", whole + bytes(PAGE))
        yield damaged("longer by noise", whole + draw.randbytes(3 * PAGE))

    def noise() -> Iterator[Mutant]:
        for _ in range(count):
            offset, length = draw.randrange(len(whole)), draw.choice((2, 16, 512, 5000))
            content = draw.choice((bytes(length), draw.randbytes(length), whole[:length]))
            changed = (whole[:offset] + content + whole[offset + length :])[: len(whole)]
            if changed != whole:
                yield damaged(f"{length} bytes at {offset}", changed)

    kinds: dict[str, Callable[[], Iterator[Mutant]]] = {
        "a byte": flipped,
        "a byte of the header": header,
        "a page": replaced,
        "an older page": older,
        "cut off": cut,
        "noise": noise,
    }
    return {kind: list(made()) for kind, made in kinds.items()}


def of_log(history: History, count: int) -> list[Mutant]:
    """Damage what a killed process left: an acknowledged state, the last or one before it, or an error."""
    draw = random.Random(2)
    made: list[Mutant] = []
    for name, commits in (("", history.killed), ("backfilled ", history.backfilled)):
        left = commits[-1]
        log = left[WAL]
        allowed = [*reversed(commits), history.closed[-2 if commits is history.backfilled else 1]]

        def damaged(what: str, changed: Mapping[str, bytes | None], left: Files = left, name: str = name) -> None:
            files = {file: content for file, content in {**left, **changed}.items() if content is not None}
            made.append(Mutant(f"{name}{what}", files, allowed))  # noqa: B023 (called in this turn)

        frames = range(_WAL_HEADER, len(log), _FRAME)
        for frame in frames:
            damaged(f"WAL cut at {frame}", {WAL: log[:frame]})
        for _ in range(count):
            size = draw.randrange(len(log))
            damaged(f"WAL cut at {size}", {WAL: log[:size]})
            offset = draw.choice((draw.randrange(_WAL_HEADER), draw.choice(frames) + draw.randrange(24), size))
            damaged(f"WAL byte {offset}", {WAL: _xor(log, offset, draw.randrange(1, 256))})
            length = draw.choice((8, 24, _FRAME))
            damaged(f"WAL zero at {size}", {WAL: (log[:size] + bytes(length) + log[size + length :])[: len(log)]})
            one, two = sorted(draw.sample(frames, 2))
            swapped = bytearray(log)
            swapped[one : one + _FRAME], swapped[two : two + _FRAME] = log[two : two + _FRAME], log[one : one + _FRAME]
            damaged(f"WAL frames {one} and {two} swapped", {WAL: bytes(swapped)})
            damaged(f"SHM byte {size % len(left[SHM])}", {SHM: _xor(left[SHM], size % len(left[SHM]), 255)})
        damaged("WAL deleted", {WAL: None})
        damaged("WAL and SHM deleted", {WAL: None, SHM: None})
        damaged("WAL emptied", {WAL: b""})
        damaged("SHM deleted", {SHM: None})
        damaged("SHM emptied", {SHM: b""})
        damaged("SHM cut", {SHM: left[SHM][:1000]})
        damaged("SHM zero", {SHM: bytes(len(left[SHM]))})
        damaged("file deleted", {FILE: None})
        damaged("file emptied", {FILE: b""})
        damaged("file cut", {FILE: left[FILE][: len(left[FILE]) // 2]})
    return made


def mixed(history: History) -> list[Mutant]:
    """Put the file of one moment beside the WAL and SHM of others: the state of one moment, or an error."""
    moments = [*history.killed, *history.backfilled]
    everything = [*history.closed, *moments]
    made: list[Mutant] = []
    for number, one in enumerate(everything):
        for other, two in enumerate(moments):
            if one is not two and (one[FILE] != two[FILE] or one.get(WAL) != two[WAL]):
                name = f"file of {number}, WAL of {other}"
                made.append(Mutant(name, {**one, WAL: two[WAL]}, everything))
                made.append(Mutant(f"{name}, its SHM", {**one, WAL: two[WAL], SHM: two[SHM]}, everything))
    return [
        *made,
        *(Mutant(f"file of {number} alone", {FILE: one[FILE]}, everything) for number, one in enumerate(moments)),
    ]


def of_indexes(history: History, count: int) -> list[Mutant]:
    """Damage the files of indexes, which are a cache: every answer is right."""
    draw = random.Random(3)
    now = history.closed[-1]
    indexes = [name for name in now if "-index-" in name]
    made: list[Mutant] = []

    def damaged(what: str, changed: Mapping[str, bytes | None], then: Files = now) -> None:
        files = {file: content for file, content in {**then, **changed}.items() if content is not None}
        made.append(Mutant(what, files, [then], indexes=True))

    for name in indexes:
        whole = now[name]
        for _ in range(count):
            offset = draw.choice((draw.randrange(60), draw.randrange(len(whole))))
            damaged(f"{name} byte {offset}", {name: _xor(whole, offset, draw.randrange(1, 256))})
            damaged(f"{name} cut at {offset}", {name: whole[:offset]})
        damaged(f"{name} emptied", {name: b""})
        damaged(f"{name} deleted", {name: None})
        damaged(f"{name} zero", {name: bytes(len(whole))})
        damaged(f"{name} longer", {name: whole + b"x"})
        for other in indexes:
            if other != name:
                damaged(f"{name} is {other}", {name: now[other]})
        for age, then in enumerate(history.closed):
            if then[name] != whole:
                damaged(f"{name} of {age}", {name: then[name]})
                damaged(f"{name} newer than the store of {age}", {name: whole}, then)
    return made


def _xor(content: bytes, offset: int, change: int) -> bytes:
    return content[:offset] + bytes([content[offset] ^ change]) + content[offset + 1 :]


def _at(content: bytes, page: int) -> bytes:
    return content[(page - 1) * PAGE : page * PAGE]


def _page(content: bytes, page: int, to: bytes) -> bytes:
    return content[: (page - 1) * PAGE] + to + content[page * PAGE :]


def _stretches(draw: random.Random, last: int, count: int) -> Iterator[tuple[int, int]]:
    for _ in range(count):
        start, stop = sorted(draw.sample(range(last + 1), 2))
        yield start, stop
