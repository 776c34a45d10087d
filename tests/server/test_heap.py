"""What glibc keeps of freed memory is given back: in a thread, seldom, and where there is something to give."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from liftgate.server.heap import KEPT, SELDOM, Heap

STEADY = SELDOM - 1


async def trims(sizes: Sequence[int | None], freed: int = 0) -> list[int]:
    """At which looks it is given back, of a process that is as large as `sizes` say, in MiB. None: no descriptor."""
    found: list[int] = []
    now = sizes[0]

    def resident() -> int:
        if now is None:
            raise OSError("Too many open files")
        return now * KEPT // 16

    def trim() -> None:
        nonlocal now
        assert threading.current_thread() is not threading.main_thread()
        assert now is not None
        now -= freed

    heap = Heap(resident, trim)
    for at, size in enumerate(sizes):
        now = size
        if (begun := heap.look()) is not None:
            await begun
            found.append(at)
    return found


@pytest.mark.parametrize(
    ("sizes", "looks"),
    [
        ([50, 51, 60, 65, 50] * 10, []),
        ([50, 66], [1]),
        # Held, and then let go.
        ([50, 300, 300, 200], [1, 3]),
        # Nothing shows that it was let go.
        ([50, 300, *[290] * STEADY, 290], [1, 1 + SELDOM]),
        ([50, *[300] * 3 * SELDOM], [1, 1 + SELDOM, 1 + 2 * SELDOM]),
        ([50, 300, 100, 40, 50, 55], [1, 2]),
        ([50, None, 300, None, 100], [2, 4]),
    ],
)
def test_where_there_is_something_to_give(sizes: list[int | None], looks: list[int]) -> None:
    assert asyncio.run(trims(sizes)) == looks


def test_what_comes_back_is_not_asked_for_again() -> None:
    assert asyncio.run(trims([50, 300, 60, 60, 60, 64], freed=240)) == [1]


def test_one_at_a_time() -> None:
    begun, end = threading.Event(), threading.Event()
    sizes = iter([50, 300, 600, 600, 900])
    times = 0

    def trim() -> None:
        nonlocal times
        times += 1
        begun.set()
        end.wait(30)

    async def looked() -> None:
        heap = Heap(lambda: next(sizes) * KEPT // 16, trim)
        first = heap.look()
        assert first is not None
        await asyncio.to_thread(begun.wait, 30)
        assert heap.look() is None
        end.set()
        await first

    asyncio.run(looked())
    assert times == 1
