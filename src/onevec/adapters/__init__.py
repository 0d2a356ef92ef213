"""The adapters, one module an engine. None is imported before a store of its engine is opened."""
