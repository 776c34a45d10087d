"""Waiting for what comes true by itself. The numbers bound a failing test and are no measurements."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

SECONDS = 60.0


def eventually(condition: Callable[[], object], seconds: float = SECONDS) -> bool:
    """Whether it comes true in time; looks often."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def until(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """Returns when it is true, and fails the test where it does not come true."""
    assert eventually(condition, seconds), "it never came true"


async def comes_true(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """As `until`, while the event loop goes on."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        await asyncio.sleep(0.01)
