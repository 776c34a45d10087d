"""Clocks that are handed to a gateway: one whose wall clock jumps, and one whose pauses are short."""

from __future__ import annotations

from liftgate.clock import SystemClock


class MovedClock:
    def __init__(self) -> None:
        self._system = SystemClock()
        self._ahead = 0.0

    def advance(self, seconds: float) -> None:
        self._ahead += seconds

    def now(self) -> float:
        return self._system.now() + self._ahead

    def monotonic(self) -> float:
        return self._system.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._system.sleep(seconds)


class BriskClock(SystemClock):
    """Whoever pauses goes on after a quarter of the pause: a test of what follows from pauses, not of their length.
    The shortest ones, with which somebody looks for something, stay."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds if seconds < 0.1 else max(0.1, seconds / 4))
