"""Many deadlines on one timer. A timer of the event loop's own for each wait costs more than the wait's bookkeeping
(about 8 µs under uvloop), and nobody notices a quarter of a second in a deadline of many.

`Deadlines` is exact to one tick, never early. One per part that waits; it ticks only while something waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType

TICK = 0.25
"""Seconds."""


class Deadlines:
    """Use it on one event loop. It needs no closing: without anything that waits it has no timer."""

    def __init__(self, tick: float = TICK) -> None:
        self._tick = tick
        self._due: dict[int, dict[Alarm, None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ticking = False

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Alarm:
        """Calls back once, on the loop, `seconds` from now and up to a tick later; `cancel()` prevents it."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        slot = int((self._loop.time() + seconds) / self._tick) + 1
        due = self._due.get(slot)
        if due is None:
            due = self._due[slot] = {}
        alarm = Alarm(due, callback)
        due[alarm] = None
        if not self._ticking:
            self._ticking = True
            self._loop.call_later(self._tick, self._on_tick)
        return alarm

    def within(self, seconds: float) -> Within:
        """`with deadlines.within(5): await …` raises TimeoutError as `asyncio.timeout` does."""
        return Within(self, seconds)

    def _on_tick(self) -> None:
        assert self._loop is not None
        now = int(self._loop.time() / self._tick)
        for slot in [slot for slot, due in self._due.items() if slot <= now or not due]:
            for alarm in tuple(self._due.pop(slot)):
                alarm.callback()
        self._ticking = bool(self._due)
        if self._ticking:
            self._loop.call_later(self._tick, self._on_tick)


class Alarm:
    """A call that is due later."""

    __slots__ = ("_due", "callback")

    def __init__(self, due: dict[Alarm, None], callback: Callable[[], object]) -> None:
        self._due = due
        self.callback = callback

    def cancel(self) -> None:
        """Idempotent."""
        self._due.pop(self, None)


class Within:
    """Cancels the task that entered it when its time is up, and turns that cancellation into a TimeoutError."""

    __slots__ = ("_alarm", "_cancelling", "_deadlines", "_expired", "_seconds", "_task")

    def __init__(self, deadlines: Deadlines, seconds: float) -> None:
        self._deadlines = deadlines
        self._seconds = seconds
        self._expired = False

    def __enter__(self) -> Within:
        task = asyncio.current_task()
        assert task is not None, "a deadline needs a task to end"
        self._task = task
        self._cancelling = task.cancelling()
        self._alarm = self._deadlines.call_later(self._seconds, self._expire)
        return self

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._alarm.cancel()
        # As asyncio.timeout: a cancellation from outside that came as well stays one.
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error
