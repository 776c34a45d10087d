"""Looks out for a client's leaving while its answer is made, so that nobody works for one who has gone."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Protocol

from liftgate.deadlines import Alarm, Deadlines
from liftgate.server.exchange import Exchange
from liftgate.tasks import Tasks


class ClientLeft(Exception):
    """The client closed its connection; there is nobody to answer."""


class Watched(Protocol):
    """A request, as far as a watch needs it. `disconnected` waits until the client has gone."""

    left: bool
    deadlines: Deadlines
    tasks: Tasks

    async def disconnected(self) -> None: ...


class Watch:
    """On behalf of the task that entered it."""

    __slots__ = ("_alarm", "_exchange", "_looking", "_patience", "_request", "_task")

    def __init__(self, request: Watched, exchange: Exchange | None, patience: float) -> None:
        self._request = request
        self._exchange = exchange
        self._patience = patience
        self._looking: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        task = asyncio.current_task(self._request.deadlines.loop)
        assert task is not None
        self._task = task
        self._alarm: Alarm | None = None
        if self._exchange is not None:
            self._exchange.when_left(self._leave)
        elif self._patience:
            self._alarm = self._request.deadlines.call_later(self._patience, self._look)
        else:
            self._look()

    def _look(self) -> None:
        self._looking = self._request.tasks.start(self._cancel_when_left(), name="watch for a client's leaving")

    async def _cancel_when_left(self) -> None:
        await self._request.disconnected()
        self._leave()

    def _leave(self) -> None:
        self._request.left = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._exchange is not None:
            self._exchange.when_left(None)
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
