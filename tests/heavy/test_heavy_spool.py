"""The spool under readers that follow its writer closely, from memory, and under those that read it back."""

from __future__ import annotations

import asyncio
import hashlib
import random  # noqa: TID251 - fixed seeds are the point
from pathlib import Path

import pytest

from liftgate.blobs.spool import Spool
from liftgate.byte_source import PIECE

SIZES = (1, 100, 16_383, 16_384, 65_536, 200_000, 256_000, 600_000, 1_500_000)


@pytest.mark.parametrize("seed", range(4))
def test_followers_get_the_bytes_in_any_pieces_and_at_any_distance(tmp_path: Path, seed: int) -> None:
    chooser = random.Random(seed)
    content = chooser.randbytes(9_000_001)

    async def follow(spool: Spool, step: int, late: int) -> bytes:
        got, at = bytearray(), 0
        while at < len(content):
            await spool.wait_for(min(at + late, len(content)))
            stop = min(at + step, len(content))
            async for piece in spool.read(at, stop):
                assert 0 < len(piece) <= PIECE
                got += piece
                await asyncio.sleep(0)
            at = stop
        return bytes(got)

    async def write(spool: Spool) -> None:
        at = 0
        while at < len(content):
            size = chooser.choice(SIZES)
            piece = content[at : at + size]
            await spool.write(piece if chooser.random() < 0.7 else memoryview(bytearray(piece)))
            at += size
        await spool.finish()

    async def run() -> None:
        spool = Spool.create(tmp_path, expected=None)
        spool.hold()
        async with asyncio.TaskGroup() as group:
            readers = [
                group.create_task(follow(spool, step, late))
                for step, late in ((1_000_003, 1), (8 << 20, 1), (300_000, 4_000_000), (777_777, len(content)))
            ]
            await write(spool)
        assert spool.sha256 == hashlib.sha256(content).hexdigest()
        assert all(reader.result() == content for reader in readers)
        assert spool.path.read_bytes() == content
        spool.release()
        await spool.close()

    asyncio.run(run())
