"""A bad line: requests by hand whose connection breaks at chosen points of everything that is sent over it."""

from __future__ import annotations

import random  # noqa: TID251 - fixed seeds are the point
import socket
import struct
from collections.abc import Mapping

from raw_http import Answer, connect, head, read_answer


class Cut(Exception):
    """The line broke before there was an answer."""


class Line:
    """Breaks when `cuts` (counts of bytes of all bodies together) are reached. `sent`: bytes of bodies so far."""

    def __init__(self, base: str, cuts: list[int], seed: int) -> None:
        self._base = base
        self._cuts = sorted(cuts)
        self._random = random.Random(seed)
        self.sent = 0

    @property
    def cuts_left(self) -> int:
        return len(self._cuts)

    def call(self, target: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """A POST. Raises Cut, with an orderly close or a reset, as it comes."""
        lines = {"Content-Length": str(len(body)), **headers}
        with connect(self._base) as connection:
            # What still lies in our own buffer at a reset was never on the line.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
            connection.sendall(head("POST", target, lines))
            if self._cuts and self._cuts[0] < self.sent + len(body):
                upto = max(0, self._cuts.pop(0) - self.sent)
                connection.sendall(body[:upto])
                self.sent += upto
                if self._random.random() < 0.5:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                raise Cut
            connection.sendall(body)
            self.sent += len(body)
            return read_answer(connection, "POST")


def cuts_of(total: int, count: int, seed: int) -> list[int]:
    """`count` points in a transfer of `total` bytes, spread at random."""
    chooser = random.Random(seed)
    return sorted(chooser.sample(range(1, total), count))


def content_of(size: int, seed: int = 1) -> bytes:
    """Bytes that look random and are the same each time."""
    source = random.Random(seed)
    return b"".join([source.randbytes(min(1 << 20, size - at)) for at in range(0, size, 1 << 20)])
