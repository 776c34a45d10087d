"""Turns at something of which there is not enough for all at once, so that no owner keeps the others out.

Every owner may have `own` at any time; beyond that, up to `most`, only while fewer than `total` are taken in all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from liftgate.records import Owner


class Shares:
    """Use it on one event loop."""

    def __init__(self, *, own: int, most: int, total: int) -> None:
        self._own = own
        self._most = most
        self._total = total
        self._taken: dict[Owner, int] = {}
        self._all = 0
        self._waiting: dict[Owner, deque[asyncio.Future[None]]] = {}

    @property
    def is_idle(self) -> bool:
        """Whether no one has a turn or waits for one."""
        return not (self._all or self._taken or self._waiting)

    @asynccontextmanager
    async def turn(self, owner: Owner) -> AsyncIterator[None]:
        """Waits for a turn; an owner's come in the order in which they were asked for."""
        await self.take(owner)
        try:
            yield
        finally:
            self.give_back(owner)

    async def take(self, owner: Owner) -> None:
        """As `turn`; it lasts until `give_back`."""
        if owner in self._waiting or not self._has_room(owner):
            mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(owner, deque()).append(mine)
            try:
                await mine
            except asyncio.CancelledError:
                if mine.done() and not mine.cancelled():
                    self.give_back(owner)
                else:
                    self._leave(owner, mine)
                raise
        else:
            self._count(owner)

    def _has_room(self, owner: Owner) -> bool:
        taken = self._taken.get(owner, 0)
        return taken < self._own or (taken < self._most and self._all < self._total)

    def _count(self, owner: Owner) -> None:
        self._taken[owner] = self._taken.get(owner, 0) + 1
        self._all += 1

    def _leave(self, owner: Owner, mine: asyncio.Future[None]) -> None:
        waiting = self._waiting[owner]
        waiting.remove(mine)
        if not waiting:
            del self._waiting[owner]

    def give_back(self, owner: Owner) -> None:
        self._all -= 1
        self._taken[owner] -= 1
        if not self._taken[owner]:
            del self._taken[owner]
        # Whoever waits longest comes first, but for those who have as many as they may.
        for each in list(self._waiting):
            if self._has_room(each):
                self._count(each)
                first = self._waiting[each][0]
                self._leave(each, first)
                first.set_result(None)
                return
