"""Move a collection from one store to another: a scan is an iterator, and an upsert takes one.

Prints:

    3 moved
    the same: True
"""

import onevec

with onevec.connect("memory://") as old, onevec.connect("sqlite:///papers.db") as new:
    source = old.create_collection("papers", dimension=2, metric="euclidean")
    source.upsert(ids=["1", "2", "3"], vectors=[[1, 0], [0, 1], [1, 1]], texts=["wings", "slabs", None])

    info = source.info()
    target = new.create_collection(info.name, dimension=info.dimension, metric=info.metric)
    print(target.upsert(source.scan()).written, "moved")
    print("the same:", [hit.id for hit in source.search([1, 0])] == [hit.id for hit in target.search([1, 0])])
