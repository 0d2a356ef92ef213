"""A server that speaks Milvus's gRPC: Milvus Lite's, on a port of its own, with a database for every store."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest
from tests.servers.absent import absent

_BYTES = 256 * 2**20


class Answer(NamedTuple):
    """What the server answers a read, in place of what is asked: a code of gRPC by name, or a code of Milvus."""

    code: str | int
    words: str = "told to"
    delay: float = 0.0


class MilvusServer:
    """The server, running while it is a context.

    Attributes:
        port: Where it listens, on the loopback.
        answers: What the next reads are answered.
        token: What clients must say to be let in; None for nothing.
    """

    def __init__(self, folder: Path) -> None:
        import grpc
        from milvus_lite import MilvusLite
        from pymilvus.grpc_gen import milvus_pb2_grpc

        self.answers: deque[Answer] = deque()
        self.token: str | None = None
        self.reads = 0
        self._made: set[str] = set()
        self._engine = MilvusLite(str(folder / "data"))
        sizes = [("grpc.max_receive_message_length", _BYTES), ("grpc.max_send_message_length", _BYTES)]
        self._server = grpc.server(ThreadPoolExecutor(10), options=sizes)
        milvus_pb2_grpc.add_MilvusServiceServicer_to_server(_servicer(self, self._engine), self._server)
        self.port = int(self._server.add_insecure_port("127.0.0.1:0"))
        self._server.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(grace=None).wait()
        self._engine.close()

    def url(self, folder: Path) -> str:
        """Return the URL of the store that belongs to a folder, empty at first."""
        return f"milvus://127.0.0.1:{self.port}/{self.database(folder)}"

    def database(self, folder: Path) -> str:
        """Return the database of the store that belongs to a folder."""
        name = f"db_{hashlib.blake2b(str(folder).encode(), digest_size=8).hexdigest()}"
        if name not in self._made:
            self._made.add(name)
            self._engine.create_database(name)
        return name

    def native(self, folder: Path) -> Any:
        """Return Milvus's own client at the store of a folder, as other software has it."""
        from pymilvus import MilvusClient

        return MilvusClient(f"http://127.0.0.1:{self.port}", db_name=self.database(folder), dedicated=True)


def _servicer(server: MilvusServer, engine: Any) -> Any:
    """Return Milvus Lite's servicer with what it lacks of a server: timestamps, one write at a time, and refusals."""
    import grpc
    from milvus_lite.adapter.grpc.servicer import MilvusServicer
    from pymilvus.grpc_gen import common_pb2, milvus_pb2

    writing = threading.Lock()

    class Servicer(MilvusServicer):  # type: ignore[misc]  # it has no types
        def AllocTimestamp(self, request: Any, context: Any) -> Any:  # noqa: N802 (gRPC's name)
            return milvus_pb2.AllocTimestampResponse(status=common_pb2.Status(), timestamp=1)

        def Connect(self, request: Any, context: Any) -> Any:  # noqa: N802
            sent = dict(context.invocation_metadata()).get("authorization")
            if server.token is not None and sent != server.token:
                context.abort(grpc.StatusCode.UNAUTHENTICATED, "auth check failure, please check the token")
            return super().Connect(request, context)

        def CreateCollection(self, request: Any, context: Any) -> Any:  # noqa: N802
            with writing:
                return super().CreateCollection(request, context)

        def Upsert(self, request: Any, context: Any) -> Any:  # noqa: N802
            with writing:
                return super().Upsert(request, context)

        def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
            with writing:
                return super().Delete(request, context)

        def Query(self, request: Any, context: Any) -> Any:  # noqa: N802
            server.reads += 1
            if not server.answers:
                return super().Query(request, context)
            answer = server.answers.popleft()
            time.sleep(answer.delay)
            if isinstance(answer.code, str):
                context.abort(grpc.StatusCode[answer.code], answer.words)
            return milvus_pb2.QueryResults(status=common_pb2.Status(code=answer.code, reason=answer.words))

    return Servicer(engine)


@pytest.fixture(scope="session")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    """The server of this run."""
    for module, package in (("pymilvus", "pymilvus"), ("milvus_lite", "milvus-lite")):
        if find_spec(module) is None:
            absent("milvus", f"the wheel {package} isn't installed", f"pip install {package}")
    with MilvusServer(tmp_path_factory.mktemp("milvus")) as server:
        yield server
