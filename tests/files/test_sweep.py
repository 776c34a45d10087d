"""What a sweep takes and what it must leave; and the check of a store against its catalogue."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from aging import age
from file_bench import Bench, open_bench, write
from liftgate import ids
from liftgate.blobs.spool import Spool
from liftgate.catalog.connection import Connection
from liftgate.catalog.rows.blobs import BlobPart
from liftgate.catalog.rows.files import commit_file, owner_usage
from liftgate.catalog.rows.uploads import add_part, begin_upload, cancel
from liftgate.files.check import Finding, check
from liftgate.files.erase import Erased, erase_at_once
from liftgate.files.read import open_blob
from liftgate.files.sweep import Swept, sweep
from liftgate.records import BlobRecord, FileRecord, NewFile, UploadPart, UploadRecord

DAY = 86_400.0


async def run_sweep(bench: Bench, *, grace: float = DAY) -> Swept:
    return await sweep(bench.db, bench.blobs, bench.directory / "spool", grace=grace)


async def findings(bench: Bench, *, full: bool = False) -> list[Finding]:
    return [finding async for finding in check(bench.db, bench.blobs, full=full)]


def place_of(bench: Bench, blob_id: str) -> Path:
    [place] = (bench.directory / "blobs").glob(f"*/{blob_id}")
    return place


async def store(bench: Bench, data: bytes) -> str:
    """An object that the catalogue does not know."""
    key, spool = ids.new_blob_id(), Spool.create(bench.directory / "spool", expected=None)
    await spool.write(data)
    await spool.finish()
    await bench.blobs.store(key, spool)
    await spool.close()
    return key


async def commit_parts(bench: Bench, contents: list[bytes]) -> FileRecord:
    """A file whose blob is a manifest."""
    parts = [BlobPart(await store(bench, content), len(content)) for content in contents]
    whole = b"".join(contents)
    digest, now = hashlib.sha256(whole).hexdigest(), bench.clock.now()
    blob = BlobRecord(ids.new_blob_id(), "ann", digest, len(whole), now)
    file = FileRecord(ids.new_file_id(), "ann", blob.id, "a", "text/plain", len(whole), digest, "user_data", now)
    return await bench.db.write(lambda conn: commit_file(conn, file, blob, owner_limit=None, parts=parts))


def test_sweep_takes_deleted_files_after_the_grace(database_url: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path, url=database_url) as bench:
            kept, gone = await bench.create(b"kept"), await bench.create(b"gone")
            assert await bench.delete(gone.id)
            assert await bench.stored(gone.id) is None
            assert not await bench.delete(gone.id)
            assert await run_sweep(bench) == Swept()
            assert await bench.keys() == {kept.blob_id, gone.blob_id}
            await age(bench.db, DAY + 60)
            assert await run_sweep(bench) == Swept(blobs=1)
            assert await bench.keys() == {kept.blob_id}
            assert await run_sweep(bench) == Swept()

    asyncio.run(scenario())


def test_sweep_expires_files_then_takes_their_bytes(database_url: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path, url=database_url) as bench:
            kept = await bench.create(b"kept")
            for number in range(3):
                await bench.create(b"short life %d" % number, life=3600)
            await age(bench.db, 3599 - 60)
            assert await run_sweep(bench) == Swept()
            await age(bench.db, 161)
            assert await run_sweep(bench) == Swept(files=3)
            assert await bench.db.read(lambda conn: owner_usage(conn, "ann")) == (1, 4)
            await age(bench.db, DAY + 60)
            assert await run_sweep(bench) == Swept(blobs=3)
            assert await bench.keys() == {kept.blob_id}

    asyncio.run(scenario())


def test_sweep_takes_unknown_objects_after_the_grace(database_url: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path, url=database_url) as bench:
            kept = await bench.create(b"kept")
            unknown = await store(bench, b"the row of this was never written")
            unfinished = place_of(bench, unknown).with_name(unknown + ".part")
            unfinished.write_bytes(b"a copy that a crash cut short")
            stranger = unfinished.with_name("not-ours.txt")
            stranger.touch()
            assert await run_sweep(bench) == Swept(waiting=2)
            await age(bench.db, DAY + 60)
            assert await run_sweep(bench) == Swept(objects=2)
            assert await bench.keys() == {kept.blob_id}
            assert not unfinished.exists()
            assert stranger.exists()

    asyncio.run(scenario())


def test_sweep_knows_the_parts_of_manifests(database_url: str, tmp_path: Path) -> None:
    contents = [b"one", bytes(300_000), b"three"]

    async def scenario() -> None:
        async with open_bench(tmp_path, url=database_url) as bench:
            file = await commit_parts(bench, contents)
            assert await run_sweep(bench) == Swept()
            await age(bench.db, DAY + 60)
            assert await run_sweep(bench) == Swept()
            assert await findings(bench, full=True) == []
            source = await open_blob(bench.db, bench.blobs, file.blob_id, file.bytes)
            assert b"".join([piece async for piece in source.read(1, source.size)]) == b"".join(contents)[1:]
            assert await bench.delete(file.id)
            await age(bench.db, DAY + 60)
            assert await run_sweep(bench) == Swept(blobs=1)
            assert await bench.keys() == set()

    asyncio.run(scenario())


def test_sweep_beside_uploads_takes_nothing_of_theirs(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            incoming = bench.ingest.begin("ann")
            await write(incoming, bytes(2_000_000))
            sweeping = asyncio.gather(*(run_sweep(bench) for _ in range(5)))
            files = await asyncio.gather(*(bench.create(b"%d" % number) for number in range(30)))
            # A spool between its making and its lock is taken for a dead one, and another is made in its place.
            assert {replace(swept, spools=0) for swept in await sweeping} == {Swept()}
            files.append(await incoming.commit(NewFile(filename="a")))
            assert await run_sweep(bench) == Swept()
            assert await findings(bench, full=True) == []
            assert await bench.keys() == {file.blob_id for file in files}

    asyncio.run(scenario())


_KILLED = """
import asyncio, os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from file_bench import open_bench, write

async def main():
    async with open_bench(Path(sys.argv[1])) as bench:
        await bench.create(b"answered")
        print("answered", flush=True)
        incoming = bench.ingest.begin("ann")
        await write(incoming, bytes(3_000_000))
        print("writing", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


def test_sweep_after_a_killed_process_leaves_what_was_answered(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _KILLED, str(tmp_path), str(Path(__file__).parent)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process, process.stdout:
        assert process.stdout.readline() == "answered\n"
        assert process.stdout.readline() == "writing\n"
        process.kill()
        process.wait(10)

    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            assert len(bench.spools()) == 1
            assert await run_sweep(bench) == Swept(spools=1)
            assert bench.spools() == []
            assert await findings(bench, full=True) == []
            assert await bench.db.read(lambda conn: owner_usage(conn, "ann")) == (1, 8)

    asyncio.run(scenario())


def test_erase_takes_everything_of_one_owner(database_url: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path, url=database_url) as bench:
            for number in range(5):
                await bench.create(b"%d" % number)
            kept = await bench.create(b"bob's", owner="bob")
            assert await erase_at_once(bench.db, bench.blobs, "ann") == Erased(files=5, blobs=5, bytes=5)
            assert await erase_at_once(bench.db, bench.blobs, "nobody") == Erased()
            assert await run_sweep(bench, grace=0) == Swept()
            assert await bench.keys() == {kept.blob_id}

    asyncio.run(scenario())


def test_check_finds_what_is_wrong(database_url: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path, url=database_url) as bench:
            good, missing, short, damaged = [
                await bench.create(content) for content in (b"good file", b"missing", b"short!", b"damaged")
            ]
            unknown = await store(bench, b"unknown")
            assert await findings(bench) == [Finding("unknown", unknown, found="7")]
            place_of(bench, missing.blob_id).unlink()
            place_of(bench, short.blob_id).write_bytes(b"shor")
            place_of(bench, damaged.blob_id).write_bytes(b"dAmaged")
            expected = {
                Finding("missing", missing.blob_id, missing.blob_id, expected="7"),
                Finding("size", short.blob_id, short.blob_id, expected="6", found="4"),
                Finding("unknown", unknown, found="7"),
            }
            assert set(await findings(bench)) == expected
            found = hashlib.sha256(b"dAmaged").hexdigest()
            expected.add(Finding("hash", damaged.blob_id, damaged.blob_id, expected=damaged.sha256, found=found))
            assert set(await findings(bench, full=True)) == expected
            assert good.blob_id not in {finding.key for finding in expected}

    asyncio.run(scenario())


def test_check_finds_what_an_unfinished_upload_has_lost(database_url: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path, url=database_url) as bench:
            whole, lost, short = [await store(bench, content) for content in (b"whole", b"lost", b"short!")]
            upload = UploadRecord("upload_1", "ann", "openai", "a.txt", "user_data", "text/plain", 15, 0.0, 0.0)

            def begin(conn: Connection) -> None:
                begin_upload(conn, upload, life=3600, most=9)
                for key, size in ((whole, 5), (lost, 4), (short, 6)):
                    assert add_part(conn, UploadPart(f"part_{key}", upload.id, key, size, "", conn.now()), conn.now())

            await bench.db.write(begin)
            assert await findings(bench, full=True) == []
            place_of(bench, lost).unlink()
            place_of(bench, short).write_bytes(b"shor")
            expected = {
                Finding("missing", lost, None, expected="4"),
                Finding("size", short, None, expected="6", found="4"),
            }
            for full in (False, True):
                assert set(await findings(bench, full=full)) == expected
            await bench.db.write(lambda conn: cancel(conn, "ann", upload.id, conn.now()))
            assert {finding.wrong for finding in await findings(bench)} == {"unknown"}

    asyncio.run(scenario())
