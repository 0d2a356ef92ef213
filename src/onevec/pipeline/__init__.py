"""Between the API and the adapters: every rule of the contract that isn't an engine's own lives here, once.

validate -> embed -> lower the filter -> check capabilities -> split -> retry -> trace. Nothing else calls adapters.
"""

from onevec.pipeline.collection import CollectionPipeline
from onevec.pipeline.store import StorePipeline

__all__ = ["CollectionPipeline", "StorePipeline"]
