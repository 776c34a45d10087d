"""A line between a client and a server that counts what goes up, and breaks or stands still at chosen counts."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

_PIECE = 64 * 1024


class MeteredLine:
    """`sent`: bytes that reached the server so far, over all connections, heads included.

    `cuts`: at each of these counts the connection is reset, with bytes on both sides lost. `stop_at`: at this count
    nothing goes on any more; `stopped` is set then, until `go_on()`. `received`, `cuts_down`: the same of what comes
    back.
    """

    def __init__(
        self, target: str, cuts: Sequence[int] = (), stop_at: int | None = None, cuts_down: Sequence[int] = ()
    ) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "", parts.port or 0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._cuts = sorted(cuts)
        self._cuts_down = sorted(cuts_down)
        self._stop_at = stop_at
        self._lock = threading.Lock()
        self._may_go = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.stopped = threading.Event()
        self.sent = 0
        self.received = 0
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._start(self._accept)

    @property
    def cuts_left(self) -> int:
        return len(self._cuts) + len(self._cuts_down)

    def go_on(self) -> None:
        self._stop_at = None
        self._may_go.set()

    def close(self) -> None:
        # Closing alone does not wake an accept().
        with socket.create_connection(self._listener.getsockname()):
            self._listener.close()
        self._may_go.set()
        for end in list(self._open):
            self._end(end)
        for thread in self._threads:
            thread.join(10)

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._listener.fileno() < 0:
                client.close()
                return
            try:
                server = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            self._open |= {client, server}
            self._start(self._up, client, server)
            self._start(self._down, server, client)

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        try:
            while piece := client.recv(self._room()):
                server.sendall(piece)
                self.sent += len(piece)
                if self._cuts and self.sent >= self._cuts[0]:
                    self._cuts.pop(0)
                    self._end(client, reset=True)
                    break
                if self._stop_at is not None and self.sent >= self._stop_at:
                    self.stopped.set()
                    self._may_go.wait(60)
        except OSError:
            pass
        self._end(server)
        self._end(client)

    def _room(self) -> int:
        marks = [mark for mark in (*self._cuts[:1], self._stop_at) if mark is not None and mark > self.sent]
        return min([_PIECE, *(mark - self.sent for mark in marks)])

    def _down(self, server: socket.socket, client: socket.socket) -> None:
        try:
            while piece := server.recv(_PIECE):
                client.sendall(piece)
                self.received += len(piece)
                if self._cuts_down and self.received >= self._cuts_down[0]:
                    self._cuts_down.pop(0)
                    self._end(client, reset=True)
                    break
        except OSError:
            pass
        self._end(client)

    def _end(self, end: socket.socket, *, reset: bool = False) -> None:
        with self._lock:
            if end not in self._open:
                return
            self._open.discard(end)
            if reset:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()


@contextmanager
def metered_line(
    target: str, cuts: Sequence[int] = (), stop_at: int | None = None, cuts_down: Sequence[int] = ()
) -> Iterator[MeteredLine]:
    line = MeteredLine(target, cuts, stop_at, cuts_down)
    try:
        yield line
    finally:
        line.close()
