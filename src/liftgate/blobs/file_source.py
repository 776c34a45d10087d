"""The bytes of a blob of the local store: a plain file that does not change once it is there."""

from __future__ import annotations

import errno
import logging
import os
import stat
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from pathlib import Path

from liftgate.blobs import disk
from liftgate.blobs.store import BlobMissing
from liftgate.errors import LiftgateError, Unavailable

log = logging.getLogger("liftgate.blobs")

_NOT_NOW = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN})
"""What is wrong with the process or the machine, and not with the file."""


class FileSource:
    """A ByteSource over `path`, which has `size` bytes. Each `read` opens it.

    Raises what `missing` makes of its name where it is gone, BlobMissing where it cannot be read or has another size,
    before the first piece; Unavailable where the process cannot open a file at the moment.
    """

    def __init__(
        self,
        path: Path,
        size: int,
        threads: Executor | None = None,
        *,
        missing: Callable[[str], LiftgateError] = BlobMissing,
    ) -> None:
        self._path = path
        self._size = size
        self._threads = threads
        self._missing = missing

    @property
    def size(self) -> int:
        return self._size

    async def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        if not 0 <= start <= stop <= self._size:
            raise ValueError(f"bytes {start} to {stop} of {self._size}")
        if start == stop:
            return
        fd = self._descriptor()
        try:
            while start < stop:
                pieces = await self._read_some(fd, start, stop)
                if not pieces:
                    raise self._missing(self._path.name)
                for piece in pieces:
                    start += len(piece)
                    yield piece
        finally:
            os.close(fd)

    def _descriptor(self) -> int:
        try:
            # Two short calls; in a thread, a cancellation in between would lose the descriptor. Without O_NONBLOCK a
            # pipe that stands in the file's place would be waited for.
            fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise self._unreadable(error) from error
        facts = os.fstat(fd)
        if stat.S_ISREG(facts.st_mode) and facts.st_size == self._size:
            return fd
        os.close(fd)
        log.error("%s has %d bytes where %d were stored, or is no file", self._path, facts.st_size, self._size)
        raise BlobMissing(self._path.name)

    async def _read_some(self, fd: int, start: int, stop: int) -> list[bytes]:
        try:
            return await disk.in_thread(self._threads, lambda: disk.read_pieces(fd, start, stop))
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> LiftgateError:
        log.error("%s cannot be read: %s", self._path, error.strerror)
        if error.errno in _NOT_NOW:
            return Unavailable("The server cannot open a file at the moment; try again shortly.")
        return self._missing(self._path.name) if error.errno == errno.ENOENT else BlobMissing(self._path.name)
