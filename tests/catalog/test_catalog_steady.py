"""The clock that deletions are measured on, leases after a clock was set back, and what a condemned key never is."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from aging import stand_still
from catalog_samples import commit, opened, run, sample
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database, open_database
from liftgate.catalog.rows import leases, unknown, uploads
from liftgate.catalog.rows.files import commit_file, expire_files
from liftgate.catalog.rows.store import mark_catalogue
from liftgate.catalog.steady import TICK_SECONDS, UNWATCHED_SECONDS, longest_grace, steady, tick
from liftgate.catalog.table import known_objects
from liftgate.clock import Clock, SystemClock
from liftgate.errors import Unavailable
from liftgate.records import BlobRecord, UploadPart, UploadRecord
from test_catalog_uploads import begun, part

DAY = 86_400.0


class Moved(SystemClock):
    """The machine's clock, set to another time; the monotonic one runs on."""

    ahead: float

    def __init__(self, ahead: float = 0.0) -> None:
        self.set(ahead)

    def set(self, ahead: float) -> None:
        object.__setattr__(self, "ahead", ahead)

    def now(self) -> float:
        return super().now() + self.ahead


async def on(path: Path, clock: Clock) -> Database:
    return await open_database(f"sqlite://{path}/catalog.db", clock=clock)


@pytest.mark.parametrize("jump", [3 * DAY, -3 * DAY, 10 * 365 * DAY])
def test_no_jump_of_the_clock_moves_it(tmp_path: Path, jump: float) -> None:
    async def main() -> None:
        clock = Moved()
        db = await on(tmp_path, clock)
        began = await db.write(tick)
        for _ in range(50):
            clock.set(clock.ahead + jump)
            # A second has passed on the monotonic clock, whatever the other says.
            await db.write(lambda conn: tick(conn, 1.0))
            clock.set(0.0)
            await db.write(lambda conn: tick(conn, 1.0))
        after = await db.write(lambda conn: tick(conn, 0.0))
        assert 0 <= after - began <= 50 * 4
        clock.set(jump)
        assert abs(await db.read(steady) - after) <= 2 * TICK_SECONDS
        await db.close()

    asyncio.run(main())


def test_two_processes_with_different_clocks_do_not_drive_it(tmp_path: Path) -> None:
    async def main() -> None:
        right, ahead = await on(tmp_path, Moved()), await on(tmp_path, Moved(3 * DAY))
        began = await right.write(tick)
        for _ in range(100):
            for db in (ahead, right):
                await db.write(lambda conn: tick(conn, 1.0))
        assert await right.read(steady) - began <= 100 * 2 * 2 + 2 * TICK_SECONDS
        await right.close()
        await ahead.close()

    asyncio.run(main())


def test_a_stop_counts_as_half_an_hour_at_most_and_watched_time_counts_whole(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Moved()
        db = await on(tmp_path, clock)
        began = await db.write(tick)
        clock.set(3 * DAY)
        assert UNWATCHED_SECONDS <= await db.write(tick) - began <= UNWATCHED_SECONDS + 2
        began = await db.write(lambda conn: tick(conn, 0.0))
        for minute in range(1, 61):
            clock.set(3 * DAY + minute * 60)
            await db.write(lambda conn: tick(conn, 60.0))
        assert 3599 <= await db.write(lambda conn: tick(conn, 0.0)) - began <= 3603
        await db.close()

    asyncio.run(main())


def test_the_longest_grace_of_those_who_live_holds(database_url: str) -> None:
    def work(conn: Connection) -> None:
        tick(conn, grace=DAY)
        tick(conn, 1.0, grace=3600)
        assert longest_grace(conn) == DAY
        tick(conn, 1.0, grace=2 * DAY)
        assert longest_grace(conn) == 2 * DAY
        # Nobody has asked for it for more than half an hour.
        conn.execute("UPDATE steady_clock SET grace_at = grace_at - 3601")
        tick(conn, 1.0, grace=3600)
        assert longest_grace(conn) == 3600

    run(database_url, lambda database: database.write(work))


@pytest.mark.parametrize("name", ["replica|x", "job|sweep"])
def test_a_lease_ends_though_the_clock_was_set_back(tmp_path: Path, name: str) -> None:
    """R22: the holder died while the clock was three hours ahead."""

    async def main() -> None:
        clock = Moved(3 * 3600)
        db = await on(tmp_path, clock)
        assert await db.write(lambda conn: leases.acquire(conn, name, "dead", 60)) is not None
        clock.set(0)
        assert await db.write(lambda conn: leases.acquire(conn, name, "other", 5)) is None
        held = await db.read(lambda conn: leases.holder_of(conn, name))
        assert held is not None and held.expires_at <= clock.now() + 60
        clock.set(61)
        assert await db.write(lambda conn: leases.acquire(conn, name, "other", 5)) is not None
        # One that nobody asks for is cut by the round that looks after unfinished work.
        clock.set(3 * 3600)
        assert await db.write(lambda conn: leases.acquire(conn, "unasked", "dead", 60)) is not None
        clock.set(0)
        assert await db.write(leases.cut_leases) == 2
        assert await db.write(leases.cut_leases) == 0
        await db.close()

    asyncio.run(main())


def test_the_lease_of_who_lives_is_not_cut(database_url: str) -> None:
    def work(conn: Connection) -> None:
        generation = leases.acquire(conn, "long", "one", 600)
        assert generation is not None
        # Another node's settings are shorter.
        assert leases.acquire(conn, "long", "two", 5) is None
        held = leases.holder_of(conn, "long")
        assert held is not None and held.expires_at > conn.now() + 590
        assert leases.renew(conn, "long", "one", generation, 600)

    run(database_url, lambda database: database.write(work))


def condemned(conn: Connection, key: str) -> bool:
    unknown.note_unknown(conn, [key])
    return unknown.condemn(conn, [key], steady(conn)) == [key]


def test_a_condemned_key_is_never_a_files(database_url: str) -> None:
    async def scenario(db: Database) -> None:
        await db.write(lambda conn: mark_catalogue(conn, "mark", "place"))
        file, blob = sample()
        assert await db.write(lambda conn: condemned(conn, blob.id))
        with pytest.raises(Unavailable, match="swept"):
            await db.write(lambda conn: commit_file(conn, file, blob, owner_limit=None))
        upload = UploadRecord("upload_1", "anna", "openai", "a", "batch", "", 9, 0, 0)
        await db.write(lambda conn: uploads.begin_upload(conn, upload, life=3600, most=9))
        part = UploadPart("part_1", "upload_1", blob.id, 3, "", 0)
        with pytest.raises(Unavailable, match="swept"):
            await db.write(lambda conn: uploads.add_part(conn, part, conn.now()))
        # What is named by a row can never be condemned.
        kept = await db.write(commit)
        named = UploadPart("p", "upload_1", "k", 3, "", 0)
        await db.write(lambda conn: uploads.add_part(conn, named, conn.now()))
        for key in (kept.blob_id, "k"):
            assert not await db.write(partial(condemned, key=key))

    run(database_url, scenario)


def note(conn: Connection, *, keys: list[str]) -> list[str]:
    return unknown.note_unknown(conn, keys)


def condemn_all(conn: Connection, *, keys: list[str]) -> list[str]:
    return unknown.condemn(conn, keys, steady(conn))


def test_commits_and_condemnations_at_once_give_each_key_to_exactly_one(database_url: str) -> None:
    async def main() -> None:
        async with opened(database_url) as one, opened(database_url) as two:
            await one.write(lambda conn: mark_catalogue(conn, "mark", "place"))
            made = [sample(content=b"%d" % number) for number in range(60)]

            async def store(number: int) -> BlobRecord | None:
                file, blob = made[number]
                await asyncio.sleep(number % 7 / 500)
                try:
                    await one.write(lambda conn: commit_file(conn, file, blob, owner_limit=None))
                except Unavailable as refused:
                    assert "swept" in refused.message
                    return None
                return blob

            async def condemn() -> None:
                for _ in range(12):
                    for start in range(0, 60, 20):
                        keys = [blob.id for _, blob in made[start : start + 20]]
                        await two.write(partial(note, keys=keys))
                        taken.update(await two.write(partial(condemn_all, keys=keys)))

            taken: set[str] = set()
            condemning = asyncio.gather(condemn())
            stored = await asyncio.gather(*(store(number) for number in range(60)))
            await condemning
            kept = {blob.id for blob in stored if blob is not None}
            assert not kept & taken
            assert kept | taken == {blob.id for _, blob in made}
            assert await one.read(lambda conn: known_objects(conn, [blob.id for _, blob in made])) == kept

    asyncio.run(main())


def test_what_is_being_stored_is_not_due(database_url: str) -> None:
    def work(conn: Connection) -> None:
        keys = ["blob-arriving", "blob-litter"]
        unknown.note_unknown(conn, keys)
        conn.execute("UPDATE unknown_objects SET noted_at = noted_at - 90000")
        unknown.keep_arriving(conn, ["blob-arriving"])
        assert unknown.due_unknown(conn, keys, steady(conn) - DAY) == ["blob-litter"]
        # Gone from the store: forgotten, unless it is condemned and somebody may still come with it.
        assert unknown.condemn(conn, keys, steady(conn) - DAY) == ["blob-litter"]
        assert unknown.forget_unknown(conn, "", 100, set()) is None
        assert conn.execute("SELECT key FROM unknown_objects") == [("blob-litter",)]
        conn.execute("UPDATE unknown_objects SET condemned_at = condemned_at - ?", (unknown.KEPT_SECONDS + 1,))
        unknown.forget_unknown(conn, "", 100, set())
        assert conn.execute("SELECT key FROM unknown_objects") == []

    run(database_url, lambda database: database.write(work))


def test_an_upgrade_while_the_clock_is_days_ahead_ends_nothing(database_url: str) -> None:
    """Rows of before the steady clock: by a clock that is ahead they are days old, and their times are over."""

    async def scenario(db: Database) -> None:
        def older(conn: Connection) -> tuple[str, str]:
            then = conn.now() - 3 * DAY
            conn.execute("DELETE FROM steady_clock")
            file = commit(conn, created_at=then - 60, expires_at=then + 3600)
            conn.execute("UPDATE files SET lag = NULL")
            conn.execute("UPDATE blobs SET created_at = ?", (then - 60,))
            upload = begun(conn, created_at=then, expires_at=then + 3600)
            return file.id, upload.id

        file_id, upload_id = await db.write(older)
        for _ in range(5):
            await db.write(tick)
            await db.write(lambda conn: tick(conn, 60.0))
            assert await db.write(lambda conn: uploads.expire_uploads(conn, conn.now(), 9)) == []
            assert await db.write(lambda conn: expire_files(conn, conn.now(), 9)) == []
        found = await db.read(lambda conn: uploads.get_upload(conn, "anna", upload_id, conn.now()))
        assert found is not None
        assert found.status == "pending"
        assert await db.write(lambda conn: uploads.add_part(conn, part(found, b"01234"), conn.now()))
        assert await db.read(lambda conn: conn.execute("SELECT id FROM files")) == [(file_id,)]

        # And they end when their time has passed where it is watched.
        await db.write(lambda conn: stand_still(conn, conn.now() + DAY))
        assert len(await db.write(lambda conn: expire_files(conn, conn.now(), 9))) == 1

    run(database_url, scenario)


def test_the_clock_of_a_catalogue_without_rows_begins_now(database_url: str) -> None:
    async def scenario(db: Database) -> None:
        began = await db.write(tick)
        assert abs(await db.read(lambda conn: conn.now()) - began) < 60

    run(database_url, scenario)


def test_the_clock_of_rows_that_are_ahead_begins_now(database_url: str) -> None:
    """The clock was ahead before, and is right at the upgrade."""

    async def scenario(db: Database) -> None:
        await db.write(lambda conn: commit(conn, created_at=conn.now() + 3 * DAY))
        began = await db.write(tick)
        assert began <= await db.read(lambda conn: conn.now())

    run(database_url, scenario)
