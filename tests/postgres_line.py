"""A line between a gateway and PostgreSQL that is slow, or cut in the moment of a commit, before or behind it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Literal

from postgres_front import PostgresFront

READY = b"Z\0\0\0\5I"
"""The server is ready for the next query, outside of a transaction."""


class PostgresLine(PostgresFront):
    """`cut(marker, when)`: the transaction in which `marker` was sent is the last one; then nobody gets through, until
    `mend`. `was_cut`: once that has happened. `slow(markers, seconds)`: whatever has one of these waits so long."""

    def __init__(self, target: Path, directory: Path) -> None:
        super().__init__(target, directory)
        self._marked: set[socket.socket] = set()
        """Clients whose marked transaction is being committed."""
        self._marker: bytes | None = None
        self._when: Literal["before", "behind"] = "before"
        self._is_open = True
        self._slow: tuple[bytes, ...] = ()
        self._seconds = 0.0
        self.was_cut = threading.Event()

    def cut(self, marker: str, when: Literal["before", "behind"]) -> None:
        self.was_cut.clear()
        self._when, self._marker = when, marker.encode()

    def slow(self, markers: Sequence[str], seconds: float) -> None:
        self._slow, self._seconds = tuple(marker.encode() for marker in markers), seconds

    def mend(self) -> None:
        with self._lock:
            self._marker, self._is_open = None, True

    def reach(self) -> socket.socket:
        if not self._is_open:
            raise ConnectionRefusedError
        return self.connected()

    def up(self, client: socket.socket, server: socket.socket) -> None:
        with client.makefile("rb") as sent:
            self._send(sent, client, server)

    def _send(self, sent: IO[bytes], client: socket.socket, server: socket.socket) -> None:
        is_marked, commits = False, set[bytes]()
        # The first message has no letter.
        server.sendall((size := sent.read(4)) + sent.read(int.from_bytes(size) - 4))
        while letter := sent.read(1):
            size = sent.read(4)
            content = sent.read(int.from_bytes(size) - 4)
            if any(marker in content for marker in self._slow):
                time.sleep(self._seconds)
            is_marked |= self._marker is not None and self._marker in content
            if is_commit(letter, content, commits):
                if is_marked and self._when == "before":
                    self._break()
                    return
                if is_marked:
                    self._marked.add(client)
                is_marked = False
            server.sendall(letter + size + content)

    def down(self, server: socket.socket, client: socket.socket) -> None:
        while piece := server.recv(65536):
            if client in self._marked and READY in piece:
                # Cut for all others first: whatever is asked after this commit finds nobody.
                self._break(but=client)
                client.sendall(piece)
                return
            client.sendall(piece)

    def _break(self, but: socket.socket | None = None) -> None:
        with self._lock:
            self._is_open = False
            self.was_cut.set()
            ends = self._ends - {but}
        self.end(*ends)


def is_commit(letter: bytes, content: bytes, commits: set[bytes]) -> bool:
    """Of a message of a client's. `commits`: names of its statements that commit, as far as it has made them known."""
    if letter == b"Q":
        return content == b"COMMIT\0"
    if letter == b"P":
        name, sql, _ = content.split(b"\0", 2)
        commits.discard(name)
        if sql == b"COMMIT":
            commits.add(name)
    return letter == b"B" and content.split(b"\0", 2)[1] in commits
