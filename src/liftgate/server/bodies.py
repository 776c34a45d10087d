"""How many bytes of JSON bodies this process holds, all requests together, and what becomes of large ones.

A body is held until its request is answered: decoded it takes several times its size. What takes long is done in a
thread, so that the event loop goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from liftgate.errors import Unavailable

T = TypeVar("T")

LARGE = 1024 * 1024
"""Bytes of a body from which on work with it leaves the event loop."""
UNCOUNTED = 64 * 1024
"""Bytes of a body that count for nothing: connections bound how many of these there are."""
RETRY_AFTER = 5.0


class HeldBodies:
    """`limit`: bytes, over the process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0

    def hold(self, size: int) -> None:
        """Raises Unavailable where there is no room; else to be given back by `let_go`."""
        if self._held + size > self._limit:
            raise Unavailable(
                f"The gateway holds as many bytes of requests as it may at the moment ({self._limit}, "
                "decoded_bytes_limit). Try again shortly.",
                retry_after=RETRY_AFTER,
            )
        self._held += size

    def let_go(self, size: int) -> None:
        self._held -= size


async def aside(size: int, work: Callable[[], T]) -> T:
    """What `work` on a body of this size returns; for a large one in a thread."""
    return await asyncio.to_thread(work) if size >= LARGE else work()
