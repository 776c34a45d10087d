"""What every blob store does, over a directory and over S3 on a socket."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from blob_bytes import put, read, some_bytes
from liftgate import ids
from liftgate.blobs.open import open_blob_store
from liftgate.blobs.spool import Spool, SpoolDiscarded
from liftgate.blobs.store import BlobMissing, BlobStore
from liftgate.byte_source import PIECE
from liftgate.errors import ConfigError
from s3_server import BUCKET, s3_endpoint

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

MIB = 1 << 20


MakeStore = Callable[[], BlobStore]


@pytest.fixture(params=["local", "s3"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeStore]:
    """Opens the store; to be called in the event loop, as often as there are to be openings of the same place."""
    if request.param == "local":
        yield lambda: open_blob_store("local", tmp_path)
        return
    with s3_endpoint(monkeypatch):
        yield lambda: open_blob_store(f"s3://{BUCKET}/some/prefix", tmp_path)


@pytest.mark.parametrize("size", [1, 1000, PIECE, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 20 * MIB + 12345])
def test_store_then_open_gives_the_same_bytes(make_store: MakeStore, tmp_path: Path, size: int) -> None:
    data = some_bytes(size)

    async def scenario() -> None:
        store = make_store()
        blob_id = await put(store, tmp_path / "spool", data)
        await store.close()
        again = make_store()
        source = again.open(blob_id, size)
        assert source.size == size
        assert hashlib.sha256(await read(source)).digest() == hashlib.sha256(data).digest()
        await again.close()

    asyncio.run(scenario())
    assert list((tmp_path / "spool").iterdir()) == []


@pytest.mark.parametrize("segments", [1, pytest.param(2, marks=pytest.mark.full)])
def test_open_reads_any_range(make_store: MakeStore, tmp_path: Path, segments: int) -> None:
    """Of a file that has so many whole segments and the beginning of one."""
    whole = [8 * MIB * (number + 1) for number in range(segments)]
    data = some_bytes(whole[-1] + 2 * PIECE + 7)
    edges = [0, 1, PIECE - 1, PIECE, 2 * MIB, 8 * MIB - 1, *whole, 8 * MIB + 1, len(data) - 1, len(data)]

    async def scenario() -> None:
        store = make_store()
        source = store.open(await put(store, tmp_path / "spool", data), len(data))
        for start in edges:
            for stop in edges:
                if start <= stop:
                    assert await read(source, start, stop) == data[start:stop]
        for start, stop in [(-1, 1), (2, 1), (0, len(data) + 1)]:
            with pytest.raises(ValueError, match="bytes"):
                await read(source, start, stop)
        await store.close()

    asyncio.run(scenario())


def test_read_left_early_and_read_by_many_at_once(make_store: MakeStore, tmp_path: Path) -> None:
    data = some_bytes(10 * MIB)

    async def scenario() -> None:
        store = make_store()
        source = store.open(await put(store, tmp_path / "spool", data), len(data))
        async with aclosing(cast("AsyncGenerator[bytes]", source.read(0, source.size))) as pieces:
            first = await anext(pieces)
        assert data.startswith(first)
        everything = await asyncio.gather(*(read(source, start, len(data)) for start in range(0, 8 * MIB, MIB)))
        assert [len(found) for found in everything] == [len(data) - start for start in range(0, 8 * MIB, MIB)]
        await store.close()

    asyncio.run(scenario())


def test_delete_then_read_says_that_the_bytes_are_missing(make_store: MakeStore, tmp_path: Path) -> None:
    async def scenario() -> None:
        store = make_store()
        blob_id = await put(store, tmp_path / "spool", some_bytes(9 * MIB))
        other = await put(store, tmp_path / "spool", b"other")
        await store.delete(blob_id)
        await store.delete(blob_id)
        await store.delete(ids.new_blob_id())
        with pytest.raises(BlobMissing):
            await read(store.open(blob_id, 9 * MIB))
        assert await read(store.open(other, 5)) == b"other"
        assert [blob.id async for blob in store.list()] == [other]
        await store.close()

    asyncio.run(scenario())


def test_read_of_fewer_bytes_than_the_catalogue_says(make_store: MakeStore, tmp_path: Path) -> None:
    async def scenario() -> None:
        store = make_store()
        blob_id = await put(store, tmp_path / "spool", b"12345")
        with pytest.raises(BlobMissing):
            await read(store.open(blob_id, 6))
        await store.close()

    asyncio.run(scenario())


def test_list_gives_sizes_and_times(make_store: MakeStore, tmp_path: Path) -> None:
    async def scenario() -> None:
        store = make_store()
        assert [blob async for blob in store.list()] == []
        sizes = {await put(store, tmp_path / "spool", some_bytes(size)): size for size in (5, 70_000, 17 * MIB)}
        sizes |= {await put(store, tmp_path / "spool", b"x"): 1 for _ in range(110)}
        listed = [blob async for blob in store.list()]
        assert {blob.id: blob.bytes for blob in listed} == sizes
        assert len(listed) == len(sizes)
        await store.close()

    asyncio.run(scenario())


def test_store_of_a_discarded_spool_ends(make_store: MakeStore, tmp_path: Path) -> None:
    async def scenario() -> None:
        store = make_store()
        blob_id, spool = ids.new_blob_id(), Spool.create(tmp_path / "spool", expected=None)
        async with asyncio.TaskGroup() as group:
            storing = group.create_task(expect_discarded(store, blob_id, spool))
            await spool.write(some_bytes(10 * MIB))
            await spool.discard()
        assert storing.done()
        await store.delete(blob_id)
        assert [blob async for blob in store.list()] == []
        await store.close()

    asyncio.run(scenario())
    assert list((tmp_path / "spool").iterdir()) == []


async def expect_discarded(store: BlobStore, blob_id: str, spool: Spool) -> None:
    with pytest.raises(SpoolDiscarded):
        await store.store(blob_id, spool)


def test_store_cancelled_leaves_nothing_after_delete(make_store: MakeStore, tmp_path: Path) -> None:
    async def scenario() -> None:
        store = make_store()
        blob_id, spool = ids.new_blob_id(), Spool.create(tmp_path / "spool", expected=None)
        async with asyncio.TaskGroup() as group:
            storing = group.create_task(store.store(blob_id, spool))
            await spool.write(some_bytes(10 * MIB))
            await asyncio.sleep(0.05)
            storing.cancel()
            await asyncio.wait([storing])
        await spool.discard()
        await store.delete(blob_id)
        assert [blob async for blob in store.list()] == []
        await store.close()

    asyncio.run(scenario())
    assert list((tmp_path / "spool").iterdir()) == []


def test_stores_leak_no_descriptors(make_store: MakeStore, tmp_path: Path) -> None:
    async def round_trip(store: BlobStore) -> None:
        blob_id = await put(store, tmp_path / "spool", some_bytes(100_000))
        assert len(await read(store.open(blob_id, 100_000))) == 100_000
        await store.delete(blob_id)

    async def scenario() -> None:
        store = make_store()
        await asyncio.gather(*(round_trip(store) for _ in range(4)))
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(12):
            await asyncio.gather(*(round_trip(store) for _ in range(4)))
        # An HTTP client may keep a connection more (two ends of it here); files are never kept.
        assert len(os.listdir("/proc/self/fd")) <= before + 8
        await store.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("url", ["", "directory", "ftp://x/y", "s3://", "s3:///", "http://x/y", "S3://bucket"])
def test_open_blob_store_refuses_an_unknown_url(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="blob_store"):
        open_blob_store(url, tmp_path)


@pytest.mark.parametrize("url", ["gs://bucket/prefix", "az://account/container/prefix"])
def test_open_blob_store_knows_the_other_clouds(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No such cloud is here to talk to: only that the URL is understood, as obstore documents it."""
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")
    monkeypatch.setenv("GOOGLE_SKIP_SIGNATURE", "true")

    async def scenario() -> None:
        store = open_blob_store(url, tmp_path)
        assert store.open(ids.new_blob_id(), 3).size == 3
        await store.close()

    asyncio.run(scenario())
