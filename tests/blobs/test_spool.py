"""The spool: hashing, following readers, announced lengths, giving up, dead writers."""

from __future__ import annotations

import asyncio
import hashlib
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blob_bytes import some_bytes
from descriptors import held_below
from liftgate import ids
from liftgate.blobs.spool import BATCH, Spool, SpoolDiscarded, remove_dead_spools
from liftgate.byte_source import PIECE
from liftgate.errors import InvalidRequest

MIB = 1 << 20


async def follow(spool: Spool, start: int, stop: int, pause: float = 0.0) -> bytes:
    out = b""
    async for piece in spool.read(start, stop):
        assert 0 < len(piece) <= PIECE
        out += piece
        await asyncio.sleep(pause)
    return out


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(st.sampled_from([0, 1, 100, 4096, 65536, 300_000, BATCH - 1, BATCH, BATCH + 1]), max_size=12),
    views=st.booleans(),
    announced=st.booleans(),
)
def test_any_pieces_give_their_hash_and_bytes(tmp_path: Path, sizes: list[int], views: bool, announced: bool) -> None:
    data = some_bytes(sum(sizes), len(sizes))

    async def scenario() -> None:
        spool = Spool.create(tmp_path, expected=len(data) if announced else None)
        async with asyncio.TaskGroup() as group:
            if announced:
                whole = group.create_task(follow(spool, 0, len(data)))
                middle = group.create_task(follow(spool, len(data) // 3, len(data) // 2))
            at = 0
            for size in sizes:
                piece = data[at : at + size]
                await spool.write(memoryview(bytearray(piece)) if views else piece)
                at += size
            await spool.finish()
        assert (spool.written, spool.size, spool.finished) == (len(data), len(data), True)
        assert spool.sha256 == hashlib.sha256(data).hexdigest()
        assert spool.path.read_bytes() == data
        assert await follow(spool, 0, len(data)) == data
        if announced:
            assert whole.result() == data
            assert middle.result() == data[len(data) // 3 : len(data) // 2]
        await spool.close()

    asyncio.run(scenario())
    assert list(tmp_path.iterdir()) == []


def test_write_copies_a_view_whose_memory_is_used_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        spool = Spool.create(tmp_path, expected=None)
        memory = bytearray(BATCH)
        for letter in b"abc":
            memory[:] = bytes([letter]) * BATCH
            await spool.write(memoryview(memory))
        memory[:] = bytes(BATCH)
        await spool.finish()
        assert spool.sha256 == hashlib.sha256(b"a" * BATCH + b"b" * BATCH + b"c" * BATCH).hexdigest()
        await spool.close()

    asyncio.run(scenario())


def test_readers_follow_at_their_own_speed(tmp_path: Path) -> None:
    data = some_bytes(6 * MIB, 3)

    async def scenario() -> None:
        spool = Spool.create(tmp_path, expected=len(data))
        async with asyncio.TaskGroup() as group:
            readers = [group.create_task(follow(spool, 0, len(data), pause)) for pause in (0.0, 0.001, 0.004)]
            for at in range(0, len(data), 200_000):
                await spool.write(data[at : at + 200_000])
            assert await spool.wait_for(MIB) >= MIB
            assert not spool.finished
            await spool.finish()
        assert all(reader.result() == data for reader in readers)
        await spool.close()

    asyncio.run(scenario())


def test_size_is_unknown_until_the_end_when_not_announced(tmp_path: Path) -> None:
    async def scenario() -> None:
        spool = Spool.create(tmp_path, expected=None)
        await spool.write(b"abc")
        with pytest.raises(ValueError, match="unknown length"):
            assert spool.size
        await spool.finish()
        assert spool.size == 3
        with pytest.raises(ValueError, match="finished"):
            await spool.write(b"d")
        with pytest.raises(ValueError, match="4"):
            await follow(spool, 0, 4)
        await spool.close()

    asyncio.run(scenario())


def test_more_or_less_than_announced_names_both_numbers(tmp_path: Path) -> None:
    async def more() -> None:
        spool = Spool.create(tmp_path, expected=10)
        await spool.write(b"12345678")
        with pytest.raises(InvalidRequest, match=r"10 bytes.*11 came") as caught:
            await spool.write(b"abc")
        assert caught.value.param == "file"
        with pytest.raises(SpoolDiscarded):
            await spool.write(b"x")

    async def less() -> None:
        spool = Spool.create(tmp_path, expected=10)
        await spool.write(b"12345678")
        with pytest.raises(InvalidRequest, match=r"10 bytes.*8 came") as caught:
            await spool.finish()
        assert caught.value.param == "file"

    asyncio.run(more())
    asyncio.run(less())
    assert list(tmp_path.iterdir()) == []


def test_discard_wakes_readers_and_removes_the_file(tmp_path: Path) -> None:
    async def scenario() -> None:
        spool = Spool.create(tmp_path, expected=3 * MIB)
        async with asyncio.TaskGroup() as group:
            readers = [group.create_task(expect_discarded(follow(spool, start, 3 * MIB))) for start in (0, 2 * MIB)]
            await spool.write(bytes(MIB))
            await asyncio.sleep(0.02)
            await spool.discard()
            await spool.discard()
        assert all(reader.done() for reader in readers)
        with pytest.raises(SpoolDiscarded):
            await spool.finish()
        with pytest.raises(SpoolDiscarded):
            spool.hold()

    asyncio.run(scenario())
    assert list(tmp_path.iterdir()) == []
    assert held_below(tmp_path) == []


async def expect_discarded(reading: object) -> None:
    with pytest.raises(SpoolDiscarded):
        await reading  # type: ignore[misc]


def test_a_held_spool_is_readable_after_it_was_settled_and_closed(tmp_path: Path) -> None:
    data = some_bytes(2 * MIB, 5)
    (store := tmp_path / "store").mkdir()
    target = store / "ab" / "blob"

    async def scenario() -> None:
        spool = Spool.create(tmp_path / "spool", expected=None)
        await spool.write(data)
        await spool.finish()
        spool.hold()
        await spool.settle(target)
        await spool.close()
        assert spool.path == target
        target.unlink()
        assert await follow(spool, 0, len(data)) == data
        spool.release()
        with pytest.raises(SpoolDiscarded):
            await follow(spool, 0, len(data))

    asyncio.run(scenario())
    assert list((tmp_path / "spool").iterdir()) == []
    assert held_below(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no second file system here")
def test_settle_on_another_file_system_copies(tmp_path: Path) -> None:
    target = Path("/dev/shm") / ids.new_blob_id()
    if target.parent.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("/dev/shm is on the same file system")
    data = some_bytes(3 * MIB + 1, 5)

    async def scenario() -> None:
        spool = Spool.create(tmp_path, expected=None)
        await spool.write(data)
        await spool.finish()
        await spool.settle(target)
        await spool.close()

    try:
        asyncio.run(scenario())
        assert target.read_bytes() == data
        assert list(target.parent.glob(target.name + ".*")) == []
    finally:
        target.unlink(missing_ok=True)
    assert list(tmp_path.iterdir()) == []


def test_a_cancelled_write_loses_nothing(tmp_path: Path) -> None:
    """Back-pressure can be cancelled: what was taken before stays in order."""
    data = some_bytes(8 * BATCH, 6)

    async def scenario() -> None:
        spool = Spool.create(tmp_path, expected=None)
        for at in range(0, len(data), BATCH // 4):
            writing = asyncio.get_running_loop().create_task(spool.write(memoryview(data)[at : at + BATCH // 4]))
            await asyncio.sleep(0)
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
        await spool.finish()
        assert spool.path.read_bytes() == data
        assert spool.sha256 == hashlib.sha256(data).hexdigest()
        await spool.close()

    asyncio.run(scenario())


_WRITER = """
import asyncio, sys
from pathlib import Path
from liftgate.blobs.spool import Spool

async def main():
    spool = Spool.create(Path(sys.argv[1]), expected=None)
    await spool.write(bytes(1 << 20))
    print(spool.path, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_dead_spools_are_removed_and_live_ones_are_not(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    with writer, writer.stdout:
        path = Path(writer.stdout.readline().strip())
        assert path.parent == tmp_path
        (tmp_path / "unrelated").touch()
        assert remove_dead_spools(tmp_path) == 0
        assert path.exists()
        writer.send_signal(signal.SIGKILL)
        writer.wait(10)
    assert remove_dead_spools(tmp_path) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["unrelated"]


def test_spools_made_while_a_sweep_runs_are_never_lost(tmp_path: Path) -> None:
    """The sweep may open a file between its making and its locking; the writer then takes another."""

    async def scenario() -> None:
        sweeping = True

        def sweep() -> None:
            while sweeping:
                assert remove_dead_spools(tmp_path) >= 0

        under_way = asyncio.get_running_loop().run_in_executor(None, sweep)
        spools = []
        for _ in range(300):
            spool = await asyncio.to_thread(Spool.create, tmp_path, expected=None)
            spools.append(spool)
        sweeping = False
        await under_way
        assert all(spool.path.exists() for spool in spools)
        for spool in spools:
            await spool.close()

    asyncio.run(scenario())
    assert list(tmp_path.iterdir()) == []
