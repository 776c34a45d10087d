"""What was spent is counted once, whatever ends the process that counts it. Judged in the catalogue of both engines."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random  # noqa: TID251 - when to kill

import pytest

from liftgate.catalog.database import Database, open_database
from liftgate.catalog.rows.usage import COUNTED, NAMED, read_usage, settle_usage
from liftgate.clock import SystemClock
from liftgate.engine.meter import CallRecord
from liftgate.engine.spend import ROTATED, Spend
from liftgate.errors import Unavailable
from liftgate.records import UsageFilter
from spend_child import one_call

CHILD = Path(__file__).with_name("spend_child.py")
ONE = dict(zip(COUNTED, (1, 0, 0, 0, 5, 1, 0, 3, 0, 0, 5, 4, 7), strict=True))


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    db = await open_database(url, clock=SystemClock())
    try:
        yield db
    finally:
        await db.close()


async def total(db: Database) -> dict[str, int]:
    [(_, sums)] = await db.read(partial(read_usage, by=(), wanted=UsageFilter(), limit=1))
    return dict(zip(COUNTED, sums, strict=True))


async def journals_noted(db: Database) -> int:
    return int((await db.read(lambda conn: conn.execute("SELECT count(*) FROM usage_journals")))[0][0])


def calls(count: int, **fields: object) -> list[CallRecord]:
    made = [one_call(number, Random(number)) for number in range(count)]
    for call in made:
        for name, value in fields.items():
            setattr(call, name, value)
    return made


def times(count: int) -> dict[str, int]:
    return {name: value * count for name, value in ONE.items()}


def test_calls_are_rows_by_key_owner_model_and_day(database_url: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(database_url) as db:
            spend = Spend(db, tmp_path / "spend", SystemClock())
            for call in calls(60):
                spend.ended(call)
            await spend.write()
            assert await total(db) == times(60)
            found = await db.read(partial(read_usage, by=NAMED, wanted=UsageFilter(), limit=100))
            assert len(found) == 12 and found == sorted(found)
            assert {group[3] for group, _ in found} == {"2026-11-28", "2026-11-29", "2026-11-30"}
            some = UsageFilter(key="ann", owner="team", model="pro", since="2026-11-29", until="2026-11-30")
            by_day = await db.read(partial(read_usage, by=("day",), wanted=some, limit=100))
            assert by_day == [
                ((group[3],), sums)
                for group, sums in found
                if group[:3] == ("ann", "team", "pro") and group[3] > "2026-11-28"
            ]
            await spend.close()
            assert not list((tmp_path / "spend").iterdir()) and await journals_noted(db) == 0

    asyncio.run(main())


def test_sums_whose_fate_is_unknown_are_added_again_and_count_once(database_url: str, tmp_path: Path) -> None:
    """A connection that is lost during a commit leaves open whether it was one."""

    async def main() -> None:
        async with opened(database_url) as db:
            sums = {("ann", "team", "pro", "2026-11-28"): [1] * len(COUNTED)}
            for _ in range(3):
                await db.write(partial(settle_usage, journal="a", upto=100, sums=sums))
            assert set((await total(db)).values()) == {1}
            await db.write(partial(settle_usage, journal="a", upto=200, sums=sums))
            await db.write(partial(settle_usage, journal="b", upto=100, sums=sums))
            assert set((await total(db)).values()) == {3}

    asyncio.run(main())


def test_nothing_is_lost_while_the_catalogue_is_away(tmp_path: Path) -> None:
    async def main() -> None:
        url = f"sqlite://{tmp_path}/catalog.db"
        async with opened(url) as db:
            spend = Spend(db, tmp_path / "spend", SystemClock())
            for call in calls(5):
                spend.ended(call)
        with pytest.raises(Unavailable):
            await spend.write()
        for call in calls(6):
            spend.ended(call)
        async with opened(url) as db:
            spend._db = db
            await spend.write()
            await spend.write()
            assert await total(db) == times(11)
            await spend.close()

    asyncio.run(main())


def test_a_long_journal_is_followed_by_the_next_one(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(f"sqlite://{tmp_path}/catalog.db") as db:
            spend = Spend(db, tmp_path / "spend", SystemClock())
            long = calls(9, key_id="k" * (ROTATED // 8))
            for call in long:
                spend.ended(call)
            [before] = (tmp_path / "spend").iterdir()
            await spend.write()
            assert not before.exists() and await journals_noted(db) == 0
            for call in long:
                spend.ended(call)
            await spend.write()
            assert await total(db) == times(18)
            await spend.close()

    asyncio.run(main())


def test_a_disk_that_takes_nothing_costs_the_journal_and_no_count(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(f"sqlite://{tmp_path}/catalog.db") as db:
            (tmp_path / "spend").write_text("a file in the place of the directory")
            spend = Spend(db, tmp_path / "spend", SystemClock())
            for call in calls(4):
                spend.ended(call)
            await spend.write()
            assert await total(db) == times(4)
            (tmp_path / "spend").unlink()
            for call in calls(3):
                spend.ended(call)
            await spend.write()
            assert await total(db) == times(7)
            await spend.close()
            assert await journals_noted(db) == 0

    asyncio.run(main())


@pytest.mark.parametrize(
    "torn", [b'["ann","team",', b"\xff\xfe", b'{"a":1}', b'["ann","team","pro","2026-11-28",1]', b"[]"]
)
def test_a_line_that_was_cut_is_left_out_and_the_others_count(torn: bytes, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(f"sqlite://{tmp_path}/catalog.db") as db:
            spend = Spend(db, tmp_path / "spend", SystemClock())
            for call in calls(3):
                spend.ended(call)
            [path] = (tmp_path / "spend").iterdir()
            dead = path.with_name("dead.jsonl")
            dead.write_bytes(path.read_bytes() + torn)
            await spend.adopt()
            assert not dead.exists() and path.exists() and await total(db) == times(3)
            await spend.close()

    asyncio.run(main())


def test_what_asks_no_model_is_not_counted(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(f"sqlite://{tmp_path}/catalog.db") as db:
            spend = Spend(db, tmp_path / "spend", SystemClock())
            for operation in ("", "count", "countTokens"):
                [call] = calls(1, operation=operation)
                spend.ended(call)
            await spend.write()
            assert set((await total(db)).values()) == {0}

    asyncio.run(main())


@pytest.mark.parametrize("kills", [6, pytest.param(200, marks=pytest.mark.full)])
def test_a_kill_at_any_moment_loses_nothing_and_doubles_nothing(kills: int, database_url: str, tmp_path: Path) -> None:
    directory, random = tmp_path / "spend", Random(7)

    async def counted() -> int:
        async with opened(database_url) as db:
            await Spend(db, directory, SystemClock()).adopt()
            sums = await total(db)
            assert sums == times(sums["requests"])
            return sums["requests"]

    asyncio.run(counted())
    begun = done = 0
    for seed in range(kills):
        child = subprocess.Popen(
            [sys.executable, str(CHILD), database_url, str(directory), str(seed)], stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        told = child.stdout.read(random.randrange(2, 4000))
        child.send_signal(signal.SIGKILL)
        told += child.stdout.read()
        child.wait()
        child.stdout.close()
        begun += told.count(b"+")
        done += told.count(b"-")
    requests = asyncio.run(counted())
    assert done <= requests <= begun
    assert not list(directory.iterdir())
