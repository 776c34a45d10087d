"""A page-in through several breaks at once, a repair and a delete, under every value of what nobody has verified."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from fault_table import ANSWER, MIB, UPLOADING, switch_values
from scene import audio, eventually, outcome, scene


@functools.cache
def speech(whole: int) -> bytes:
    """Of so many whole chunks, and a last one."""
    return audio((8 * whole + 2) * MIB, seed=1)


COMBINED = tuple(
    row
    for row in UPLOADING
    if row.name
    in ("chunk: reset during", "chunk: reset after", "finalize: answer lost", "chunk: 503 after it was taken")
)
"""What the reduced run asks under every switch: breaks whose mending depends on what Google does then."""


@pytest.mark.parametrize("whole", [1, pytest.param(2, marks=pytest.mark.full)])
@pytest.mark.parametrize(("switch", "value"), switch_values())
def test_faults_of_one_upload_under_a_switch(switch: str, value: Any, whole: int, tmp_path: Path) -> None:
    data = speech(whole)
    with scene(tmp_path, switches={switch: value}) as of:
        file_id = of.create(data)
        for row in COMBINED:
            for fault in row.faults:
                of.order(**fault)
        assert outcome(lambda: of.ask(file_id, data)) == ANSWER
        assert of.finalized == 1
        of.clear_faults()
        of.advance(3600)
        of.order(kind="forbidden_file", operation="generate")
        assert outcome(lambda: of.ask(file_id, data)) == ANSWER
        assert of.finalized == 2
        of.client.files.delete(file_id)
        assert eventually(lambda: of.at_gemini() == []), of.at_gemini()
