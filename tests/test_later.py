"""A part that is made when it is first asked for: once, in a thread, and closed with its house."""

from __future__ import annotations

import asyncio
import threading

import pytest

from liftgate.later import Later


class Part:
    """`made`: in which threads. While `gate` is shut, making waits."""

    made: list[int]

    def __init__(self) -> None:
        self.closed = 0

    async def close(self) -> None:
        self.closed += 1


class Maker:
    def __init__(self) -> None:
        self.threads: list[int] = []
        self.gate = threading.Event()
        self.failing = False

    def make(self) -> Part:
        assert self.gate.wait(20)
        self.threads.append(threading.get_ident())
        if self.failing:
            raise ImportError("no such library")
        return Part()


def test_all_who_ask_get_the_one_part_and_the_loop_goes_on() -> None:
    async def scene() -> None:
        maker = Maker()
        part = Later(maker.make)
        async with asyncio.TaskGroup() as group:
            asking = [group.create_task(part.get()) for _ in range(5)]
            # The maker waits for what only the loop can do now.
            asyncio.get_running_loop().call_later(0, maker.gate.set)
        assert len({id(task.result()) for task in asking}) == 1
        assert await part.get() is asking[0].result()
        assert len(maker.threads) == 1 and maker.threads[0] != threading.get_ident()

    asyncio.run(scene())


def test_one_who_leaves_spoils_nothing_for_the_next() -> None:
    async def scene() -> None:
        maker = Maker()
        part = Later(maker.make)
        leaving = asyncio.get_running_loop().create_task(part.get())
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        maker.gate.set()
        assert await part.get() is await part.get()

    asyncio.run(scene())


def test_what_cannot_be_made_is_tried_anew() -> None:
    async def scene() -> None:
        maker = Maker()
        maker.gate.set()
        part = Later(maker.make)
        maker.failing = True
        for _ in range(2):
            with pytest.raises(ImportError):
                await part.get()
        maker.failing = False
        assert isinstance(await part.get(), Part)

    asyncio.run(scene())


def test_only_what_was_made_is_closed() -> None:
    async def scene() -> None:
        maker = Maker()
        maker.gate.set()
        part = Later(maker.make)
        await part.close()
        assert maker.threads == []
        made = await part.get()
        await part.close()
        assert made.closed == 1

    asyncio.run(scene())
