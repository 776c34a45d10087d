"""Uploads in parts and thought signatures in the catalogue, on both engines."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from aging import stand_still
from catalog_samples import NOW, commit, run, sample
from liftgate import ids
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database
from liftgate.catalog.rows import blobs, files, signatures, uploads
from liftgate.catalog.rows.blobs import BlobPart
from liftgate.catalog.rows.uploads import Finished
from liftgate.catalog.table import known_objects
from liftgate.errors import InvalidRequest, RateLimited, TooLarge, UploadNotFound
from liftgate.records import BlobRecord, FileRecord, UploadPart, UploadRecord


def begun(conn: Connection, owner: str = "anna", **changes: Any) -> UploadRecord:
    fields: dict[str, Any] = {
        "id": ids.new_upload_id(),
        "owner": owner,
        "kind": "openai",
        "filename": "a.bin",
        "purpose": "user_data",
        "mime_type": "application/octet-stream",
        "bytes": 10,
        "created_at": NOW,
        "expires_at": NOW + 3600,
    }
    upload = UploadRecord(**{**fields, **changes})
    uploads.insert_upload(conn, upload)
    return upload


def part(upload: UploadRecord, content: bytes, **changes: Any) -> UploadPart:
    fields: dict[str, Any] = {
        "id": ids.new_part_id(),
        "upload_id": upload.id,
        "key": ids.new_blob_id(),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "created_at": NOW,
    }
    return UploadPart(**{**fields, **changes})


def test_a_completed_upload_is_known_for_a_week_whatever_the_clock_was(database_url: str) -> None:
    """It was made while the clock was days behind the steady one: completing it again still tells of its file."""

    async def scenario(db: Database) -> None:
        def work(conn: Connection) -> str:
            stand_still(conn, conn.now() + 40 * 86_400)
            upload = begun(conn, created_at=conn.now(), expires_at=conn.now() + 3600)
            conn.execute("UPDATE uploads SET lag = ?", (-40 * 86_400.0,))
            one = part(upload, b"0123456789")
            uploads.add_part(conn, one, conn.now())
            finished(conn, upload, [one], conn.now())
            return upload.id

        upload_id = await db.write(work)
        for days, there in ((6, True), (8, False)):
            await db.write(partial(stand_still, at=await db.read(lambda conn: conn.now()) + (40 + days) * 86_400))
            await db.write(lambda conn: uploads.expire_uploads(conn, conn.now(), 9))
            found = await db.read(lambda conn: uploads.get_upload(conn, "anna", upload_id, conn.now()))
            assert (found is not None and found.status == "completed") == there

    run(database_url, scenario)


def finished(conn: Connection, upload: UploadRecord, parts: list[UploadPart], now: float = NOW + 1) -> Finished:
    file, blob = of_upload(upload)
    pieces = [BlobPart(one.key, one.bytes) for one in parts]
    return uploads.finish(conn, upload.id, replace(file, created_at=now), blob, pieces, owner_limit=100)


def of_upload(upload: UploadRecord) -> tuple[FileRecord, BlobRecord]:
    return sample(upload.owner, b"0123456789", filename=upload.filename)


def test_upload_comes_back_as_it_was_begun_to_its_owner_only(database_url: str) -> None:
    def work(conn: Connection) -> None:
        upload = begun(
            conn,
            kind="gemini",
            bytes=None,
            secret_hash="h",
            alias="files/x",
            display_name="d",
            file_expires_after=3600,
        )
        assert uploads.get_upload(conn, "anna", upload.id, NOW) == upload
        assert uploads.get_upload_by_secret(conn, "h", NOW) == upload
        assert uploads.get_upload(conn, "bert", upload.id, NOW) is None
        assert uploads.get_upload(conn, "anna", "upload_\x00", NOW) is None
        assert uploads.get_upload_by_secret(conn, "g", NOW) is None
        over = uploads.get_upload(conn, "anna", upload.id, NOW + 3600)
        assert over is not None and over.status == "expired"
        with pytest.raises(InvalidRequest, match="filename"):
            begun(conn, filename="a\x00")

    run(database_url, lambda database: database.write(work))


def test_completing_makes_a_manifest_in_the_order_that_was_asked(database_url: str) -> None:
    def work(conn: Connection) -> None:
        upload = begun(conn)
        one, two, unused = part(upload, b"01234"), part(upload, b"56789"), part(upload, b"x")
        for piece in (two, one, unused):
            assert uploads.add_part(conn, piece, NOW)
        assert {piece.id for piece in uploads.parts_of(conn, upload.id)} == {one.id, two.id, unused.id}
        assert known_objects(conn, [one.key, two.key, unused.key]) == {one.key, two.key, unused.key}
        done = finished(conn, upload, [one, two])
        assert done.unused == (unused.key,)
        assert blobs.blob_parts(conn, done.file.blob_id) == [BlobPart(one.key, 5), BlobPart(two.key, 5)]
        assert files.get_file(conn, "anna", done.file.id, NOW) == done.file
        assert known_objects(conn, [one.key, two.key, unused.key]) == {one.key, two.key}
        seen = uploads.get_upload(conn, "anna", upload.id, NOW + 9999)
        assert seen is not None and (seen.status, seen.file_id, seen.received) == ("completed", done.file.id, 11)

    run(database_url, lambda database: database.write(work))


def test_completing_again_gives_the_same_file(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        upload = await database.write(begun)
        only = part(upload, b"0123456789")
        await database.write(lambda conn: uploads.add_part(conn, only, NOW))
        answers = await asyncio.gather(*(database.write(lambda conn: finished(conn, upload, [only])) for _ in range(8)))
        assert len({answer.file.id for answer in answers}) == 1
        assert {answer.unused for answer in answers} == {()}
        assert await database.read(lambda conn: files.owner_usage(conn, "anna")) == (1, 10)
        # Its time is over, its file is not.
        late = await database.write(lambda conn: finished(conn, upload, [only], now=NOW + 9999))
        assert late.file == answers[0].file
        await database.write(lambda conn: files.delete_file(conn, "anna", late.file.id, NOW))
        with pytest.raises(InvalidRequest, match="deleted"):
            await database.write(lambda conn: finished(conn, upload, [only]))

    run(database_url, scenario)


def test_bytes_that_the_owner_has_make_all_parts_unused(database_url: str) -> None:
    def work(conn: Connection) -> None:
        there = commit(conn, content=b"0123456789")
        upload = begun(conn)
        only = part(upload, b"0123456789")
        uploads.add_part(conn, only, NOW)
        done = finished(conn, upload, [only])
        assert done.file.blob_id == there.blob_id
        assert done.unused == (only.key,)
        assert known_objects(conn, [only.key]) == set()

    run(database_url, lambda database: database.write(work))


def test_refused_completion_changes_nothing(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        upload, other = await database.write(begun), await database.write(begun)
        own, foreign = part(upload, b"0123456789"), part(other, b"0123456789")
        for piece in (own, foreign):
            await database.write(partial(uploads.add_part, part=piece, now=NOW))
        with pytest.raises(InvalidRequest) as refused:
            await database.write(lambda conn: finished(conn, upload, [foreign]))
        assert refused.value.param == "part_ids"
        await database.write(lambda conn: commit(conn, content=b"x" * 95))
        with pytest.raises(TooLarge):
            await database.write(lambda conn: finished(conn, upload, [own]))
        assert await database.read(lambda conn: uploads.parts_of(conn, upload.id)) == [own]
        assert await database.read(lambda conn: files.owner_usage(conn, "anna")) == (1, 95)
        with pytest.raises(UploadNotFound):
            await database.write(lambda conn: uploads.add_part(conn, part(upload, b"", upload_id="upload_none"), NOW))

    run(database_url, scenario)


def test_native_session_takes_each_byte_once(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        upload = await database.write(lambda conn: begun(conn, kind="gemini", secret_hash="h"))
        first = part(upload, b"01234", start=0)
        assert await database.write(lambda conn: uploads.add_part(conn, first, NOW))
        assert not await database.write(lambda conn: uploads.add_part(conn, part(upload, b"01234", start=0), NOW))
        assert not await database.write(lambda conn: uploads.add_part(conn, part(upload, b"x", start=6), NOW))
        racing = [part(upload, b"56789", start=5) for _ in range(6)]
        taken = await asyncio.gather(
            *(database.write(partial(uploads.add_part, part=piece, now=NOW)) for piece in racing)
        )
        assert sorted(taken) == [False] * 5 + [True]
        kept = await database.read(lambda conn: uploads.parts_of(conn, upload.id))
        assert [(piece.start, piece.bytes) for piece in kept] == [(0, 5), (5, 5)]
        seen = await database.read(lambda conn: uploads.get_upload_by_secret(conn, "h", NOW))
        assert seen is not None and seen.received == 10

    run(database_url, scenario)


def test_a_file_is_never_made_of_less_than_a_session_has_acknowledged(database_url: str) -> None:
    """A chunk comes between the look at the parts and the transaction that makes the file."""

    async def scenario(database: Database) -> None:
        upload = await database.write(lambda conn: begun(conn, kind="gemini", secret_hash="h", bytes=None))
        first, second = part(upload, b"01234", start=0), part(upload, b"56789", start=5)
        for each in (first, second):
            assert await database.write(partial(uploads.add_part, part=each, now=NOW))

        for some in ([first], [second]):
            with pytest.raises(uploads.MoreCame):
                await database.write(partial(finished, upload=upload, parts=some))
            kept = await database.read(lambda conn: uploads.parts_of(conn, upload.id))
            assert [each.key for each in kept] == [first.key, second.key]
        done = await database.write(partial(finished, upload=upload, parts=[first, second]))
        assert (done.file.bytes, done.unused) == (10, ())

    run(database_url, scenario)


def test_cancelled_upload_takes_nothing_more(database_url: str) -> None:
    def work(conn: Connection) -> None:
        upload = begun(conn)
        piece = part(upload, b"01234")
        uploads.add_part(conn, piece, NOW)
        with pytest.raises(UploadNotFound):
            uploads.cancel(conn, "bert", upload.id, NOW)
        seen, keys = uploads.cancel(conn, "anna", upload.id, NOW)
        assert (seen.status, keys) == ("cancelled", [piece.key])
        assert uploads.cancel(conn, "anna", upload.id, NOW)[1] == []
        with pytest.raises(InvalidRequest, match="cancelled"):
            uploads.add_part(conn, part(upload, b"x"), NOW)
        with pytest.raises(InvalidRequest, match="cancelled"):
            finished(conn, upload, [])
        other = begun(conn)
        finished(conn, other, [])
        with pytest.raises(InvalidRequest, match="completed"):
            uploads.cancel(conn, "anna", other.id, NOW)

    run(database_url, lambda database: database.write(work))


def test_uploads_past_their_time_give_up_their_parts(database_url: str) -> None:
    def work(conn: Connection) -> None:
        stand_still(conn, NOW + 3600)
        upload, kept = begun(conn), begun(conn, expires_at=NOW + 9999)
        piece = part(upload, b"01234")
        uploads.add_part(conn, piece, NOW)
        with pytest.raises(InvalidRequest, match="expired"):
            uploads.add_part(conn, part(upload, b"x"), NOW + 3600)
        assert uploads.expire_uploads(conn, NOW + 3600, 9) == [piece.key]
        assert uploads.expire_uploads(conn, NOW + 3600, 9) == []
        assert uploads.get_upload(conn, "anna", kept.id, NOW + 3600) == kept
        assert uploads.get_upload(conn, "anna", upload.id, NOW + 3600) is not None
        stand_still(conn, NOW + 3601 + uploads.KEPT_SECONDS)
        uploads.expire_uploads(conn, NOW + 3601 + uploads.KEPT_SECONDS, 9)
        assert uploads.get_upload(conn, "anna", upload.id, NOW) is None

    run(database_url, lambda database: database.write(work))


def test_each_part_lets_an_upload_live_on(database_url: str) -> None:
    async def scene(db: Database) -> None:
        upload = await db.write(begun)
        late = NOW + 3599
        assert await db.write(lambda conn: uploads.add_part(conn, part(upload, b"01234"), late))
        kept = await db.read(lambda conn: uploads.get_upload(conn, "anna", upload.id, NOW + 3601))
        assert kept is not None and kept.status == "pending"
        assert kept.expires_at == late + 3600
        over = await db.read(lambda conn: uploads.get_upload(conn, "anna", upload.id, late + 3601))
        assert over is not None and over.status == "expired"

    run(database_url, scene)


def test_signatures_belong_to_an_owner_for_thirty_days(database_url: str) -> None:
    def work(conn: Connection) -> None:
        rows = [(f"call_{number}", bytes([number % 256, 0, 255])) for number in range(900)]
        signatures.put_signatures(conn, "anna", rows, NOW)
        signatures.put_signatures(conn, "bert", [("call_0", b"theirs")], NOW)
        asked = [call_id for call_id, _ in rows] + ["call_none", "call_\x00", "call_\ud800", "call_1"]
        assert signatures.get_signatures(conn, "anna", asked, NOW) == dict(rows)
        assert signatures.get_signatures(conn, "anna", [], NOW) == {}
        signatures.put_signatures(conn, "anna", [("call_1", b"new")], NOW + 86_400)
        month = NOW + 30 * 86_400
        assert signatures.get_signatures(conn, "anna", asked, month) == {"call_1": b"new"}
        assert signatures.expire_signatures(conn, month, 500) == 500
        assert signatures.expire_signatures(conn, month, 500) == 400
        assert signatures.expire_signatures(conn, month, 500) == 0

    run(database_url, lambda database: database.write(work))


def test_completion_is_kept_and_another_one_refused(database_url: str) -> None:
    def work(conn: Connection) -> None:
        upload = begun(conn)
        one = part(upload, b"0123456789")
        uploads.add_part(conn, one, NOW)
        assert uploads.count_parts(conn, upload.id) == 1
        uploads.note_completion(conn, upload.id, "these", NOW)
        uploads.note_completion(conn, upload.id, "those", NOW)
        finished(conn, upload, [one])
        uploads.note_completion(conn, upload.id, "those", NOW + 2)
        with pytest.raises(InvalidRequest, match="completed before"):
            uploads.note_completion(conn, upload.id, "these", NOW + 2)
        found = uploads.get_upload(conn, "anna", upload.id, NOW + 2)
        assert found is not None and (found.status, found.completion) == ("completed", "those")

    run(database_url, lambda database: database.write(work))


def test_an_owner_has_an_end_of_pending_uploads_of_its_own(database_url: str) -> None:
    """R39: of both kinds together, each owner alone, and one that ended makes room."""

    def another(conn: Connection, owner: str, **changes: Any) -> UploadRecord:
        upload = UploadRecord(
            id=ids.new_upload_id(),
            owner=owner,
            kind=changes.pop("kind", "openai"),
            filename="a.bin",
            purpose="user_data",
            mime_type="application/octet-stream",
            bytes=1,
            created_at=0.0,
            expires_at=0.0,
            **changes,
        )
        return uploads.begin_upload(conn, upload, life=3600, most=3)

    async def scenario(database: Database) -> None:
        made = [await database.write(lambda conn: another(conn, "anna")) for _ in range(2)]
        await database.write(lambda conn: another(conn, "anna", kind="gemini", secret_hash="h"))
        for _ in range(20):
            with pytest.raises(RateLimited, match="max_pending_uploads"):
                await database.write(lambda conn: another(conn, "anna"))
        assert await database.read(lambda conn: conn.execute("SELECT count(*) FROM uploads")) == [(3,)]
        await database.write(lambda conn: another(conn, "bert"))
        await database.write(lambda conn: uploads.cancel(conn, "anna", made[0].id, conn.now()))
        await database.write(lambda conn: another(conn, "anna"))
        with pytest.raises(RateLimited):
            await database.write(lambda conn: another(conn, "anna"))

    run(database_url, scenario)
