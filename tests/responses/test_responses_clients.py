"""The official client, of both majors, over the wire."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
OPENAI_2 = HERE.parents[1] / ".venv-openai2" / "bin" / "python"
PYTHONS = [
    pytest.param(Path(sys.executable), "3.", id="openai 3"),
    pytest.param(
        OPENAI_2,
        "2.",
        id="openai 2",
        marks=pytest.mark.skipif(not OPENAI_2.exists(), reason="./scripts/test makes .venv-openai2"),
    ),
]


@pytest.mark.parametrize(("python", "version"), PYTHONS)
def test_the_official_client_works(python: Path, version: str, gateway: str) -> None:
    command = [str(python), str(HERE / "client_responses.py"), gateway]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told.pop("version").startswith(version)
    kinds = ["message", *["function_call", "function_call_output"] * 3]
    assert told == {
        "plain": ["completed", True, True],
        "stream": True,
        "raw": ["response.created", "response.completed"],
        "loop": [kinds, kinds],
        "parsed": True,
        "parsed in a stream": True,
        "files": True,
        "counted": True,
        "refused": ["previous_response_not_found", "previous_response_id"],
    }
