"""What was spent is counted once, whatever ends the process that counts it. Judged in the catalogue of both engines."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random  # noqa: TID251 - when to kill

import pytest

import forked
from liftgate.catalog.database import Database, open_database
from liftgate.catalog.rows.files import UNLISTED, commit_file, delete_file
from liftgate.catalog.rows.usage import COUNTED, NAMED, read_usage, settle_usage, usage_of_file
from liftgate.clock import SystemClock
from liftgate.engine.meter import CallRecord, Kinds
from liftgate.engine.spend import ROTATED, Spend
from liftgate.engine.spend_journal import sums_of
from liftgate.errors import Unavailable
from liftgate.prices import TextCounts
from liftgate.records import BlobRecord, FileRecord, Owner, UsageFilter
from spend_child import FILE, one_call

DAY_ENDS = 1_795_824_000.0
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


async def keep_file(db: Database, file_id: str, purpose: str = "user_data") -> Owner:
    """A File of its own bytes, without bytes in a store; its owner."""
    blob = BlobRecord(f"blob-{file_id}", "team", file_id.ljust(64, "0"), 3, 0.0)
    file = FileRecord(file_id, "team", blob.id, "a.txt", "text/plain", 3, blob.sha256, purpose, 0.0)
    await db.write(lambda conn: commit_file(conn, file, blob, owner_limit=None))
    return file.owner


async def file_cost(db: Database, file_id: str) -> tuple[int, ...]:
    """(calls, those without a price, nano-dollars)"""
    return await db.read(lambda conn: usage_of_file(conn, file_id))


def times(count: int) -> dict[str, int]:
    return {name: value * count for name, value in ONE.items()}


def test_calls_are_rows_by_key_owner_model_and_day(database_url: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(database_url) as db:
            spend = Spend(db, tmp_path / "spend", SystemClock())
            kinds = Kinds([spend])
            every = calls(60)
            for call in every[:20]:
                kinds.notify((call,))
            kinds.notify(every[20:])
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


def test_texts_that_end_together_are_rows_as_those_that_end_alone(tmp_path: Path) -> None:
    """Over the end of a day, with a model without a price, refused and failed ones, and behind a wildcard."""
    texts: list[dict[str, object]] = [
        {},
        {"cost": None},
        {"outcome": "failed"},
        {"outcome": "left"},
        {"began_at": DAY_ENDS - 0.5},
        {"began_at": DAY_ENDS},
        {"public_model": "gemini/*", "upstream_model": "gemini-a"},
        {"public_model": "gemini/*", "upstream_model": "gemini-b"},
        {"usage": None},
    ]

    def text(number: int) -> CallRecord:
        said = {"began_at": DAY_ENDS - 9, "key_id": "ann", "operation": "chat", "public_model": "flash"}
        used = {"usage": {"a": 1}, "cost": number, "tokens": TextCounts(number % 5, number % 3, number % 2)}
        return CallRecord(f"req_{number}", **{**said, **used, **texts[number % len(texts)]})  # type: ignore[arg-type]

    async def rows(together: bool) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
        async with opened(f"sqlite://{tmp_path}/{together}.db") as db:
            spend = Spend(db, tmp_path / f"spend-{together}", SystemClock())
            kinds, every = Kinds([spend]), [text(number) for number in range(90)]
            for some in (every[:45], every[45:]) if together else ([each] for each in every):
                kinds.notify(some)
            [journal] = (tmp_path / f"spend-{together}").iterdir()
            written = sums_of(journal.read_bytes(), journal.stem).calls
            await spend.write()
            found = await db.read(partial(read_usage, by=NAMED, wanted=UsageFilter(), limit=100))
            assert {group: [*counts] for group, counts in found} == {name: [*each] for name, each in written.items()}
            await spend.close()
            return found

    alone = asyncio.run(rows(False))
    assert len(alone) == 4 and sum(counts[0] for _, counts in alone) == 90
    assert asyncio.run(rows(True)) == alone


def test_a_call_counts_whole_for_each_file_that_it_used(database_url: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(database_url) as db:
            for name in ("file-a", "file-b", "file-c"):
                await keep_file(db, name)
            await keep_file(db, "file-brought", UNLISTED)
            spend = Spend(db, tmp_path / "spend", SystemClock())
            used: list[dict[str, object]] = [
                {"copies_hit": {"file-a", "file-brought"}, "paged_in": {"file-b", "file-a"}},
                {"copies_hit": {"file-a"}, "cost": None},
                {"copies_hit": {"file-gone"}},
                {"copies_hit": {"file-c"}, "operation": "count_tokens"},
                {"copies_hit": set()},
            ]
            for fields in used:
                spend.ended(calls(1, **fields)[0])
            await spend.write()
            assert await file_cost(db, "file-a") == (2, 1, 7)
            assert await file_cost(db, "file-b") == (1, 0, 7)
            for name in ("file-c", "file-gone", "file-brought"):
                assert await file_cost(db, name) == (0, 0, 0)
            # What a process left behind is added to it, also where its last line was cut.
            [call] = calls(1, copies_hit={"file-b"})
            spend.ended(call)
            [path] = (tmp_path / "spend").iterdir()
            whole = path.read_bytes().splitlines(keepends=True)[-2:]
            path.with_name("dead.jsonl").write_bytes(b"".join([*whole, whole[0], whole[1][:-9]]))
            await spend.adopt()
            await spend.close()
            assert await file_cost(db, "file-b") == (3, 0, 21)
            assert (await total(db))["requests"] == 4 + 1 + 2
            await db.write(lambda conn: delete_file(conn, "team", "file-a", conn.now()))
            assert await db.read(lambda conn: conn.execute("SELECT file_id FROM file_usage")) == [("file-b",)]

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
            for operation in ("", "count_tokens", "create_file", "list_files"):
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
            assert await file_cost(db, FILE) == (sums["requests"], 0, sums["nano_usd"])
            return sums["requests"]

    async def begin() -> None:
        async with opened(database_url) as db:
            await keep_file(db, FILE)

    asyncio.run(begin())
    begun = done = 0
    for seed in range(kills):
        child = forked.piped(CHILD, database_url, str(directory), str(seed))
        assert child.stdout is not None
        told = child.stdout.read(random.randrange(2, 4000))
        child.send_signal(signal.SIGKILL)
        told += child.stdout.read()
        child.wait()
        child.stdout.close()
        begun += told.count("+")
        done += told.count("-")
    requests = asyncio.run(counted())
    assert done <= requests <= begun
    assert not list(directory.iterdir())
