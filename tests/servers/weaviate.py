"""A Weaviate server for the length of a test run: the program itself, which `go install` makes."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

import httpx
import pytest
from tests.servers.absent import absent

from onevec.testing.harness import is_required

PROGRAM = "weaviate-server"
INSTALL = "go install github.com/weaviate/weaviate/cmd/weaviate-server@v1.39.0"


@pytest.fixture(scope="session")
def weaviate() -> Iterator[WeaviateServer]:
    """A server for all tests of a run."""
    program = found()
    if program is None and is_required("weaviate"):
        program = built()
    if program is None:
        absent("weaviate", f"there is no {PROGRAM}", INSTALL)
    with WeaviateServer(program) as server:
        yield server


def found() -> Path | None:
    """Return the program, from the search path or from where Go puts what it installs; None if there is none."""
    there = shutil.which(PROGRAM) or shutil.which(PROGRAM, path=_go_folder())
    return None if there is None else Path(there)


def built() -> Path | None:
    """Return the program, made from its source if it isn't there: minutes, once; None where there is no Go."""
    if found() is None and shutil.which("go") is not None:
        subprocess.run(INSTALL.split(), check=True, env={**os.environ, "CGO_ENABLED": "0"})
    return found()


def _go_folder() -> str:
    go = shutil.which("go")
    path = subprocess.run([go, "env", "GOPATH"], capture_output=True, text=True, check=True).stdout if go else ""
    return str(Path(path.strip() or Path.home() / "go") / "bin")


# Of tests with the server: one worker has it for all of them, and where it must be built first, that takes minutes.
MARKS = [pytest.mark.xdist_group("weaviate"), *([] if found() else [pytest.mark.timeout(1200)])]


class WeaviateServer:
    """It keeps its data in memory where there is room, until the end.

    Attributes:
        port: Where its REST API listens, on loopback.
        grpc_port: Where its gRPC API listens; on every address, which can't be set.
        key: What requests must carry; None for nothing.
        program: What runs.
    """

    def __init__(self, program: Path, *, key: str | None = None, folder: Path | None = None) -> None:
        self.key = key
        self.port, self.grpc_port, *self._others = _free_ports(6)
        self.program = program
        self._process: subprocess.Popen[bytes] | None = None
        memory = Path("/dev/shm")
        self._folder = folder or Path(
            tempfile.mkdtemp(prefix="onevec-weaviate-", dir=memory if memory.is_dir() else None)
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        """Start it, and return when it answers."""
        gossip, data, raft, raft_rpc = map(str, self._others)
        settings = {
            "PERSISTENCE_DATA_PATH": str(self._folder / "data"),
            "CLUSTER_HOSTNAME": "node1",
            "CLUSTER_BIND_ADDR": "127.0.0.1",
            "CLUSTER_ADVERTISE_ADDR": "127.0.0.1",
            "CLUSTER_GOSSIP_BIND_PORT": gossip,
            "CLUSTER_DATA_BIND_PORT": data,
            "RAFT_PORT": raft,
            "RAFT_INTERNAL_RPC_PORT": raft_rpc,
            "RAFT_BOOTSTRAP_EXPECT": "1",
            "RAFT_TIMEOUTS_MULTIPLIER": "1",  # a cluster of one elects itself sooner
            "GRPC_PORT": str(self.grpc_port),
            "DISABLE_TELEMETRY": "true",
            "GO_PROFILING_DISABLE": "true",
            "LOG_LEVEL": "warning",
            **self._access(),
        }
        kept = {name: os.environ[name] for name in ("HOME", "PATH", "TMPDIR") if name in os.environ}
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.program, "--host=127.0.0.1", f"--port={self.port}", "--scheme=http"],
                env={**kept, **settings},
                stdout=log,
                stderr=log,
                cwd=self._folder,
            )
        with self.rest() as rest:
            while not (_is_ready(rest) and _greets(self.grpc_port)):
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(0.05)
                    raise RuntimeError((self._folder / "log").read_text("utf-8", "replace"))

    def stop(self) -> None:
        """Let it shut down; what was written stays."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def kill(self) -> None:
        """End it without a word."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def url(self, folder: Path) -> str:
        """Return the URL of the store that belongs to a folder, which is empty at first."""
        return f"weaviate://127.0.0.1:{self.port}?grpc_port={self.grpc_port}&prefix={self.prefix(folder)}"

    def prefix(self, folder: Path) -> str:
        """Return what the names of that store's collections begin with."""
        return f"t{hashlib.blake2b(str(folder).encode(), digest_size=8).hexdigest()}"

    def clear(self) -> None:
        """Delete everything."""
        with self.rest() as rest:
            for one in rest.get("/schema").json()["classes"]:
                rest.delete(f"/schema/{one['class']}").raise_for_status()

    def rest(self) -> httpx.Client:
        """Return a client of the REST API."""
        headers = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}/v1", headers=headers, timeout=60, verify=False)

    def _access(self) -> dict[str, str]:
        if self.key is None:
            return {"AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "true"}
        return {
            "AUTHENTICATION_APIKEY_ENABLED": "true",
            "AUTHENTICATION_APIKEY_ALLOWED_KEYS": self.key,
            "AUTHENTICATION_APIKEY_USERS": "tester",
        }


def _is_ready(rest: httpx.Client) -> bool:
    with suppress(httpx.HTTPError):
        return rest.get("/.well-known/ready").is_success
    return False


def _greets(port: int) -> bool:
    """Whether a gRPC server sends its settings to whoever connects."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
        return bool(probe.recv(1))
    return False


def _free_ports(count: int) -> list[int]:
    with ExitStack() as probes:
        sockets = [probes.enter_context(socket.socket()) for _ in range(count)]
        for probe in sockets:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in sockets]
