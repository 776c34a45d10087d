"""How files come in: whole, or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from aging import age
from descriptors import held_below
from file_bench import Bench, open_bench, write
from growth import steps
from liftgate.catalog.rows.files import get_file, list_files, owner_usage
from liftgate.errors import Conflict, InvalidRequest, StorageFull, TooLarge, Unavailable
from liftgate.files.filename import clean_filename
from liftgate.files.read import open_blob
from liftgate.records import FileRecord, NewFile
from liftgate.settings.sections import LimitSettings
from s3_server import BUCKET, S3Server, s3_endpoint
from waiting import until

MIB = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB, mounted for the test."""
    place = tmp_path / "small"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    mounting = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if mounting.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounting.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def some_bytes(count: int, seed: int = 1) -> bytes:
    return hashlib.shake_128(bytes([seed])).digest(count)


async def content(bench: Bench, file: FileRecord) -> bytes:
    source = await open_blob(bench.db, bench.blobs, file.blob_id, file.bytes)
    return b"".join([piece async for piece in source.read(0, source.size)])


async def listed(bench: Bench, owner: str = "ann") -> list[FileRecord]:
    now = bench.clock.now()
    files, more = await bench.db.read(
        lambda conn: list_files(conn, owner, purpose=None, after=None, limit=100, descending=False, now=now)
    )
    assert not more
    return files


async def nothing_left(bench: Bench) -> None:
    assert await listed(bench) == []
    assert await bench.keys() == set()
    assert bench.spools() == []


@pytest.mark.parametrize("announced", [True, False])
def test_commit_gives_what_was_sent(database_url: str, tmp_path: Path, announced: bool) -> None:
    data = some_bytes(3 * MIB + 5)

    async def scenario() -> None:
        async with open_bench(tmp_path, url=database_url) as bench:
            incoming = bench.ingest.begin("ann", size=len(data) if announced else None)
            await write(incoming, data)
            assert incoming.size == len(data)
            before = bench.clock.now()
            file = await incoming.commit(
                NewFile(filename="../films/фильм.mov", mime_type="video/quicktime; x=y", life_seconds=3600)
            )
            assert (file.owner, file.filename, file.mime_type) == ("ann", "фильм.mov", "video/mov")
            assert (file.bytes, file.sha256, file.purpose) == (len(data), hashlib.sha256(data).hexdigest(), "user_data")
            assert (file.status, file.status_details) == ("processed", None)
            assert before <= file.created_at <= bench.clock.now()
            assert file.expires_at == file.created_at + 3600
            stored = await bench.stored(file.id)
            assert stored is not None and stored == file
            assert await content(bench, stored) == data
            assert await bench.keys() == {file.blob_id}
            assert bench.spools() == []
            await incoming.abort()
            assert await content(bench, stored) == data

    asyncio.run(scenario())


def test_equal_bytes_of_an_owner_are_stored_once(database_url: str, tmp_path: Path) -> None:
    data = some_bytes(MIB)

    async def scenario() -> None:
        async with open_bench(tmp_path, url=database_url) as bench:
            files = list(await asyncio.gather(*(bench.create(data, name=f"{n}.bin") for n in range(6))))
            foreign = await bench.create(data, owner="bob")
            assert len({file.blob_id for file in files}) == 1
            assert foreign.blob_id != files[0].blob_id
            await bench.ingest.tasks.drain(10)
            assert await bench.keys() == {files[0].blob_id, foreign.blob_id}
            assert await bench.db.read(lambda conn: owner_usage(conn, "ann")) == (6, 6 * MIB)
            assert await bench.delete(files[0].id)
            assert await content(bench, files[5]) == data

    asyncio.run(scenario())


def test_abort_leaves_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            for size in (0, 10, 2 * MIB):
                incoming = bench.ingest.begin("ann")
                await write(incoming, some_bytes(size))
                await incoming.abort()
                await incoming.abort()
                with pytest.raises(ValueError, match="aborted"):
                    await incoming.commit(NewFile(filename="a"))
                with pytest.raises(ValueError, match="aborted"):
                    await incoming.write(b"x")
            await nothing_left(bench)

    asyncio.run(scenario())
    # The thread of a store that may hang is not waited for.
    until(lambda: held_below(tmp_path) == [])


def test_a_client_that_leaves_before_the_end_leaves_nothing(tmp_path: Path) -> None:
    """Cancelled in the middle of the writing, as a server's handler is."""

    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            for delay in (0.0, 0.001, 0.005, 0.02):
                sending = asyncio.get_running_loop().create_task(send_and_hang(bench))
                await asyncio.sleep(delay)
                sending.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await sending
            await bench.ingest.tasks.drain(10)
            await nothing_left(bench)

    asyncio.run(scenario())


async def send_and_hang(bench: Bench) -> None:
    incoming = bench.ingest.begin("ann")
    try:
        await write(incoming, some_bytes(4 * MIB))
        await asyncio.sleep(60)
    except BaseException:
        await incoming.abort()
        raise


def test_a_client_that_leaves_after_the_last_byte_has_its_file(tmp_path: Path) -> None:
    """Once the bytes are complete, the saving goes on whoever waits for it."""
    data = some_bytes(2 * MIB)

    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            incoming = bench.ingest.begin("ann", size=len(data))
            await write(incoming, data)
            committing = asyncio.get_running_loop().create_task(incoming.commit(NewFile(filename="a.bin")))
            await asyncio.sleep(0)
            committing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await committing
            await incoming.abort()
            await bench.ingest.tasks.drain(10)
            [file] = await listed(bench)
            assert await content(bench, file) == data
            assert bench.spools() == []

    asyncio.run(scenario())


@pytest.mark.parametrize("announced", [0, None])
def test_an_empty_file_is_refused(tmp_path: Path, announced: int | None) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            incoming = bench.ingest.begin("ann", size=announced)
            await incoming.write(b"")
            with pytest.raises(InvalidRequest, match=r"'a\.txt' is empty") as caught:
                await incoming.commit(NewFile(filename="a.txt"))
            assert caught.value.param == "file"
            await nothing_left(bench)

    asyncio.run(scenario())


def test_a_file_too_large_is_refused_before_and_while_it_comes(tmp_path: Path) -> None:
    limits = LimitSettings(max_file_bytes=MIB, file_bytes_by_owner={"big": 2 * MIB})

    async def scenario() -> None:
        async with open_bench(tmp_path, limits=limits) as bench:
            with pytest.raises(TooLarge, match=rf"{MIB} bytes.*{MIB + 1} bytes") as caught:
                bench.ingest.begin("ann", size=MIB + 1)
            assert (caught.value.status, caught.value.param) == (413, "file")
            incoming = bench.ingest.begin("ann")
            await incoming.write(bytes(MIB))
            with pytest.raises(TooLarge, match=rf"{MIB} bytes.*{MIB + 1} bytes"):
                await incoming.write(b"x")
            await nothing_left(bench)
            assert (await bench.create(bytes(MIB))).bytes == MIB
            assert (await bench.create(bytes(2 * MIB), owner="big")).bytes == 2 * MIB

    asyncio.run(scenario())


@pytest.mark.parametrize(("announced", "sent"), [(100, 99), (100, 0), (100, 101), (MIB, 3 * MIB)])
def test_a_lying_length_is_refused(tmp_path: Path, announced: int, sent: int) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            incoming = bench.ingest.begin("ann", size=announced)
            with pytest.raises(InvalidRequest, match=rf"{announced} bytes were announced"):
                await write(incoming, bytes(sent), MIB)
                await incoming.commit(NewFile(filename="a"))
            await nothing_left(bench)

    asyncio.run(scenario())


def test_the_quota_of_an_owner(database_url: str, tmp_path: Path) -> None:
    limits = LimitSettings(owner_max_bytes=1000, stored_bytes_by_owner={"rich": 5000})

    async def scenario() -> None:
        async with open_bench(tmp_path, url=database_url, limits=limits) as bench:
            mine = await bench.create(bytes(700), life=60)
            with pytest.raises(TooLarge, match=r"301 bytes.* 700 of your 1000") as caught:
                await bench.create(bytes(301))
            assert caught.value.code == "storage_quota_exceeded"
            # Not announced: what comes is counted, and a file that goes too far leaves nothing either.
            incoming = bench.ingest.begin("ann")
            await incoming.write(bytes(200))
            with pytest.raises(TooLarge, match=r"^900 of your 1000"):
                await incoming.write(bytes(200))
            assert await bench.keys() == {mine.blob_id}
            assert bench.spools() == []
            assert (await bench.create(bytes(4000), owner="rich")).bytes == 4000
            await age(bench.db, 61)
            assert (await bench.create(bytes(900))).bytes == 900  # what expired makes room

    asyncio.run(scenario())


def test_two_files_that_only_fit_one_by_one(tmp_path: Path) -> None:
    """Both pass the look before reading; the transaction lets one in."""

    async def scenario() -> None:
        async with open_bench(tmp_path, limits=LimitSettings(owner_max_bytes=1000)) as bench:
            outcomes = await asyncio.gather(
                *(bench.create(some_bytes(600, seed)) for seed in (1, 2)), return_exceptions=True
            )
            assert len([outcome for outcome in outcomes if isinstance(outcome, TooLarge)]) == 1
            [file] = [outcome for outcome in outcomes if isinstance(outcome, FileRecord)]
            assert await bench.keys() == {file.blob_id}

    asyncio.run(scenario())


def test_a_taken_alias_is_a_conflict_and_leaves_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            files = []
            for seed in (1, 2):
                incoming = bench.ingest.begin("ann")
                await incoming.write(some_bytes(1000, seed))
                commit = incoming.commit(NewFile(filename="a", alias="files/mine", display_name="Mine"))
                if seed == 1:
                    files.append(await commit)
                    continue
                with pytest.raises(Conflict):
                    await commit
            assert (files[0].alias, files[0].display_name) == ("files/mine", "Mine")
            assert await bench.keys() == {files[0].blob_id}
            assert bench.spools() == []

    asyncio.run(scenario())


def test_mime_type_is_declared_named_or_sniffed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            for declared, name, data, found in [
                ("audio/x-wav", "a.bin", b"xx", "audio/wav"),
                ("application/octet-stream", "a.ts", b"xx", "text/plain"),
                (None, None, b"%PDF-1.7\n", "application/pdf"),
                (None, None, bytes(20000), "application/octet-stream"),
            ]:
                incoming = bench.ingest.begin("ann")
                for at in range(len(data)):
                    if at < 10:
                        await incoming.write(data[at : at + 1])
                await incoming.write(data[10:])
                file = await incoming.commit(NewFile(filename=name or "", mime_type=declared or ""))
                assert file.mime_type == found
                assert file.filename == (name or "upload")
                assert file.bytes == len(data)

    asyncio.run(scenario())


def test_readers_of_the_spool_follow_and_outlive_the_commit(tmp_path: Path) -> None:
    data = some_bytes(4 * MIB)

    async def follow(bench: Bench) -> bytes:
        incoming = bench.ingest.begin("ann", size=len(data))
        spool = incoming.spool
        spool.hold()

        async def send() -> None:
            await write(incoming, data)
            await incoming.commit(NewFile(filename="a"))

        async with asyncio.TaskGroup() as group:
            group.create_task(send())
            first = b"".join([piece async for piece in spool.read(0, MIB)])
        rest = b"".join([piece async for piece in spool.read(MIB, len(data))])
        spool.release()
        return first + rest

    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            assert await follow(bench) == data

    asyncio.run(scenario())


def test_no_space_left_is_told_and_leaves_nothing(small_disk: Path, tmp_path: Path) -> None:
    """A disk of 8 MiB: a file that does not fit, then one that does."""

    async def scenario() -> None:
        async with open_bench(small_disk, url=f"sqlite://{tmp_path}/catalog.db") as bench:
            for announced in (None, 20 * MIB):
                incoming = bench.ingest.begin("ann", size=announced)
                with pytest.raises(StorageFull) as caught:
                    await write(incoming, some_bytes(20 * MIB))
                    await incoming.commit(NewFile(filename="a"))
                assert caught.value.status == 507
                await nothing_left(bench)
            data = some_bytes(5 * MIB)
            file = await bench.create(data)
            assert await content(bench, file) == data
            with pytest.raises(StorageFull):
                await bench.create(some_bytes(5 * MIB, seed=2))
            assert await bench.keys() == {file.blob_id}
            assert bench.spools() == []

    asyncio.run(scenario())
    assert held_below(tmp_path) == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a.txt", "a.txt"), ("../../etc/passwd", "passwd"), ("/etc/passwd", "passwd"),
        ("C:\\Users\\me\\a.mp4", "a.mp4"),
        ("dir/", "dir"), ("..", "upload"), (".", "upload"), ("/", "upload"), ("", "upload"), (None, "upload"),
        ("  ", "upload"), ("отчёт №1.pdf", "отчёт №1.pdf"), ("日本語.mov", "日本語.mov"),
        ("a\r\nX-Header: b", "aX-Header: b"),
        ("a\x7f\x85b", "ab"), ("🎬.mp4", "🎬.mp4"), (".env", ".env"), ("x" * 512, "x" * 512), ("../" * 600 + "a", "a"),
        ('quote".txt', 'quote".txt'),
    ],
)  # fmt: skip
def test_clean_filename(given: str | None, kept: str) -> None:
    assert clean_filename(given) == kept


@pytest.mark.parametrize("given", ["a\x00.txt", "\x00", "x" * 513, "a\ud800.txt", "dir\x00/a.txt"])
def test_clean_filename_refuses(tmp_path: Path, given: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        clean_filename(given)
    assert caught.value.param == "file"

    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            with pytest.raises(InvalidRequest):
                await bench.create(b"x", name=given)
            await nothing_left(bench)
            assert await bench.db.read(lambda conn: get_file(conn, "ann", "file-" + "a" * 24, 0.0)) is None

    asyncio.run(scenario())


def test_ingest_over_an_object_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole files come through; when the store fails, the client is told before it has sent everything, and no row,
    object or spool is left."""
    data = some_bytes(20 * MIB)

    async def scenario(s3: S3Server) -> None:
        async with open_bench(tmp_path, store=f"s3://{BUCKET}/p") as bench:
            first, second = await bench.create(data), await bench.create(data, name="b.txt")
            assert await content(bench, first) == data
            await bench.ingest.tasks.drain(10)
            assert await bench.keys() == {first.blob_id} == {second.blob_id}
            assert bench.spools() == []
            incoming = bench.ingest.begin("ann")
            await write(incoming, data)
            await incoming.abort()
            assert await bench.keys() == {first.blob_id}
            s3.failures[:] = [403] * 2
            incoming = bench.ingest.begin("ann")
            with pytest.raises(Unavailable, match="storage"):
                await write(incoming, data)
                await s3.wait_for(lambda: not s3.failures)
                await incoming.commit(NewFile(filename="c"))
            assert await bench.keys() == {first.blob_id}
            assert bench.spools() == []
            assert [file.id for file in await listed(bench)] == [first.id, second.id]

    with s3_endpoint(monkeypatch) as s3:
        asyncio.run(scenario(s3))


def test_what_is_given_up_while_the_store_takes_it_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store may carry out what a client has left, after the deletion."""

    async def scenario(s3: S3Server) -> None:
        async with open_bench(tmp_path, store=f"s3://{BUCKET}/p") as bench:
            s3.hold.clear()
            incoming = bench.ingest.begin("ann")
            await write(incoming, some_bytes(10 * MIB))
            await s3.wait_for(lambda: any(method == "PUT" and "blob-" in key for method, key in s3.requests))
            async with asyncio.TaskGroup() as tasks:
                aborting = tasks.create_task(incoming.abort())
                await asyncio.wait([aborting], timeout=0.5)
                s3.hold.set()
            await s3.wait_for(lambda: len(s3.written) == [method for method, _ in s3.requests].count("PUT"))
            assert await bench.keys() == set()
            assert bench.spools() == []

    with s3_endpoint(monkeypatch) as s3:
        asyncio.run(scenario(s3))


def harm(bench: Bench, way: str, key: str) -> None:
    [place] = (bench.directory / "blobs").glob(f"*/{key}")
    data = place.read_bytes()
    if way == "removed":
        place.unlink()
    else:
        place.write_bytes({"emptied": b"", "shorter": data[:-1], "changed": data[:500] + b"?" + data[501:]}[way])


@pytest.mark.parametrize("way", ["removed", "emptied", "shorter", "changed"])
@pytest.mark.parametrize("of", ["object", "manifest"])
def test_what_comes_again_mends_bytes_that_were_lost(database_url: str, tmp_path: Path, way: str, of: str) -> None:
    data = some_bytes(300_000)

    async def main() -> None:
        async with open_bench(tmp_path, url=database_url) as bench:
            first = await bench.create(data)
            if of == "manifest":
                # Its bytes were mended before, and lie under another key now.
                harm(bench, "removed", first.blob_id)
                await bench.create(data)
            [key] = await bench.keys()
            harm(bench, way, key)
            again = await bench.create(data)
            assert again.blob_id == first.blob_id
            await bench.ingest.tasks.drain(10)
            for file in (first, again):
                assert await content(bench, file) == data
            # Bytes that are whole are kept once.
            whole = await bench.keys()
            third = await bench.create(data)
            await bench.ingest.tasks.drain(10)
            assert await bench.keys() == whole
            assert await content(bench, third) == data

    asyncio.run(main())


def test_a_name_of_mebibytes_is_refused_unread() -> None:
    """One of 120 MiB held up the event loop for ten seconds."""

    def refuse() -> None:
        with pytest.raises(InvalidRequest, match="has 1000000 characters"):
            clean_filename("n" * 1_000_000)

    assert steps(refuse) < 50_000
