"""Background work with an owner: every task belongs to a `Tasks`, which ends them all when it is closed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Work: TypeAlias = Coroutine[object, object, T]
"""What is awaited, or made a task of; its result is a T."""

log = logging.getLogger("liftgate.tasks")


class Tasks:
    """A set of tasks whose failures are logged and whose end is awaited.

    Unlike `asyncio.TaskGroup` a failing task does not end its siblings: these outlive the request that began them.
    """

    def __init__(self) -> None:
        self._running: set[asyncio.Task[object]] = set()

    def start(self, work: Work[T], *, name: str) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("background work %s failed: %r", task.get_name(), error, exc_info=error)

    def __len__(self) -> int:
        return len(self._running)

    async def drain(self, timeout: float) -> None:
        """Waits for what is running, then cancels the rest. `timeout` in seconds."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=timeout)
        await self.close()

    async def close(self) -> None:
        for task in set(self._running):
            task.cancel()
        if self._running:
            await asyncio.gather(*self._running, return_exceptions=True)
