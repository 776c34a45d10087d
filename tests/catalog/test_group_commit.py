"""Writes that share a transaction: durable when each returns, few transactions for many, one failure for all of one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from catalog_samples import opened
from liftgate.catalog.connection import Connection, invalidate
from liftgate.clock import SystemClock
from liftgate.engine.group_commit import MOST, GroupCommit
from liftgate.errors import InternalError, Unavailable
from liftgate.tasks import Tasks

MANY = 300
Write: TypeAlias = Callable[[Connection], None]
Together: TypeAlias = GroupCommit[Write]


def each(conn: Connection, works: Sequence[Write]) -> None:
    for work in works:
        work(conn)


def counting(name: str) -> Callable[[Connection], None]:
    def work(conn: Connection) -> None:
        conn.execute("INSERT INTO reply_usage (owner, bytes) VALUES (?, 1)", (name,))
        invalidate(conn, "group", "one")  # which watchers hear once of each transaction

    return work


async def how_many(database: Any) -> int:
    [(there,)] = await database.read(lambda conn: conn.execute("SELECT count(*) FROM reply_usage"))
    return int(there)


def run_with(url: str, scenario: Callable[[Any, Together, list[str]], Any]) -> None:
    async def main() -> None:
        async with opened(url) as database:
            tasks = Tasks()
            commits: list[str] = []
            database.watch(lambda topic, key: commits.append(key) if topic == "group" else None)
            try:
                await scenario(database, GroupCommit(database, tasks, SystemClock(), each), commits)
            finally:
                await tasks.close()

    asyncio.run(main())


def test_many_at_once_take_few_transactions_and_all_are_there(database_url: str) -> None:
    async def scenario(database: Any, together: Together, commits: list[str]) -> None:
        await asyncio.gather(*(together.write(counting(f"o{n}")) for n in range(MANY)))
        # The first does not wait for the others.
        assert await how_many(database) == MANY and len(commits) == 1 + -(-(MANY - 1) // MOST)
        await together.write(counting("alone"))
        assert len(commits) == 1 + -(-(MANY - 1) // MOST) + 1

    run_with(database_url, scenario)


def test_each_is_durable_when_it_returns(database_url: str) -> None:
    async def scenario(database: Any, together: Together, commits: list[str]) -> None:
        async def one(name: str) -> None:
            await together.write(counting(name))
            found = await database.read(
                lambda conn: conn.execute("SELECT bytes FROM reply_usage WHERE owner = ?", (name,))
            )
            assert found == [(1,)]

        await asyncio.gather(*(one(f"o{n}") for n in range(20)))

    run_with(database_url, scenario)


def test_who_is_cancelled_harms_no_other_and_undoes_nothing(database_url: str) -> None:
    async def scenario(database: Any, together: Together, commits: list[str]) -> None:
        tasks = Tasks()
        # The one that began with the writing, and one that waits.
        for number, left in enumerate((0, 3)):
            writing = [tasks.start(together.write(counting(f"o{number}{n}")), name="write") for n in range(10)]
            await asyncio.sleep(0)
            writing[left].cancel()
            done = await asyncio.gather(*writing, return_exceptions=True)
            assert [type(each) for each in done if each is not None] == [asyncio.CancelledError]
            await together.write(counting(f"behind{number}"))
            # Nobody waits for the transaction of who was cancelled, and PostgreSQL may end the next one before it.
            while await how_many(database) != 11 * (number + 1):  # noqa: ASYNC110 - the catalogue has no event for it
                await asyncio.sleep(0.01)

    run_with(database_url, scenario)


def test_a_transaction_that_fails_fails_for_all_of_it_and_the_next_goes_on(database_url: str) -> None:
    def refused(conn: Connection) -> None:
        raise Unavailable("away")

    def broken(conn: Connection) -> None:
        raise ValueError

    async def scenario(database: Any, together: Together, commits: list[str]) -> None:
        for fault, kind in ((refused, Unavailable), (broken, InternalError)):
            some = [counting(f"first {kind}"), counting("a"), fault, counting("b")]
            done = await asyncio.gather(*map(together.write, some), return_exceptions=True)
            assert [type(each) for each in done] == [type(None), *[kind] * 3]
            [alone] = await asyncio.gather(together.write(fault), return_exceptions=True)
            assert type(alone) is kind
            await together.write(counting(f"behind {kind}"))
        rows = await database.read(lambda conn: conn.execute("SELECT owner FROM reply_usage ORDER BY owner"))
        assert [row[0] for row in rows] == sorted(
            f"{place} {kind}" for place in ("first", "behind") for kind in (Unavailable, InternalError)
        )

    run_with(database_url, scenario)
