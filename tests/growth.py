"""How much work something is: lines for what Python does, counted, and processor time over a large doubling for what C
does (regular expressions, joining, searching), which no line shows."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

MOST = 2.2
"""How much more work twice the input may be; n log n is below it."""
FEW = 1_200
"""Steps by which two runs of the same may differ, where an event loop and its threads have a part in them."""
MOST_TIME = 3.0
"""The same for processor time, on a machine that others use too. Work that grows with the square has 4."""


def steps(work: Callable[[], object]) -> int:
    """Lines, calls and returns of what `work` runs in this thread. Each round of a loop is a line at least, also where
    all of it stands in one; to count bytecodes would be four times as dear."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    # A collection in between would run what other tests left to be finalized.
    gc.disable()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
        gc.enable()
    return count


def seconds(work: Callable[[], object], tries: int = 3) -> float:
    """Processor time of all threads, the least of some tries."""
    found = []
    for _ in range(tries):
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return min(found)


Steps = tuple[str | int, ...]


def places(value: Any, at: Steps = ()) -> Iterator[Steps]:
    """Where a JSON value has a text, a list or an object that could be larger; itself included."""
    if isinstance(value, str | list | dict):
        yield at
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from places(each, (*at, index))
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from places(each, (*at, key))


def shape(at: Steps) -> str:
    """A place with `[]` for any index."""
    return "".join("[]" if isinstance(step, int) else f".{step}" for step in at)


def larger(value: Any, at: Steps, times: int) -> Any:
    """The value with what stands at a place so many times as large; the elements of a list keep ids of their own."""
    if at:
        copy = value.copy()
        copy[at[0]] = larger(value[at[0]], at[1:], times)
        return copy
    if isinstance(value, str):
        return (value or "x") * times
    if isinstance(value, list):
        return [_other(each, number) for number in range(times) for each in value or [{}]]
    first = next(iter(value.values()), "x")
    return {**value, **{f"more_{number}": first for number in range(times)}}


def _other(value: Any, number: int) -> Any:
    if isinstance(value, dict) and number:
        return {
            key: f"{each}_{number}" if key in ("id", "name") and isinstance(each, str) else _other(each, number)
            for key, each in value.items()
        }
    return value


def nested(value: Any, at: Steps, depth: int) -> Any:
    """The value with an object so deep at a place."""
    if at:
        copy = value.copy()
        copy[at[0]] = nested(value[at[0]], at[1:], depth)
        return copy
    inner = value
    for _ in range(depth):
        inner = {"a": inner}
    return inner
