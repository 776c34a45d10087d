"""What glibc keeps of the memory that was freed: as much as makes the next request cheap, and no more.

By itself it gives back what is free at the heap's end. A large request of many small messages leaves its memory in
between, where it would stay for good: 323 MiB after one of 120 MiB, 71 with what is done here.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
from collections.abc import Callable
from pathlib import Path
from typing import cast

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_OPTIONS = ((_M_ARENA_MAX, 1), (_M_MMAP_THRESHOLD, 4 * 1024 * 1024), (_M_TRIM_THRESHOLD, 8 * 1024 * 1024))

KEPT = 16 * 1024 * 1024
"""Bytes above the least that the process ever had, up to which nothing is given back."""
SELDOM = 5
"""Looks after which it is tried again, though the process is as large as it was left."""


def share_one_heap() -> None:
    """Has glibc serve all threads from one heap, of which up to 8 MiB that were freed stay with us (mallopt(3)).

    By itself it gives each thread a heap of its own, which keeps what the thread's largest pieces of a file took; and
    it gives the memory of each piece back to the system, to ask for it again for the next one, which costs a tenth of
    the time that an upload takes. Another C library goes on as it does.
    """
    if (tune := _of_libc("mallopt")) is not None:
        for option, value in _OPTIONS:
            tune(option, value)


def heap_of_this_process() -> Heap | None:
    """None where nothing can be given back by malloc_trim(3): a C library that has none, or a system without /proc."""
    trim = _of_libc("malloc_trim")
    return None if trim is None or not _STATM.exists() else Heap(resident_bytes, lambda: trim(0))


class Heap:
    """Looked at every few seconds, by whoever has the event loop; nothing of it is paid by a request.

    `resident`: bytes that the process has. `trim`: gives back to the system what is free, for a thread.
    """

    def __init__(self, resident: Callable[[], int], trim: Callable[[], object]) -> None:
        self._resident = resident
        self._trim = trim
        self._least = self._left = resident()
        self._looks = 0
        self._trimming: asyncio.Future[None] | None = None

    def look(self) -> asyncio.Future[None] | None:
        """Begins to give back where there may be something, which is returned then."""
        if self._trimming is not None and not self._trimming.done():
            return None
        try:
            now = self._resident()
        except OSError:
            # No descriptor is free: another time.
            return None
        self._least = min(self._least, now)
        self._looks += 1
        if now - self._least < KEPT:
            return None
        # As large as it was left: what is there is in use, or was in use when it was last tried.
        if abs(now - self._left) < KEPT and self._looks < SELDOM:
            return None
        self._looks = 0
        self._trimming = asyncio.get_running_loop().run_in_executor(None, self._give_back)
        return self._trimming

    def _give_back(self) -> None:
        self._trim()
        with contextlib.suppress(OSError):
            self._left = self._resident()


_STATM = Path("/proc/self/statm")
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def resident_bytes() -> int:
    return int(_STATM.read_bytes().split()[1]) * _PAGE


def _of_libc(name: str) -> Callable[..., int] | None:
    try:
        return cast("Callable[..., int]", getattr(ctypes.CDLL(None), name))
    except (AttributeError, OSError, TypeError):
        return None
