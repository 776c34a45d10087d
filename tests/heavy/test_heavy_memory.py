"""Files of any size through each door in flat memory, judged by the system's own figures of the gateway's process."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

import pytest

from heavy_rig import DOORS, GIB, MIB, Generated, Rig, eventually, needs_space, rig

STATED = pytest.mark.full


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig(tmp_path_factory.mktemp("memory")) as running:
        # What is loaded and made at the first use of each door is not growth.
        for number, name in enumerate(DOORS):
            content = Generated(20 * MIB, number)
            finish(running, name, content, DOORS[name](running, content, 20 * MIB))
        yield running
        # What was deleted is gone from the disk too, once a sweep came by.
        assert eventually(running.swept)


def finish(machine: Rig, name: str, content: Generated, file_id: str) -> None:
    """Waits for the replica, holds it to the client's bytes, and removes all of it."""
    sha256 = content.sha256()
    with machine.openai() as client:
        assert eventually(lambda: client.files.retrieve(file_id).status == "processed", seconds=120), name
        assert machine.finalized(sha256) == 1, name
        client.files.delete(file_id)
    assert eventually(lambda: not any(f["sha256"] == sha256 for f in machine.sandbox.control("files")["files"]))


@pytest.mark.parametrize(
    ("size", "growth"),
    [pytest.param(40 * MIB, 32 * MIB, id="reduced"), pytest.param(2 * GIB, 64 * MIB, marks=STATED, id="2 GiB")],
)
@pytest.mark.parametrize("name", DOORS)
def test_file_passes_whole_and_memory_stays_flat(
    machine: Rig, tmp_path: Path, name: str, size: int, growth: int
) -> None:
    needs_space(tmp_path, 2 * size)
    content = Generated(size, size + sum(name.encode()))
    before = machine.reset_peak()
    file_id = DOORS[name](machine, content, size)
    finish(machine, name, content, file_id)
    after = machine.figures()
    print(f"{name}, {size // MIB} MiB: peak +{(after.peak - before.resident) / MIB:.1f} MiB")
    assert after.peak - before.resident < growth


@pytest.mark.parametrize(
    ("size", "growth"),
    [pytest.param(9 * MIB, 128 * MIB, id="reduced"), pytest.param(256 * MIB, 256 * MIB, marks=STATED, id="256 MiB")],
)
@pytest.mark.parametrize(
    "names", [tuple(DOORS), *(pytest.param((name,), marks=STATED) for name in DOORS)], ids=" and ".join
)
def test_sixteen_at_once_stay_within_their_memory(
    machine: Rig, tmp_path: Path, names: tuple[str, ...], size: int, growth: int
) -> None:
    needs_space(tmp_path, 16 * 2 * size)
    doors = list(islice(cycle(names), 16))
    seed = 1000 * sum("".join(names).encode()) + size
    contents = [Generated(size, seed + number) for number in range(16)]
    before = machine.reset_peak()
    with ThreadPoolExecutor(16) as pool:
        file_ids = list(pool.map(lambda name, content: DOORS[name](machine, content, size), doors, contents))
        list(pool.map(lambda *file: finish(machine, *file), doors, contents, file_ids))
    after = machine.figures()
    print(f"{', '.join(names)}, 16 of {size // MIB} MiB: peak +{(after.peak - before.resident) / MIB:.1f} MiB")
    assert after.peak - before.resident < growth


@pytest.mark.parametrize(
    ("size", "growth"),
    [pytest.param(40 * MIB, 32 * MIB, id="reduced"), pytest.param(2 * GIB, 64 * MIB, marks=STATED, id="2 GiB")],
)
@pytest.mark.parametrize("operation", ["upload.start", "upload.chunk"])
def test_upstream_that_stalls_holds_up_nobody_and_nothing(
    machine: Rig, tmp_path: Path, operation: str, size: int, growth: int
) -> None:
    needs_space(tmp_path, 2 * size)
    machine.sandbox.control("faults", {"kind": "stall", "operation": operation, "after_bytes": 0, "times": None})
    content = Generated(size, size + sum(operation.encode()))
    before = machine.reset_peak()
    try:
        file_id = DOORS["files"](machine, content, size)
        during = machine.figures()
        with machine.openai() as client:
            assert client.files.retrieve(file_id).status == "uploaded"
            with client.files.with_streaming_response.content(file_id) as stored:
                assert stored.headers["content-length"] == str(size)
    finally:
        machine.sandbox.control("faults", method="DELETE")
    print(f"stalled at {operation}, {size // MIB} MiB: peak +{(during.peak - before.resident) / MIB:.1f} MiB")
    assert during.peak - before.resident < growth
    finish(machine, operation, content, file_id)
