"""Whether another program has written into the files of an open SQLite catalogue: `cp` over it keeps its inode.

In WAL mode the database file is written by checkpoints alone, and each says so in the WAL index (`-shm`) before its
first page and after its last. So a file that changed while the index says of no checkpoint was written by somebody
else. The end of the log is known from the index too, so a log that was cut, or put back, is seen as well. A look is
a few system calls. The formats are SQLite's (https://sqlite.org/walformat.html), native byte order in the index.
"""

from __future__ import annotations

import os
import struct
import threading
from collections import Counter
from pathlib import Path
from typing import NamedTuple

LOOKS = 5
"""How often a look is begun anew while another process writes."""
_INDEX = struct.Struct("=14x H I 4x II 8s 56x I 28x I 4x")
_INDEX_BYTES = _INDEX.size
_LOG_HEAD, _FRAME_HEAD = 32, 24

Identity = tuple[int, int]
"""Device and inode."""


class Index(NamedTuple):
    """What the WAL index says. `frames`: the last one of the log that is committed. `salt`: of this round of the log.
    `checksum`: of the last frame. `backfilled`, `attempted`: up to which frame checkpoints have come, and began to."""

    page_size: int
    frames: int
    checksum: tuple[int, int]
    salt: bytes
    backfilled: int
    attempted: int

    @property
    def checkpoints(self) -> tuple[bytes, int, int]:
        """Another with every checkpoint that writes."""
        return self.salt, self.backfilled, self.attempted


def _parsed(raw: bytes) -> Index:
    size, frames, first, second, salt, backfilled, attempted = _INDEX.unpack(raw)
    return Index((size & 0xFE00) + ((size & 1) << 16), frames, (first, second), salt, backfilled, attempted)


class Descriptors:
    """One of each index file, shared by all who look at it in this process.

    To close any descriptor of a file gives up every lock that the process has on it, SQLite's too. So one is closed
    only when no program has it open any more and the file has no name, which is when the last connection to it has been
    closed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[Identity, int] = {}
        self._users: Counter[int] = Counter()

    def acquire(self, path: Path) -> int:
        """To be released once. Raises OSError."""
        with self._lock:
            facts = path.stat()
            if (fd := self._open.get((facts.st_dev, facts.st_ino))) is None:
                fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                facts = os.fstat(fd)
                # Another file by now, perhaps one that is known.
                self._open[facts.st_dev, facts.st_ino] = fd
            self._users[fd] += 1
            return fd

    def release(self, fd: int) -> None:
        """Once the connections of who looked have been closed."""
        with self._lock:
            self._users[fd] -= 1
            for identity, each in list(self._open.items()):
                if not self._users[each] and not os.fstat(each).st_nlink:
                    del self._users[each]
                    os.close(self._open.pop(identity))


DESCRIPTORS = Descriptors()


class Marks:
    """Of one open catalogue. Used by all of its threads."""

    def __init__(self, file: Path, log: Path, index: Path) -> None:
        """While a connection is open. Raises OSError."""
        self.file, self._log_name = file, log.name
        self._place = str(file)
        self._index = DESCRIPTORS.acquire(index)
        self._log = os.open(log, os.O_RDONLY | os.O_CLOEXEC)
        self._lock = threading.Lock()
        facts = file.stat()
        self._identity = facts.st_dev, facts.st_ino
        self._known: tuple[Index, tuple[int, int]] | None = None

    def close(self) -> None:
        """Once the connections have been closed."""
        os.close(self._log)
        DESCRIPTORS.release(self._index)

    def wrong(self) -> str:
        """What another program has done, for a sentence; "" for nothing, also where another file is at the path."""
        with self._lock:
            for _ in range(LOOKS):
                raw = os.pread(self._index, _INDEX_BYTES, 0)
                if len(raw) < _INDEX_BYTES:
                    return f"the index of its log, {self.file.name}-shm, was cut"
                index, facts = _parsed(raw), self._facts()
                if facts is None:
                    return ""
                whole = self._log_is_whole(index)
                if os.pread(self._index, _INDEX_BYTES, 0) == raw:
                    return self._compared(index, (facts.st_mtime_ns, facts.st_size), whole=whole)
            # Others commit all the time; the next look will come between.
            return ""

    def _facts(self) -> os.stat_result | None:
        """None where the path does not lead to the file that was opened."""
        try:
            facts = os.stat(self._place)
        except OSError:
            return None
        return facts if (facts.st_dev, facts.st_ino) == self._identity else None

    def due(self, frames: int) -> bool:
        """Whether the log had so many frames at the last look that a checkpoint is due."""
        known = self._known
        return known is not None and known[0].frames >= frames and known[0].backfilled < known[0].frames

    def _log_is_whole(self, index: Index) -> bool:
        """Whether its last frame is the one that the index knows."""
        if not index.frames:
            return True
        at = _LOG_HEAD + (index.frames - 1) * (index.page_size + _FRAME_HEAD)
        head = os.pread(self._log, _FRAME_HEAD, at)
        return (
            len(head) == _FRAME_HEAD
            and head[8:16] == index.salt
            and struct.unpack_from(">II", head, 16) == index.checksum
        )

    def _compared(self, index: Index, written: tuple[int, int], *, whole: bool) -> str:
        if not whole:
            return f"its log {self._log_name} was cut or replaced"
        if self._known is not None:
            before, written_before = self._known
            if index.salt == before.salt and index.frames < before.frames:
                return f"the index of its log, {self.file.name}-shm, was replaced"
            if index.attempted > index.backfilled and written != written_before:
                # A checkpoint is writing now. What it makes of the file is known when it has ended.
                return ""
            if written != written_before and index.checkpoints == before.checkpoints:
                return "another program wrote into it"
        self._known = index, written
        return ""
