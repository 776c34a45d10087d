"""A file that grows while it is read: one writer, several readers, hashed on the way.

Bytes of an upload arrive here first. Readers at any speed (an object store, Gemini) follow the writer. Every spool file
is locked (flock) by the process that writes it, which tells a live spool from a dead process's. It is no store:
`BlobStore.store` takes it from here.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from time import monotonic

from liftgate import ids
from liftgate.blobs import disk
from liftgate.blobs.recent import Recent
from liftgate.errors import InvalidRequest, LiftgateError

BATCH = 1024 * 1024
"""Bytes gathered before one thread hop hashes and writes them; at most two batches and a piece are pending."""

_SLOW_BATCH = 128 * 1024
_SLOW = 0.25
"""Seconds since the last hop after which fewer bytes are enough: thousands of slow lines shall not fill the memory."""
_SMALL = 16 * 1024
"""Bytes of a piece below which joining it to others is cheaper than carrying it alone."""

_WRITE_BACK = 8 * 1024 * 1024
"""Bytes after which the system begins to write them to the disk."""

_PREFIX = "spool-"


class SpoolDiscarded(Exception):
    """The writer gave up, so the bytes that a reader waits for never come. Clients get another error."""


class Spool:
    """A growing file. `write`, `finish`, `discard`, `settle` and `close` are for its writer, the rest for readers.

    `written`: bytes taken so far. `expected`: bytes announced, if they were. `finished`: all is written. `sha256`:
    lower-case hex, once finished; `digest` what it comes from. `path`: where the file is (its place in the store, once
    settled). Of one event loop.
    """

    def __init__(
        self, fd: int, path: Path, expected: int | None, threads: Executor | None, digest: hashlib._Hash | None
    ) -> None:
        self.path = path
        self.expected = expected
        self.written = 0
        self.finished = False
        self.sha256 = ""
        self._fd = fd
        self._threads = threads
        self.digest = hashlib.sha256() if digest is None else digest
        self._pending: list[bytes | bytearray] = []
        self._pending_bytes = 0
        self._hopped = monotonic()
        self._recent = Recent()
        self._available = 0
        self._flushing: asyncio.Future[None] | None = None
        self._failure: BaseException | None = None
        self._discarded = False
        self._closed = False
        self._settled = False
        self._holders = 1
        self._changed = asyncio.Event()

    @classmethod
    def create(
        cls,
        directory: Path,
        *,
        expected: int | None,
        threads: Executor | None = None,
        digest: hashlib._Hash | None = None,
    ) -> Spool:
        """A new, empty spool file in `directory`. `threads` do the file work (None: the loop's). `digest`: a SHA-256 of
        what stands before these bytes, which goes on with them. Raises StorageFull, Unavailable."""
        try:
            directory.mkdir(exist_ok=True)
            while True:
                path = directory / (_PREFIX + ids.token())
                fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                # A sweep may have taken the lock first, for a file just made; it removes the file, so take another.
                if disk.locked(fd) and os.fstat(fd).st_nlink:
                    return cls(fd, path, expected, threads, digest)
                os.close(fd)
        except OSError as error:
            raise disk.refusal(error) from error

    @property
    def size(self) -> int:
        """Of the whole: announced, or known because all is written. ValueError while it is neither."""
        if self.expected is not None:
            return self.expected
        if not self.finished:
            raise ValueError("the size of a growing spool of unknown length")
        return self.written

    # ── the writer ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def write(self, piece: bytes | memoryview) -> None:
        """Takes a piece; a memoryview's memory is the caller's again afterwards. Returns when little enough is pending.

        Raises StorageFull, or InvalidRequest when more comes than was announced; the spool is discarded then.
        """
        await self._refuse_if_ended()
        self.written += len(piece)
        if self.expected is not None and self.written > self.expected:
            await self.discard()
            raise InvalidRequest(
                f"The file is longer than announced: {self.expected} bytes were announced, {self.written} came.",
                param="file",
            )
        self._gather(piece)
        if self._pending_bytes >= BATCH or (self._pending_bytes >= _SLOW_BATCH and monotonic() - self._hopped > _SLOW):
            await self._idle()
            self._flush()

    def _gather(self, piece: bytes | memoryview) -> None:
        self._pending_bytes += len(piece)
        if len(piece) >= _SMALL:
            self._pending.append(bytes(piece))
            return
        last = self._pending[-1] if self._pending else None
        if isinstance(last, bytearray):
            last += piece
        else:
            self._pending.append(bytearray(piece))

    async def finish(self) -> None:
        """All is written: the hash is known, and readers see the end. Not yet durable: that is the store's part.

        Raises StorageFull, or InvalidRequest when less came than was announced; the spool is discarded then.
        """
        await self._refuse_if_ended()
        if self.expected is not None and self.written < self.expected:
            await self.discard()
            raise InvalidRequest(
                f"The file is shorter than announced: {self.expected} bytes were announced, {self.written} came.",
                param="file",
            )
        await self._idle()
        if self._pending:
            self._flush()
            await self._idle()
        self.sha256 = self.digest.hexdigest()
        self.finished = True
        self._wake()

    async def settle(self, target: Path) -> None:
        """Moves the finished file to `target`, durably: contents and name. Readers go on. Raises StorageFull."""
        if not self.finished or self._settled or self._closed:
            raise ValueError("only a finished spool is settled, once")
        try:
            await disk.in_thread(self._threads, lambda: self._move(target))
        except OSError as error:
            raise disk.refusal(error) from error

    def _move(self, target: Path) -> None:
        disk.move(self._fd, self.path, target)
        # Set in the thread: a cancelled caller must find what happened.
        self.path = target
        self._settled = True

    async def discard(self) -> None:
        """Gives up: removes the file, unless it is settled, and wakes the readers with SpoolDiscarded. Idempotent."""
        self._discarded = True
        self._wake()
        await self.close()

    async def close(self) -> None:
        """The owner's last word: removes a file that is not settled. Readers that hold the spool go on. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._recent.clear()
        if not self._settled:
            self.path.unlink(missing_ok=True)
        self._holders -= 1
        if not self._holders:
            # The last close of a large removed file frees its blocks, which takes a while.
            await disk.in_thread(self._threads, lambda: os.close(self._fd))

    async def _refuse_if_ended(self) -> None:
        if self._failure is not None:
            await self._fail(self._failure)
        if self._discarded or self._closed:
            raise SpoolDiscarded("the spool was discarded")
        if self.finished:
            raise ValueError("the spool is finished")

    async def _idle(self) -> None:
        """Waits for the batch under way; raises what became of it."""
        while self._flushing is not None:
            await asyncio.wait([self._flushing])
        await self._refuse_if_ended()

    async def _fail(self, failure: BaseException) -> None:
        await self.discard()
        if isinstance(failure, OSError):
            raise disk.refusal(failure) from failure
        raise failure.again() if isinstance(failure, LiftgateError) else failure

    def _flush(self) -> None:
        self._hopped = monotonic()
        batch, self._pending = self._pending, []
        size, self._pending_bytes = self._pending_bytes, 0
        start, stop = self._available, self._available + size

        def hash_and_write() -> None:
            for piece in batch:
                self.digest.update(piece)
            disk.write_all(self._fd, batch)
            disk.begin_writing_back(self._fd, start // _WRITE_BACK * _WRITE_BACK, stop // _WRITE_BACK * _WRITE_BACK)

        # Whoever holds the spool besides its owner follows it.
        if self._holders > 1:
            self._recent.keep(start, batch)
        self.hold()
        self._flushing = asyncio.get_running_loop().run_in_executor(self._threads, hash_and_write)
        self._flushing.add_done_callback(partial(self._on_flushed, size))

    def _on_flushed(self, size: int, batch: asyncio.Future[None]) -> None:
        self._flushing = None
        if batch.cancelled():
            self._failure = SpoolDiscarded("the threads that write were shut down")
        elif error := batch.exception():
            self._failure = error
        else:
            self._available += size
        self._wake()
        self.release()

    # ── the readers ────────────────────────────────────────────────────────────────────────────────────────────────

    def hold(self) -> None:
        """Keeps the bytes readable over the owner's `close`, until `release`."""
        if not self._holders:
            raise SpoolDiscarded("the spool is closed")
        self._holders += 1

    def release(self) -> None:
        """Ends a `hold`."""
        self._holders -= 1
        if not self._holders:
            os.close(self._fd)

    async def wait_for(self, count: int | None = None) -> int:
        """Waits for `count` bytes, or for the end (None: only that); how many can be read. Raises SpoolDiscarded."""
        while not self.finished and (count is None or self._available < count):
            if self._discarded or self._failure is not None:
                raise SpoolDiscarded("the spool was discarded")
            await self._changed.wait()
        if self._discarded:
            raise SpoolDiscarded("the spool was discarded")
        return self._available

    async def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes of [start, stop), as they come. Raises SpoolDiscarded; ValueError for what is outside the file."""
        if not 0 <= start <= stop or (self.expected is not None and stop > self.expected):
            raise ValueError(f"bytes {start} to {stop} of a spool of {self.expected} bytes")
        self.hold()
        try:
            while start < stop:
                available = await self.wait_for(start + 1)
                if available <= start:
                    raise ValueError(f"bytes to {stop} of a spool of {available} bytes")
                for piece in await self._read_some(start, min(stop, available)):
                    start += len(piece)
                    yield piece
        finally:
            self.release()

    async def _read_some(self, start: int, stop: int) -> list[bytes]:
        if pieces := self._recent.pieces(start, stop):
            return pieces
        try:
            return await disk.in_thread(self._threads, lambda: disk.read_pieces(self._fd, start, stop))
        except OSError as error:
            raise disk.refusal(error) from error

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def remove_dead_spools(directory: Path) -> int:
    """Removes the spool files whose writer is gone, of any process on this machine; how many. Blocking."""
    removed = 0
    for path in directory.glob(_PREFIX + "*"):
        fd = disk.taken_over(path)
        if fd is not None:
            path.unlink(missing_ok=True)
            os.close(fd)
            removed += 1
    return removed
