"""What is particular to object stores: following the growing spool, bounded memory, failures of the store."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from blob_bytes import put, read, some_bytes
from liftgate import ids
from liftgate.blobs.objects import SEGMENT, ObjectBlobs
from liftgate.blobs.spool import Spool
from liftgate.errors import Unavailable
from s3_server import BUCKET, S3Server, s3_endpoint

MIB = 1 << 20
URL = f"s3://{BUCKET}/p"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    with s3_endpoint(monkeypatch) as server:
        yield server


def test_store_follows_the_growing_spool(s3: S3Server, tmp_path: Path) -> None:
    """The first segments are at the store before the last bytes have come."""

    async def scenario() -> None:
        store = ObjectBlobs(URL)
        blob_id, spool = ids.new_blob_id(), Spool.create(tmp_path, expected=None)
        async with asyncio.TaskGroup() as group:
            group.create_task(store.store(blob_id, spool))
            await spool.write(some_bytes(2 * SEGMENT + MIB))
            await s3.wait_for(lambda: len(s3.objects) >= 2)
            assert sorted(s3.objects) == [f"p/{blob_id}/00000", f"p/{blob_id}/00001"]
            await spool.write(b"end")
            await spool.finish()
        await spool.close()
        assert {key: len(body) for key, body in s3.objects.items()} == {
            f"p/{blob_id}/00000": SEGMENT,
            f"p/{blob_id}/00001": SEGMENT,
            f"p/{blob_id}/00002": MIB + 3,
        }
        assert s3.unsigned == 0

    asyncio.run(scenario())


def test_store_bounds_what_is_in_memory(s3: S3Server, tmp_path: Path) -> None:
    """While the store does not answer, no more than two segments of a blob are on their way."""
    s3.hold.clear()

    async def scenario() -> None:
        store = ObjectBlobs(URL)
        blob_id, spool = ids.new_blob_id(), Spool.create(tmp_path, expected=None)
        async with asyncio.TaskGroup() as group:
            storing = group.create_task(store.store(blob_id, spool))
            await spool.write(some_bytes(5 * SEGMENT))
            await spool.finish()
            await s3.wait_for(lambda: len(s3.requests) >= 2)
            await asyncio.sleep(0.3)
            assert len(s3.requests) == 2
            assert not storing.done()
            s3.hold.set()
        await spool.close()
        assert len(s3.objects) == 5

    asyncio.run(scenario())


def test_store_and_read_over_passing_failures(s3: S3Server, tmp_path: Path) -> None:
    data = some_bytes(2 * SEGMENT)

    async def scenario() -> None:
        store = ObjectBlobs(URL)
        s3.failures[:] = [500, 0]
        blob_id = await put(store, tmp_path, data)
        s3.failures[:] = [503, 0]
        assert await read(store.open(blob_id, len(data))) == data
        assert s3.failures == []

    asyncio.run(scenario())


def test_store_that_fails_for_good_is_unavailable(s3: S3Server, tmp_path: Path) -> None:
    async def scenario() -> None:
        store = ObjectBlobs(URL)
        blob_id = await put(store, tmp_path, b"before")
        s3.failures[:] = [403] * 10
        with pytest.raises(Unavailable) as caught:
            await read(store.open(blob_id, 6))
        assert "test-key" not in caught.value.message
        assert s3.url not in caught.value.message
        with pytest.raises(Unavailable):
            await store.delete(blob_id)
        with pytest.raises(Unavailable):
            await anext(aiter(store.list()))
        spool = Spool.create(tmp_path, expected=None)
        await spool.write(b"x")
        await spool.finish()
        with pytest.raises(Unavailable):
            await store.store(ids.new_blob_id(), spool)
        await spool.discard()

    asyncio.run(scenario())
    assert list(tmp_path.iterdir()) == []


def test_list_leaves_out_what_is_not_ours(s3: S3Server, tmp_path: Path) -> None:
    """A bucket may be shared with others: what is not named like a blob is never offered to a sweep."""

    async def scenario() -> None:
        store = ObjectBlobs(URL)
        blob_id = await put(store, tmp_path, b"ours")
        s3.objects |= {"p/photo.jpg": b"x", "p/blob-short/00000": b"x", "q/other": b"x", f"p/{blob_id}x": b"x"}
        s3.objects[f"q/{ids.new_blob_id()}/00000"] = b"another prefix"
        assert [blob.id async for blob in store.list()] == [blob_id]
        await store.delete(blob_id)
        assert len(s3.objects) == 5

    asyncio.run(scenario())


ENDS_ON_AN_ANSWER = """
import asyncio, sys, time
from liftgate.blobs.objects import ObjectBlobs

class Loop(asyncio.SelectorEventLoop):
    def call_soon_threadsafe(self, *given, **named):
        handle = super().call_soon_threadsafe(*given, **named)
        time.sleep(0.005)  # a busy machine: the thread that woke the loop is not run at once
        return handle

async def look() -> None:
    async for _ in ObjectBlobs("s3://bucket/here").list():
        pass

with asyncio.Runner(loop_factory=Loop) as runner:
    runner.run(look())
sys.exit(2)
"""


def test_process_that_ends_on_an_answer_of_the_store_ends_as_it_says(s3: S3Server) -> None:
    """A thread of the store's client still has the interpreter's lock to take when the process ends."""
    assert subprocess.run([sys.executable, "-c", ENDS_ON_AN_ANSWER], timeout=60).returncode == 2
