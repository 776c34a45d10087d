"""A budget under many calls at once at several gateways: never passed, and spent to its end. On both engines."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random  # noqa: TID251 - a fixed course of events
from zoneinfo import ZoneInfo

import pytest

from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database, open_database
from liftgate.catalog.rows.keys import insert_key
from liftgate.clock import SystemClock
from liftgate.keys.allowance import Refusal
from liftgate.keys.allowances import Allowances
from liftgate.keys.limits import Limit
from liftgate.keys.terms import Terms, written
from liftgate.records import KeyRecord
from liftgate.tasks import Tasks

KEY = KeyRecord("key_x", "t" * 64, "sk-...x", None, "ann", 0, 0.0, 0.0, None, None, None, written(Terms()))
ESTIMATE = 1000
"""What a call can cost; it costs a part of it."""


@dataclass
class Node:
    """A gateway as far as limits are concerned."""

    db: Database
    tasks: Tasks
    allowances: Allowances


@asynccontextmanager
async def nodes(url: str, count: int) -> AsyncIterator[list[Node]]:
    made: list[Node] = []
    for number in range(count):
        db = await open_database(url, clock=SystemClock())
        tasks = Tasks()
        made.append(Node(db, tasks, Allowances(db, tasks, f"node-{number}", ZoneInfo("UTC"))))
    await made[0].db.write(lambda conn: insert_key(conn, KEY))
    try:
        yield made
    finally:
        for node in made:
            await node.allowances.close()
            await node.tasks.close()
            await node.db.close()


async def call(node: Node, limit: Limit, cost: int) -> int | Refusal:
    """What it cost, or why it was not let in."""
    outcome = await node.allowances.take([(limit, ESTIMATE)])
    if isinstance(outcome, Refusal):
        return outcome
    # As long as an answer takes: others are in flight meanwhile.
    await asyncio.sleep(0)
    for taking in outcome:
        node.allowances.settle([taking], cost, cost)
    node.allowances.begin()
    return cost


async def spend_all(url: str, count: int, budget: int, parallel: int) -> tuple[int, int, float, int]:
    """What all calls cost until every caller was refused for good, how many there were, how many seconds they took, how
    often a row was written."""
    limit = Limit("key_x|usd||", "key_x", "usd", budget, "x")
    rng = Random(11)
    spent = calls = 0

    async def caller(node: Node) -> None:
        nonlocal spent, calls
        refusals = 0
        while refusals < 3:
            outcome = await call(node, limit, rng.randint(100, 700))
            if isinstance(outcome, int):
                spent += outcome
                calls += 1
                refusals = 0
                assert spent <= budget
            else:
                refusals += 1
                # What other nodes hold and do not use comes back within a second.
                await asyncio.sleep(1.2)

    async with nodes(url, count) as made:
        began = time.monotonic()
        await asyncio.gather(*(caller(node) for node in made for _ in range(parallel)))
        seconds = time.monotonic() - began
        writes = sum(each.allowances.transactions for each in made)
    return spent, calls, seconds, writes


@pytest.mark.parametrize(("budgeted", "parallel", "share"), [(300, 12, 0.9)])
def test_a_budget_is_spent_and_never_passed(database_url: str, budgeted: int, parallel: int, share: float) -> None:
    budget = budgeted * 400
    spent, calls, seconds, writes = asyncio.run(spend_all(database_url, 4, budget, parallel))
    assert share * budget <= spent <= budget
    assert calls > budgeted * 0.8
    assert writes <= 4 * (20 * seconds + 2)


@pytest.mark.full
@pytest.mark.parametrize("nodes_there", [2, 4])
def test_a_large_budget_is_spent_to_99_percent(database_url: str, nodes_there: int) -> None:
    budget = 100_000 * 400
    spent, calls, seconds, writes = asyncio.run(spend_all(database_url, nodes_there, budget, 64))
    assert 0.99 * budget <= spent <= budget
    assert calls > 90_000
    assert writes <= nodes_there * (20 * seconds + 2)


def test_a_catalogue_that_answers_no_more_lets_nobody_wait_for_ever(tmp_path: Path) -> None:
    from liftgate.errors import LimitsAway

    async def scenario() -> None:
        async with nodes(f"sqlite://{tmp_path}/catalog.db", 1) as [node]:
            limit = Limit("key_x|usd||", "key_x", "usd", 10 * ESTIMATE, "x")
            assert await call(node, limit, 100) == 100

            def gone(conn: Connection) -> None:
                conn.execute("DELETE FROM allowances")
                conn.execute("DELETE FROM keys")

            await node.db.write(gone)
            with pytest.raises(LimitsAway):
                for _ in range(100):
                    await call(node, limit, 900)

    asyncio.run(scenario())


def test_who_finds_less_in_the_hand_than_was_there_is_asked_for_again(tmp_path: Path) -> None:
    """Large calls and small ones at once: none is refused while there is enough for all."""

    async def scenario() -> None:
        async with nodes(f"sqlite://{tmp_path}/catalog.db", 1) as [node]:
            for kind in ("usd", "tokens"):
                limit = Limit(f"key_x|{kind}||", "key_x", kind, 10_000_000, "x")

                async def one(amount: int, limit: Limit = limit) -> bool:
                    outcome = await node.allowances.take([(limit, amount)])
                    if isinstance(outcome, Refusal):
                        return False
                    await asyncio.sleep(0.001)
                    node.allowances.settle(outcome[:1], amount // 2, amount // 2)
                    node.allowances.begin()
                    return True

                for _ in range(10):
                    assert all(await asyncio.gather(*(one(amount) for amount in (5000, 10, 7000, 1, 3) * 20)))

    asyncio.run(scenario())
