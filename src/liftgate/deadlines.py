"""Many deadlines on one timer. A timer of the event loop's own for each wait costs more than the wait's bookkeeping
(about 8 µs under uvloop), and a quarter of a second is nothing in a deadline of many.

`Deadlines` is exact to one tick, never early. One per part that waits; it ticks only while something waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextvars import Context
from time import monotonic
from types import TracebackType
from typing import Any

log = logging.getLogger("liftgate.deadlines")

TICK = 0.25
"""Seconds."""


class Deadlines:
    """Use it on one event loop. It needs no closing: without anything that waits it has no timer."""

    def __init__(self, tick: float = TICK) -> None:
        self._tick = tick
        self._due: dict[float, dict[_Waiting, None]] = {}
        self.loop: asyncio.AbstractEventLoop | None = None
        """Known from the first wait on; asking which loop runs costs a system call."""
        self._ticking = False
        # Its own: the timer serves many, and works for none of them.
        self._context = Context()

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Alarm:
        """Calls back once, on the loop, `seconds` from now and up to a tick later; `cancel()` prevents it."""
        alarm = Alarm(callback)
        alarm.due = self._enter(seconds, alarm)
        return alarm

    def within(self, seconds: float) -> Within:
        """`with deadlines.within(5): await …` raises TimeoutError as `asyncio.timeout` does."""
        return Within(self, seconds)

    def waits(self) -> Waits:
        return Waits(self)

    def _enter(self, seconds: float, waiting: _Waiting) -> dict[_Waiting, None]:
        """Where it waits now; who leaves that is not rung."""
        slot = (monotonic() + seconds) // self._tick + 1
        due = self._due.get(slot)
        if due is None:
            due = self._due[slot] = {}
            if not self._ticking:
                self._tick_on()
        due[waiting] = None
        return due

    def _tick_on(self) -> None:
        self.loop = self.loop or asyncio.get_running_loop()
        self.loop.call_later(self._tick, self._on_tick, context=self._context)
        self._ticking = True

    def _on_tick(self) -> None:
        now = monotonic() // self._tick
        for slot in [slot for slot, due in self._due.items() if slot <= now or not due]:
            due = self._due.pop(slot)
            while due:
                waiting, _ = due.popitem()
                try:
                    waiting.ring()
                except Exception:
                    # One that fails must not silence the others, now and ever after.
                    log.exception("what was due at a deadline failed")
        self._ticking = False
        if self._due:
            self._tick_on()


class Alarm:
    """A call that is due later."""

    __slots__ = ("due", "ring")

    due: dict[_Waiting, None]

    def __init__(self, ring: Callable[[], object]) -> None:
        self.ring = ring

    def cancel(self) -> None:
        """Idempotent."""
        self.due.pop(self, None)


class Within:
    """Cancels the task that entered it when its time is up, and turns that cancellation into a TimeoutError.

    Nothing that it holds leads back to it once it is left, so what a request leaves behind needs no collector.
    """

    __slots__ = ("_cancelling", "_deadlines", "_due", "_expired", "_seconds", "_task")

    def __init__(self, deadlines: Deadlines, seconds: float) -> None:
        self._deadlines = deadlines
        self._seconds = seconds
        self._expired = False

    def __enter__(self) -> Within:
        self._due = self._deadlines._enter(self._seconds, self)
        task = asyncio.current_task(self._deadlines.loop)
        assert task is not None, "a deadline needs a task to end"
        self._task = task
        self._cancelling = task.cancelling()
        return self

    @property
    def expired(self) -> bool:
        """Whether its time was up while it was entered."""
        return self._expired

    def restart(self, seconds: float | None) -> None:
        """Counts anew, from now; None: stands still until it is restarted. Only while it is entered."""
        self._due.pop(self, None)
        if seconds is not None:
            self._due = self._deadlines._enter(seconds, self)

    def ring(self) -> None:
        self._expired = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._due.pop(self, None)
        if self._expired:
            _give_back(self._task, self._cancelling, kind, error)


class Waits:
    """`Within` for waits that follow one another, such as those for the events of a stream, at less cost: it stays due
    when a wait is over, and looks at the next one's end when it is rung. `close` it when no more follow.

    `with waits.within(5): await …`, one at a time, by whichever task.
    """

    __slots__ = ("_cancelling", "_deadlines", "_due", "_ends", "_expired", "_rings", "_task")

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self._due: dict[_Waiting, None] | None = None
        self._task: asyncio.Task[Any] | None = None
        self._expired = False
        self._rings = self._ends = 0.0

    def within(self, seconds: float) -> Waits:
        self._ends = monotonic() + seconds
        return self

    def until(self, ends: float) -> Waits:
        """The same, up to a moment of the monotonic clock."""
        self._ends = ends
        return self

    def __enter__(self) -> Waits:
        if self._due is None or self._ends < self._rings:
            self._be_rung()
        task = asyncio.current_task(self._deadlines.loop)
        assert task is not None, "a deadline needs a task to end"
        self._task = task
        self._cancelling = task.cancelling()
        return self

    def ring(self) -> None:
        self._due = None
        if self._task is None:
            return
        if self._ends > monotonic():
            self._be_rung()
            return
        self._expired = True
        self._task.cancel()

    def close(self) -> None:
        """Idempotent."""
        if self._due is not None:
            self._due.pop(self, None)
            self._due = None

    def _be_rung(self) -> None:
        self.close()
        self._rings = self._ends
        self._due = self._deadlines._enter(self._ends - monotonic(), self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        task, self._task = self._task, None
        if kind is not None:
            # Often nothing follows what failed.
            self.close()
        if self._expired and task is not None:
            self._expired = False
            _give_back(task, self._cancelling, kind, error)


def _give_back(
    task: asyncio.Task[Any], before: int, kind: type[BaseException] | None, error: BaseException | None
) -> None:
    """Takes our cancellation back from the task, which had `before` others when it was entered. As asyncio.timeout: one
    from outside that came as well stays one."""
    if task.uncancel() <= before and kind is asyncio.CancelledError:
        raise TimeoutError from error


_Waiting = Alarm | Within | Waits
