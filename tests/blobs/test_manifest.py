"""Parts read as one source."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liftgate.blobs.file_source import FileSource
from liftgate.blobs.manifest import PartsSource
from liftgate.blobs.store import BlobMissing


async def read(source: PartsSource, start: int, stop: int) -> bytes:
    return b"".join([piece async for piece in source.read(start, stop)])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(0, 40), max_size=6), cut=st.data())
def test_any_range_of_any_parts(tmp_path: Path, sizes: list[int], cut: st.DataObject) -> None:
    parts, whole = [], b""
    for index, size in enumerate(sizes):
        content = bytes((index * 41 + at) % 251 for at in range(size))
        path = tmp_path / f"part{index}"
        path.write_bytes(content)
        parts.append(FileSource(path, size))
        whole += content
    source = PartsSource(parts)
    assert source.size == len(whole)
    start = cut.draw(st.integers(0, len(whole)))
    stop = cut.draw(st.integers(start, len(whole)))
    assert asyncio.run(read(source, start, stop)) == whole[start:stop]
    with pytest.raises(ValueError, match="bytes"):
        asyncio.run(read(source, 0, len(whole) + 1))


def test_missing_part(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    source = PartsSource([FileSource(tmp_path / "a", 3), FileSource(tmp_path / "b", 3)])
    assert asyncio.run(read(source, 0, 3)) == b"abc"
    with pytest.raises(BlobMissing):
        asyncio.run(read(source, 0, 6))
