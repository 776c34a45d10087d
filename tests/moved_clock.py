"""A clock that tests move: the wall clock jumps, the monotonic one runs on."""

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
