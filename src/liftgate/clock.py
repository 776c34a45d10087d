"""Time as a value that is handed in: parts take a `Clock` and never ask the system themselves."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """`now()`: seconds since the epoch (UTC). `monotonic()`: for durations. `sleep()`: seconds."""

    def now(self) -> float: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's own; every request asks it several times."""

    now = staticmethod(time.time)  # noqa: TID251 - the one place
    monotonic = staticmethod(time.monotonic)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
