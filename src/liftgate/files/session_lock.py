"""Who writes to an upload session now: one request of this process at a time, and the newest one wins.

A client whose line broke comes back while its old connection may still look open: the old request is let finish, or is
made to save what it got. Between processes the offset of each part decides instead. Called by `sessions`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from liftgate.errors import Unavailable

QUIET_SECONDS = 0.5
"""After so much silence on the old connection it is given up."""
LONGEST_WAIT = 5.0
"""Seconds that a new request waits for an old one that still gets bytes."""


class SessionTaken(Unavailable):
    """Another request writes to this session: ask where it stands."""

    def __init__(self) -> None:
        super().__init__("Another request has written to this upload session; query it and go on.")


class SessionLock:
    def __init__(self) -> None:
        self._holders: dict[str, Holder] = {}

    @asynccontextmanager
    async def hold(self, upload_id: str) -> AsyncIterator[Holder]:
        while (other := self._holders.get(upload_id)) is not None:
            await other.give_way()
        mine = self._holders[upload_id] = Holder()
        try:
            yield mine
        finally:
            del self._holders[upload_id]
            mine.left.set()


class Holder:
    """A request that writes to a session, so that the next one can make it end."""

    def __init__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.left = asyncio.Event()
        self._task = task
        self._loop = asyncio.get_running_loop()
        self._active_at = self._loop.time()
        self._waiting = False
        self._superseded = False

    async def pieces(self, given: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """`given` until the next request comes for this session; then SessionTaken."""
        while True:
            if self._superseded_now():
                raise SessionTaken
            self._waiting = True
            try:
                piece = await anext(given)
            except StopAsyncIteration:
                return
            except asyncio.CancelledError:
                if not self._superseded_now():
                    raise
                self._task.uncancel()
                raise SessionTaken from None
            finally:
                self._waiting = False
            self._active_at = self._loop.time()
            yield piece

    async def give_way(self) -> None:
        """Waits until it has saved what it got: for its end, but neither for a silent line nor for ever."""
        asked = self._loop.time()
        while not self.left.is_set():
            now = self._loop.time()
            if now - self._active_at > QUIET_SECONDS or now - asked > LONGEST_WAIT:
                self._supersede()
            try:
                async with asyncio.timeout(QUIET_SECONDS / 5):
                    await self.left.wait()
            except TimeoutError:
                continue

    def _supersede(self) -> None:
        # Cancelled only where it waits for the client: a write or a save that has begun is left whole.
        if not self._superseded and self._waiting:
            self._task.cancel()
        self._superseded = True

    def _superseded_now(self) -> bool:
        return self._superseded
