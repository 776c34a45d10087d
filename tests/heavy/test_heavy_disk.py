"""No byte of an upload is written to the disk twice, by the system's own count of what the process wrote."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from heavy_rig import DOORS, MIB, Generated, Rig, eventually, rig

WHOLE = 96 * MIB
SLACK = WHOLE // 20
"""The catalogue is written too, some pages for each row."""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    directory = tmp_path_factory.mktemp("disk")
    if not counted(directory):
        pytest.skip("the system does not count what is written to this file system")
    with rig(directory) as running:
        yield running


def counted(directory: Path) -> bool:
    def written() -> int:
        found = re.search(r"^write_bytes: (\d+)", Path("/proc/self/io").read_text(), re.MULTILINE)
        return int(found.group(1)) if found else 0

    before = written()
    with (directory / "probe").open("wb") as probe:
        probe.write(bytes(MIB))
        probe.flush()
        os.fsync(probe.fileno())
    return written() - before >= MIB


@pytest.mark.parametrize("size", [24 * MIB, pytest.param(WHOLE, marks=pytest.mark.full)], ids=["reduced", "96 MiB"])
@pytest.mark.parametrize("name", DOORS)
def test_each_byte_is_written_once(machine: Rig, name: str, size: int) -> None:
    content = Generated(size, sum(name.encode()) + size)
    before = machine.figures()
    file_id = DOORS[name](machine, content, size)
    with machine.openai() as client:
        assert eventually(lambda: client.files.retrieve(file_id).status == "processed", seconds=120)
    assert machine.finalized(content.sha256()) == 1
    written = machine.figures().written - before.written
    assert size <= written < size + SLACK, written / size
