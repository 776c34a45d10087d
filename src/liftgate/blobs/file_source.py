"""Bytes of a file on disk that does not change: a blob of the local store, a path given to the SDK."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from pathlib import Path

from liftgate.blobs import disk
from liftgate.blobs.store import BlobMissing


class FileSource:
    """A ByteSource over `path`, which has `size` bytes. Each `read` opens it; raises BlobMissing when it is gone."""

    def __init__(self, path: Path, size: int, threads: Executor | None = None) -> None:
        self._path = path
        self._size = size
        self._threads = threads

    @property
    def size(self) -> int:
        return self._size

    async def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        if not 0 <= start <= stop <= self._size:
            raise ValueError(f"bytes {start} to {stop} of {self._size}")
        if start == stop:
            return
        try:
            # Opening is one short call; in a thread, a cancellation in between would lose the descriptor.
            fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise BlobMissing(self._path.name) from error
        except OSError as error:
            raise disk.refusal(error) from error
        try:
            while start < stop:
                pieces = await self._read_some(fd, start, stop)
                if not pieces:
                    raise BlobMissing(self._path.name)
                for piece in pieces:
                    start += len(piece)
                    yield piece
        finally:
            os.close(fd)

    async def _read_some(self, fd: int, start: int, stop: int) -> list[bytes]:
        try:
            return await disk.in_thread(self._threads, lambda: disk.read_pieces(fd, start, stop))
        except OSError as error:
            raise disk.refusal(error) from error
