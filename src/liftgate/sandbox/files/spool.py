"""Bytes of one upload on their way to disk, hashed as they come.

Holds at most one piece of a MiB in memory. Can go back to where a chunk began, or to the last multiple of the
granularity, because what a server keeps of a broken chunk is not known (`Unverified.chunk_kept_after_cut`).
"""

import asyncio
import hashlib
import os
from pathlib import Path

PIECE = 1 << 20
SMALL = 256 << 10


class Spool:
    """An append-only file with its SHA-256; `size` counts what is on disk or about to be."""

    def __init__(self, path: Path, granularity: int):
        self.path = path
        self.size = 0
        self._granularity = granularity
        self._hash = hashlib.sha256()
        self._buffer = bytearray()
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        self._written = 0
        self._chunk_start = (0, self._hash.copy())
        self._aligned = (0, self._hash.copy())

    def begin_chunk(self) -> None:
        """Remember this place; only valid after `flush`."""
        self._chunk_start = (self._written, self._hash.copy())
        self._aligned = self._chunk_start

    async def append(self, piece: bytes) -> None:
        self._buffer += piece
        self.size += len(piece)
        if len(self._buffer) >= PIECE:
            await self.flush()

    async def flush(self) -> None:
        if not self._buffer:
            return
        taken, self._buffer = self._buffer, bytearray()
        if len(taken) < SMALL:
            self._store(taken)
        else:
            await asyncio.to_thread(self._store, taken)

    def _store(self, taken: bytearray) -> None:
        view = memoryview(taken)
        while view:
            to_boundary = self._granularity - self._written % self._granularity
            part = view[:to_boundary]
            done = os.pwrite(self._descriptor, part, self._written)
            self._hash.update(part[:done])
            self._written += done
            if self._written % self._granularity == 0:
                self._aligned = (self._written, self._hash.copy())
            view = view[done:]

    async def keep_after_cut(self, what: str) -> None:
        """`partial`: all that came; `none`: back to the chunk's start; `aligned`: down to the granularity."""
        await self.flush()
        if what == "partial":
            return
        place, digest = self._chunk_start if what == "none" else self._aligned
        self._written, self._hash, self.size = place, digest.copy(), place
        os.ftruncate(self._descriptor, place)

    def sha256(self) -> str:
        return self._hash.hexdigest()

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def discard(self) -> None:
        self.close()
        self.path.unlink(missing_ok=True)
