"""Agent frameworks that failed once, from their registries, each as its own program in its own environment."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateways import SandboxServer

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BROKEN = {"candidates": [{"content": {}, "finishReason": "MALFORMED_FUNCTION_CALL", "index": 0}]}


def python_of(environment: str) -> Path:
    """It must be there in CI; `./scripts/test` makes it."""
    python = ROOT / environment / "bin" / "python"
    if not python.exists() and not os.environ.get("CI"):
        pytest.skip(f"./scripts/test makes {environment}")
    return python


def run(environment: str, program: str, *arguments: str) -> Any:
    """What the program prints."""
    done = subprocess.run(
        [python_of(environment), HERE / program, *arguments], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_llamaindex(url: str) -> None:
    """Its default is one call at a time."""
    told = run(".venv-openai2", "framework_llamaindex.py", url)
    assert told["calls"] == [["weather", {"city": "Bonn"}]]
    assert told["person"] == ["age", "name"]
    assert told["agent"] == {"text": True, "tools": [{"city": "Bonn"}]}


@pytest.fixture(scope="module")
def pydantic_ai(url: str) -> Iterator[Callable[[str], Any]]:
    """What pydantic-ai's program prints for a task: one process for all of them, most of whose time is its start."""
    command = [str(python_of(".venv-clients")), str(HERE / "framework_pydantic_ai.py"), url]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, bufsize=1
        ) as process,
    ):
        assert process.stdin is not None and process.stdout is not None
        tasks, answers = process.stdin, process.stdout

        def ask(task: str) -> Any:
            tasks.write(f"{task}\n")
            if line := answers.readline():
                return json.loads(line)
            errors.seek(0)
            raise AssertionError(errors.read().decode()[-4000:])

        try:
            yield ask
            tasks.close()
            assert process.wait(60) == 0
        finally:
            process.kill()


def test_pydantic_ai_with_instructions_only(pydantic_ai: Callable[[str], Any]) -> None:
    assert pydantic_ai("instructions") == {"text": True, "seen": [1]}


def test_pydantic_ai_with_json_beside_tools(pydantic_ai: Callable[[str], Any]) -> None:
    told = pydantic_ai("output")
    assert told == {"person": ["age", "name"], "seen": ["Bonn"]}


@pytest.mark.parametrize(("times", "told"), [(1, {"text": "fine"}), (2, {"error": "ModelServerError", "status": 502})])
def test_pydantic_ai_with_a_broken_answer(
    pydantic_ai: Callable[[str], Any], sandbox: SandboxServer, times: int, told: dict[str, Any]
) -> None:
    for _ in range(times):
        sandbox.control("scripts", {"response": BROKEN})
    fine = {"content": {"role": "model", "parts": [{"text": "fine"}]}, "finishReason": "STOP", "index": 0}
    sandbox.control("scripts", {"response": {"candidates": [fine]}})
    assert pydantic_ai("broken") == told


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3.5-flash"])
def test_langchain(url: str, model: str) -> None:
    told = run(".venv-clients", "framework_langchain.py", url, model)
    assert told["calls"] == told["streamed"] == [{"city": "Bonn"}]
    assert told["told"] and told["cut"] and told["prefilled"]
    assert told["person"] == ["age", "name"]
