"""Load many documents from an iterator that never holds them all, and follow the progress.

Prints:

    ... written so far
    5000 written, 250 of them from 1958
"""

from collections.abc import Iterator

import numpy as np

import onevec
from onevec import Document, field

COUNT = 5_000


def documents() -> Iterator[Document]:
    draw = np.random.default_rng(7)
    for number in range(COUNT):
        vector = draw.standard_normal(64, dtype=np.float32)
        yield Document(f"paper-{number}", vector=vector, metadata={"year": 1950 + number % 20})


def progress(done: int, total: int | None) -> None:
    print(done, "written so far" if total is None else f"of {total} written")


with onevec.connect("sqlite:///papers.db") as store:
    papers = store.create_collection("papers", dimension=64)
    report = papers.upsert(documents(), on_progress=progress)
    print(f"{report.written} written, {papers.count(field('year') == 1958)} of them from 1958")
