"""A line between clients and a server: whoever connects is led there, over two threads. What becomes of the bytes on
their way, and who may connect, is for a kind of it to say."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Self

_PIECE = 64 * 1024


class Line:
    """Open while `opened` is. `up` carries what a client sends, `down` what comes back; where either ends, or OSError
    ends it, so does the connection."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self._ends: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    def reach(self) -> socket.socket:
        """A connection to the server, with the lock held. OSError: the client is sent away."""
        raise NotImplementedError

    def up(self, client: socket.socket, server: socket.socket) -> None:
        while piece := client.recv(_PIECE):
            server.sendall(piece)

    def down(self, server: socket.socket, client: socket.socket) -> None:
        while piece := server.recv(_PIECE):
            client.sendall(piece)

    @contextmanager
    def opened(self) -> Iterator[Self]:
        self._start(self._accept)
        try:
            yield self
        finally:
            self.close()

    def close(self) -> None:
        # Closing alone does not wake an accept().
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            ends = list(self._ends)
        self.end(*ends)
        for thread in self._threads:
            thread.join(10)

    def end(self, *ends: socket.socket, reset: bool = False) -> None:
        """Of connections; again has no effect. `reset`: what is under way is lost."""
        for end in ends:
            with self._lock:
                if end not in self._ends:
                    continue
                self._ends.discard(end)
            if reset:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                with self._lock:
                    server = self.reach()
                    self._ends |= {client, server}
            except OSError:
                client.close()
                continue
            self._start(self._carrying(self.up, client, server))
            self._start(self._carrying(self.down, server, client))

    def _carrying(
        self, carry: Callable[[socket.socket, socket.socket], None], source: socket.socket, target: socket.socket
    ) -> Callable[[], None]:
        def work() -> None:
            with suppress(OSError):
                carry(source, target)
            self.end(source, target)

        return work
