"""A streaming upstream: `python -m bench.standin.streams PORT`. One thread, epoll, prebuilt bytes, hardly any parsing.

A stream has 50 events, each written by a call of its own, the streams in turn. How fast is said in the question:
`-paced` gets one event every 10 ms, `-idle` one event and then nothing, anything else all events at once. The
dialect is read from the path: Gemini with `alt=sse`, Gemini's JSON array without, OpenAI for `/chat/completions`.
"""

from __future__ import annotations

import gc
import heapq
import select
import socket
import sys
import time
from collections import deque
from itertools import count

from bench.standin.answers import gemini_answer, gemini_array, gemini_stream, openai_answer, openai_stream

PACE = 0.010


class Connection:
    """One client. `left` are the pieces still to send, `rest` what the socket did not take of the last one."""

    __slots__ = ("buffer", "closed", "left", "pace", "rest", "socket", "started")

    def __init__(self, accepted: socket.socket) -> None:
        self.socket = accepted
        self.buffer = b""
        self.left: deque[bytes] = deque()
        self.rest = b""
        self.pace = 0.0
        self.started = 0.0
        self.closed = False

    def send_one(self) -> None:
        """Send the next piece, or what is left of the one before; a full socket is tried again next time."""
        if not self.busy:
            return
        data = self.rest or self.left.popleft()
        try:
            sent = self.socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.left.clear()
            self.rest = b""
            return
        self.rest = data[sent:]

    @property
    def busy(self) -> bool:
        return bool(self.left or self.rest)


class Server:
    def __init__(self, port: int) -> None:
        self.listener = socket.create_server(("127.0.0.1", port), backlog=4096)
        self.listener.setblocking(False)
        self.poll = select.epoll()
        self.poll.register(self.listener, select.EPOLLIN)
        self.connections: dict[int, Connection] = {}
        self.fast: list[Connection] = []
        self.due: list[tuple[float, int, Connection]] = []
        self.order = count()
        self.gemini, self.array, self.openai = gemini_stream(), gemini_array(), openai_stream()

    def run(self) -> None:
        while True:
            for number, _ in self.poll.poll(self._wait()):
                if number == self.listener.fileno():
                    self._accept()
                else:
                    self._read(self.connections[number])
            for connection in self.fast:
                connection.send_one()
            self.fast = [connection for connection in self.fast if connection.busy]
            if self.due:
                self._send_due()

    def _wait(self) -> float:
        if self.fast:
            return 0.0
        return max(0.0, self.due[0][0] - time.monotonic()) if self.due else -1.0

    def _send_due(self) -> None:
        now = time.monotonic()
        while self.due and self.due[0][0] <= now:
            due, _, connection = heapq.heappop(self.due)
            connection.send_one()
            if connection.busy and not connection.closed:
                heapq.heappush(self.due, (due + PACE, next(self.order), connection))

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self.listener.accept()
            except BlockingIOError:
                return
            accepted.setblocking(False)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections[accepted.fileno()] = Connection(accepted)
            self.poll.register(accepted, select.EPOLLIN)

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.socket.recv(262144)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            connection.closed = True
            connection.left.clear()
            connection.rest = b""
            del self.connections[connection.socket.fileno()]
            self.poll.unregister(connection.socket)
            connection.socket.close()
            return
        connection.buffer += data
        if _complete(connection.buffer):
            request, connection.buffer = connection.buffer, b""
            self._answer(connection, request)

    def _answer(self, connection: Connection, request: bytes) -> None:
        path = request[: request.index(b"\r\n")]
        openai = b"/chat/completions" in path
        if b"streamGenerateContent" in path:
            pieces = self.gemini if b"alt=sse" in path else self.array
        elif openai and b'"stream":true' in request.replace(b": ", b":"):
            pieces = self.openai
        else:
            body = openai_answer() if openai else gemini_answer()
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            connection.left.append(head + body)
            connection.send_one()
            return
        connection.left.extend(pieces)
        if b"-idle" in request:
            connection.send_one()
            connection.left.clear()
        elif b"-paced" in request:
            heapq.heappush(self.due, (time.monotonic(), next(self.order), connection))
        else:
            self.fast.append(connection)


def _complete(buffer: bytes) -> bool:
    """Whether a whole request is there: head and Content-Length bytes, or a chunked body to its end."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = buffer[:end].lower()
    if b"transfer-encoding: chunked" in head:
        return buffer.endswith(b"0\r\n\r\n")
    at = head.find(b"content-length:")
    length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
    return len(buffer) >= end + 4 + length


if __name__ == "__main__":
    gc.disable()
    Server(int(sys.argv[1])).run()
