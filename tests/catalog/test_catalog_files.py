"""Files, blobs and owners in the catalogue, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from aging import stand_still
from catalog_samples import NOW, commit, counted, run, sample, saved
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database
from liftgate.catalog.rows import blobs, copies, files
from liftgate.catalog.rows.blobs import BlobPart
from liftgate.catalog.rows.copies import FILE_COPIES
from liftgate.catalog.rows.erasing import erase_owner
from liftgate.catalog.table import known_objects
from liftgate.errors import Conflict, FileNotFound, InvalidRequest, TooLarge
from liftgate.records import FileRecord


def in_one_write(url: str, work: Callable[[Connection], None]) -> None:
    run(url, lambda database: database.write(work))


def test_file_comes_back_as_it_was_committed(database_url: str) -> None:
    file, blob = sample(
        filename="Vortrag – ü 🎧.wav",
        expires_at=NOW + 3600.25,
        created_at=NOW + 0.123456,
        status="error",
        status_details="why",
        alias="files/my-note",
        display_name="Mine",
    )

    async def scenario(database: Database) -> None:
        stored = await database.write(lambda conn: files.commit_file(conn, file, blob, owner_limit=None))
        assert stored == file
        assert await database.read(lambda conn: files.get_file(conn, "anna", file.id, NOW)) == file
        by_alias = await database.read(lambda conn: files.get_file_by_alias(conn, "anna", "files/my-note", NOW))
        assert by_alias == file
        assert await database.read(lambda conn: blobs.all_blobs(conn, "", 9)) == [blob]

    run(database_url, scenario)


def test_foreign_and_expired_files_are_not_there(database_url: str) -> None:
    def work(conn: Connection) -> None:
        file = commit(conn, alias="files/note", expires_at=NOW + 10)
        for owner, now in (("bert", NOW), ("anna", NOW + 10), ("anna", NOW + 11)):
            assert files.get_file(conn, owner, file.id, now) is None
            assert files.get_file_by_alias(conn, owner, "files/note", now) is None
            assert files.delete_file(conn, owner, file.id, now) is None
            page = files.list_files(conn, owner, purpose=None, after=None, limit=9, descending=True, now=now)
            assert page == ([], False)
        assert files.get_file(conn, "anna", file.id, NOW + 9.9) == file
        with pytest.raises(FileNotFound, match=file.id):
            files.list_files(conn, "bert", purpose=None, after=file.id, limit=9, descending=True, now=NOW)

    in_one_write(database_url, work)


@pytest.mark.parametrize("spelling", ["file-\x00", "file-\ud800", "", "file-' OR 1=1 --", "FILE-" + "A" * 24])
def test_unheard_of_ids_are_not_there(shared_database_url: str, spelling: str) -> None:
    def work(conn: Connection) -> None:
        commit(conn)
        assert files.get_file(conn, "anna", spelling, NOW) is None
        assert files.get_file_by_alias(conn, "anna", spelling, NOW) is None
        assert files.delete_file(conn, "anna", spelling, NOW) is None
        with pytest.raises(FileNotFound):
            files.list_files(conn, "anna", purpose=None, after=spelling, limit=9, descending=True, now=NOW)

    in_one_write(shared_database_url, work)


@pytest.mark.parametrize("field", ["filename", "mime_type", "purpose", "alias", "display_name"])
@pytest.mark.parametrize("text", ["a\x00b", "a\udfffb"])
def test_text_that_no_database_holds_is_refused_by_name(shared_database_url: str, field: str, text: str) -> None:
    def work(conn: Connection) -> None:
        with pytest.raises(InvalidRequest) as refused:
            commit(conn, "anna", b"bytes", **{field: text})
        assert refused.value.param == field

    in_one_write(shared_database_url, work)


def test_mime_type_too_long_for_an_index_is_refused(database_url: str) -> None:
    def work(conn: Connection) -> None:
        with pytest.raises(InvalidRequest) as refused:
            commit(conn, mime_type="text/" + "x" * 300)
        assert refused.value.param == "mime_type"

    in_one_write(database_url, work)


def test_equal_bytes_of_an_owner_share_a_blob_and_of_others_do_not(database_url: str) -> None:
    def work(conn: Connection) -> None:
        first = commit(conn)
        again, own_blob = sample(filename="other.wav")
        second = files.commit_file(conn, again, own_blob, owner_limit=None)
        assert second == replace(again, blob_id=first.blob_id)
        assert known_objects(conn, [first.blob_id, own_blob.id]) == {first.blob_id}
        assert commit(conn, owner="bert").blob_id != first.blob_id
        assert commit(conn, content=b"other").blob_id != first.blob_id

    in_one_write(database_url, work)


def test_deleting_the_last_file_of_a_blob_orphans_it_and_purges_its_copies(database_url: str) -> None:
    heard: list[tuple[str, str]] = []

    async def scenario(database: Database) -> None:
        await database.write(lambda conn: stand_still(conn, NOW + 6))
        first = await database.write(commit)
        second = await database.write(commit)
        blob_id = first.blob_id
        await database.write(lambda conn: saved(conn, blob_id, name="files/one"))
        await database.write(
            lambda conn: saved(
                conn, blob_id, account="project-2", state="uploading", name="files/two", upload_url="https://up/2"
            )
        )
        assert await database.write(lambda conn: files.delete_file(conn, "anna", first.id, NOW + 5)) == first
        assert await database.read(lambda conn: copies.due_purges(conn, NOW + 9, 9)) == []
        assert await database.read(lambda conn: blobs.orphaned_blobs(conn, NOW + 9, 9)) == []
        database.watch(lambda topic, key: heard.append((topic, key)))
        assert await database.write(lambda conn: files.delete_file(conn, "anna", second.id, NOW + 6)) == second
        purges = await database.read(lambda conn: copies.due_purges(conn, NOW + 9, 9))
        assert {(one.account, one.name, one.upload_url) for one in purges} == {
            ("project-1", "files/one", ""),
            ("project-2", "files/two", "https://up/2"),
        }
        assert await database.read(lambda conn: copies.copies_of(conn, FILE_COPIES, [blob_id])) == []
        assert sorted(heard) == [
            ("file", second.id),
            ("replica", f"{blob_id}|audio/wav|project-1"),
            ("replica", f"{blob_id}|audio/wav|project-2"),
        ]
        assert [blob.id for blob in await database.read(lambda conn: blobs.orphaned_blobs(conn, NOW + 9, 9))] == [
            blob_id
        ]
        assert await database.read(lambda conn: blobs.orphaned_blobs(conn, NOW + 6, 9)) == []
        # The same bytes that come now do not bring the orphan back: its object may be on its way out.
        assert (await database.write(commit)).blob_id != blob_id
        assert await database.write(lambda conn: files.delete_file(conn, "anna", second.id, NOW + 7)) is None

    run(database_url, scenario)


def test_only_an_orphaned_blob_is_dropped(database_url: str) -> None:
    def work(conn: Connection) -> None:
        file = commit(conn)
        assert not blobs.sweep_blob(conn, file.blob_id)
        files.delete_file(conn, "anna", file.id, NOW)
        assert blobs.sweep_blob(conn, file.blob_id)
        assert not blobs.sweep_blob(conn, file.blob_id)
        assert known_objects(conn, [file.blob_id]) == set()

    in_one_write(database_url, work)


def test_manifest_keeps_its_parts_in_order_until_it_is_dropped(database_url: str) -> None:
    def work(conn: Connection) -> None:
        file, blob = sample(content=b"0123456789")
        parts = [BlobPart("blob-z", 4), BlobPart("blob-a", 6)]
        files.commit_file(conn, file, blob, owner_limit=None, parts=parts)
        assert blobs.blob_parts(conn, blob.id) == parts
        assert known_objects(conn, ["blob-a", "blob-z", blob.id, "blob-q"]) == {"blob-a", "blob-z", blob.id}
        files.delete_file(conn, "anna", file.id, NOW)
        assert blobs.sweep_blob(conn, blob.id)
        assert blobs.blob_parts(conn, blob.id) == []
        other, wrong = sample(content=b"abc")
        with pytest.raises(ValueError, match="add up"):
            files.commit_file(conn, other, wrong, owner_limit=None, parts=[BlobPart("blob-a", 2)])

    in_one_write(database_url, work)


def test_all_blobs_are_walked_page_by_page(database_url: str) -> None:
    def work(conn: Connection) -> None:
        made = sorted(commit(conn, content=b"%d" % number).blob_id for number in range(7))
        seen: list[str] = []
        while page := blobs.all_blobs(conn, seen[-1] if seen else "", 3):
            seen += [blob.id for blob in page]
        assert seen == made
        assert known_objects(conn, [*made, *(f"blob-{number}" for number in range(1000))]) == set(made)

    in_one_write(database_url, work)


def test_alias_is_unique_among_the_living_files_of_an_owner(database_url: str) -> None:
    def work(conn: Connection) -> None:
        stand_still(conn, NOW)
        first = commit(conn, alias="files/note", expires_at=NOW + 10)
        commit(conn, owner="bert", alias="files/note")
        with pytest.raises(Conflict):
            commit(conn, alias="files/note")
        # By a clock that jumped it is over, and it may come back.
        with pytest.raises(Conflict):
            commit(conn, alias="files/note", created_at=NOW + 10)
        stand_still(conn, NOW + 10)
        later = commit(conn, alias="files/note", created_at=NOW + 10)
        assert files.get_file_by_alias(conn, "anna", "files/note", NOW + 10) == later
        assert files.get_file(conn, "anna", first.id, NOW) is None
        assert files.owner_usage(conn, "anna") == (1, 5)

    in_one_write(database_url, work)


def test_owner_limit_counts_every_file_and_makes_room_of_expired_ones(database_url: str) -> None:
    def work(conn: Connection) -> None:
        stand_still(conn, NOW)
        for _ in range(2):
            file, blob = sample(expires_at=NOW + 10)
            files.commit_file(conn, file, blob, owner_limit=12)
        file, blob = sample()
        with pytest.raises(TooLarge, match="10 of your 12") as refused:
            files.commit_file(conn, file, blob, owner_limit=12)
        assert refused.value.code == "storage_quota_exceeded"
        assert files.owner_usage(conn, "anna") == (2, 10)
        later = replace(file, created_at=NOW + 10)
        stand_still(conn, NOW + 10)
        files.commit_file(conn, later, blob, owner_limit=12)
        assert files.owner_usage(conn, "anna") == (1, 5)
        exact, own = sample(content=b"7 bytes", created_at=NOW + 10)
        files.commit_file(conn, exact, own, owner_limit=12)
        assert files.owner_usage(conn, "anna") == counted(conn, "anna") == (2, 12)
        assert files.owners(conn) == [("anna", 2, 12)]
        assert files.owner_usage(conn, "nobody") == (0, 0)

    in_one_write(database_url, work)


def pages(conn: Connection, limit: int, *, descending: bool, purpose: str | None = None) -> list[FileRecord]:
    found: list[FileRecord] = []
    while True:
        after = found[-1].id if found else None
        page, more = files.list_files(
            conn, "anna", purpose=purpose, after=after, limit=limit, descending=descending, now=NOW + 5
        )
        found += page
        assert len(page) <= limit
        if not more:
            return found
        assert len(page) == limit


def test_listing_gives_every_file_once_in_both_orders(database_url: str) -> None:
    def work(conn: Connection) -> None:
        made = [
            commit(
                conn, content=b"%d" % number, created_at=NOW + number % 4, purpose="batch" if number % 3 else "vision"
            )
            for number in range(13)
        ]
        commit(conn, owner="bert")
        commit(conn, expires_at=NOW + 4)
        ordered = sorted(made, key=lambda file: (file.created_at, file.id))
        for limit in (1, 3, 13, 100):
            assert pages(conn, limit, descending=False) == ordered
            assert pages(conn, limit, descending=True) == ordered[::-1]
            batch = [file for file in ordered if file.purpose == "batch"]
            assert pages(conn, limit, descending=False, purpose="batch") == batch
        assert pages(conn, 5, descending=True, purpose="\x00") == []

    in_one_write(database_url, work)


def test_listing_goes_on_after_a_file_that_was_deleted_meanwhile(database_url: str) -> None:
    def work(conn: Connection) -> None:
        made = [commit(conn, content=b"%d" % number, created_at=NOW + number) for number in range(6)]
        after = None
        seen = []
        while True:
            page, more = files.list_files(
                conn, "anna", purpose=None, after=after, limit=2, descending=False, now=NOW + 9
            )
            for file in page:
                seen.append(file)
                files.delete_file(conn, "anna", file.id, NOW + 9)
            if not more:
                break
            after = page[-1].id
        assert seen == made
        files.expire_files(conn, NOW + 9 + files.REMEMBERED_SECONDS + 1, 9)
        with pytest.raises(FileNotFound):
            files.list_files(conn, "anna", purpose=None, after=made[1].id, limit=2, descending=False, now=NOW)

    in_one_write(database_url, work)


def test_expired_files_are_removed_as_deleted_ones_are_oldest_first(database_url: str) -> None:
    def work(conn: Connection) -> None:
        stand_still(conn, NOW)
        kept = commit(conn, expires_at=NOW + 100)
        gone = [
            commit(conn, owner=owner, content=owner.encode(), expires_at=NOW + seconds)
            for seconds, owner in ((3, "bert"), (1, "anna"), (2, "carl"))
        ]
        saved(conn, gone[0].blob_id)
        # By a clock that jumped they are over, and not on the steady one.
        assert files.expire_files(conn, NOW + 1000, 9) == []
        stand_still(conn, NOW + 3)
        removed = files.expire_files(conn, NOW + 2, 1)
        assert [file.id for file in removed] == [gone[1].id]
        assert {file.id for file in files.expire_files(conn, NOW + 3, 9)} == {gone[0].id, gone[2].id}
        assert files.expire_files(conn, NOW + 3, 9) == []
        assert files.get_file(conn, "anna", kept.id, NOW + 3) == kept
        assert [one.name for one in copies.due_purges(conn, NOW + 3, 9)] == ["files/abc"]
        assert files.owner_usage(conn, "bert") == (0, 0)

    in_one_write(database_url, work)


def test_erasing_an_owner_leaves_the_others(database_url: str) -> None:
    def work(conn: Connection) -> None:
        stand_still(conn, NOW)
        for number in range(5):
            commit(conn, content=b"%d" % number)
        theirs = commit(conn, owner="bert")
        assert erase_owner(conn, "anna", NOW, 2) == 2
        assert files.owner_usage(conn, "anna") == (3, 3)
        assert erase_owner(conn, "anna", NOW, 500) == 3
        assert erase_owner(conn, "anna", NOW, 500) == 0
        assert files.owners(conn) == [("bert", 1, 5)]
        assert files.get_file(conn, "bert", theirs.id, NOW) == theirs
        assert len(blobs.orphaned_blobs(conn, NOW + 1, 9)) == 5

    in_one_write(database_url, work)


def test_status_is_changed_and_announced(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        heard: list[tuple[str, str]] = []
        database.watch(lambda topic, key: heard.append((topic, key)))
        file = await database.write(lambda conn: commit(conn, status="uploaded"))
        assert heard == []
        await database.write(lambda conn: files.set_file_status(conn, file.id, "error", "Gemini said\x00 no"))
        found = await database.read(lambda conn: files.get_file(conn, "anna", file.id, NOW))
        assert found == replace(file, status="error", status_details="Gemini said no")
        assert heard == [("file", file.id)]

    run(database_url, scenario)
