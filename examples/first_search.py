"""Write a few texts, find them by meaning, by words, and with a filter.

Prints:

    by meaning: 1
    by words: 2
    since 1956: 1, 2
"""

import onevec
from onevec import Document, field

PAPERS = [
    Document("1", text="The lift of a wing in the slipstream of a propeller.", metadata={"year": 1958}),
    Document("2", text="Heat conduction in slabs of several layers.", metadata={"year": 1960}),
    Document("3", text="Flow past a flat plate at high speed.", metadata={"year": 1955}),
]

with onevec.connect("sqlite:///papers.db", embedder="wordllama") as store:
    papers = store.create_collection("papers")
    papers.upsert(PAPERS)
    print("by meaning:", *papers.search("aeroplanes", top_k=1).ids)
    print("by words:", *papers.search("conduction", mode="text").ids)
    recent = papers.search("aeroplanes", filter=field("year") >= 1956)
    print("since 1956:", ", ".join(sorted(recent.ids)))
