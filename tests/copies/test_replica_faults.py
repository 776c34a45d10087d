"""The table of faults, held by the wire: each alone, under every value of what nobody has verified about Google."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from fault_table import ANSWER, MIB, ROWS, Row, expected, switch_values
from liftgate.settings import RouterSettings
from scene import QUICK, Scene, audio, eventually, outcome, scene

BELIEVED = QUICK.failed_seconds + 0.1
"""Seconds after which Gemini's refusal of a file is not believed any more."""


@functools.cache
def speech(size: int) -> bytes:
    return audio(size, seed=1)


BREAKS = {"status", "cut", "lose_answer", "terminated", "slow", "stall"}


def in_chunks(row: Row) -> bool:
    """Whether an upload breaks in or behind a chunk."""
    chunks = ("upload.chunk", "upload.finalize")
    return any(fault["kind"] in BREAKS and fault["operation"] in chunks for fault in row.faults)


def content(row: Row, whole: int) -> bytes:
    """So many whole chunks and a last one that carries the finalize, where there are chunks that count."""
    return speech((8 * whole + 2) * MIB if in_chunks(row) else MIB // 4)


SWITCHES: list[dict[str, Any]] = [{}, *({name: value} for name, value in switch_values())]


@pytest.fixture(autouse=True)
def no_errors(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A defect that was wrapped into an answer is still one: nothing may be logged as an error."""
    yield
    ours = [record for record in caplog.records if record.name.split(".")[0] == "liftgate"]
    errors = [record for record in ours if record.levelno >= logging.ERROR]
    assert not errors, [record.getMessage() for record in errors]


def name_of(value: Any) -> str:
    if isinstance(value, Row):
        return value.name
    return ",".join(f"{key}={setting}" for key, setting in value.items()) or "defaults"


def prepare(of: Scene, row: Row, data: bytes) -> str:
    """The file, at Gemini as the row wants it, with the faults ordered."""
    early = [fault for fault in row.faults if row.file != "new" and fault["operation"].startswith("upload")]
    for fault in early:
        of.order(**fault)
    file_id = of.create(data)
    if row.file != "new":
        of.ask(file_id, data)
    if row.file == "old":
        of.advance(3600)
    if row.advance:
        of.advance(row.advance)
    for fault in row.faults:
        if fault not in early:
            of.order(**fault)
    return file_id


def mend(of: Scene) -> None:
    """The faults are over, and so is what they did to files."""
    of.clear_faults()
    for file in of.at_gemini():
        if file["state"] == "PROCESSING":
            of.sandbox.control(f"files/{file['id']}", {"state": "ACTIVE"})
    time.sleep(BELIEVED if any(file["state"] == "FAILED" for file in of.at_gemini()) else 0)


def hold(row: Row, switches: Mapping[str, Any], data_dir: Path, whole: int = 2) -> None:
    data = content(row, whole)
    router = RouterSettings(timeout=45, cooldown_time=0.2, num_retries=row.retries)
    with scene(data_dir, switches=switches, router=router) as of:
        file_id = prepare(of, row, data)
        begun = time.monotonic()
        allowed, (fewest, most) = expected(row, switches)
        patience = 3.0 if "file_not_ready" in str(allowed) else None
        told = outcome(lambda: of.ask(file_id, data, timeout=patience))
        assert time.monotonic() - begun < row.within, told
        assert told in allowed, told
        assert fewest <= of.finalized <= most, of.finalized
        mend(of)
        time.sleep(BELIEVED if "failed" in told else 0)
        assert outcome(lambda: of.ask(file_id, data)) == ANSWER, "what failed is not lost"
        assert of.content(file_id) == data
        assert eventually(lambda: len(of.at_gemini()) == 1), of.at_gemini()
        assert of.sandbox.control("sessions")["sessions"] == [] or eventually(
            lambda: all(session["received"] == 0 for session in of.sandbox.control("sessions")["sessions"])
        )


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_fault_ends_as_the_table_says(row: Row, tmp_path: Path) -> None:
    hold(row, {}, tmp_path, whole=1)


@pytest.mark.full
@pytest.mark.parametrize("row", [row for row in ROWS if in_chunks(row)], ids=name_of)
def test_fault_among_chunks_ends_as_the_table_says(row: Row, tmp_path: Path) -> None:
    hold(row, {}, tmp_path)


@pytest.mark.full
@pytest.mark.parametrize(
    ("row", "switches"),
    # What never ends is asked under the switches that make a difference to it.
    [
        (row, switches)
        for row in ROWS
        for switches in SWITCHES[1:]
        if row.transient or expected(row, switches) != expected(row, {})
    ],
    ids=name_of,
)
def test_fault_ends_as_the_table_says_under_a_switch(row: Row, switches: dict[str, Any], tmp_path: Path) -> None:
    hold(row, switches, tmp_path)
