"""Blocking file work: on threads, ended before its caller ends, with the system's refusals as errors of ours.

Called by the spool, the local store and sources of bytes; nothing else touches a descriptor of theirs.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import logging
import os
import stat
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import TypeVar

from liftgate.byte_source import PIECE
from liftgate.errors import LiftgateError, StorageFull, Unavailable

T = TypeVar("T")
log = logging.getLogger("liftgate.blobs")

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_REPORTED: set[Path] = set()
"""Of what `taken_over` left as it is."""
UNFINISHED = ".part"
"""Behind the name of what is being copied to another file system."""
_NICENESS = 10
PIECES_PER_HOP = 4
"""Read or hashed by a thread at a time: a hop to it and back is dearer than a piece is."""
_VECTORS = 512
"""Pieces written by one call; the system takes 1024."""


def locked(fd: int) -> bool:
    """Whether this process has the file to itself now: until it is closed, or the process is gone."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def taken_over(path: Path) -> int | None:
    """Opens and locks a file that a process left behind. None where one still has it, or where it is gone by now.

    None also for what is no file of ours (a directory, a pipe, another user's): it must not keep the others from being
    looked after. The log tells of that once.
    """
    try:
        fd = open_file(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    except OSError as error:
        if path not in _REPORTED:
            _REPORTED.add(path)
            log.warning("%s is left as it is: %s", path, error.strerror)
        return None
    if locked(fd) and os.fstat(fd).st_nlink:
        return fd
    os.close(fd)
    return None


def open_file(path: Path, access: int) -> int:
    """Opens a plain file. Raises OSError, also for anything else: a pipe would wait for a writer, and a link may lead
    anywhere."""
    fd = os.open(path, access | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    raise OSError(errno.EINVAL, "it is no plain file")


def file_threads(count: int, name: str) -> ThreadPoolExecutor:
    """Threads for hashing, reading and writing, behind the event loop where processors are scarce.

    An upload takes all the time that it gets. Were its threads the loop's equals, every chat beside it would wait for a
    turn several times over (Linux; elsewhere a thread has no priority of its own that we may lower).
    """
    return ThreadPoolExecutor(count, name, initializer=_stand_back if sys.platform == "linux" else None)


def _stand_back() -> None:
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.nice(0) + _NICENESS)
    except OSError:
        # Forbidden by the system's rules: it works as well, only not as politely.
        return


async def in_thread(threads: Executor | None, work: Callable[[], T]) -> T:
    """Runs `work` on `threads` (None: the loop's own). When the caller is cancelled it still waits for the work's end.

    A thread cannot be stopped, and it must not go on with a descriptor that its owner has closed meanwhile.
    """
    running = asyncio.get_running_loop().run_in_executor(threads, copy_context().run, work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        if not running.done():
            await asyncio.wait([running])
        if not running.cancelled():
            running.exception()  # looked at, so that it is not reported as lost
        raise


def refusal(error: OSError) -> LiftgateError:
    """What an error of the disk means to the caller: StorageFull for space, quota, file size; else Unavailable: it is
    for who runs the gateway to mend (a directory of another user, a disk that is read-only or fails)."""
    if error.errno in _FULL:
        return StorageFull("There is no space left to store this file; nothing of it was kept.")
    log.error("the disk failed: %s", error)
    return Unavailable("The storage for files does not work at the moment; try again later.")


def write_all(fd: int, pieces: Sequence[bytes | bytearray]) -> None:
    left: list[memoryview] = [memoryview(piece) for piece in pieces]
    while left:
        written = os.writev(fd, left[:_VECTORS])
        while left and written >= len(left[0]):
            written -= len(left.pop(0))
        if written:
            left[0] = left[0][written:]


def begin_writing_back(fd: int, start: int, stop: int) -> None:
    """Has the system begin to write [start, stop) to the disk, without waiting: the sync at the end is short then."""
    if start < stop and sys.platform == "linux":
        # Pages that are not on the disk yet stay in memory: of those it only begins the writing.
        os.posix_fadvise(fd, start, stop - start, os.POSIX_FADV_DONTNEED)


def read_pieces(fd: int, start: int, stop: int) -> list[bytes]:
    """Up to 1 MiB of [start, stop) in pieces of at most PIECE, fewer at the file's end: a hop is dearer than a read."""
    pieces: list[bytes] = []
    while start < stop and len(pieces) < PIECES_PER_HOP:
        piece = os.pread(fd, min(PIECE, stop - start), start)
        if not piece:
            break
        pieces.append(piece)
        start += len(piece)
    return pieces


def sync_directory(directory: Path) -> None:
    """Makes the names in a directory durable."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_directory(directory: Path) -> None:
    """Makes it durably. No more of the path: that a data directory is not there any more is a fault to be reported, and
    not to be covered by an empty one."""
    if not directory.is_dir():
        directory.mkdir(exist_ok=True)
        sync_directory(directory.parent)


def move(fd: int, source: Path, target: Path) -> None:
    """Puts the file `source`, open as `fd`, durably at `target`. Copies to another file system; leaves no litter."""
    make_directory(target.parent)
    try:
        os.fsync(fd)
        os.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(fd, target)
        os.unlink(source)
    sync_directory(target.parent)


def _copy(fd: int, target: Path) -> None:
    beside = target.with_name(target.name + UNFINISHED)
    copy = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        at = 0
        while piece := os.pread(fd, 1 << 20, at):
            write_all(copy, [piece])
            at += len(piece)
        os.fsync(copy)
        os.rename(beside, target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    finally:
        os.close(copy)
