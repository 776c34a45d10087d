"""Copies, scheduled purges and leases in the catalogue, on both engines."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from catalog_samples import NOW, commit, copy_of, run, saved
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database
from liftgate.catalog.rows import copies, files, leases
from liftgate.catalog.rows.copies import FILE_COPIES
from liftgate.records import CopyKey, CopyRecord


def names(conn: Connection) -> set[tuple[str, str]]:
    # What refused rows hold is due at the database's own time.
    return {(one.name, one.upload_url) for one in copies.due_purges(conn, conn.now() + NOW, 99)}


def test_copy_comes_back_as_it_was_saved(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        heard: list[tuple[str, str]] = []
        file = await database.write(commit)
        database.watch(lambda topic, key: heard.append((topic, key)))
        made = copy_of(file.blob_id, error="why", upload_url="https://up/1", generation=2**40, used_at=NOW + 0.5)
        assert await database.write(lambda conn: copies.save_copy(conn, FILE_COPIES, made))
        found = await database.read(
            lambda conn: copies.find_copy(conn, FILE_COPIES, CopyKey(file.blob_id, "audio/wav", "project-1"))
        )
        assert found == made
        assert heard == [("replica", f"{file.blob_id}|audio/wav|project-1")]
        others = await database.read(
            lambda conn: [
                copies.find_copy(conn, FILE_COPIES, CopyKey(file.blob_id, "audio/mpeg", "project-1")),
                copies.find_copy(conn, FILE_COPIES, CopyKey(file.blob_id, "audio/wav", "project-2")),
            ]
        )
        assert others == [None, None]

    run(database_url, scenario)


def test_older_generation_is_refused_and_what_it_brought_is_purged(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        file = await database.write(commit)
        newer = await database.write(lambda conn: saved(conn, file.blob_id, generation=7, name="files/new"))
        stale = copy_of(file.blob_id, generation=6, name="files/stale")
        assert not await database.write(lambda conn: copies.save_copy(conn, FILE_COPIES, stale))
        same_name = copy_of(file.blob_id, generation=6, name="files/new", state="processing")
        assert not await database.write(lambda conn: copies.save_copy(conn, FILE_COPIES, same_name))
        found = await database.read(
            lambda conn: copies.find_copy(conn, FILE_COPIES, CopyKey(file.blob_id, "audio/wav", "project-1"))
        )
        assert found == newer
        assert await database.read(names) == {("files/stale", "")}

    run(database_url, scenario)


def test_copy_of_an_orphaned_or_unknown_blob_is_refused_and_purged(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        file = await database.write(commit)
        await database.write(lambda conn: files.delete_file(conn, "anna", file.id, NOW))
        late = copy_of(file.blob_id, name="files/late")
        assert not await database.write(lambda conn: copies.save_copy(conn, FILE_COPIES, late))
        session = copy_of("blob-never", state="uploading", name="", upload_url="https://up/9")
        assert not await database.write(lambda conn: copies.save_copy(conn, FILE_COPIES, session))
        assert await database.read(names) == {("files/late", ""), ("", "https://up/9")}

    run(database_url, scenario)


def test_what_a_row_holds_no_more_is_purged(database_url: str) -> None:
    def work(conn: Connection) -> None:
        blob_id = commit(conn).blob_id
        first = saved(conn, blob_id, state="uploading", name="files/1", upload_url="https://up/1", expires_at=None)
        # The same session goes on under another holder, then ends: nothing is left over.
        saved(conn, blob_id, state="uploading", name="files/1", upload_url="https://up/1", generation=2)
        saved(conn, blob_id, state="processing", name="files/g1", upload_url=None, generation=2)
        saved(conn, blob_id, state="active", name="files/g1", generation=2)
        assert names(conn) == set()
        # A new upload begins while the old name is still known to Gemini.
        saved(conn, blob_id, state="uploading", name="files/2", upload_url="https://up/2", generation=3)
        assert names(conn) == {("files/g1", "")}
        saved(conn, blob_id, state="uploading", name="files/3", upload_url="https://up/3", generation=4)
        assert names(conn) == {("files/g1", ""), ("files/2", "https://up/2")}
        assert not copies.save_copy(conn, FILE_COPIES, first)
        assert names(conn) == {("files/g1", ""), ("files/2", "https://up/2"), ("files/1", "https://up/1")}

    run(database_url, lambda database: database.write(work))


def test_marking_a_copy_lost_needs_its_name(database_url: str) -> None:
    def work(conn: Connection) -> None:
        blob_id = commit(conn).blob_id
        saved(conn, blob_id, name="files/now")
        assert not copies.mark_lost(conn, FILE_COPIES, CopyKey(blob_id, "audio/wav", "project-1"), "files/before", NOW)
        assert names(conn) == set()
        assert copies.mark_lost(conn, FILE_COPIES, CopyKey(blob_id, "audio/wav", "project-1"), "files/now", NOW)
        assert not copies.mark_lost(conn, FILE_COPIES, CopyKey(blob_id, "audio/wav", "project-1"), "files/now", NOW)
        assert copies.find_copy(conn, FILE_COPIES, CopyKey(blob_id, "audio/wav", "project-1")) is None
        assert names(conn) == {("files/now", "")}

    run(database_url, lambda database: database.write(work))


def many(conn: Connection, states: str) -> list[CopyRecord]:
    state_of = {"a": "active", "u": "uploading", "p": "processing", "f": "failed"}
    made = []
    for number, letter in enumerate(states):
        blob_id = commit(conn, content=b"%d" % number).blob_id
        changes = {"name": f"files/{number}", "used_at": NOW + number, "expires_at": NOW + 1000 - number}
        made.append(saved(conn, blob_id, state=state_of[letter], **changes))
    return made


def test_evictable_are_the_active_least_recently_used(database_url: str) -> None:
    def work(conn: Connection) -> None:
        made = many(conn, "auapaf")
        other = saved(conn, made[0].subject, account="project-2")
        copies.note_uses(
            conn,
            FILE_COPIES,
            [
                (made[0].key, NOW + 50),
                (made[2].key, NOW - 50),
                (CopyKey("blob-gone", "audio/wav", "project-1"), NOW),
            ],
        )
        found = copies.evictable(conn, FILE_COPIES, "project-1", NOW + 100, 9)
        assert found == [made[2], made[4], replace(made[0], used_at=NOW + 50)]
        assert copies.evictable(conn, FILE_COPIES, "project-1", NOW + 100, 1) == [made[2]]
        assert copies.evictable(conn, FILE_COPIES, "project-1", NOW + 4, 9) == [made[2]]
        assert copies.evictable(conn, FILE_COPIES, "project-2", NOW + 1, 9) == [other]

    run(database_url, lambda database: database.write(work))


def test_expiring_and_unfinished_and_forgotten_ones_are_found(database_url: str) -> None:
    def work(conn: Connection) -> None:
        made = many(conn, "aaupaf")
        assert copies.expiring(conn, FILE_COPIES, NOW + 1000, NOW, 9) == [made[4], made[1]]
        assert copies.expiring(conn, FILE_COPIES, NOW + 1000, NOW + 1, 9) == [made[4]]
        assert {one.name for one in copies.unfinished(conn, FILE_COPIES, 9)} == {"files/2", "files/3"}
        assert len(copies.unfinished(conn, FILE_COPIES, 1)) == 1
        assert {one.name for one in copies.copies_of(conn, FILE_COPIES, [made[0].subject, made[5].subject])} == {
            "files/0",
            "files/5",
        }
        assert copies.expire_copies(conn, FILE_COPIES, NOW + 997, 9) == ["project-1", "project-1"]
        assert copies.expire_copies(conn, FILE_COPIES, NOW + 997, 9) == []
        assert copies.find_copy(conn, FILE_COPIES, made[4].key) is None
        assert names(conn) == set()

    run(database_url, lambda database: database.write(work))


def test_scheduled_purges_stay_until_they_are_done(database_url: str) -> None:
    def work(conn: Connection) -> None:
        copies.schedule_purge(conn, "project-1", "files/a", NOW)
        copies.schedule_purge(conn, "project-1", "files/a", NOW + 1)
        copies.schedule_purge(conn, "project-2", "files/a", NOW + 2, "https://up/1")
        first, second = copies.due_purges(conn, NOW + 2, 9)
        assert (first.account, first.name, first.upload_url, first.doomed_at) == ("project-1", "files/a", "", NOW)
        assert (second.account, second.upload_url) == ("project-2", "https://up/1")
        assert copies.due_purges(conn, NOW + 1, 9) == [first]
        assert copies.due_purges(conn, NOW + 2, 1) == [first]
        copies.postpone_purge(conn, first.id, NOW + 60)
        assert copies.due_purges(conn, NOW + 59, 9) == [second]
        assert copies.due_purges(conn, NOW + 60, 9) == [second, first]
        copies.purge_done(conn, first.id)
        assert copies.due_purges(conn, NOW + 99, 9) == [second]

    run(database_url, lambda database: database.write(work))


def test_lease_is_held_by_one_until_it_is_released(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        heard: list[tuple[str, str]] = []
        database.watch(lambda topic, key: heard.append((topic, key)))
        first = await database.write(lambda conn: leases.acquire(conn, "job", "a", 60))
        assert first is not None
        assert await database.write(lambda conn: leases.acquire(conn, "job", "b", 60)) is None
        held = await database.read(lambda conn: leases.holder_of(conn, "job"))
        assert held is not None and (held.holder, held.generation) == ("a", first)
        assert await database.write(lambda conn: leases.renew(conn, "job", "a", first, 60))
        assert not await database.write(lambda conn: leases.renew(conn, "job", "b", first, 60))
        assert not await database.write(lambda conn: leases.renew(conn, "job", "a", first + 1, 60))
        assert not await database.write(lambda conn: leases.release(conn, "job", "b", first))
        assert heard == []
        assert await database.write(lambda conn: leases.release(conn, "job", "a", first))
        assert heard == [("lease", "job")]
        assert await database.read(lambda conn: leases.holder_of(conn, "job")) is None
        second = await database.write(lambda conn: leases.acquire(conn, "job", "b", 60))
        assert second is not None and second > first
        assert not await database.write(lambda conn: leases.renew(conn, "job", "a", first, 60))

    run(database_url, scenario)


def test_lease_past_its_end_is_lost_to_its_holder(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        first = await database.write(lambda conn: leases.acquire(conn, "job", "a", 0.05))
        assert first is not None
        await asyncio.sleep(0.1)
        assert await database.read(lambda conn: leases.holder_of(conn, "job")) is None
        assert not await database.write(lambda conn: leases.renew(conn, "job", "a", first, 60))
        second = await database.write(lambda conn: leases.acquire(conn, "job", "b", 60))
        assert second is not None and second > first
        assert not await database.write(lambda conn: leases.release(conn, "job", "a", first))
        again = await database.write(lambda conn: leases.acquire(conn, "job", "b", 60))
        assert again is not None and again > second
        assert not await database.write(lambda conn: leases.renew(conn, "job", "b", second, 60))

    run(database_url, scenario)


def test_generation_grows_after_the_row_of_a_lease_is_pruned(database_url: str) -> None:
    def work(conn: Connection) -> None:
        first = leases.acquire(conn, "job", "a", -7200)
        assert leases.acquire(conn, "other", "a", 60) is not None
        assert leases.expire_leases(conn, 9) == 1
        second = leases.acquire(conn, "job", "b", 60)
        assert first is not None and second is not None and second > first

    run(database_url, lambda database: database.write(work))
