"""Work in a thread that goes on where its waiter was cancelled, and is found again by the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Apart(Generic[T]):
    """One piece of work at a time. `busy`: the end of the last one was not awaited yet."""

    def __init__(self) -> None:
        self._running: asyncio.Future[T] | None = None

    @property
    def busy(self) -> bool:
        return self._running is not None

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises, or the one that is busy, in whose place this does not begin."""
        if self._running is None:
            self._running = asyncio.get_running_loop().run_in_executor(None, work)
        # Not awaited itself: a cancelled waiter would cancel it.
        await asyncio.wait({self._running})
        running, self._running = self._running, None
        return running.result()
