"""One connection, one request after the other, over a blocking socket: for latency, not for load."""

from __future__ import annotations

import gc
import socket
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes


class Line:
    """A kept connection to one port. Not for bodies that do not end: an answer is read whole."""

    def __init__(self, port: int, seconds: float = 60.0) -> None:
        self._port = port
        self._seconds = seconds
        self._socket = self._connect()

    def _connect(self) -> socket.socket:
        opened = socket.create_connection(("127.0.0.1", self._port), timeout=self._seconds)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, request: bytes) -> Answer:
        """ConnectionError when the answer is cut."""
        self._socket.sendall(request)
        return read_answer(self._socket)


def read_answer(connection: socket.socket) -> Answer:
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += _received(connection)
    head, body = data[:end].lower(), data[end + 4 :]
    status = int(head.split(b" ", 2)[1])
    at = head.find(b"content-length:")
    if at >= 0:
        length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        while len(body) < length:
            body += _received(connection)
        return Answer(status, body)
    if b"transfer-encoding: chunked" in head:
        while not body.endswith(b"0\r\n\r\n"):
            body += _received(connection)
    return Answer(status, body)


def _received(connection: socket.socket) -> bytes:
    data = connection.recv(262144)
    if not data:
        raise ConnectionError("the answer was cut")
    return data


def latencies(request: bytes, port: int, *, count: int, seconds: float) -> list[float]:
    """The seconds each of at most `count` requests took, none begun after `seconds`. RuntimeError when one failed."""
    taken = []
    with Line(port) as line:
        gc.disable()
        try:
            end = time.perf_counter() + seconds
            for _ in range(count):
                before = time.perf_counter()
                answer = line.ask(request)
                after = time.perf_counter()
                if answer.status != 200:
                    raise RuntimeError(f"status {answer.status}: {answer.body[:300]!r}")
                taken.append(after - before)
                if after > end:
                    break
        finally:
            gc.enable()
    return taken


def post(port: int, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """A request as bytes."""
    rows = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n{rows}"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def get(port: int, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> bytes:
    rows = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{rows}\r\n".encode()
