"""A pool between gateways and PostgreSQL that lends a connection for one transaction, as PgBouncer's pool_mode
`transaction` does."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import IO

from postgres_front import PostgresFront

READY, IDLE = b"Z", b"I"
ASKS = (b"Q", b"S")
"""Messages of a client's that `READY` answers."""


class PostgresPool(PostgresFront):
    """One user of one database: the first client's."""

    def __init__(self, target: Path, directory: Path) -> None:
        super().__init__(target, directory)
        self._idle: list[socket.socket] = []
        self._idle_ends: list[socket.socket] = []
        self._greeting = b""

    def reach(self) -> socket.socket:
        """Not a connection to the server: clients get theirs by the transaction."""
        here, there = socket.socketpair()
        self._idle_ends.append(there)
        return here

    def down(self, server: socket.socket, client: socket.socket) -> None:
        server.recv(1)

    def up(self, client: socket.socket, server: socket.socket) -> None:
        with client.makefile("rb") as sent:
            size = sent.read(4)
            startup = size + sent.read(int.from_bytes(size) - 4)
            self._release(self._lent(startup))
            client.sendall(self._greeting)
            lent: socket.socket | None = None
            try:
                while (message := _message(sent)) is not None and message[0:1] != b"X":
                    lent = lent or self._lent(startup)
                    lent.sendall(message)
                    if message[0:1] in ASKS and self._answered(lent, client):
                        self._release(lent)
                        lent = None
            finally:
                if lent is not None:
                    lent.close()

    def _answered(self, lent: socket.socket, client: socket.socket) -> bool:
        """Passes an answer on; whether no transaction is open behind it."""
        with lent.makefile("rb") as answers:
            while (message := _message(answers)) is not None:
                client.sendall(message)
                if message[0:1] == READY:
                    return message[-1:] == IDLE
        return False

    def _lent(self, startup: bytes) -> socket.socket:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        server = self.connected()
        server.sendall(startup)
        greeting = b""
        with server.makefile("rb") as answers:
            while (message := _message(answers)) is not None:
                greeting += message
                if message[0:1] == READY:
                    break
        self._greeting = greeting
        return server

    def _release(self, server: socket.socket) -> None:
        with self._lock:
            self._idle.append(server)

    def close(self) -> None:
        super().close()
        for end in [*self._idle, *self._idle_ends]:
            end.close()


def _message(read: IO[bytes]) -> bytes | None:
    head = read.read(5)
    return None if len(head) < 5 else head + read.read(int.from_bytes(head[1:]) - 4)
