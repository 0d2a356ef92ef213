"""The hosted rerankers that have a name: `"cohere:MODEL"`, `"jina:MODEL"`, `"voyage:MODEL"`.

The key comes from the environment, and the address, too, where it is there: a gateway, or a server of your own.
"""

from __future__ import annotations

import os

from onevec.rerank.access import key_in
from onevec.rerank.hosted import COHERE, HostedReranker


def cohere(model: str = "") -> HostedReranker:
    """Return Cohere's reranker; the key is `COHERE_API_KEY`, and `COHERE_BASE_URL` names another address.

    Raises:
        ConfigError: The environment has no key.
        EngineNotInstalled: httpx is missing.
    """
    return _service("cohere", COHERE, model or "rerank-v3.5")


def jina(model: str = "") -> HostedReranker:
    """Return Jina's reranker; the key is `JINA_API_KEY`, and `JINA_BASE_URL` names another address."""
    return _service("jina", "https://api.jina.ai/v1", model or "jina-reranker-v2-base-multilingual")


def voyage(model: str = "") -> HostedReranker:
    """Return Voyage's reranker; the key is `VOYAGE_API_KEY`, and `VOYAGE_BASE_URL` names another address."""
    return _service("voyage", "https://api.voyageai.com/v1", model or "rerank-2.5")


def _service(name: str, base_url: str, model: str) -> HostedReranker:
    key = key_in(f"{name.upper()}_API_KEY")
    address = os.environ.get(f"{name.upper()}_BASE_URL") or base_url
    return HostedReranker(model, base_url=address, api_key=key, name=f"{name}:{model}")
