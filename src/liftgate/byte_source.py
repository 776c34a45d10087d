"""Where bytes are read from: a blob, a spool that is still growing, a file on disk. The reader owns the interface."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

PIECE = 256 * 1024
"""Bytes a piece, at most: large enough that a hop costs nothing, small enough that a thousand of them fit in memory."""


class ByteSource(Protocol):
    """Random access to bytes whose number is known.

    `read(start, stop)` yields the bytes of [start, stop) in order, in pieces of at most `PIECE`; it may wait for bytes
    that are still being written, and raises when they never come. Closing the iterator releases what it holds.
    """

    @property
    def size(self) -> int: ...

    def read(self, start: int, stop: int) -> AsyncIterator[bytes]: ...
