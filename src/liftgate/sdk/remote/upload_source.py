"""What is uploaded to a gateway: a file of this machine, or bytes that the caller gave."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from liftgate.byte_source import ByteSource
from liftgate.sdk.remote.gateway_errors import SourceChanged

PIECE = 512 * 1024


class UploadSource(Protocol):
    """`about`: what errors call it. `identity`: what it is in another run too; None where that is unknown, and its
    upload is then not resumed by another run. A source that changes while it is sent is an error."""

    @property
    def about(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def identity(self) -> tuple[object, ...] | None: ...
    def read(self, start: int, stop: int, seen: Callable[[bytes], object]) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` to `stop`. `seen` is called with each piece, in the thread that read it."""
        ...

    def check_unchanged(self) -> None:
        """Raises SourceChanged when it is not what it was."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """`path` is as the person wrote it; `real` has no links in it."""

    path: Path
    real: Path
    size: int
    mtime_ns: int

    @classmethod
    def from_path(cls, path: Path) -> LocalFile:
        """Raises OSError, and ValueError where it is no regular file."""
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise ValueError("a directory" if stat.S_ISDIR(facts.st_mode) else "no regular file")
        return cls(path, path.resolve(), facts.st_size, facts.st_mtime_ns)

    @property
    def about(self) -> str:
        return str(self.path)

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.real, self.size, self.mtime_ns)

    async def read(self, start: int, stop: int, seen: Callable[[bytes], object]) -> AsyncGenerator[bytes, None]:
        fd = await asyncio.to_thread(os.open, self.real, os.O_RDONLY | os.O_CLOEXEC)
        try:
            while start < stop:
                piece = await asyncio.to_thread(self._piece, fd, start, min(PIECE, stop - start), seen)
                start += len(piece)
                yield piece
        finally:
            os.close(fd)

    def _piece(self, fd: int, start: int, size: int, seen: Callable[[bytes], object]) -> bytes:
        piece = os.pread(fd, size, start)
        if not piece:
            raise SourceChanged(f"{self.path}: became shorter while it was read; upload it again.", param="file")
        seen(piece)
        return piece

    def check_unchanged(self) -> None:
        now = self.path.stat()
        if (now.st_size, now.st_mtime_ns) != (self.size, self.mtime_ns):
            raise SourceChanged(f"{self.path}: changed while it was uploaded; upload it again.", param="file")


@dataclass(frozen=True, slots=True)
class GivenBytes:
    """Bytes that this run alone has."""

    about: str
    source: ByteSource
    identity: None = None

    @property
    def size(self) -> int:
        return self.source.size

    async def read(self, start: int, stop: int, seen: Callable[[bytes], object]) -> AsyncGenerator[bytes, None]:
        async with aclosing(cast("AsyncGenerator[bytes]", self.source.read(start, stop))) as pieces:
            async for piece in pieces:
                seen(piece)
                yield piece

    def check_unchanged(self) -> None:
        """A source that becomes shorter says so itself."""
