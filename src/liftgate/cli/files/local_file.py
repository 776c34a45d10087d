"""A file on this machine that is about to be sent: what it was when it was looked at, and its bytes, piece by piece."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path

from liftgate.cli.command_line import typed
from liftgate.cli.failures import Failure, Misused

PIECE = 512 * 1024


class Changed(Failure):
    """It is another file now: what was sent of it is of no use."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """`path` is as the person wrote it; `real` has no links in it. A file that changes while it is sent is an error."""

    path: Path
    real: Path
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> LocalFile:
        if str(path) == "-":
            raise Misused("-: standard input cannot be uploaded, as its size must be known first; write it to a file.")
        try:
            facts = path.stat()
            if not stat.S_ISREG(facts.st_mode):
                kind = "a directory" if stat.S_ISDIR(facts.st_mode) else "no regular file"
                raise Misused(f"{path}: is {kind}.")
            return cls(path, path.resolve(), facts.st_size, facts.st_mtime_ns)
        except FileNotFoundError:
            raise Misused(f"{path}: there is no such file.") from None
        except OSError as error:
            raise _unreadable(path, error) from None

    @property
    def name(self) -> str:
        return typed(self.path.name)

    async def read(self, start: int, stop: int, seen: Callable[[bytes], object]) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` to `stop`. `seen` is called with each piece in the thread that read it."""
        fd = await asyncio.to_thread(self._open)
        try:
            while start < stop:
                piece = await asyncio.to_thread(self._piece, fd, start, min(PIECE, stop - start), seen)
                start += len(piece)
                yield piece
        finally:
            os.close(fd)

    def _open(self) -> int:
        try:
            return os.open(self.real, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise _unreadable(self.path, error) from None

    def _piece(self, fd: int, start: int, size: int, seen: Callable[[bytes], object]) -> bytes:
        try:
            piece = os.pread(fd, size, start)
        except OSError as error:
            raise _unreadable(self.path, error) from None
        if not piece:
            raise Changed(f"{self.path}: became shorter while it was read; upload it again.")
        seen(piece)
        return piece

    def check_unchanged(self) -> None:
        """Raises Failure when the file is not what it was."""
        now = LocalFile.of(self.path)
        if (now.size, now.mtime_ns) != (self.size, self.mtime_ns):
            raise Changed(f"{self.path}: changed while it was uploaded; upload it again.")


def _unreadable(path: Path, error: OSError) -> Failure:
    return Failure(f"{path}: cannot be read ({error.strerror or error}).")
