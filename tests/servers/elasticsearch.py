"""An Elasticsearch server for the length of a test run, put together from its jars on Maven Central.

The jars are the server, its libraries and its HTTP transport, all as published. `elasticsearch_java` has what starts
them, and stands in for two modules that aren't published there. They are fetched once, by Maven, into the user's cache.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from tests.servers.absent import absent

VERSION = "9.5.3"
JAVA = 21  # the oldest that this version runs on

_SOURCES = Path(__file__).with_name("elasticsearch_java")
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
_DESCRIPTOR = "plugin-descriptor.properties"
_NETTY = "transport-netty4"
_OF_NETTY = ("netty-", _NETTY, "elasticsearch-ssl-config-")
_FLAGS = (
    *("-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
    "--enable-native-access=ALL-UNNAMED",
)
# Loopback only; the disks of test machines are full as they like; a test run makes many small indices.
_SETTINGS = {
    "discovery.type": "single-node",
    "http.host": "127.0.0.1",
    "http.port": "0",
    "transport.host": "127.0.0.1",
    "transport.port": "0",
    "cluster.routing.allocation.disk.threshold_enabled": "false",
    "cluster.max_shards_per_node": "10000",
    "action.destructive_requires_name": "false",
}
_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>onevec</groupId>
  <artifactId>tests</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.elasticsearch</groupId>
      <artifactId>elasticsearch</artifactId>
      <version>{version}</version>
    </dependency>
    <dependency>
      <groupId>org.elasticsearch.plugin</groupId>
      <artifactId>transport-netty4</artifactId>
      <version>{version}</version>
    </dependency>
  </dependencies>
</project>
"""


@pytest.fixture(scope="session")
def elasticsearch() -> Iterator[ElasticsearchServer]:
    """A server for all tests of a module that imports this."""
    java = _jdk()
    with running(java, _home(java)) as server:
        yield server


def _made() -> Path:
    """Where the jars are, from the first time on; another folder for other sources."""
    content = b"".join(path.read_bytes() for path in sorted(_SOURCES.glob("*.java")))
    mark = hashlib.blake2b(content, digest_size=6).hexdigest()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "onevec-tests" / f"elasticsearch-{VERSION}-{mark}"


# Of tests with the server: one worker has it for all of them, and what must be fetched first can take minutes.
MARKS = [pytest.mark.xdist_group("elasticsearch"), *([] if _made().is_dir() else [pytest.mark.timeout(1200)])]


class ElasticsearchServer:
    """A node that is its own cluster.

    Attributes:
        port: Where it listens, on loopback.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self._prefixes: list[str] = []

    def url(self, folder: Path, **options: str) -> str:
        """Return the URL of the store that belongs to a folder, empty at first."""
        prefix = f"t{hashlib.blake2b(str(folder).encode(), digest_size=8).hexdigest()}-"
        self._prefixes.append(prefix)
        query = "&".join(f"{name}={value}" for name, value in {"prefix": prefix, "replicas": "0", **options}.items())
        return f"elasticsearch://127.0.0.1:{self.port}?{query}"

    def forget(self) -> None:
        """Delete every store: a server with hundreds of indices is a slow one."""
        prefixes, self._prefixes = set(self._prefixes), []
        if prefixes:
            names = ",".join(f"{prefix}*" for prefix in prefixes)
            urlopen(Request(f"http://127.0.0.1:{self.port}/{names}", method="DELETE")).close()


@contextmanager
def running(java: Path, home: Path) -> Iterator[ElasticsearchServer]:
    """A new, empty server, gone with all it holds at the end.

    Args:
        java: The folder of a JDK.
        home: A folder with the jars in `lib` and `modules`.
    """
    folder = Path(tempfile.mkdtemp(prefix="onevec-es-"))
    settings = {**_SETTINGS, "path.data": f"{folder}/data", "path.logs": f"{folder}/logs"}
    words = [word for setting in settings.items() for word in setting]
    try:
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    str(java / "bin" / "java"),
                    *_FLAGS,
                    f"-Djava.io.tmpdir={folder}",
                    "-cp",
                    f"{home}/lib/*",
                    "Server",
                    str(home),
                    *words,
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
            )
        with process:  # which closes its input at the end, and so ends it
            assert process.stdout is not None
            listening = process.stdout.readline().decode().removeprefix("listening on ").strip()
            if not listening:
                raise RuntimeError((folder / "log").read_text("utf-8", "replace"))
            yield ElasticsearchServer(int(listening))
    finally:
        shutil.rmtree(folder)


def _jdk() -> Path:
    """The folder of a JDK that is new enough."""
    known = [Path(os.environ["JAVA_HOME"])] if "JAVA_HOME" in os.environ else []
    if found := shutil.which("javac"):
        known.append(Path(found).resolve().parents[1])
    for folder in (*known, *sorted(Path("/usr/lib/jvm").glob("*"), reverse=True)):
        release = folder / "release"
        if not (release.is_file() and (folder / "bin" / "javac").is_file()):
            continue
        version = re.search(r'^JAVA_VERSION="(\d+)', release.read_text("utf-8"), re.MULTILINE)
        if version and int(version[1]) >= JAVA:
            return folder
    return absent("elasticsearch", f"its server needs a JDK of Java {JAVA} or newer", "install one, or set JAVA_HOME")


def _home(java: Path) -> Path:
    """The folder with the jars, made the first time."""
    home = _made()
    if home.is_dir():
        return home
    maven = shutil.which("mvn")
    if maven is None:
        absent("elasticsearch", "there is no Maven to fetch its server with", "apt-get install maven")
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as folder:
        new = Path(folder) / "home"
        _fetch(maven, new)
        _compile(java, new)
        with suppress(OSError):  # another process was faster
            new.rename(home)
    return home


def _fetch(maven: str, home: Path) -> None:
    """Bring the jars: those of the HTTP transport, which is a module, and all others."""
    lib, netty = home / "lib", home / "modules" / _NETTY
    netty.mkdir(parents=True)
    (home / "config").mkdir()
    (home / "pom.xml").write_text(_POM.format(version=VERSION), "utf-8")
    done = subprocess.run(
        [maven, "-q", "-B", "-f", home / "pom.xml", _COPY, "-DincludeScope=runtime", f"-DoutputDirectory={lib}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        why = next((line for line in done.stdout.splitlines() if line.startswith("[ERROR]")), done.stderr)
        absent("elasticsearch", f"Maven can't fetch its server: {why[:300]}", "see that Maven Central is reached")
    for jar in lib.glob("*.jar"):
        if jar.name.startswith(_OF_NETTY):
            jar.rename(netty / jar.name)
    with zipfile.ZipFile(netty / f"{_NETTY}-{VERSION}.jar") as archive:
        told = archive.read(f"META-INF/es-plugins/{_NETTY}/{_DESCRIPTOR}").decode()
    # The server is on the class path, where modules of Java's own kind have nothing to build on.
    (netty / _DESCRIPTOR).write_text(re.sub("^modulename=.*", "", told, flags=re.MULTILINE), "utf-8")


def _compile(java: Path, home: Path) -> None:
    """Make what starts the server, and the module that stands in for others."""
    module = home / "modules" / "missing"
    module.mkdir()
    classes = home / "classes"
    sources = sorted(_SOURCES.glob("*.java"))
    subprocess.run(
        [java / "bin" / "javac", "-nowarn", "--release", str(JAVA), "-cp", f"{home}/lib/*", "-d", classes, *sources],
        check=True,
    )
    for jar, name in ((home / "lib" / "server.jar", "Server"), (module / "missing.jar", "Missing")):
        with zipfile.ZipFile(jar, "w") as archive:
            for path in classes.glob(f"{name}*.class"):
                archive.write(path, path.name)
    about = {"name": "missing", "description": "missing modules", "classname": "Missing", "version": VERSION}
    about |= {"elasticsearch.version": VERSION, "java.version": str(JAVA)}
    (module / _DESCRIPTOR).write_text("".join(f"{name}={value}\n" for name, value in about.items()), "utf-8")
