"""What a refusal of an embeddings server is in onevec's tree of errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from onevec.embedders.openai.clients import Access
from onevec.errors import (
    AuthenticationFailed,
    ConfigError,
    EmbeddingFailed,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    OnevecError,
    RateLimited,
    UnknownEmbedder,
)
from onevec.remote.failures import failure_of_status, seconds_of

if TYPE_CHECKING:
    import openai

_LONGEST_ANSWER = 300
# How servers say that a request, or a text in it, is too long: OpenAI, vLLM, text-embeddings-inference, llama.cpp.
_SIZE = re.compile(r"token|context|too (?:long|large|many|big)|batch size|length|input", re.IGNORECASE)


class TooLarge(EmbeddingFailed):
    """The server takes fewer texts at once, or shorter ones."""


class Server:
    """Whom the requests go to, for messages that never show the key."""

    def __init__(self, access: Access, model: str) -> None:
        self.name = access.server
        self._model = model
        self._key = access.key

    def failure(self, error: Exception) -> OnevecError:
        """Return onevec's error for one that the client raised."""
        import openai

        said = self._shown(str(error))
        match error:
            case OnevecError():
                return error
            case openai.APIStatusError():
                failure = self._refusal(error)
            case openai.APITimeoutError():
                failure = EngineTimeout(f"{self.name} didn't answer in time; try again, or raise timeout=")
            case openai.APIConnectionError():
                why = self._shown(str(error.__cause__ or error))
                failure = EngineUnavailable(f"{self.name} can't be reached: {why}; check base_url and the network")
            case openai.OpenAIError() | ValueError():  # a body that isn't JSON is a ValueError
                failure = EngineError(f"{self.name} gave an answer that can't be read: {said}")
            case _:
                failure = EmbeddingFailed(f"OpenAI's client failed: {type(error).__name__}: {said}")
        if not isinstance(failure, AuthenticationFailed) and not self._is_in(str(error)):  # servers repeat keys
            failure.__cause__ = error
        return failure

    def _refusal(self, error: openai.APIStatusError) -> OnevecError:
        said = self._shown(_words(error))
        status = error.status_code
        match status:
            case 401:
                whose = "needs a key: pass api_key=" if self._key is None else "refuses the key; check it"
                code = f", {self._shown(error.code)}" if error.code else ""
                return AuthenticationFailed(f"{self.name} {whose} (HTTP 401{code})")
            case 404:
                return UnknownEmbedder(
                    f"{self.name} has no model {self._model!r}, or base_url isn't its address (HTTP 404: {said})"
                )
            case 400 | 413 | 422 if status == 413 or (error.param in (None, "input") and _SIZE.search(said)):  # noqa: PLR2004 (content too large)
                return TooLarge(f"{self.name} refuses it: {said} (HTTP {status})")
            case 400 | 422:
                return ConfigError(f"{self.name} refuses the request: {said} (HTTP {status})")
            case 429 if error.code == "insufficient_quota":
                return RateLimited(f"{self.name}: {said} (HTTP 429); see to the account's quota", retryable=False)
        failure = failure_of_status(status, f"{self.name}: {said}")
        failure.retry_after = _retry_after(error.response.headers)
        return failure

    def _is_in(self, text: str) -> bool:
        return self._key is not None and self._key.reveal() in text

    def _shown(self, text: str) -> str:
        if self._key is not None:
            text = text.replace(self._key.reveal(), "***")
        return " ".join(text.split())[:_LONGEST_ANSWER]


def _words(error: openai.APIStatusError) -> str:
    """What the server said, without the client's words around it."""
    match error.body:
        case {"message": str(words)} | {"error": str(words)} | {"detail": str(words)}:
            return words
        case _:
            return error.message


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait: in milliseconds, as OpenAI and Azure give them, in seconds and parts of one, or as a date."""
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        if re.fullmatch(r"\d+(\.\d*)?", text := headers.get(name, "").strip(), re.ASCII):
            return float(text) * unit
    return seconds_of(headers.get("retry-after"))
