"""How good embeddings are, as far as their vectors tell.

    from onevec.quality import collection_quality, embedding_quality, write_report

    quality = collection_quality(papers, label="topic")
    print(quality.intrinsic_dimension, quality.clusters.silhouette)
    write_report(quality, "papers.html", title="papers")

Needs `pip install "onevec[quality]"`. `EmbeddingQuality` says what each number means.
"""

from onevec.quality.collections import collection_quality, collection_quality_async
from onevec.quality.measuring import embedding_quality
from onevec.quality.report import write_report
from onevec.quality.result import (
    Duplicates,
    EmbeddingQuality,
    Grouping,
    NearDuplicate,
    Norms,
    Outlier,
    Outlying,
    Surroundings,
)

__all__ = [
    "Duplicates",
    "EmbeddingQuality",
    "Grouping",
    "NearDuplicate",
    "Norms",
    "Outlier",
    "Outlying",
    "Surroundings",
    "collection_quality",
    "collection_quality_async",
    "embedding_quality",
    "write_report",
]
