"""Notices that a client has left where the server does not report it: under another server than ours, or while the
body is unread. Elsewhere an exchange's `Watch` is notified."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Protocol

from liftgate.deadlines import Alarm
from liftgate.server.exchange import ClientLeft, Watched
from liftgate.tasks import Tasks


class Looked(Watched, Protocol):
    """`disconnected` waits until the client has gone."""

    tasks: Tasks

    async def disconnected(self) -> None: ...


class DepartureWatch:
    """On behalf of the task that entered it, as an exchange's `Watch`. `patience`: seconds before it begins to look."""

    __slots__ = ("_alarm", "_looking", "_patience", "_request", "_task")

    def __init__(self, request: Looked, patience: float) -> None:
        self._request = request
        self._patience = patience
        self._looking: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        task = asyncio.current_task(self._request.deadlines.loop)
        assert task is not None
        self._task = task
        self._alarm: Alarm | None = None
        if self._patience:
            self._alarm = self._request.deadlines.call_later(self._patience, self._look)
        else:
            self._look()

    def _look(self) -> None:
        self._looking = self._request.tasks.start(self._cancel_when_left(), name="watch for a client's leaving")

    async def _cancel_when_left(self) -> None:
        await self._request.disconnected()
        self._request.left = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            # It knows this watch: kept, the two would wait for the garbage collector.
            self._alarm = None
        if self._looking is not None:
            self._looking.cancel()
            # Its cancellation refers to this watch.
            self._looking = None
        if kind is asyncio.CancelledError and self._request.left:
            self._task.uncancel()
            raise ClientLeft from None
