"""Coarse deadlines behave as `asyncio.timeout` does, a tick late at most by design."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from liftgate.deadlines import Alarm, Deadlines


def test_wait_that_is_too_long_is_a_timeout() -> None:
    async def scene() -> None:
        deadlines = Deadlines(tick=0.01)
        with pytest.raises(TimeoutError), deadlines.within(0.02):
            await asyncio.sleep(10)
        task = asyncio.current_task()
        assert task is not None and task.cancelling() == 0

    asyncio.run(scene())


def test_wait_that_ends_in_time_leaves_nothing() -> None:
    async def scene() -> None:
        deadlines = Deadlines(tick=0.01)
        for _ in range(100):
            with deadlines.within(0.02):
                await asyncio.sleep(0)
        await asyncio.sleep(0.1)  # nothing is cancelled later

    asyncio.run(scene())


def test_cancellation_from_outside_stays_one() -> None:
    async def scene() -> None:
        deadlines = Deadlines(tick=0.01)

        async def wait() -> None:
            with deadlines.within(5):
                await asyncio.sleep(10)

        task = asyncio.get_running_loop().create_task(wait())
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scene())


def test_alarm_that_fails_silences_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        deadlines = Deadlines(tick=0.01)
        rung: list[int] = []
        for _ in range(3):
            deadlines.call_later(0.02, lambda: rung.append(1 // 0))
            deadlines.call_later(0.02, lambda: rung.append(1))
        with pytest.raises(TimeoutError), deadlines.within(0.05):
            await asyncio.sleep(10)
        assert rung == [1, 1, 1]

    asyncio.run(scene())
    assert "ZeroDivisionError" in caplog.text


def test_alarm_that_another_cancels_at_the_same_tick_does_not_ring() -> None:
    async def scene() -> list[str]:
        deadlines = Deadlines(tick=0.01)
        rung: list[str] = []
        alarms: list[Alarm] = []

        def ring(name: str) -> None:
            rung.append(name)
            for alarm in alarms:
                alarm.cancel()

        alarms += [deadlines.call_later(0.02, partial(ring, name)) for name in ("one", "other")]
        await asyncio.sleep(0.2)
        return rung

    assert len(asyncio.run(scene())) == 1


def test_inner_deadline_ends_the_inner_wait_only() -> None:
    async def scene() -> list[str]:
        deadlines = Deadlines(tick=0.01)
        seen = []
        with deadlines.within(5):
            try:
                with deadlines.within(0.02):
                    await asyncio.sleep(10)
            except TimeoutError:
                seen.append("inner")
            await asyncio.sleep(0.03)
            seen.append("outer goes on")
        return seen

    assert asyncio.run(scene()) == ["inner", "outer goes on"]


def test_failure_inside_passes_unchanged() -> None:
    async def scene() -> None:
        with Deadlines(tick=0.01).within(1):
            raise KeyError("mine")

    with pytest.raises(KeyError):
        asyncio.run(scene())


def test_alarm_is_never_early_and_cancelled_ones_stay_silent() -> None:
    async def scene() -> None:
        deadlines = Deadlines(tick=0.01)
        loop = asyncio.get_running_loop()
        rang: list[float] = []
        start = loop.time()
        deadlines.call_later(0.05, lambda: rang.append(loop.time() - start))
        deadlines.call_later(0.05, lambda: rang.append(-1.0)).cancel()
        await asyncio.sleep(0.2)
        assert len(rang) == 1 and rang[0] >= 0.05

    asyncio.run(scene())


def test_waits_that_follow_one_another_each_have_their_time() -> None:
    async def scene() -> None:
        deadlines = Deadlines(tick=0.01)
        waits = deadlines.waits()
        for _ in range(20):
            # Longer in all than one of them may be.
            with waits.within(0.1):
                await asyncio.sleep(0.02)
        for _ in range(2):
            with pytest.raises(TimeoutError), waits.within(0.02):
                await asyncio.sleep(10)
        task = asyncio.current_task()
        assert task is not None and task.cancelling() == 0
        # Between two of them nothing is cancelled.
        await asyncio.sleep(0.1)
        with waits.within(5):
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(scene(), 5))


def test_a_wait_that_ends_before_the_one_before_it_is_ended_in_time() -> None:
    async def scene() -> None:
        waits = Deadlines(tick=0.01).waits()
        with waits.within(3600):
            await asyncio.sleep(0)
        with pytest.raises(TimeoutError), waits.within(0.02):
            await asyncio.sleep(10)

    asyncio.run(asyncio.wait_for(scene(), 5))


def test_a_cancelled_one_of_many_waits_stays_cancelled_and_another_task_may_go_on() -> None:
    async def scene() -> None:
        waits = Deadlines(tick=0.01).waits()

        async def wait(seconds: float) -> None:
            with waits.within(seconds):
                await asyncio.sleep(10)

        task = asyncio.get_running_loop().create_task(wait(5))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(TimeoutError):
            await wait(0.02)

    asyncio.run(asyncio.wait_for(scene(), 5))
