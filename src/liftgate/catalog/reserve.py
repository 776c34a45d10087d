"""Some MiB of the catalogue's disk that are kept for the day on which it is full.

A deletion has to write before it frees anything, and so has a chat. When the disk refuses such a write, the reserve is
given up for it; nothing new is taken in until the reserve could be made again, so that uploads do not eat it.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import stat
import time
from pathlib import Path

from liftgate.errors import StorageFull

LARGEST = 16 * 1024 * 1024
PART = 20
"""At most this part of the disk."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
AGAIN_SECONDS = 1.0
"""Between two attempts to make it again."""

log = logging.getLogger("liftgate.catalog")


class Reserve:
    """Of the catalogue at `catalogue`; a file beside it, which all processes share. Called by any thread."""

    def __init__(self, catalogue: Path) -> None:
        self._path = catalogue.with_name(catalogue.name + "-reserve")
        self._tried_at = 0.0
        self._size = 0
        self._reported = False

    def make(self) -> bool:
        """Whether it is there now. Its blocks are really taken, so that they can be given up. Where the disk is not the
        reason (something else lies at its place) the log says so once, and everything goes on without it."""
        try:
            if not self._size:
                self._size = min(LARGEST, shutil.disk_usage(self._path.parent).total // PART)
            if not self._whole():
                self._take()
        except OSError as error:
            if error.errno in _FULL:
                self._reported = False
                return False
            if not self._reported:
                self._reported = True
                log.error("there is no reserve for a full disk, %s cannot be made: %s", self._path, error.strerror)
        return True

    def _take(self) -> None:
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise OSError(errno.EINVAL, "it is no plain file")
            _allocate(fd, self._size)
        except OSError as error:
            if error.errno in _FULL:
                # Half of it would only keep others from what is left.
                self._path.unlink(missing_ok=True)
            raise
        finally:
            os.close(fd)
        self._reported = False

    def _whole(self) -> bool:
        try:
            return os.stat(self._path).st_size >= self._size
        except OSError:
            return False

    def require(self) -> None:
        """Before anything new is taken in: raises StorageFull while it is given up. A call of stat."""
        if not self.tend():
            raise StorageFull("No space is left on the disk of the catalogue; nothing new is taken in.")

    def tend(self) -> bool:
        """Whether it is there; made again where there is room by now, tried now and then."""
        if self._size and self._whole():
            return True
        now = time.monotonic()
        if now - self._tried_at < AGAIN_SECONDS:
            return self._reported
        self._tried_at = now
        return self.make()

    def give_up(self) -> bool:
        """Whether there was one to give."""
        try:
            self._path.unlink()
        except OSError:
            return False
        log.warning("the disk of %s is full: its reserve is given up, so that files can be deleted", self._path.parent)
        return True


def _allocate(fd: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, size)
        return
    # Not zeroes, which some file systems do not store.
    piece = os.urandom(1 << 16)
    for at in range(0, size, len(piece)):
        os.pwrite(fd, piece[: size - at], at)
    os.fsync(fd)
