"""A line between a client and a server that counts what goes up, and breaks or stands still at chosen counts."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from line import Line

_PIECE = 64 * 1024


class MeteredLine(Line):
    """`sent`: bytes that reached the server so far, over all connections, heads included.

    `cuts`: at each of these counts the connection is reset, with bytes on both sides lost. `stop_at`: at this count
    nothing goes on any more; `stopped` is set then, until `go_on()`. `received`, `cuts_down`: the same of what comes
    back.
    """

    def __init__(
        self, target: str, cuts: Sequence[int] = (), stop_at: int | None = None, cuts_down: Sequence[int] = ()
    ) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        super().__init__(listener)
        parts = urlsplit(target)
        self._target = (parts.hostname or "", parts.port or 0)
        self._cuts = sorted(cuts)
        self._cuts_down = sorted(cuts_down)
        self._stop_at = stop_at
        self._may_go = threading.Event()
        self.stopped = threading.Event()
        self.sent = 0
        self.received = 0
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    @property
    def cuts_left(self) -> int:
        return len(self._cuts) + len(self._cuts_down)

    def go_on(self) -> None:
        self._stop_at = None
        self._may_go.set()

    def close(self) -> None:
        self._may_go.set()
        super().close()

    def reach(self) -> socket.socket:
        return socket.create_connection(self._target)

    def up(self, client: socket.socket, server: socket.socket) -> None:
        while piece := client.recv(self._room()):
            server.sendall(piece)
            self.sent += len(piece)
            if self._cuts and self.sent >= self._cuts[0]:
                self._cuts.pop(0)
                self.end(client, reset=True)
                return
            if self._stop_at is not None and self.sent >= self._stop_at:
                self.stopped.set()
                self._may_go.wait(60)

    def _room(self) -> int:
        marks = [mark for mark in (*self._cuts[:1], self._stop_at) if mark is not None and mark > self.sent]
        return min([_PIECE, *(mark - self.sent for mark in marks)])

    def down(self, server: socket.socket, client: socket.socket) -> None:
        while piece := server.recv(_PIECE):
            client.sendall(piece)
            self.received += len(piece)
            if self._cuts_down and self.received >= self._cuts_down[0]:
                self._cuts_down.pop(0)
                self.end(client, reset=True)
                return


@contextmanager
def metered_line(
    target: str, cuts: Sequence[int] = (), stop_at: int | None = None, cuts_down: Sequence[int] = ()
) -> Iterator[MeteredLine]:
    with MeteredLine(target, cuts, stop_at, cuts_down).opened() as line:
        yield line
