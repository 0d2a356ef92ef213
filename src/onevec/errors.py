"""What can go wrong, as one tree.

    OnevecError
    |- InvalidInput                 (ValueError)
    |  |- InvalidDocument
    |  |  |- DimensionMismatch
    |  |- InvalidFilter
    |  |- InvalidQuery
    |  |- InvalidName
    |  |- InvalidCursor
    |  |- InvalidFile
    |  |- ConfigError
    |     |- UnknownEngine
    |     |- UnknownEmbedder
    |     |- UnknownReranker
    |     |- UnknownOption           (TypeError)
    |- Unsupported                  (NotImplementedError)
    |  |- UnsupportedFilter
    |- NotFound                     (LookupError)
    |  |- CollectionNotFound
    |  |- DocumentNotFound
    |  |- StoreNotFound
    |- CollectionExists             (ValueError)
    |- EmbedderMismatch             (ValueError)
    |- EmbeddingFailed              (RuntimeError)
    |- RerankingFailed              (RuntimeError)
    |- NamespaceDenied              (PermissionError)
    |- PartialWrite                 (RuntimeError)
    |- NoStoreAvailable             (ConnectionError)
    |- StoreClosed                  (RuntimeError)
    |- EngineNotInstalled           (ImportError)
    |- EngineError                  (RuntimeError)
    |  |- EngineBusy
    |  |- EngineUnavailable         (ConnectionError)
    |  |  |- RateLimited
    |  |- Corrupted
    |  |- UnsupportedVersion
    |- EngineTimeout                (TimeoutError)
    |- AuthenticationFailed         (PermissionError)
    |- StorageFull                  (OSError)
    |- ReadOnly                     (PermissionError)

Every error says what to do in its message, and carries `engine`, `operation` and `retryable`. Where an engine's own
library raised first, that exception is the `__cause__`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from onevec.choosing import Candidate
    from onevec.documents import WriteReport


class OnevecError(Exception):
    """The base of every error onevec raises.

    Attributes:
        engine: The engine the call was for, or None where none was involved.
        operation: The verb that failed, such as `"upsert"`, or None.
        retryable: Whether the same call can succeed later without a change.
        retry_after: Seconds the engine asked to wait, or None.
    """

    default_retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        engine: str | None = None,
        operation: str | None = None,
        retryable: bool | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.engine = engine
        self.operation = operation
        self.retryable = self.default_retryable if retryable is None else retryable
        self.retry_after = retry_after


class InvalidInput(OnevecError, ValueError):
    """An argument is not what the contract allows. Nothing was sent to the engine."""


class InvalidDocument(InvalidInput):
    """A document's id, text, vector or metadata is outside the contract."""


class DimensionMismatch(InvalidDocument):
    """A vector has another dimension than its collection."""


class InvalidFilter(InvalidInput):
    """A filter is malformed. The text form says at which column."""


class InvalidQuery(InvalidInput):
    """A search argument such as `top_k` is out of range or of the wrong type."""


class InvalidName(InvalidInput):
    """A collection's or a namespace's name is outside the contract."""


class InvalidCursor(InvalidInput):
    """A page cursor was not made by this collection and namespace."""


class InvalidFile(InvalidInput):
    """A file has lines that can't be understood. `lines` has the number of each, from 1, and what is wrong with it."""

    def __init__(
        self, message: str, *, lines: tuple[tuple[int, str], ...] = (), **more: Any
    ) -> None:  # Any: of the base
        super().__init__(message, **more)
        self.lines = lines


class ConfigError(InvalidInput):
    """A URL, a config mapping or `onevec.toml` can't be understood."""


class UnknownEngine(ConfigError):
    """No installed package provides the engine named."""


class UnknownEmbedder(ConfigError):
    """No installed package provides the embedder named."""


class UnknownReranker(ConfigError):
    """No installed package provides the reranker named."""


class UnknownOption(ConfigError, TypeError):
    """The engine has no option of that name. The message lists those it has."""


class Unsupported(OnevecError, NotImplementedError):
    """The engine can't do this. The message names an engine that can, or another way."""


class UnsupportedFilter(Unsupported):
    """The engine lacks a filter operator."""


class NotFound(OnevecError, LookupError):
    """What was named isn't there."""


class CollectionNotFound(NotFound):
    """The store has no collection of that name."""


class DocumentNotFound(NotFound):
    """The namespace has no document with that id."""


class StoreNotFound(NotFound):
    """There is no store at that place, and the call was not to make one."""


class CollectionExists(OnevecError, ValueError):
    """A collection of that name exists, or exists with another dimension or metric."""


class EmbedderMismatch(OnevecError, ValueError):
    """The collection was made with another embedder than the one given."""


class EmbeddingFailed(OnevecError, RuntimeError):
    """An embedder gave no usable vector for a text. The message says which.

    `position` is the text's, from 0, in the list that was given to the embedder; None where the embedder as a whole
    failed.
    """

    def __init__(self, message: str, *, position: int | None = None, **more: Any) -> None:  # Any: of the base
        super().__init__(message, **more)
        self.position = position


class RerankingFailed(OnevecError, RuntimeError):
    """A reranker gave no usable score for a text. The message says which."""


class NamespaceDenied(OnevecError, PermissionError):
    """A handle bound to one namespace was asked for another one."""


class PartialWrite(OnevecError, RuntimeError):
    """Some items of a write failed. `report` says which; a retry of the same call never duplicates."""

    def __init__(
        self, message: str, *, report: WriteReport, engine: str | None = None, operation: str | None = None
    ) -> None:
        super().__init__(message, engine=engine, operation=operation)
        self.report = report

    def __reduce__(self) -> tuple[Any, ...]:  # Any: what pickle calls to make the same error in another process
        return partial(type(self), report=self.report), self.args, self.__dict__


class NoStoreAvailable(OnevecError, ConnectionError):
    """None of the stores that `create_production_store` was given can be used. `candidates` says why, one by one."""

    def __init__(
        self, message: str, *, candidates: tuple[Candidate, ...] = (), **more: Any
    ) -> None:  # Any: of the base
        super().__init__(message, **more)
        self.candidates = candidates


class StoreClosed(OnevecError, RuntimeError):
    """The store was closed. Open it again with `onevec.connect`."""


class EngineNotInstalled(OnevecError, ImportError):
    """The engine's library is missing. The message has the command that installs it."""


class EngineError(OnevecError, RuntimeError):
    """The engine failed in a way that has no class of its own."""


class EngineBusy(EngineError):
    """Another process holds the engine's lock."""

    default_retryable = True


class EngineUnavailable(EngineError, ConnectionError):
    """The engine can't be reached, or refused to answer for now."""

    default_retryable = True


class RateLimited(EngineUnavailable):
    """The engine asks for fewer requests. `retry_after` has the seconds it named."""


class Corrupted(EngineError):
    """What is stored is damaged, or isn't of this engine."""


class UnsupportedVersion(EngineError):
    """The engine, or the schema of its file, is of a version this onevec doesn't know."""


class EngineTimeout(OnevecError, TimeoutError):
    """The call's deadline passed."""

    default_retryable = True


class AuthenticationFailed(OnevecError, PermissionError):
    """The engine refused the credentials."""


class StorageFull(OnevecError, OSError):
    """The disk or the quota is full. Reads go on, and deletes where they need no more space."""


class ReadOnly(OnevecError, PermissionError):
    """The store can be read but not written."""
