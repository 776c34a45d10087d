"""Waiting for what comes true by itself. The numbers bound a failing test and are no measurements."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

SECONDS = 60.0
SOONEST, LATEST = 0.01, 0.25
"""Seconds between two looks, which are work too, for whoever is asked."""


def eventually(condition: Callable[[], object], seconds: float = SECONDS) -> bool:
    """Whether it comes true in time; looks often at first, and then after a tenth of what it has waited."""
    began = time.monotonic()
    while not condition():
        waited = time.monotonic() - began
        if waited > seconds:
            return False
        time.sleep(_pause(waited))
    return True


def _pause(waited: float) -> float:
    return min(max(SOONEST, waited / 10), LATEST)


def until(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """Returns when it is true, and fails the test where it does not come true."""
    assert eventually(condition, seconds), "it never came true"


async def comes_true(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """As `until`, while the event loop goes on."""
    began = time.monotonic()
    while not condition():
        waited = time.monotonic() - began
        assert waited < seconds, "it never came true"
        await asyncio.sleep(_pause(waited))
