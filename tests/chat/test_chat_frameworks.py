"""Agent frameworks that failed once, from their registries, each as its own program in its own environment."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gateways import SandboxServer

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BROKEN = {"candidates": [{"content": {}, "finishReason": "MALFORMED_FUNCTION_CALL", "index": 0}]}


def run(environment: str, program: str, *arguments: str) -> Any:
    """What the program prints. The environment must be there in CI; `./scripts/test` makes it."""
    python = ROOT / environment / "bin" / "python"
    if not python.exists() and not os.environ.get("CI"):
        pytest.skip(f"./scripts/test makes {environment}")
    done = subprocess.run(
        [python, HERE / program, *arguments], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_llamaindex(url: str) -> None:
    """Its default is one call at a time."""
    told = run(".venv-openai2", "framework_llamaindex.py", url)
    assert told["calls"] == [["weather", {"city": "Bonn"}]]
    assert told["person"] == ["age", "name"]
    assert told["agent"] == {"text": True, "tools": [{"city": "Bonn"}]}


def test_pydantic_ai_with_instructions_only(url: str) -> None:
    assert run(".venv-clients", "framework_pydantic_ai.py", url, "instructions") == {"text": True, "seen": [1]}


def test_pydantic_ai_with_json_beside_tools(url: str) -> None:
    told = run(".venv-clients", "framework_pydantic_ai.py", url, "output")
    assert told == {"person": ["age", "name"], "seen": ["Bonn"]}


@pytest.mark.parametrize(("times", "told"), [(1, {"text": "fine"}), (2, {"error": "ModelServerError", "status": 502})])
def test_pydantic_ai_with_a_broken_answer(url: str, sandbox: SandboxServer, times: int, told: dict[str, Any]) -> None:
    for _ in range(times):
        sandbox.control("scripts", {"response": BROKEN})
    fine = {"content": {"role": "model", "parts": [{"text": "fine"}]}, "finishReason": "STOP", "index": 0}
    sandbox.control("scripts", {"response": {"candidates": [fine]}})
    assert run(".venv-clients", "framework_pydantic_ai.py", url, "broken") == told


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3.5-flash"])
def test_langchain(url: str, model: str) -> None:
    told = run(".venv-clients", "framework_langchain.py", url, model)
    assert told["calls"] == told["streamed"] == [{"city": "Bonn"}]
    assert told["told"] and told["cut"] and told["prefilled"]
    assert told["person"] == ["age", "name"]
