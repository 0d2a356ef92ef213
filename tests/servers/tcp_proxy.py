"""A TCP proxy on loopback that does to a connection what networks and gateways do."""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal, Self, TypeAlias

Kind: TypeAlias = Literal["refuse", "cut request", "cut answer", "end answer", "silent", "delay", "trickle", "answer"]

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_AT_ONCE = 65536


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to connections, also to those that are open.

    Attributes:
        kind: `refuse`: nobody listens, and what was open is reset. `cut request`, `cut answer`: reset after so many
            bytes in that direction. `end answer`: closed in good form after so many bytes. `silent`: everything is
            taken and nothing comes back. `delay`: requests arrive late. `trickle`: answers come byte by byte.
            `answer`: an HTTP request gets this answer in place of the server's.
        after: How many bytes pass before.
        seconds: How late; how long from one byte to the next.
        answer: The bytes of the answer.
        times: How many connections it happens to, the first ones; None for all.
    """

    kind: Kind
    after: int = 0
    seconds: float = 0.0
    answer: bytes = b""
    times: int | None = None


def http_answer(status: int, *headers: str, body: bytes = b"") -> bytes:
    """Return the bytes of an HTTP answer after which the connection is closed; a header is `"Name: value"`."""
    lines = [f"HTTP/1.1 {status} Told So", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


class TcpProxy:
    """Passes everything on to a port of loopback, until it is told of a fault.

    Attributes:
        port: Where it listens; the same for as long as it lives.
        struck: How many connections a fault has happened to.
    """

    def __init__(self, target: int) -> None:
        self.struck = 0
        self._target = target
        self._fault: Fault | None = None
        self._lock = threading.Lock()
        self._good = threading.Event()
        self._threads: list[threading.Thread] = []
        self._pairs: set[_Pair] = set()
        self._listener = _listening(0)
        self._acceptor: threading.Thread | None = None
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._acceptor = self._started(self._accept)
        return self

    def __exit__(self, *error: object) -> None:
        self._good.set()
        self._stop_listening()
        self._reset()
        for thread in self._threads:
            thread.join()

    @contextmanager
    def under(self, fault: Fault) -> Iterator[None]:
        """Let the fault happen; afterwards connections are good again, new ones."""
        self._good.clear()
        self._fault, self.struck = fault, 0
        if fault.kind == "refuse":
            self._stop_listening()
            self._reset()
        try:
            yield
        finally:
            self._fault = None
            self._good.set()
            self._reset()
            if fault.kind == "refuse":
                self._listener = _listening(self.port)
                self._acceptor = self._started(self._accept)

    def fault_of(self, pair: _Pair) -> Fault | None:
        """Return the fault that happens to a connection, from its next bytes on."""
        with self._lock:
            fault = self._fault
            if fault is None or pair.fault is fault:
                return fault
            if fault.times is not None and self.struck >= fault.times:
                return None
            self.struck += 1
            pair.fault, pair.passed = fault, 0
            return fault

    def wait(self, seconds: float) -> None:
        """Wait, but not longer than the fault lasts."""
        self._good.wait(seconds)

    def forget(self, pair: _Pair) -> None:
        """Know no more of a connection that is closed."""
        with self._lock:
            self._pairs.discard(pair)

    def _accept(self) -> None:
        with self._listener as listener:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                try:
                    server = socket.create_connection(("127.0.0.1", self._target))
                except OSError:
                    _reset_when_closed(client)
                    client.close()
                    continue
                pair = _Pair(self, client, server)
                with self._lock:
                    self._pairs.add(pair)
                self._started(pair.pass_requests)
                self._started(pair.pass_answers)

    def _reset(self) -> None:
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            pair.reset()

    def _stop_listening(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts, which closes it
        if self._acceptor is not None:
            self._acceptor.join()

    def _started(self, run: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=run, name="proxy")
        with self._lock:
            self._threads = [*(one for one in self._threads if one.is_alive()), thread]
            thread.start()
        return thread


class _Pair:
    """One connection of a client, and the one to the server that belongs to it.

    Two threads read from them. A socket is closed by the one that ends last: before, the number of one that is closed
    could be that of a new connection's, from which the other thread would read.
    """

    def __init__(self, proxy: TcpProxy, client: socket.socket, server: socket.socket) -> None:
        self.fault: Fault | None = None
        self.passed = 0
        self._proxy = proxy
        self._client = client
        self._server = server
        self._lock = threading.Lock()
        self._reading = 2
        self._cut = False
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def reset(self) -> None:
        """Reset both connections."""
        with self._lock:
            self._cut = True
            if self._reading:
                for one in (self._client, self._server):
                    _reset_when_closed(one)
                    with suppress(OSError):
                        one.shutdown(socket.SHUT_RD)  # wakes the thread that reads

    def pass_requests(self) -> None:
        """Pass on what the client sends, until it or the fault ends that."""
        self._requests()
        self._leave()

    def pass_answers(self) -> None:
        """Pass on what the server sends, until it or the fault ends that."""
        self._answers()
        self._leave()

    def _requests(self) -> None:
        request = b""
        while data := _received(self._client):
            fault = self._proxy.fault_of(self)
            match fault:
                case Fault(kind="silent"):
                    continue
                case Fault(kind="answer", answer=answer):
                    request += data
                    if not _is_whole(request):
                        continue
                    _sent(self._client, answer)
                    break
                case Fault(kind="cut request"):
                    if not self._let_through(self._server, data, fault.after):
                        self.reset()
                        return
                    continue
                case Fault(kind="delay"):
                    self._proxy.wait(fault.seconds)
            if not _sent(self._server, data):
                break
        self._end()

    def _answers(self) -> None:
        while data := _received(self._server):
            fault = self._proxy.fault_of(self)
            match fault:
                case Fault(kind="silent" | "answer"):
                    continue
                case Fault(kind="cut answer" | "end answer"):
                    if self._let_through(self._client, data, fault.after):
                        continue
                    if fault.kind == "end answer":
                        break
                    self.reset()
                    return
                case Fault(kind="trickle"):
                    if self._trickle(data, fault):
                        continue
                    break
            if not _sent(self._client, data):
                break
        self._end()

    def _let_through(self, sink: socket.socket, data: bytes, most: int) -> bool:
        """Pass on what is within the first bytes; whether that was all."""
        part = data[: max(0, most - self.passed)]
        self.passed += len(data)
        return _sent(sink, part) and len(part) == len(data)

    def _trickle(self, data: bytes, fault: Fault) -> bool:
        for byte in data:
            if self._proxy.fault_of(self) is not fault or not _sent(self._client, bytes([byte])):
                return False
            self._proxy.wait(fault.seconds)
        return True

    def _end(self) -> None:
        with self._lock:
            if self._cut:  # the end of a connection in good form would come before the reset
                return
            for one in (self._client, self._server):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _leave(self) -> None:
        with self._lock:
            self._reading -= 1
            if self._reading:
                return
            self._client.close()
            self._server.close()
        self._proxy.forget(self)


def _listening(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(64)
    return listener


def _received(source: socket.socket) -> bytes:
    try:
        return source.recv(_AT_ONCE)
    except OSError:
        return b""


def _sent(sink: socket.socket, data: bytes) -> bool:
    try:
        sink.sendall(data)
    except OSError:
        return False
    return True


def _reset_when_closed(one: socket.socket) -> None:
    with suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _is_whole(request: bytes) -> bool:
    """Whether all of an HTTP request is there: it says its length, or has no body."""
    head, end, body = request.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)
