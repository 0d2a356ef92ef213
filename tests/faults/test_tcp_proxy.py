"""The proxy of these tests does to connections what it says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from tests.servers.tcp_proxy import Fault, TcpProxy, http_answer

ANSWER = b"helloworld"


@pytest.fixture
def proxy() -> Iterator[TcpProxy]:
    """A proxy before a server that answers each request of five bytes with ten."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                if connection.recv(5, socket.MSG_WAITALL):
                    connection.sendall(ANSWER)
                    connection.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    with TcpProxy(listener.getsockname()[1]) as proxy:
        yield proxy
    listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    listener.close()


def asked(proxy: TcpProxy, request: bytes = b"hello") -> bytes | type[OSError]:
    """What comes back, or how that fails."""
    received = b""
    try:
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=0.5) as client:
            client.sendall(request)
            while len(received) < len(ANSWER) and (data := client.recv(1000)):
                received += data
    except OSError as error:
        return type(error)
    return received


TOLD = http_answer(429, "Retry-After: 1")


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault("refuse"), ConnectionRefusedError),
        (Fault("cut request"), ConnectionResetError),
        (Fault("cut request", after=3), ConnectionResetError),
        (Fault("cut answer"), ConnectionResetError),
        (Fault("cut answer", after=4), ConnectionResetError),
        (Fault("end answer", after=4), b"hell"),
        (Fault("silent"), TimeoutError),
        (Fault("delay", seconds=0.05), ANSWER),
        (Fault("trickle", seconds=0.01), ANSWER),
    ],
    ids=lambda value: f"{value.kind} {value.after}" if isinstance(value, Fault) else "",
)
def test_a_fault_happens_until_it_ends(proxy: TcpProxy, fault: Fault, outcome: bytes | type[OSError]) -> None:
    """To every connection, or as often as it is to; before and afterwards all is well."""
    assert asked(proxy) == ANSWER
    with proxy.under(fault):
        assert asked(proxy) == outcome
        assert proxy.struck == (fault.kind != "refuse")
    assert asked(proxy) == ANSWER


def test_a_fault_happens_so_many_times(proxy: TcpProxy) -> None:
    """The first connections meet it, the next ones don't."""
    with proxy.under(Fault("cut answer", times=2)):
        assert [asked(proxy) for _ in range(3)] == [ConnectionResetError, ConnectionResetError, ANSWER]


def test_an_answer_is_told(proxy: TcpProxy) -> None:
    """An HTTP request, also one that comes in pieces, is answered in the server's place."""
    request = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
    with proxy.under(Fault("answer", answer=TOLD)):
        assert asked(proxy, request) == TOLD
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=0.5) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in request:
                client.sendall(bytes([byte]))
            assert client.recv(1000, socket.MSG_WAITALL) == TOLD
